"""Attached documents: read from storage, checked against the row's hash, encoded once.

The mails of one document are neighbours in the queue, so a worker that keeps the last few encoded
documents reads and encodes each of them once and not once per recipient.
"""

import hashlib
from collections import OrderedDict

from django.core.files.storage import storages

from mail.assembly import encode_attachment
from mail.models import OutgoingEmail

_STORAGE = "documents"
# Two recipients of one document are rarely further apart; a worker stays small.
_KEPT = 2


class AttachmentAltered(Exception):
    """The stored document is not the one that the message was made for."""


class Attachments:
    """The last few encoded documents of one worker, under their SHA-256."""

    def __init__(self) -> None:
        self._encoded: OrderedDict[str, bytes] = OrderedDict()

    def encoded(self, email: OutgoingEmail) -> bytes:
        """Base64 lines of the attached document; nothing for a message without one.

        Raises AttachmentAltered, or what the storage raises for a document that it does not have.
        """
        if not email.has_attachment:
            return b""
        sha256 = email.attachment_sha256
        if sha256 not in self._encoded:
            self._encoded[sha256] = encode_attachment(_read_unaltered(email))
            if len(self._encoded) > _KEPT:
                self._encoded.popitem(last=False)
        return self._encoded[sha256]


def _read_unaltered(email: OutgoingEmail) -> bytes:
    with storages[_STORAGE].open(email.attachment_key) as file:
        content: bytes = file.read()
    found = hashlib.sha256(content).hexdigest()
    if found != email.attachment_sha256:
        raise AttachmentAltered(
            f"{email.attachment_key} has the hash {found}, not {email.attachment_sha256}"
        )
    return content
