"""What packages above this one know that it must ask, named by them at start."""

from common.hooks import Hook

# () -> Iterable[SeriesHead]: how far each series has counted. Needs no scope.
SERIES_HEADS = Hook()
# () -> Iterable[StoredDocument]: what rows refer to in the documents' storage. Read as the owner
# role, or in a scope over all accounts.
REFERRED_DOCUMENTS = Hook()
# (Acknowledgement) -> str: what follows from acknowledging a setback, in its transaction; says in a
# sentence what was done, or nothing.
ACKNOWLEDGED = Hook()
