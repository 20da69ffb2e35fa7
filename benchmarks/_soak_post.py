"""The soak's mail server: a process of its own that enters what it accepts into a book on disk.

    python -m benchmarks._soak_post FOLDER KEEP_ONE_IN

It prints its port and ends when its standard input does, and so with whoever started it. The book
has a line for each message and recipient. Contents are kept of one message in ``KEEP_ONE_IN``, by
their hash, so that a second copy is chosen as the first was.
"""

import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from aiosmtpd.smtp import Envelope

from benchmarks._installation import ROOT
from tests.mail.sink import Sink, listening
from tests.reliability.mailbox import Copy

_BOOK = "book.jsonl"
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<[^>]+>)", flags=re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Post:
    """What the server has accepted so far, and where programs reach it."""

    folder: Path
    port: int

    def copies(self) -> list[Copy]:
        """In the order of their coming; their heads hold nothing but the Message-ID."""
        with (self.folder / _BOOK).open() as book:
            return [self._copy(**json.loads(line)) for line in book]

    def _copy(self, *, recipient: str, sha256: str, message_id: str, at: float) -> Copy:
        content = self.folder / sha256
        return Copy(
            recipient=recipient,
            sha256=sha256,
            head=f"Message-ID: {message_id}\r\n\r\n".encode(),
            content=content.read_bytes() if content.exists() else b"",
            at=at,
        )


@contextmanager
def running_post(folder: Path, *, keep_one_in: int) -> Iterator[Post]:
    """Listens until the end of the block. Its book stays in ``folder``."""
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks._soak_post", str(folder), str(keep_one_in)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C is for the one who started it, who still has workers to stop.
        start_new_session=True,
    )
    # Leaving the block closes its standard input, and waits.
    with process:
        assert process.stdout is not None
        yield Post(folder, int(process.stdout.readline()))


@dataclass
class _Bookkeeper(Sink):
    folder: Path = Path()
    keep_one_in: int = 1
    book: TextIO = field(default_factory=lambda: sys.stderr)

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.content
        assert isinstance(content, bytes)
        digest = hashlib.sha256(content)
        if int.from_bytes(digest.digest()[:4]) % self.keep_one_in == 0:
            (self.folder / digest.hexdigest()).write_bytes(content)
        head, _, _ = content.partition(b"\r\n\r\n")
        found = _MESSAGE_ID.search(head)
        for recipient in envelope.rcpt_tos:
            entry = {
                "recipient": recipient,
                "sha256": digest.hexdigest(),
                "message_id": found[1].decode() if found else "",
                "at": time.monotonic(),
            }
            # In the book before the server says that it has taken the message.
            self.book.write(json.dumps(entry) + "\n")
            self.book.flush()


def main(folder: Path, keep_one_in: int) -> None:
    with (folder / _BOOK).open("w") as book:
        sink = _Bookkeeper(folder=folder, keep_one_in=keep_one_in, book=book)
        with listening(sink):
            print(sink.port, flush=True)
            sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
