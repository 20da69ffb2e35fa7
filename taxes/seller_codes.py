"""Which sellers there are: told by the package above, which has them (docs/decisions/0022)."""

from collections.abc import Callable, Iterable

_sources: list[Callable[[], Iterable[str]]] = []


def provide(codes: Callable[[], Iterable[str]]) -> None:
    """Name a source of sellers' codes, which is asked each time; at start, by ``AppConfig``."""
    _sources.append(codes)


def seller_codes() -> list[str]:
    """The codes of all sellers at this moment, in order."""
    return sorted({code for codes in _sources for code in codes()})
