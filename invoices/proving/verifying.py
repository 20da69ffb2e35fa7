"""The whole of it: every document of every series, against its rows, its chain and its files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from invoices.models import Invoice, NumberSeries
from invoices.proving.checking import CHECKS, Chain
from invoices.proving.files import Files
from invoices.proving.findings import Finding
from invoices.proving.reading import Bundle, all_series, bundles_of


def _tell_nobody(documents: int) -> None:
    pass


@dataclass(slots=True)
class Verification:
    """One look at all documents, or at those of one series. Needs a scope over all accounts.

    Iterate over ``findings``; the figures count on meanwhile. ``progress`` is called with the
    number of documents so far.
    """

    prefix: str | None = None
    files: Files | None = field(default_factory=Files)
    progress: Callable[[int], None] = _tell_nobody
    documents: int = 0
    series: int = 0

    def findings(self) -> Iterator[Finding]:
        for series in all_series(self.prefix):
            self.series += 1
            yield from self._series(series)
        if self.prefix is None:
            yield from _of_no_series()
        if self.files:
            yield from self.files.notes()

    def _series(self, series: NumberSeries) -> Iterator[Finding]:
        chain = Chain(series)
        for bundles in bundles_of(series):
            for bundle in bundles:
                yield from _said(bundle, chain)
            if self.files:
                yield from self.files.check(bundles, prefix=series.prefix)
            self.documents += len(bundles)
            self.progress(self.documents)
        for words in chain.end():
            yield Finding(series.prefix, words)


def _said(bundle: Bundle, chain: Chain) -> Iterator[Finding]:
    for words in chain.follow(bundle):
        yield Finding(bundle.number, words)
    for check in CHECKS:
        for words in check(bundle):
            yield Finding(bundle.number, words)


def _of_no_series() -> Iterator[Finding]:
    stray = Invoice.objects.filter(series=None).exclude(state=Invoice.State.DRAFT)
    for invoice in stray.order_by("pk").iterator():
        yield Finding(invoice.number or str(invoice), "it is issued and belongs to no series")
