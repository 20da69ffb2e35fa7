"""Watching a run from outside: how far it is, what is in hand for how long, whether it moves."""

import time
from dataclasses import dataclass, field

from tests.reliability.installation import Installation


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. Parked and failed rows count as through: people see them."""

    customers: int
    runs: int = 0
    drafted: int = 0
    issued: int = 0
    documents: int = 0
    stored: int = 0
    messages: int = 0
    delivered: int = 0
    unfinished: int = 0

    @property
    def share_out(self) -> float:
        """Of rendering and delivering, with two messages to each document."""
        return (self.stored + self.delivered) / (3 * self.customers)

    @property
    def is_finished(self) -> bool:
        return bool(self.runs) and not self.unfinished

    def in_words(self) -> str:
        of = f"{self.customers:,}"
        if self.issued < self.customers:
            return f"drafted {self.drafted:,}, issued {self.issued:,} of {of}"
        return f"stored {self.stored:,} of {of}, delivered {self.delivered:,}"


@dataclass
class Watch:
    """Looks at the rows again and again. Times are seconds since it was made."""

    installation: Installation
    customers: int
    began: float = field(default_factory=time.monotonic)
    progress: Progress = field(init=False)
    # When each step was through for all.
    through: dict[str, float] = field(default_factory=dict)
    # The longest that any row was in hand or broken off, from when that was first seen.
    longest_in_hand: float = 0.0
    longest_row: str = ""
    # The longest without any row getting further.
    longest_still: float = 0.0
    _moved_at: float = field(init=False)
    _in_hand_since: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.progress = Progress(self.customers)
        self._moved_at = self.began

    def look(self) -> Progress:
        """Raises psycopg.OperationalError while PostgreSQL is away."""
        counts = Progress(self.customers, *self.installation.sql(_PROGRESS)[0])
        in_hand = {row for (row,) in self.installation.sql(_IN_HAND)}
        now = time.monotonic()
        self._note_movement(counts, now)
        self._note_rows(in_hand, now)
        self._note_steps(counts, now)
        self.progress = counts
        return counts

    def still_for(self) -> float:
        return time.monotonic() - self._moved_at

    def in_hand(self) -> dict[str, float]:
        """Rows that are in hand now or were broken off, and for how long."""
        now = time.monotonic()
        return {row: now - since for row, since in self._in_hand_since.items()}

    def _note_movement(self, counts: Progress, now: float) -> None:
        if counts != self.progress:
            self.longest_still = max(self.longest_still, now - self._moved_at)
            self._moved_at = now

    def _note_rows(self, in_hand: set[str], now: float) -> None:
        for row, since in self._in_hand_since.items():
            if now - since > self.longest_in_hand:
                self.longest_in_hand, self.longest_row = now - since, row
        self._in_hand_since = {row: self._in_hand_since.get(row, now) for row in in_hand}

    def _note_steps(self, counts: Progress, now: float) -> None:
        done = {
            "drafted": counts.drafted >= self.customers,
            "issued": counts.issued >= self.customers,
            "stored": bool(counts.documents) and counts.stored >= self.customers,
            "delivered": counts.is_finished,
        }
        for step, is_through in done.items():
            if is_through:
                self.through.setdefault(step, now - self.began)


# Columns in the order of ``Progress``.
_PROGRESS = """
    WITH item AS (
        SELECT count(*) FILTER (WHERE state NOT IN ('pending', 'drafting')) AS drafted,
               count(*) FILTER (WHERE state IN ('issued', 'parked')) AS issued,
               count(*) FILTER (WHERE state IN ('pending', 'drafting', 'approved', 'issuing'))
                   AS unfinished
        FROM billing_billingrunitem
    ), run AS (
        SELECT count(*) FILTER (
                   WHERE EXISTS (SELECT FROM billing_billingrunitem WHERE run_id = run.id)
               ) AS count,
               count(*) FILTER (WHERE state IN ('drafting', 'issuing')) AS unfinished
        FROM billing_billingrun run
    ), document AS (
        SELECT count(*) AS count, count(*) FILTER (WHERE state IN ('stored', 'parked')) AS stored
        FROM invoices_document WHERE kind = 'pdf'
    ), message AS (
        SELECT count(*) AS count,
               count(*) FILTER (WHERE state IN ('sent', 'failed', 'withheld')) AS delivered
        FROM mail_outgoingemail
    )
    SELECT run.count, item.drafted, item.issued, document.count, document.stored,
           message.count, message.delivered,
           run.unfinished + item.unfinished + document.count - document.stored
           + message.count - message.delivered
    FROM item, run, document, message
"""
_IN_HAND = """
    SELECT 'account item ' || id FROM billing_billingrunitem
    WHERE state IN ('drafting', 'issuing')
       OR (state IN ('pending', 'approved') AND attempts > 0)
    UNION ALL
    SELECT 'document ' || id FROM invoices_document
    WHERE state = 'rendering' OR (state = 'pending' AND attempts > 0)
    UNION ALL
    SELECT 'message ' || id FROM mail_outgoingemail
    WHERE state IN ('sending', 'deferred', 'uncertain') OR (state = 'queued' AND attempts > 0)
"""
