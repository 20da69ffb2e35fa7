"""A billing run under which the release is replaced, program by program."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from benchmarks._rolling_releases import Front, Release
from benchmarks._rolling_visitor import PASSWORD, Visitor
from benchmarks._soak_watch import Progress, Watch
from common.embedded import postgres, servers
from common.embedded.places import Places
from tests.reliability.charges import (
    CURRENCY,
    SELLER,
    ChargeRow,
    Scene,
    charges_for,
    write_file,
)
from tests.reliability.installation import Installation, own_installation
from tests.reliability.invariants import Expectation, Judgement, Witness, judge
from tests.reliability.processes import (
    BEAT,
    DEFAULT,
    MAIL,
    RENDER,
    WEB,
    Programs,
    kill_all_of,
)
from tests.reliability.waiting import wait_until

# One after the other, each while it has work.
ORDER = (DEFAULT, MAIL, RENDER, WEB, BEAT)
WORKERS = (DEFAULT, RENDER, MAIL)

_RENDERERS = os.cpu_count() or 1
_PATIENCE_SECONDS = 120.0
_STUCK_SECONDS = 600.0
_SECONDS_A_LOOK = 0.5
_SECONDS_A_LINE = 5.0
# How long both releases of a program work side by side, as on two machines.
_TOGETHER_SECONDS = 3.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done while the run went on: when, for how long, and how far it was then.

    Seconds since the billing command was started.
    """

    what: str
    at: float
    seconds: float
    progress: Progress


@dataclass(frozen=True)
class Outcome:
    """What came of it. ``tasks`` are those that ended well, by worker and by release."""

    steps: list[Step]
    seconds: float
    is_stuck: bool
    bill_status: int
    tasks: dict[str, tuple[int, int]]
    visitor: Visitor
    judgement: Judgement


@dataclass
class Fleet:
    """The programs of both releases on one installation."""

    installation: Installation
    old: Release
    new: Release
    before: Programs
    after: Programs
    front: Front

    def start_old(self) -> None:
        self.front.start(self.old)
        self.before.start()
        self.before.wait_until_ready()

    def replace(self, name: str) -> None:
        """The new one comes first and both work for a while; of beat there is only ever one."""
        if name == WEB:
            self.front.start(self.new)
            time.sleep(_TOGETHER_SECONDS)
            self.front.stop(self.old)
            return
        if name == BEAT:
            self.before.stop(name)
        self.after.start(name)
        self.after.wait_until_ready(name)
        if name != BEAT:
            time.sleep(_TOGETHER_SECONDS)
            self.before.stop(name)

    def tasks(self) -> dict[str, tuple[int, int]]:
        """How many tasks ended well, by worker: of the old release, and of the new."""
        return {
            name: (
                self.before.said(name).count(" succeeded in "),
                self.after.said(name).count(" succeeded in "),
            )
            for name in WORKERS
        }

    def end(self) -> None:
        self.before.end()
        self.after.end()
        self.front.end()
        kill_all_of(self.installation.places.var)


def replace(old: Release, new: Release, *, invoices: int, say: Say) -> Outcome:
    """Old schema and programs, a run, then the new schema and programs under it; then judged."""
    scene = Scene(invoices)
    charges = charges_for(scene)
    with _installed_by(old) as installation, _fleet(installation, old, new) as fleet:
        say(f"staging {invoices:,} customers by {old.name}")
        staging = ("-m", "tests.reliability.stage", str(invoices), "--daily-run")
        old.run(installation.environment, *staging)
        visitor = _visitor(installation, old)
        fleet.start_old()
        old.run(installation.environment, "manage.py", "shell", "--command", _HAVE_DAILY_RUN)
        _let_daily_run_pass(installation)
        _hand_in(installation, old, charges)
        witness = Witness(installation)
        with visitor.visiting():
            upgrade = Upgrade(fleet, Watch(installation, invoices), witness, say)
            is_stuck, bill_status = upgrade.carry_out()
        expectation = Expectation(scene, charges, frozenset(), most_copies=1, texts=None)
        say("judging")
        return Outcome(
            steps=upgrade.steps,
            seconds=upgrade.watch.through.get("delivered", 0.0),
            is_stuck=is_stuck,
            bill_status=bill_status,
            tasks=fleet.tasks(),
            visitor=visitor,
            judgement=judge(installation, expectation, witness=witness),
        )


@dataclass
class Upgrade:
    """The upgrade itself, under a run that the old release's command has started."""

    fleet: Fleet
    watch: Watch
    witness: Witness
    say: Say
    steps: list[Step] = field(default_factory=list)

    def carry_out(self) -> tuple[bool, int]:
        """Whether the run is stuck, and how the old release's command ended."""
        fleet = self.fleet
        log = fleet.installation.places.log / "bill.log"
        with log.open("ab") as output:
            bill = subprocess.Popen(
                [sys.executable, "manage.py", "bill", "--approve"],
                cwd=fleet.old.folder,
                env=fleet.installation.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until(lambda: self.watch.look().issued > 0, timeout=_PATIENCE_SECONDS)
            self._step("migrate", self._migrate)
            for name in ORDER:
                self._step(name, lambda name=name: fleet.replace(name))  # type: ignore[misc]
            is_stuck = self._see_through()
            return is_stuck, bill.wait(_PATIENCE_SECONDS)
        finally:
            bill.kill()
            bill.wait()

    def _step(self, what: str, do: Callable[[], None]) -> None:
        progress, began = self.watch.look(), time.monotonic()
        self.say(f"{what}: {progress.in_words()}")
        self.witness.look()
        do()
        now = time.monotonic()
        self.steps.append(Step(what, began - self.watch.began, now - began, progress))

    def _migrate(self) -> None:
        self.fleet.new.run(
            self.fleet.installation.environment, "manage.py", "migrate", "--verbosity", "0"
        )
        _let_daily_run_pass(self.fleet.installation)

    def _see_through(self) -> bool:
        next_line = 0.0
        while not self.watch.look().is_finished:
            if self.watch.still_for() > _STUCK_SECONDS:
                return True
            if time.monotonic() >= next_line:
                next_line = time.monotonic() + _SECONDS_A_LINE
                self.say(self.watch.progress.in_words())
            time.sleep(_SECONDS_A_LOOK)
        return False


# --- Before ---------------------------------------------------------------------------------------


@contextmanager
def _installed_by(old: Release) -> Iterator[Installation]:
    """Servers with the old release's schema, made by its own migrations."""
    with TemporaryDirectory(prefix="counterfoil-rolling-") as folder:
        places = Places(Path(folder) / "var")
        servers.prepare(places)
        environment = {
            **os.environ,
            "COUNTERFOIL_VAR": str(places.var),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        try:
            postgres.start(places)
            old.run(environment, "manage.py", "migrate", "--verbosity", "0")
        finally:
            postgres.stop(places)
        with own_installation(places.postgres, durable=True) as installation:
            yield installation


@contextmanager
def _fleet(installation: Installation, old: Release, new: Release) -> Iterator[Fleet]:
    environment, log = installation.environment, installation.places.log
    fleet = Fleet(
        installation,
        old,
        new,
        before=old.workers(environment, log / "before", renderers=_RENDERERS),
        after=new.workers(environment, log / "after", renderers=_RENDERERS),
        front=Front(installation.web_port, environment, log),
    )
    try:
        yield fleet
    finally:
        fleet.end()


def _visitor(installation: Installation, old: Release) -> Visitor:
    """The owner of an account with a password, given by the old release."""
    ((number, email),) = installation.sql(
        "SELECT account.number, owner.email FROM accounts_account account"
        " JOIN accounts_membership membership"
        "     ON membership.account_id = account.id AND membership.is_owner"
        " JOIN users_user owner ON owner.id = membership.user_id"
        " WHERE account.external_reference = %s",
        Scene(1).accounts,
    )
    old.run(
        installation.environment,
        *("manage.py", "shell", "--command"),
        "from django.utils import timezone\n"
        "from users.models import User\n"
        f"user = User.objects.get(email='{email}')\n"
        f"user.set_password('{PASSWORD}')\n"
        "user.email_verified_at = timezone.now()\n"
        "user.save(update_fields=['password', 'email_verified_at'])",
    )
    return Visitor(f"http://127.0.0.1:{installation.web_port}", email, number)


def _hand_in(installation: Installation, old: Release, charges: Sequence[ChargeRow]) -> None:
    file = write_file(charges, installation.places.var / "charges.csv")
    options = ("--seller", SELLER, "--currency", CURRENCY, "--quiet")
    old.run(installation.environment, "manage.py", "import_charges", str(file), *options)


# While nothing is due. It would draft what the command has not drafted yet, and wait for a person.
_HAVE_DAILY_RUN = """
from audit.recording import Actor
from billing import billing_run
if hasattr(billing_run, "start_daily_run"):
    billing_run.start_daily_run(actor=Actor.system("a benchmark"))
"""


def _let_daily_run_pass(installation: Installation) -> None:
    """A release that knows daily runs is told that these days have had theirs."""
    try:
        runs = installation.sql("SELECT count(*) FROM billing_billingrun WHERE daily_for > now()")
    except psycopg.errors.UndefinedColumn:
        return
    if runs == [(0,)]:
        installation.sql(
            "UPDATE billing_billingrun SET daily_for = current_date + 2"
            " WHERE id = (SELECT id FROM billing_billingrun LIMIT 1)"
        )
