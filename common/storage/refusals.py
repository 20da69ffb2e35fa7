"""What storage refuses, and for whose sake: one document's, or that of all of them."""

from common.exceptions import DomainError


class DocumentAltered(DomainError):
    """The stored bytes are not those whose hash was recorded: they are not handed out."""


class DocumentMissing(DomainError):
    """There are no stored bytes under the recorded key."""


class StorageUnavailable(DomainError):
    """Documents can be neither stored nor read at present, and no document is to blame.

    A full disk, a bucket that does not answer, credentials that have expired: an operator mends
    it for all of them at once, and until then work waits and nothing is counted. The message is
    for logs and staff; it may name folders and servers.
    """
