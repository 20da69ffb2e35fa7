"""Rising numbers as runs, since those of a series that share something mostly lie together."""

from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]


class Gathered:
    """Numbers that come in rising order, as runs of first and last."""

    def __init__(self) -> None:
        self._runs: list[list[int]] = []

    def add(self, number: int) -> None:
        if self._runs and number == self._runs[-1][1] + 1:
            self._runs[-1][1] = number
        else:
            self._runs.append([number, number])

    def ranges(self) -> Ranges:
        return tuple((first, last) for first, last in self._runs)


class Within:
    """Whether numbers that are asked for in rising order lie in ``ranges``."""

    def __init__(self, ranges: Ranges) -> None:
        self._rest = iter(ranges)
        self._run = next(self._rest, None)

    def __contains__(self, number: int) -> bool:
        while self._run and self._run[1] < number:
            self._run = next(self._rest, None)
        return self._run is not None and self._run[0] <= number


def read_ranges(stored: Iterable[Iterable[int]]) -> Ranges:
    """Raises ValueError for what is no list of pairs of numbers."""
    runs = tuple((int(first), int(last)) for first, last in stored)
    if any(first > last for first, last in runs):
        raise ValueError(f"{runs} does not rise")
    return runs
