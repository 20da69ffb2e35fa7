"""Attached documents: read from storage, checked against the row's hash, encoded once.

The mails of one document are neighbours in the queue, so a worker that keeps the last few encoded
documents reads and encodes each of them once and not once per recipient.
"""

from collections import OrderedDict

from common.storage import StorageUnavailable, read_document
from mail.assembly import encode_attachment
from mail.models import OutgoingEmail

# Two recipients of one document are rarely further apart; a worker stays small.
_KEPT = 2


class Attachments:
    """The last few encoded documents of one round, under their SHA-256.

    Once the storage was found to be away it is left alone until the next round: an answer that does
    not come costs half a minute.
    """

    def __init__(self) -> None:
        self._encoded: OrderedDict[str, bytes] = OrderedDict()
        self.is_storage_away = False

    def are_in_reach(self, email: OutgoingEmail) -> bool:
        """Whether ``encoded`` has any prospect: messages without a document go on meanwhile."""
        return (
            not self.is_storage_away
            or not email.has_attachment
            or email.attachment_sha256 in self._encoded
        )

    def encoded(self, email: OutgoingEmail) -> bytes:
        """Base64 lines of the attached document; nothing for a message without one.

        Raises DocumentAltered, DocumentMissing or StorageUnavailable.
        """
        if not email.has_attachment:
            return b""
        sha256 = email.attachment_sha256
        if sha256 not in self._encoded:
            self._encoded[sha256] = encode_attachment(self._read(email))
            if len(self._encoded) > _KEPT:
                self._encoded.popitem(last=False)
        return self._encoded[sha256]

    def _read(self, email: OutgoingEmail) -> bytes:
        try:
            return read_document(email.attachment_key, sha256=email.attachment_sha256)
        except StorageUnavailable:
            self.is_storage_away = True
            raise
