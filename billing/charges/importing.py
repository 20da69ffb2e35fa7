"""Taking a file of charges: checked whole, then taken at once or not at all."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from audit.actions import Action
from audit.recording import Actor, record
from billing.charges import judging, staging
from billing.charges.checking import Refused, RowCheck
from billing.charges.fields import (
    FileRefused,
    Listener,
    Phase,
    Progress,
    Reason,
)
from billing.charges.layout import AccountsBy, Layout
from billing.charges.new_accounts import open_missing_accounts
from billing.charges.reading import Row, Source, read_rows
from common.scoping import all_accounts_scope
from invoices.models import Seller

# The clock is looked at once in so many rows, and progress told this often.
_ROWS_A_LOOK = 500
_SECONDS_A_TELLING = 0.2


@dataclass(frozen=True, slots=True)
class Choices:
    """What the operator decides about a file that has refused or unknown things in it.

    ``source`` names the system that the file comes from and keeps its charge ids apart from those
    of others. ``with_cells`` asks for the cells of refused rows.
    """

    accept_valid: bool = False
    create_accounts: bool = False
    dry_run: bool = False
    source: str = ""
    with_cells: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file. ``net`` is by currency, each line rounded on its own, half up.

    Where ``is_taken`` is false nothing was taken, and ``taken``, ``accounts``, ``opened`` and
    ``net`` say what would have been.
    """

    is_taken: bool
    rows: int
    refused: Mapping[Reason, int]
    taken: int
    taken_before: int
    accounts: int
    opened: int
    net: Mapping[str, Decimal]
    sha256: str

    @property
    def refused_rows(self) -> int:
        return sum(self.refused.values())


def import_charges(
    source: Source,
    *,
    layout: Layout,
    choices: Choices,
    actor: Actor,
    listener: Listener,
) -> Outcome:
    """Check every row of ``source`` and take the good ones as billing entries.

    One transaction: with refused rows and without ``accept_valid``, or on a dry run, nothing is
    written. Rows that were taken before are counted and left alone. Raises FileRefused when the
    file's form is wrong.
    """
    if choices.create_accounts and layout.accounts_by is AccountsBy.NUMBER:
        raise FileRefused("--create-accounts needs references: new accounts get their own numbers.")
    reading = _Reading(source, listener, with_cells=choices.with_cells)
    with all_accounts_scope("charges are imported for every account"):
        check = reading.begin(layout)
        staging.stage(reading.staged_rows(check), source=choices.source)
        outcome = _judged(reading, layout, choices)
        for refusal in staging.refusals():
            listener.refuse(refusal)
        if outcome.is_taken:
            reading.tell(Phase.TAKING)
            _take(outcome, layout=layout, actor=actor)
            _record(outcome, source=source, choices=choices, actor=actor)
    return outcome


def _judged(reading: "_Reading", layout: Layout, choices: Choices) -> Outcome:
    """Refuse what only the database can tell; what is to become of the file."""
    reading.tell(Phase.CHECKING)
    judging.take_turn()
    judging.resolve_accounts(by=layout.accounts_by)
    judging.refuse_ambiguous_accounts()
    if not choices.create_accounts:
        judging.refuse_unknown_accounts()
    judging.refuse_repeated_charge_ids()
    judging.refuse_without_country()
    judging.number_charges()
    judging.refuse_changed_charges()
    refused = staging.count_refusals()
    fresh = judging.sum_up_fresh()
    return Outcome(
        is_taken=not choices.dry_run and (choices.accept_valid or not refused),
        rows=reading.rows,
        refused=refused,
        taken=fresh.rows,
        taken_before=reading.rows - sum(refused.values()) - fresh.rows,
        accounts=fresh.accounts,
        opened=fresh.accounts_to_open,
        net=fresh.net,
        sha256=reading.source.sha256,
    )


def _take(outcome: Outcome, *, layout: Layout, actor: Actor) -> None:
    """Open the missing accounts and write the entries: exactly what was summed up."""
    opened = open_missing_accounts(actor=actor) if outcome.opened else 0
    if opened:
        judging.resolve_accounts(by=layout.accounts_by)
    taken = judging.take_charges()
    if (taken, opened) != (outcome.taken, outcome.opened):
        raise RuntimeError(
            f"{taken} charges and {opened} accounts were written where {outcome.taken} and"
            f" {outcome.opened} had been counted"
        )


def _record(outcome: Outcome, *, source: Source, choices: Choices, actor: Actor) -> None:
    record(
        Action.CHARGES_IMPORTED,
        actor=actor,
        subject=source.name,
        details={
            "sha256": outcome.sha256,
            "source": choices.source,
            "rows": outcome.rows,
            "refused": dict(outcome.refused),
            "taken": outcome.taken,
            "taken_before": outcome.taken_before,
            "accounts": outcome.accounts,
            "opened": outcome.opened,
            "net": dict(outcome.net),
        },
    )


@dataclass(slots=True)
class _Reading:
    """One pass over the file: what it holds is known when the pass is over."""

    source: Source
    listener: Listener
    with_cells: bool
    rows: int = 0
    refused: int = 0
    _found: Iterator[Row] = field(default=iter(()))
    _told_at: float = 0.0

    def begin(self, layout: Layout) -> RowCheck:
        """Read the header. Raises FileRefused if it does not fit ``layout``."""
        self._found = read_rows(self.source, encoding=layout.encoding, delimiter=layout.delimiter)
        header = next(self._found, None)
        if header is None:
            raise FileRefused(f"{self.source.name} is empty: not even a header.")
        if header.fault:
            raise FileRefused(f"the header {header.fault}.")
        sellers = dict(Seller.objects.order_by("code").values_list("code", "pk"))
        layout = layout.with_only_seller(tuple(sellers))
        places = layout.locate(header.cells)
        used = set(places.values())
        ignored = [name for place, name in enumerate(header.cells) if place not in used]
        self.listener.begin(header.cells, ignored=ignored)
        return RowCheck(layout, places, len(header.cells), sellers)

    def staged_rows(self, check: RowCheck) -> Iterator[staging.StagedRow]:
        for row in self._found:
            checked = check.check(row)
            self.rows += 1
            self.refused += isinstance(checked, Refused)
            if self.rows % _ROWS_A_LOOK == 0:
                self._tell_now_and_then()
            yield staging.StagedRow(checked, row.cells if self.with_cells else None)

    def tell(self, phase: Phase) -> None:
        self.listener.progress(
            Progress(phase, self.rows, self.refused, self.source.bytes_read, self.source.size)
        )

    def _tell_now_and_then(self) -> None:
        now = time.monotonic()
        if now - self._told_at >= _SECONDS_A_TELLING:
            self._told_at = now
            self.tell(Phase.READING)
