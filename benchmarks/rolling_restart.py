"""A new release takes over while a billing run goes on: what that loses, doubles or refuses.

    python benchmarks/rolling_restart.py --old v1.2 [--invoices 300]

The release that git knows as ``--old`` makes the schema, starts its web, workers and beat, and a
billing run. Under that run the code of this checkout migrates the database, and takes over program
by program: the new one is started beside the old one, both work, and the old one is told to stop.
Meanwhile a customer signs in and opens pages without a pause. Ends with an error when anything is
lost, doubled or refused. Needs git, and the packages of this environment must do for both.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._installation import ROOT, end_in_order
from benchmarks._rolling_releases import Release, unpacked
from benchmarks._rolling_run import Outcome, replace

_SLOWEST_SECONDS = 3.0


class Fact(NamedTuple):
    name: str
    wanted: str
    found: str
    holds: bool


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--old", required=True, metavar="REF", help="commit or tag to start from")
    parser.add_argument("--invoices", type=int, default=300, metavar="N")
    options = parser.parse_args(arguments)
    end_in_order()
    with unpacked(options.old) as old:
        outcome = replace(old, Release("new", ROOT), invoices=options.invoices, say=_say)
    found = list(_facts(outcome, options.invoices))
    for line in _table(outcome, found):
        print(line)
    for name, violations in outcome.judgement.violations.items():
        for violation in violations[:5]:
            print(f"{name}: {violation}")
    for failure in outcome.visitor.failures[:5]:
        print(f"refused: {failure}")
    return 0 if all(fact.holds for fact in found) else 1


def _facts(outcome: Outcome, invoices: int) -> Iterator[Fact]:
    figures, visitor = outcome.judgement.figures, outcome.visitor
    broken = [name for name, found in outcome.judgement.violations.items() if found]
    checks = len(outcome.judgement.violations)
    yield Fact("invariants that hold", f"{checks}", f"{checks - len(broken)}", not broken)
    issued = figures.documents
    yield Fact("documents issued and stored", f"{invoices:,}", f"{issued:,}", issued == invoices)
    accepted, wanted = figures.accepted, 2 * invoices
    yield Fact("messages accepted", f"{wanted:,}", f"{accepted:,}", accepted == wanted)
    copies = figures.second_copies
    yield Fact("second copies", "0", f"{copies:,}", copies == 0)
    failures = len(visitor.failures)
    yield Fact("requests that failed", "0", f"{failures:,} of {visitor.answered:,}", failures == 0)
    is_quick = visitor.slowest <= _SLOWEST_SECONDS
    yield Fact("slowest request, redirects included", "≤ 3 s", f"{visitor.slowest:.1f} s", is_quick)
    status = outcome.bill_status
    yield Fact("the old release's billing command ended with", "0", f"{status}", status == 0)
    for name, (before, after) in outcome.tasks.items():
        both = bool(before and after)
        yield Fact(f"tasks of {name}, old and new", "both", f"{before:,} and {after:,}", both)
    is_under_way = not outcome.is_stuck and not outcome.steps[-1].progress.is_finished
    yield Fact("the run went on to the last replacement", "yes", _yes(is_under_way), is_under_way)


def _table(outcome: Outcome, found: Sequence[Fact]) -> Iterator[str]:
    yield f"{'':46} {'must be':>10} {'is':>16}"
    for fact in found:
        mark = "" if fact.holds else "   <— BROKEN"
        yield f"{fact.name:46} {fact.wanted:>10} {fact.found:>16}{mark}"
    yield ""
    yield f"{'':18} {'at s':>6} {'took s':>7}   how far the run was then"
    for step in outcome.steps:
        words = step.progress.in_words()
        yield f"{step.what:18} {step.at:6.1f} {step.seconds:7.1f}   {words}"
    yield f"{'all delivered':18} {outcome.seconds:6.1f}"


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _say(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        # Everything has been stopped on the way here.
        sys.exit(130)
