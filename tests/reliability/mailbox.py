"""The mail server of the tests of faults: what it accepted, kept as a ledger."""

import hashlib
import time
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesHeaderParser
from functools import cached_property

from aiosmtpd.smtp import Envelope

from tests.mail.sink import Sink

_headers = BytesHeaderParser(policy=policy.SMTP)


@dataclass(frozen=True)
class Copy:
    """One message that the server took responsibility for, for one recipient.

    ``content`` is empty where the ledger was told to keep none.
    """

    recipient: str
    sha256: str
    head: bytes
    content: bytes
    at: float

    @cached_property
    def message_id(self) -> str:
        return str(_headers.parsebytes(self.head)["Message-ID"])


@dataclass
class Ledger(Sink):
    """A sink that keeps of each message what tells copies apart.

    ``keeps_contents=False`` is for long runs: ten thousand documents do not fit into memory.
    """

    keeps_contents: bool = True
    copies: list[Copy] = field(default_factory=list)

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.content
        assert isinstance(content, bytes)
        self.copies += [
            Copy(
                recipient=recipient,
                sha256=hashlib.sha256(content).hexdigest(),
                head=content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n",
                content=content if self.keeps_contents else b"",
                at=time.monotonic(),
            )
            for recipient in envelope.rcpt_tos
        ]
        if self.keeps_contents:
            super()._keep(envelope)
