"""What a soak must show, beside what it showed."""

from collections.abc import Iterator
from typing import NamedTuple

from benchmarks._soak_faults import Faults
from benchmarks._soak_run import STUCK_SECONDS, Outcome, Plan

# Goals for the disturbed run (docs/reliability.md).
_MOST_COPIES_SHARE = 0.01
_MOST_TIMES_LONGER = 2.0
# A dead worker's lease of 180 s ends no sooner in a short run: its time is shown and not judged.
_JUDGED_FROM_SECONDS = 600.0


class Fact(NamedTuple):
    """Something that must hold: what is wanted, what was found, and whether it holds."""

    name: str
    wanted: str
    found: str
    holds: bool


def facts(plan: Plan, disturbed: Outcome, undisturbed: Outcome | None) -> Iterator[Fact]:
    """Every line of the table that is judged."""
    for outcome, name in ((disturbed, ""), (undisturbed, "undisturbed: ")):
        if outcome:
            yield from _invariants(outcome, plan, name)
            yield from _losses(outcome, name)
    yield from _limits(disturbed)
    if undisturbed:
        ratio = disturbed.seconds / undisturbed.seconds
        if undisturbed.seconds >= _JUDGED_FROM_SECONDS:
            is_short = ratio <= _MOST_TIMES_LONGER
            yield Fact("time, times the undisturbed", "≤ 2", f"{ratio:.2f}", is_short)
        else:
            yield Fact("time, times the undisturbed", "too short", f"{ratio:.2f}", holds=True)


def table(plan: Plan, disturbed: Outcome, undisturbed: Outcome | None) -> Iterator[str]:
    """Lines to print."""
    yield f"{plan.invoices:,} invoices × 2 recipients, seed {plan.seed}"
    yield ""
    yield f"{'':52} {'must be':>10} {'is':>22}"
    for fact in facts(plan, disturbed, undisturbed):
        mark = "" if fact.holds else "   <— BROKEN"
        yield f"{fact.name:52} {fact.wanted:>10} {fact.found:>22}{mark}"
    yield ""
    if disturbed.faults:
        yield from _faults(disturbed.faults)
        yield ""
    yield from _times(disturbed, undisturbed)


def violations(outcome: Outcome) -> Iterator[str]:
    """Examples of what does not hold."""
    for name, found in outcome.violations.items():
        yield f"{name}: {len(found)}"
        yield from (f"    {violation}" for violation in found[:5])


def _invariants(outcome: Outcome, plan: Plan, prefix: str) -> Iterator[Fact]:
    figures = outcome.judgement.figures
    opened = min(plan.texts, figures.stored)
    judged = {
        "I1, every charge is billed once": f"{figures.charges:,} charges",
        "I1, what was handed in is billed": f"{figures.charges:,} charges",
        "I1, documents add up": f"{figures.documents:,} documents",
        "I2, numbers are 1 to N in one chain": f"{figures.documents:,} numbers",
        "I3, issued rows never change": f"{outcome.frozen_rows:,} rows",
        "I4, each document has its file": f"{figures.stored:,} files",
        "I4, each file says number and total": f"{opened:,} files opened",
        "I4, no other files stay": f"{figures.leftovers:,} passing files",
        "I5, mail arrived or visibly failed": f"{figures.deliveries:,} messages",
        "I6, copies are few and the same": f"{figures.accepted:,} accepted",
        "I6, mail carries its document": f"{outcome.opened:,} messages opened",
        "I8, nothing is stuck": "stuck" if outcome.is_stuck else "nothing",
    }
    for name, broken in outcome.judgement.violations.items():
        if prefix and not broken:
            continue
        found = f"{len(broken):,} violations" if broken else judged.get(name, "holds")
        yield Fact(prefix + name, "holds", found, holds=not broken)


def _losses(outcome: Outcome, prefix: str) -> Iterator[Fact]:
    losses = outcome.losses
    for name, count in (
        ("lost: charges, documents, messages", losses.lost),
        ("double: charges, documents, messages", losses.double),
        ("gaps in numbers", losses.gaps),
        ("altered: rows, files, messages", losses.altered),
    ):
        if not prefix or count:
            yield Fact(prefix + name, "0", f"{count:,}", count == 0)


def _limits(outcome: Outcome) -> Iterator[Fact]:
    figures, faults, watch = outcome.judgement.figures, outcome.faults, outcome.watch
    copies = figures.second_copies
    kills = faults.count if faults else 0
    share = copies / max(1, figures.deliveries)
    yield Fact("second copies of a message", f"≤ {kills:,} kills", f"{copies:,}", copies <= kills)
    few = share <= _MOST_COPIES_SHARE
    yield Fact("second copies, of all messages", "≤ 1 %", f"{share:.2%}", few)
    yield Fact("most copies of one message", "≤ 5", f"{figures.most_copies}", True)
    row = f"{watch.longest_in_hand:.0f} s, {watch.longest_row.rpartition(' ')[0]}"
    in_time = watch.longest_in_hand <= STUCK_SECONDS
    yield Fact("longest that a row was in hand or broken off", "≤ 600 s", row, in_time)
    still, moves = f"{watch.longest_still:.0f} s", watch.longest_still <= STUCK_SECONDS
    yield Fact("longest that nothing got further", "≤ 600 s", still, moves)
    count = figures.failed + figures.parked
    yield Fact("parked rows and failed messages", "0", f"{count:,}", count == 0)


def _faults(faults: Faults) -> Iterator[str]:
    yield f"{'kill -9 of a process chosen at random':44} {'main':>6} {'child':>6}"
    for name in sorted({name for name, _ in faults.strokes}):
        main, child = faults.strokes[name, "main"], faults.strokes[name, "child"]
        yield f"  {name:42} {main:6,} {child:6,}"
    for words, count in (
        ("children ended when their main was gone", faults.orphans),
        ("programs started again", faults.restarts),
        ("programs that ended by themselves", faults.ended_alone.total()),
        ("Redis stopped and started empty", faults.redis_emptied),
        ("PostgreSQL stopped at once and started", faults.postgres_crashed),
    ):
        yield f"{words:44} {count:6,}"


def _times(disturbed: Outcome, undisturbed: Outcome | None) -> Iterator[str]:
    """Seconds since the billing command was started, and before that."""
    columns = [outcome for outcome in (undisturbed, disturbed) if outcome]
    names = ["undisturbed", "disturbed"][-len(columns) :]
    yield f"{'seconds':44}" + "".join(f"{name:>12}" for name in names)
    for step in ("drafted", "issued", "stored", "delivered"):
        cells = [outcome.watch.through.get(step) for outcome in columns]
        yield f"all {step:40}" + "".join(f"{_seconds(cell):>12}" for cell in cells)
    for words, values in (
        ("staging customers (before)", [outcome.staging for outcome in columns]),
        ("importing charges (before)", [outcome.importing for outcome in columns]),
        ("processor time of the machine", [outcome.cpu for outcome in columns]),
    ):
        yield f"{words:44}" + "".join(f"{_seconds(value):>12}" for value in values)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:,.0f}"
