"""What is there now against heads that were noted: any change since, whoever made it.

A head matches as long as nothing that it covers has changed, however consistently. Files stored
later, documents voided later and further numbers are no change.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from invoices.models import NumberSeries
from invoices.proving.findings import Finding
from invoices.proving.heads import Digest, Facts, Head, SeriesState, facts_of
from invoices.proving.ranges import Ranges, Within
from invoices.proving.reading import all_series

# A document's time of voiding is taken before the transaction ends that voids it: a head that was
# made in between does not know of it yet.
_VOIDING_TAKES = timedelta(minutes=10)


class _Comparison:
    """One series of one head, worked out from what is there now, document by document."""

    def __init__(self, made_at: datetime, state: SeriesState) -> None:
        self.made_at, self.state = made_at, state
        # What the head knew of and is not there: the digest alone would not tell which.
        self.lacking: list[str] = []
        self.voided_since: list[Facts] = []
        self.dated_back: dict[str, datetime] = {}
        self.stored_since = 0
        self._digest = Digest()
        self._last_hash, self._last_sequence = "", 0
        self._without_pdf = Within(state.without_pdf)
        self._without_ubl = Within(state.without_ubl)
        self._void = Within(state.void)

    def add(self, facts: Facts) -> None:
        if facts.sequence > self.state.last_sequence:
            if facts.void:
                self.voided_since.append(facts)
            return
        had_pdf = facts.sequence not in self._without_pdf
        had_ubl = facts.sequence not in self._without_ubl
        was_void = facts.sequence in self._void
        self._digest.add(facts, pdf=had_pdf, ubl=had_ubl, void=was_void)
        self._last_hash, self._last_sequence = facts.content_hash, facts.sequence
        self._tell(facts, had_pdf=had_pdf, had_ubl=had_ubl, was_void=was_void)

    def matches(self) -> bool:
        found = (self._digest.hash, self._last_hash, self._last_sequence)
        return found == (self.state.digest, self.state.last_hash, self.state.last_sequence)

    def _tell(self, facts: Facts, *, had_pdf: bool, had_ubl: bool, was_void: bool) -> None:
        if had_pdf and facts.pdf is None:
            self.lacking.append(f"{facts.number} had a stored PDF")
        if had_ubl and facts.ubl is None:
            self.lacking.append(f"{facts.number} had a stored UBL file")
        if was_void and facts.void is None:
            self.lacking.append(f"{facts.number} was void")
        if facts.void and not was_void:
            self.voided_since.append(facts)
            voided_at = datetime.fromisoformat(facts.void[0])
            if voided_at < self.made_at - _VOIDING_TAKES:
                self.dated_back[facts.number] = voided_at
        if facts.pdf and not had_pdf:
            self.stored_since += 1


def compare(heads: Sequence[Head], *, prefix: str | None = None) -> Iterator[Finding]:
    """What has changed since ``heads``, oldest first. Needs a scope over all accounts."""
    known = {series.prefix: series for series in all_series(prefix)}
    prefixes = {state.prefix for head in heads for state in head.series}
    for each in sorted(prefixes if prefix is None else prefixes & {prefix}):
        states = [
            _Comparison(head.made_at, state)
            for head in heads
            for state in head.series
            if state.prefix == each
        ]
        series = known.get(each)
        if series is None:
            last = states[-1]
            words = f"this series is gone: {_when(last)} it counted to {last.state.last_sequence}"
            yield Finding(each, words)
        else:
            yield from _series(series, states)


def _series(series: NumberSeries, comparisons: list[_Comparison]) -> Iterator[Finding]:
    for facts in facts_of(series):
        for comparison in comparisons:
            comparison.add(facts)
    own = (series.seller.code, series.kind, series.digits)
    for each in comparisons:
        if own != (each.state.seller, each.state.kind, each.state.digits):
            words = f"its seller, kind or width is not that {_when(each)}"
            yield Finding(series.prefix, words)
            break
    differing = [each for each in comparisons if not each.matches()]
    if differing:
        yield from _change(series, comparisons, differing)
    yield from _since(series, comparisons)


def _change(
    series: NumberSeries, comparisons: list[_Comparison], differing: list[_Comparison]
) -> Iterator[Finding]:
    """Where the change lies, as closely as the heads tell, and when it was made."""
    first, last = differing[0], differing[-1]
    before = comparisons[: comparisons.index(first)]
    after = comparisons[comparisons.index(last) + 1 :]
    state = first.state
    if series.last_sequence < state.last_sequence:
        yield Finding(
            series.prefix,
            f"it counts to {series.last_sequence}, and counted to {state.last_sequence}"
            f" {_when(first)}: numbers were taken back",
        )
    agrees = f", and agrees with that {_when(before[-1])}" if before else ""
    until = f"before {_at(after[0].made_at)}" if after else "now"
    yield Finding(
        series.prefix,
        f"{_where(first, before)} is not what it was: it differs from the head {_when(first)}"
        f"{agrees}. It was changed between {_at(last.made_at)} and {until}",
    )
    for words in dict.fromkeys(words for each in differing for words in each.lacking):
        yield Finding(series.prefix, f"{words} {_when(first)} and is not now")


def _where(first: _Comparison, before: list[_Comparison]) -> str:
    """The documents that the first differing head knew more of than the one before it."""
    state, former = first.state, before[-1].state if before else None
    start = former.last_sequence + 1 if former else 1
    places = []
    if start < state.last_sequence:
        places.append(f"one or more of {state.number(start)} … {state.number(state.last_sequence)}")
    elif start == state.last_sequence:
        places.append(state.number(start))
    if former and _came_later(former, state):
        places.append("a file that was stored or a document that was voided")
    return ", or ".join(places) or "a document"


def _came_later(former: SeriesState, state: SeriesState) -> bool:
    """Whether files were stored or documents voided between two heads, among those of the first."""
    end = former.last_sequence
    return any(
        _up_to(mine, end) != _up_to(theirs, end)
        for mine, theirs in (
            (former.without_pdf, state.without_pdf),
            (former.without_ubl, state.without_ubl),
            (former.void, state.void),
        )
    )


def _up_to(ranges: Ranges, end: int) -> Ranges:
    return tuple((first, min(last, end)) for first, last in ranges if first <= end)


def _since(series: NumberSeries, comparisons: Sequence[_Comparison]) -> Iterator[Finding]:
    """What came after the oldest head, rightly: told, so that a person can look at it."""
    oldest = comparisons[0]
    further = series.last_sequence - oldest.state.last_sequence
    if further > 0:
        yield _note(series, f"{further:,} further documents since {_at(oldest.made_at)}")
    if oldest.stored_since:
        yield _note(series, f"{oldest.stored_since:,} PDFs stored since {_at(oldest.made_at)}")
    yield from _voids(comparisons)


def _voids(comparisons: Sequence[_Comparison]) -> Iterator[Finding]:
    """Documents voided since the oldest head: rightly, unless that is dated before a head."""
    dated_back: dict[str, str] = {}
    for each in comparisons:
        for number, voided_at in each.dated_back.items():
            dated_back[number] = (
                f"it says that it was voided {_at(voided_at)}, and it was not void in the head"
                f" {_when(each)}"
            )
    for number, words in dated_back.items():
        yield Finding(number, words)
    for facts in comparisons[0].voided_since:
        if facts.void and facts.number not in dated_back:
            at, reason = facts.void
            words = f"voided {_at(datetime.fromisoformat(at))}: {reason}"
            yield Finding(facts.number, words, is_note=True)


def _note(series: NumberSeries, words: str) -> Finding:
    return Finding(series.prefix, words, is_note=True)


def _when(comparison: _Comparison) -> str:
    return f"of {_at(comparison.made_at)}"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
