"""Heads: the state of every series at one moment, small enough to be published elsewhere.

A head covers what the content hash covers (by the hash itself) and what it does not: the account,
the hashes of the stored files, and which documents are void and why. It also lists what was still
to come when it was made: documents without a stored file, and which were void. So what happened
rightly afterwards (files stored, documents voided, further numbers) is told from what was changed.

The digest of a series is worked out document by document, in the order of the numbers::

    digest(0) = ""
    digest(n) = SHA-256(digest(n - 1) + JSON list of the document's facts)

Whoever has noted the line of a head (``Head.line``) can prove the head, and with it every document.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Self

from django.db.models import FilteredRelation, Q

from invoices.models import Document, Invoice, NumberSeries
from invoices.parties import canonical_json
from invoices.proving.ranges import Gathered, Ranges, read_ranges
from invoices.proving.reading import all_series

# Of the shape of a head and of what the digest covers.
VERSION = 1
_ROWS_AT_ONCE = 2_000


class HeadUnreadable(ValueError):
    """Not a head, or one that was altered: its own hash does not fit."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the digest says of one document. A file that is not stored has no hash."""

    sequence: int
    number: str
    content_hash: str
    account: int
    pdf: str | None
    ubl: str | None
    # When it was voided and why; None for a document that is not void.
    void: tuple[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesState:
    """A series at the moment of a head: how far it had counted, and what was still to come."""

    prefix: str
    digits: int
    seller: str
    kind: str
    last_sequence: int
    last_date: str
    last_hash: str
    digest: str
    without_pdf: Ranges
    without_ubl: Ranges
    void: Ranges

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Raises TypeError or ValueError for what is no state of a series."""
        ranges = {name: read_ranges(stored[name]) for name in _RANGES}
        return cls(**{**stored, **ranges})

    def number(self, sequence: int) -> str:
        return f"{self.prefix}{sequence:0{self.digits}d}"


_RANGES = ("without_pdf", "without_ubl", "void")


@dataclass(frozen=True, slots=True)
class Head:
    """All series at one moment."""

    made_at: datetime
    series: tuple[SeriesState, ...]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(canonical_json(self._content())).hexdigest()

    def to_json(self) -> str:
        """One line, which ends with its own hash."""
        stored = {**self._content(), "sha256": self.sha256}
        return json.dumps(stored, separators=(",", ":"), ensure_ascii=False)

    def line(self) -> str:
        """What can be printed in a newspaper: fewer than 100 characters."""
        return f"counterfoil {_spelled(self.made_at)} {self.sha256}"

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Raises HeadUnreadable."""
        if stored.get("counterfoil_head") != VERSION:
            raise HeadUnreadable(f"not a head of version {VERSION}")
        try:
            made_at = datetime.fromisoformat(stored["made_at"])
            head = cls(made_at, tuple(map(SeriesState.from_json, stored["series"])))
        except (KeyError, TypeError, ValueError) as error:
            raise HeadUnreadable(f"{type(error).__name__}: {error}") from error
        if head.sha256 != stored.get("sha256"):
            raise HeadUnreadable("its own hash does not fit: it was altered")
        return head

    def _content(self) -> dict[str, object]:
        return {
            "counterfoil_head": VERSION,
            "made_at": _spelled(self.made_at),
            "series": [asdict(each) for each in self.series],
        }


class Digest:
    """The rolling hash of a series' documents."""

    def __init__(self) -> None:
        self.hash = ""

    def add(self, facts: Facts, *, pdf: bool = True, ubl: bool = True, void: bool = True) -> None:
        """Without what the reader of an older head leaves out: it came after that head."""
        content = [
            facts.sequence,
            facts.number,
            facts.content_hash,
            facts.account,
            facts.pdf if pdf else None,
            facts.ubl if ubl else None,
            facts.void if void else None,
        ]
        spelled = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
        self.hash = hashlib.sha256((self.hash + spelled).encode()).hexdigest()


def make_head(*, made_at: datetime, prefix: str | None = None) -> Head:
    """The state as this transaction sees it. Needs a scope over all accounts.

    A series that has given out no number yet is left out.
    """
    states = (_state_of(each) for each in all_series(prefix) if each.last_sequence)
    return Head(made_at, tuple(states))


def facts_of(series: NumberSeries) -> Iterator[Facts]:
    """The documents of ``series`` in the order of their numbers, from one statement."""
    rows = (
        Invoice.objects.filter(series=series)
        .exclude(state=Invoice.State.DRAFT)
        .annotate(pdf=_stored("pdf"), ubl=_stored("ubl"))
        .order_by("sequence", "pk")
        .values_list(
            "sequence",
            "number",
            "content_hash",
            "account__number",
            "pdf__sha256",
            "ubl__sha256",
            "voided_at",
            "void_reason",
        )
    )
    found: Iterator[Any] = rows.iterator(chunk_size=_ROWS_AT_ONCE)
    for sequence, number, content_hash, account, pdf, ubl, voided_at, reason in found:
        void = (voided_at.astimezone(UTC).isoformat(), reason) if voided_at else None
        yield Facts(sequence, number, content_hash, account, pdf, ubl, void)


def in_order(heads: Iterable[Head]) -> list[Head]:
    """Oldest first, each once."""
    return sorted({head.sha256: head for head in heads}.values(), key=lambda head: head.made_at)


def _state_of(series: NumberSeries) -> SeriesState:
    digest, last_hash = Digest(), ""
    without_pdf, without_ubl, void = Gathered(), Gathered(), Gathered()
    for facts in facts_of(series):
        digest.add(facts)
        last_hash = facts.content_hash
        for gathered, is_in in (
            (without_pdf, facts.pdf is None),
            (without_ubl, facts.ubl is None),
            (void, facts.void is not None),
        ):
            if is_in:
                gathered.add(facts.sequence)
    return SeriesState(
        prefix=series.prefix,
        digits=series.digits,
        seller=series.seller.code,
        kind=series.kind,
        last_sequence=series.last_sequence,
        last_date=str(series.last_issue_date),
        last_hash=last_hash,
        digest=digest.hash,
        without_pdf=without_pdf.ranges(),
        without_ubl=without_ubl.ranges(),
        void=void.ranges(),
    )


def _stored(kind: str) -> FilteredRelation:
    return FilteredRelation(
        "documents", condition=Q(documents__kind=kind, documents__state=Document.State.STORED)
    )


def _spelled(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
