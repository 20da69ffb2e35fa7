"""Attached documents: read from storage, checked against the row's hash, encoded once.

The mails of one document are neighbours in the queue, so a worker that keeps the last few encoded
documents reads and encodes each of them once and not once per recipient.
"""

from collections import OrderedDict

from common.storage import read_document
from mail.assembly import encode_attachment
from mail.models import OutgoingEmail

# Two recipients of one document are rarely further apart; a worker stays small.
_KEPT = 2


class Attachments:
    """The last few encoded documents of one worker, under their SHA-256."""

    def __init__(self) -> None:
        self._encoded: OrderedDict[str, bytes] = OrderedDict()

    def encoded(self, email: OutgoingEmail) -> bytes:
        """Base64 lines of the attached document; nothing for a message without one.

        Raises DocumentAltered or DocumentMissing.
        """
        if not email.has_attachment:
            return b""
        sha256 = email.attachment_sha256
        if sha256 not in self._encoded:
            self._encoded[sha256] = encode_attachment(
                read_document(email.attachment_key, sha256=sha256)
            )
            if len(self._encoded) > _KEPT:
                self._encoded.popitem(last=False)
        return self._encoded[sha256]
