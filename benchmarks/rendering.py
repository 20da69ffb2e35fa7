"""What rendering costs: the program's way beside WeasyPrint as one would first use it, and others.

    python benchmarks/rendering.py [--rounds 15] [--renders 2000]

WeasyPrint makes the same file both ways: tagged, PDF/A-3a, with the e-invoice in it. Chromium,
fpdf2 and ReportLab make the same page and neither archive it nor embed anything. Each recipe has a
process of its own; they take turns on the same document, and the ratio of CPU times is taken turn
by turn: absolute times drift with whatever else the machine does, ratios hardly. Then one process
renders many documents and its memory is watched, and two processes are timed beside one.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

ROOT = Path(__file__).resolve().parent.parent
NAIVE, OURS = "naive", "ours"
# One step after the other, each with all before it.
STEPS = (
    *(NAIVE, "naive, plain PDF", "fonts kept", "styles kept", "own fonts only"),
    *("collector paused", OURS),
)
OTHERS = ("Chromium", "fpdf2", "ReportLab")
PROGRAMS = (NAIVE, OURS, *OTHERS)
LINES = (10, 40, 100, 1000)
# A turn of five long documents takes half a minute.
LONG, LONG_ROUNDS = 1000, 3
GOAL = 0.60
MOST_GROWTH = 0.05
# With two processes on two cores.
GOAL_SPEED_UP = 1.9
SPEED_UP_RENDERS, SPEED_UP_LINES, SPEED_UP_ROUNDS = 40, 10, 5
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
        self.ask(lines)
        return self.answer()

    def ask(self, lines: int) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{lines}\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
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
        "TWO_FACTOR_KEY": "of a benchmark, encrypts nothing",
        "LOG_LEVEL": "ERROR",
    }
    module = "_others" if name in OTHERS else "_weasyprint"
    with subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{module}", name],
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
            for _ in range(_WARM_UPS if lines < LONG else 1):
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


def speed_up() -> float:
    """How many times as much two processes make as one in the same time; the median of turns."""
    with running(OURS) as first, running(OURS) as second:
        for press in (first, second):
            press.render(SPEED_UP_LINES)
        turns = []
        for _ in range(SPEED_UP_ROUNDS):
            alone = _seconds((first,))
            turns.append(2 * alone / _seconds((first, second)))
    return statistics.median(turns)


def _seconds(presses: Sequence[Press]) -> float:
    """How long it takes until each has rendered its documents, all at the same time."""
    start = time.perf_counter()
    for _ in range(SPEED_UP_RENDERS):
        for press in presses:
            press.ask(SPEED_UP_LINES)
    for _ in range(SPEED_UP_RENDERS):
        for press in presses:
            press.answer()
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="turns for each figure")
    parser.add_argument("--renders", type=int, default=2000, help="documents to watch memory over")
    options = parser.parse_args()
    print_steps(options.rounds)
    is_quick = print_lengths(options.rounds)
    print_memory(options.renders)
    gained = speed_up()
    print(f"\nRendering: two processes make {gained:.2f} times what one does.")
    goals = f"at most {GOAL:.2f} of naive at every length, {GOAL_SPEED_UP} times with two processes"
    print(f"\nGoals: {goals}: {'yes' if is_quick and gained >= GOAL_SPEED_UP else 'NO'}.")
    return 0


def print_steps(rounds: int) -> None:
    print("\nRendering: CPU of one document, by steps (10 lines)\n")
    print(f"{'recipe':<20}{'CPU ms':>10}{'to naive':>10}")
    for name, (cpu, ratio) in compare(STEPS, lines=10, rounds=rounds).items():
        print(f"{name:<20}{cpu * 1000:>10.0f}{ratio:>10.2f}", flush=True)


def print_lengths(rounds: int) -> bool:
    """Print what each program takes at each length; whether ours keeps the goal at all of them."""
    print("\nRendering: CPU of one document, by length, and its ratio to naive\n")
    print(f"{'lines':<8}" + "".join(f"{name:>18}" for name in PROGRAMS))
    is_quick = True
    for lines in LINES:
        turns = min(rounds, LONG_ROUNDS) if lines >= LONG else rounds
        figures = compare(PROGRAMS, lines=lines, rounds=turns)
        is_quick = is_quick and figures[OURS][1] <= GOAL
        cells = (f"{cpu * 1000:,.0f} ms {ratio:>6.2f}" for cpu, ratio in figures.values())
        print(f"{lines:<8}" + "".join(f"{cell:>18}" for cell in cells), flush=True)
    return is_quick


def print_memory(renders: int) -> None:
    print(f"\nRendering: memory of a process over {renders:,} documents\n")
    print(f"{'recipe':<20}{'at ' + str(WARM):>10}{'at end':>10}{'growth':>10}")
    for name in (NAIVE, OURS):
        early, late = memory_growth(name, renders=renders)
        growth = late / early - 1
        note = "" if name == NAIVE or growth <= MOST_GROWTH else "  more than the goal"
        print(f"{name:<20}{early >> 20:>7} MB{late >> 20:>7} MB{growth:>9.1%}{note}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
