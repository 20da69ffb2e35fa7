"""What packages above another one contribute to it, named by them at start and called by name.

A package that lies below cannot import what it must ask. Whoever knows names a function by its
dotted path in ``AppConfig.ready()``, before models may be imported; it is imported when it is first
called. The hooks themselves stand in the package that asks, in files of their own.
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
