"""What rendering costs: WeasyPrint as one would first use it, beside the program's own way.

    python benchmarks/rendering.py [--rounds 15] [--renders 2000]

Both give the same page, tagged alike. Each recipe has a process of its own; they take turns on the
same document, and the ratio of CPU times is taken turn by turn: absolute times drift with whatever
else the machine does, ratios hardly. Then one process renders many documents and its memory is
watched.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

ROOT = Path(__file__).resolve().parent.parent
NAIVE, OURS = "naive", "ours"
# One step after the other, each with all before it.
STEPS = (NAIVE, "fonts kept", "styles kept", "own fonts only", "collector paused", OURS)
LINES = (10, 40, 100)
GOAL = 0.60
# Memory is compared from here on: before, caches still fill.
WARM = 200
MEMORY_LINES = 3
_WARM_UPS = 2


@dataclass(frozen=True)
class Press:
    """A process that renders by one recipe."""

    name: str
    process: "subprocess.Popen[str]"

    def render(self, lines: int) -> dict[str, Any]:
        """CPU seconds, bytes in memory and bytes of the PDF for one document."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{lines}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def running(name: str) -> Iterator[Press]:
    # Rendering asks no database and signs nothing; settings want the variables all the same.
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "of a benchmark, signs nothing",
        "TOKEN_KEY": "of a benchmark, signs nothing",
        "LOG_LEVEL": "ERROR",
    }
    with subprocess.Popen(
        [sys.executable, str(ROOT / "benchmarks" / "_press.py"), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        cwd=ROOT,
    ) as process:
        assert process.stdin is not None
        try:
            yield Press(name, process)
        finally:
            process.stdin.close()


def compare(names: Sequence[str], *, lines: int, rounds: int) -> dict[str, tuple[float, float]]:
    """For each recipe its median CPU seconds, and the median of its ratios to the first one's."""
    with ExitStack() as stack:
        presses = [stack.enter_context(running(name)) for name in names]
        for press in presses:
            for _ in range(_WARM_UPS):
                press.render(lines)
        turns = [[press.render(lines)["cpu"] for press in presses] for _ in range(rounds)]
    return {
        name: (
            statistics.median(turn[index] for turn in turns),
            statistics.median(turn[index] / turn[0] for turn in turns),
        )
        for index, name in enumerate(names)
    }


def memory_growth(name: str, *, renders: int) -> tuple[int, int]:
    """Bytes in memory after WARM documents and after ``renders``."""
    with running(name) as press:
        memory = [press.render(MEMORY_LINES)["memory"] for _ in range(renders)]
    # The median of a stretch: garbage comes and goes between two collections.
    return int(statistics.median(memory[WARM - 20 : WARM])), int(statistics.median(memory[-20:]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="turns for each figure")
    parser.add_argument("--renders", type=int, default=2000, help="documents to watch memory over")
    options = parser.parse_args()

    print("\nRendering: CPU of one document, by steps (10 lines)\n")
    print(f"{'recipe':<20}{'CPU ms':>10}{'to naive':>10}")
    for name, (cpu, ratio) in compare(STEPS, lines=10, rounds=options.rounds).items():
        print(f"{name:<20}{cpu * 1000:>10.0f}{ratio:>10.2f}")

    print("\nRendering: CPU of one document, by length\n")
    print(f"{'lines':<20}{'naive ms':>10}{'ours ms':>10}{'ratio':>10}")
    reached = True
    for lines in LINES:
        figures = compare((NAIVE, OURS), lines=lines, rounds=options.rounds)
        (naive, _), (ours, ratio) = figures[NAIVE], figures[OURS]
        reached = reached and ratio <= GOAL
        print(f"{lines:<20}{naive * 1000:>10.0f}{ours * 1000:>10.0f}{ratio:>10.2f}")

    print(f"\nRendering: memory of a process over {options.renders:,} documents\n")
    print(f"{'recipe':<20}{'at ' + str(WARM):>10}{'at end':>10}{'growth':>10}")
    for name in (NAIVE, OURS):
        early, late = memory_growth(name, renders=options.renders)
        growth = late / early - 1
        print(f"{name:<20}{early >> 20:>7} MB{late >> 20:>7} MB{growth:>9.1%}")
    print(f"\nGoal: at most {GOAL:.2f} of naive at every length: {'yes' if reached else 'NO'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
