"""One run of the soak, disturbed or not, in an installation of its own, and what came of it."""

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks._soak_faults import BILL, Faults
from benchmarks._soak_losses import Losses, count_losses
from benchmarks._soak_post import Post, running_post
from benchmarks._soak_watch import Watch
from tests.reliability.charges import Scene, charges_for
from tests.reliability.installation import Installation, own_installation
from tests.reliability.invariants import Expectation, Judgement, Witness, judge
from tests.reliability.processes import Programs, commands, kill_all_of

# Without any row getting further for this long something is stuck, and the run is judged as it is.
STUCK_SECONDS = 600.0
# As scripts/serve.py starts them.
_RENDERERS, _SENDERS, _DEFAULTS = os.cpu_count() or 1, 2, 1
_TICK_SECONDS = 0.05
_SECONDS_A_LOOK = 2.0
_SECONDS_A_LINE = 5.0
# Issued rows are remembered, and compared, at each tenth of the way.
_WITNESSED = 10
_MESSAGES_KEPT = 500
# No message is begun more often. A kill at the wrong moment each time would make as many copies;
# how many there were at most, the table says.
_MOST_STARTS = 5

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How large, and how it is disturbed. ``texts`` limits how many PDFs are opened at the end."""

    invoices: int
    kill_every: float
    seed: int
    texts: int


@dataclass(frozen=True)
class Outcome:
    """What one run did. Seconds are on the clock, ``cpu`` those of all the machine's processors."""

    staging: float
    importing: float
    seconds: float
    cpu: float
    watch: Watch
    frozen_rows: int
    # Messages whose attachment was compared with its document.
    opened: int
    is_stuck: bool
    judgement: Judgement
    losses: Losses
    faults: Faults | None

    @property
    def violations(self) -> dict[str, list[str]]:
        return {name: found for name, found in self.judgement.violations.items() if found}


def run(plan: Plan, *, disturbed: bool, say: Say) -> Outcome:
    """From staged customers to the last message, and then judged."""
    scene = Scene(plan.invoices)
    charges = charges_for(scene)
    with _served(plan) as (installation, post):
        began = time.monotonic()
        say(f"staging {plan.invoices:,} customers")
        installation.stage(plan.invoices)
        staged = time.monotonic()
        say(f"importing {len(charges):,} charges")
        installation.take(charges)
        imported = time.monotonic()
        witness = Witness(installation)
        with _programs(installation, plan) as programs:
            faults = _faults(installation, programs, plan, say) if disturbed else None
            cpu = _cpu_seconds()
            watch = Watch(installation, plan.invoices)
            programs.start(BILL)
            is_stuck = _see_through(watch, witness, faults, say)
            seconds, cpu = time.monotonic() - watch.began, _cpu_seconds() - cpu
        say("judging")
        installation.mailbox.copies[:] = copies = post.copies()
        expectation = Expectation(scene, charges, frozenset(), _MOST_STARTS, plan.texts)
        judgement = judge(installation, expectation, witness=witness)
        return Outcome(
            staging=staged - began,
            importing=imported - staged,
            seconds=seconds,
            cpu=cpu,
            watch=watch,
            frozen_rows=len(witness.seen),
            opened=min(plan.texts, len({copy.sha256 for copy in copies if copy.content})),
            is_stuck=is_stuck,
            judgement=judgement,
            losses=count_losses(
                installation, scene=scene, charges=charges, copies=copies, witness=witness
            ),
            faults=faults,
        )


def _see_through(watch: Watch, witness: Witness, faults: Faults | None, say: Say) -> bool:
    """To the end of the run; True when it is stuck."""
    next_look = next_line = 0.0
    witnessed = 0
    while True:
        now = time.monotonic()
        # Until the run is recorded a killed command has done nothing, and somebody calls it again.
        if faults and watch.progress.runs:
            faults.tick(watch.progress.share_out)
        if now >= next_look:
            next_look = now + _SECONDS_A_LOOK
            try:
                if watch.look().is_finished:
                    return False
                if (tenths := int(watch.progress.share_out * _WITNESSED)) > witnessed:
                    witness.look()
                    witnessed = tenths
            except psycopg.OperationalError:
                say("PostgreSQL is away")
        if now >= next_line:
            next_line = now + _SECONDS_A_LINE
            say(_line(watch, faults))
        if watch.still_for() > STUCK_SECONDS:
            return True
        time.sleep(_TICK_SECONDS)


def _line(watch: Watch, faults: Faults | None) -> str:
    minutes, seconds = divmod(int(time.monotonic() - watch.began), 60)
    words = f"{minutes:3}:{seconds:02}  {watch.progress.in_words()}"
    if faults:
        words += f"; {faults.count} kills"
    if watch.still_for() > 2 * _SECONDS_A_LINE and (held := watch.in_hand()):
        words += f"; {len(held)} rows in hand, for {max(held.values()):.0f} s at most"
    return words


# --- Around it ------------------------------------------------------------------------------------


@contextmanager
def _served(plan: Plan) -> Iterator[tuple[Installation, Post]]:
    """PostgreSQL, Redis and a mail server, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-soak-") as folder:
        kept = max(1, 2 * plan.invoices // _MESSAGES_KEPT)
        with running_post(Path(folder) / "post", keep_one_in=kept) as post:
            port = {"EMAIL_PORT": str(post.port)}
            with own_installation(durable=True, settings=port) as installation:
                yield installation, post


@contextmanager
def _programs(installation: Installation, plan: Plan) -> Iterator[Programs]:
    """Workers and beat, ready; the foreground ``bill`` is there to be started with them."""
    workers = commands(
        render=_RENDERERS,
        mail=_SENDERS,
        default=_DEFAULTS,
        beat=True,
        web_port=None,
        kill_at={},
        kills=installation.kills,
    )
    programs = Programs(
        {**workers, BILL: [sys.executable, "manage.py", "bill", "--approve"]},
        environment=installation.environment,
        log=installation.places.log,
        kills=installation.kills,
        seed=plan.seed,
    )
    try:
        programs.start(*workers)
        programs.wait_until_ready()
        yield programs
    finally:
        programs.end()
        kill_all_of(installation.places.var)


def _faults(installation: Installation, programs: Programs, plan: Plan, say: Say) -> Faults:
    chance = random.Random(plan.seed)  # noqa: S311 - no secret
    return Faults(installation, programs, plan.kill_every, chance, say)


def _cpu_seconds() -> float:
    """Of the whole machine, whoever used them: what killed processes took is nowhere else."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, softirq = map(int, fields[:7])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
