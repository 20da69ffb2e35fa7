"""Where documents lie: a folder or a bucket, both whole or absent, private, never overwritten.

The bucket's class is not named here: whoever keeps documents in a folder need not load boto.
"""

from common.storage.documents import StoredDocument, read_document, store_document
from common.storage.filesystem import DurableFileSystemStorage
from common.storage.refusals import DocumentAltered, DocumentMissing, StorageUnavailable

__all__ = [
    "DocumentAltered",
    "DocumentMissing",
    "DurableFileSystemStorage",
    "StorageUnavailable",
    "StoredDocument",
    "read_document",
    "store_document",
]
