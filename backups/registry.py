"""What packages above this one contribute, named by them at start and called by name.

This package lies below mail and invoices, and cannot import what it must ask them. Each names a
function by its dotted path in ``AppConfig.ready()``, before models may be imported; it is imported
when it is first called.
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.utils.module_loading import import_string


class Hook:
    """Functions of packages above, in the order in which the packages are installed."""

    def __init__(self) -> None:
        self._paths: list[str] = []

    def provide(self, path: str) -> None:
        """Name a function by its dotted path."""
        if path not in self._paths:
            self._paths.append(path)

    def functions(self) -> Iterator[Callable[..., Any]]:
        for path in self._paths:
            yield import_string(path)


# () -> Iterable[SeriesHead]: how far each series has counted. Needs no scope.
SERIES_HEADS = Hook()
# () -> Iterable[StoredDocument]: what rows refer to in the documents' storage. Read as the owner
# role, or in a scope over all accounts.
REFERRED_DOCUMENTS = Hook()
# (Acknowledgement) -> str: what follows from acknowledging a setback, in its transaction; says in a
# sentence what was done, or nothing.
ACKNOWLEDGED = Hook()
