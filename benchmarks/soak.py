"""The main job while its processes are killed: nothing lost, nothing twice, and how much longer.

    python benchmarks/soak.py [--invoices 10000] [--kill-every 2] [--seed 1] [--no-undisturbed]

The same run twice, each in an installation of its own with the processes that an operator runs:
once left alone, once with a random process of the workers or of the billing command killed -9 every
two seconds, Redis emptied once and PostgreSQL crashed once. No clock is moved: leases last as long
as they do. Both are judged from outside by what the tests of faults are judged by. Ends with an
error when something does not hold. At full size it takes an hour or two, and ``make bench`` passes
it over.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._installation import end_in_order
from benchmarks._soak_report import facts, table, violations
from benchmarks._soak_run import Plan, Say, run


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    end_in_order()
    plan = Plan(options.invoices, options.kill_every, options.seed, options.texts)
    undisturbed = None
    if options.undisturbed:
        undisturbed = run(plan, disturbed=False, say=_say("undisturbed"))
    disturbed = run(plan, disturbed=True, say=_say("disturbed"))
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors")
    for line in table(plan, disturbed, undisturbed):
        print(line)
    for outcome in (undisturbed, disturbed):
        for line in violations(outcome) if outcome else ():
            print(line)
    broken = [fact.name for fact in facts(plan, disturbed, undisturbed) if not fact.holds]
    if broken:
        print(f"\nNOT AS IT MUST BE: {'; '.join(broken)}")
    return 1 if broken else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--invoices", type=int, default=10_000, metavar="N")
    parser.add_argument("--kill-every", type=float, default=2.0, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=1, help="of the choice of victims")
    parser.add_argument(
        "--texts", type=int, default=500, metavar="N", help="how many PDFs to open and read"
    )
    parser.add_argument(
        "--no-undisturbed",
        dest="undisturbed",
        action="store_false",
        help="leave out the run that is compared with",
    )
    return parser.parse_args(arguments)


def _say(name: str) -> Say:
    def say(text: str) -> None:
        print(f"… {name}: {text}", file=sys.stderr, flush=True)

    return say


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        # Everything has been stopped on the way here.
        sys.exit(130)
