"""Rates in memory: which percentage a country charged on a day. Pure."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from taxes.vocabulary import RateClass


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A percentage (17.5 for 17.5 %) from ``valid_from`` until the next one of the same key.

    ``percent`` None ends the one before without naming another: from then on no rate is known.
    """

    country: str
    rate_class: RateClass
    percent: Decimal | None
    valid_from: date
    source: str = ""

    @property
    def key(self) -> tuple[str, RateClass, date]:
        return self.country, self.rate_class, self.valid_from


@dataclass(frozen=True)
class _History:
    """The rates of one country and class, oldest first."""

    starts: tuple[date, ...]
    percents: tuple[Decimal | None, ...]

    def percent(self, on: date) -> Decimal | None:
        past = bisect_right(self.starts, on)
        return self.percents[past - 1] if past else None


class RateTable:
    """Every rate that is known; built once per run, then only read."""

    def __init__(self, rates: Iterable[Rate]) -> None:
        grouped: dict[tuple[str, RateClass], list[Rate]] = defaultdict(list)
        for rate in rates:
            grouped[rate.country, rate.rate_class].append(rate)
        self._histories: Mapping[tuple[str, RateClass], _History] = {
            key: _history(group) for key, group in grouped.items()
        }

    def percent(self, country: str, *, rate_class: RateClass, on: date) -> Decimal | None:
        """The percentage in force in ``country`` on a day, or None if the table has none."""
        history = self._histories.get((country, rate_class))
        return history.percent(on) if history else None


def _history(rates: Iterable[Rate]) -> _History:
    ordered = sorted(rates, key=lambda rate: rate.valid_from)
    return _History(
        starts=tuple(rate.valid_from for rate in ordered),
        percents=tuple(rate.percent for rate in ordered),
    )
