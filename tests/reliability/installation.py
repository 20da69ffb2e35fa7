"""An installation of a test's own: servers, folders, mail server and processes, gone at its end.

The database is a copy of a data folder that was migrated once for the whole test session, so that a
fresh installation takes a second. Everything runs in processes of its own: nothing of a test
reaches the program's code or database through Django.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, LiteralString

import psycopg
from celery import Celery
from redis import Redis

from benchmarks._installation import ROOT
from common.embedded import postgres, redis, servers
from common.embedded.places import DATABASE, Places
from tests.mail.sink import listening
from tests.reliability.charges import CURRENCY, SELLER, ChargeRow, Scene, write_file
from tests.reliability.mailbox import Ledger
from tests.reliability.points import KillAt
from tests.reliability.processes import (
    DEFAULT,
    MAIL,
    RENDER,
    Kills,
    Programs,
    armed,
    commands,
    free_port,
    kill_all_of,
)

# A command, changed so that a process suffers something.
Rewrite = Callable[[Sequence[str]], list[str]]

_PREFIX = "counterfoil-fault-"
_LOCK = "held.lock"
_TAIL_LINES = 40
# Of the tests' own environment, the installation is given nothing but these.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")


class CommandFailed(Exception):
    """A management command ended with an error, or by a signal (``status`` is then negative)."""

    def __init__(self, command: str, status: int, said: str) -> None:
        super().__init__(f"{command} ended with {status}:\n{said[-4000:]}")
        self.status = status
        self.said = said


@dataclass(frozen=True)
class Installation:
    """Where it lies, what its programs are given, and what a test may do to it."""

    places: Places
    environment: dict[str, str]
    mailbox: Ledger
    kills: Kills
    durable: bool = False
    # First process of Redis, which cannot be asked for it while it is frozen.
    _redis_pids: list[int] = field(default_factory=list)

    @property
    def documents(self) -> Path:
        return Path(self.environment["DOCUMENTS_DIR"])

    @property
    def web_port(self) -> int:
        return int(self.environment["PORT"])

    # --- Database -------------------------------------------------------------------------------

    def sql(self, query: LiteralString, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Rows as the superuser sees them: all accounts', whatever the policies say.

        A connection of its own for each call, so that it works again once PostgreSQL does.
        """
        with postgres.connect(self.places) as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def stop_postgres(self, mode: Literal["fast", "immediate"] = "immediate") -> None:
        """``immediate``: sessions are cut off, and the next start recovers as after a crash.

        What was committed is then in the write-ahead log: ``synchronous_commit`` is on.
        """
        postgres.stop(self.places, mode=mode)

    def start_postgres(self) -> None:
        postgres.start(self.places, durable=self.durable)

    # --- Redis ----------------------------------------------------------------------------------

    def start_redis(self) -> None:
        redis.start(self.places)
        with self.redis() as client:
            self._redis_pids.append(int(client.info("server")["process_id"]))

    def restart_redis(self) -> None:
        """It comes back empty: it keeps nothing on disk."""
        redis.stop(self.places)
        self.start_redis()

    def freeze_redis(self) -> None:
        """It keeps its connections and answers nobody."""
        os.kill(self._redis_pids[-1], signal.SIGSTOP)

    def thaw_redis(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._redis_pids[-1], signal.SIGCONT)

    def redis(self) -> "Redis":
        return Redis(unix_socket_path=str(self.places.redis_socket), socket_timeout=5)

    # --- Programs -------------------------------------------------------------------------------

    def manage(
        self, *arguments: str, kill_at: KillAt | None = None, through: Rewrite | None = None
    ) -> str:
        """A management command, to its end; returns its output. Raises CommandFailed."""
        command = [sys.executable, "manage.py", *arguments]
        if kill_at:
            command = armed(command, kill_at, program=arguments[0], kills=self.kills)
        if through:
            command = through(command)
        return self._run(command, name=" ".join(arguments[:1]))

    def stage(self, customers: int, *, daily_run: bool = False) -> Scene:
        """A seller with its series, and customers with two recipients each.

        Today counts as billed, so that beat does not start a run of its own, which would draft what
        a test is about to bill and wait for approval. ``daily_run`` leaves that run to be started.
        """
        options = ["--daily-run"] if daily_run else []
        staging = [sys.executable, "-m", "tests.reliability.stage", str(customers), *options]
        self._run(staging, name="stage")
        return Scene(customers)

    def take(self, rows: Sequence[ChargeRow]) -> str:
        """Charges, by ``manage.py import_charges``; returns what it said."""
        descriptor, name = tempfile.mkstemp(suffix=".csv", dir=self.places.var)
        os.close(descriptor)
        file = write_file(rows, Path(name))
        options = ("--seller", SELLER, "--currency", CURRENCY, "--quiet")
        return self.manage("import_charges", str(file), *options)

    def bill(
        self, *options: str, kill_at: KillAt | None = None, through: Rewrite | None = None
    ) -> str:
        """A whole billing run in the foreground, approved."""
        return self.manage("bill", "--approve", *options, kill_at=kill_at, through=through)

    def by_hand(self, *what: str) -> str:
        """What people do in the panel and its admin (``tests.reliability.by_hand``)."""
        return self._run([sys.executable, "-m", "tests.reliability.by_hand", *what], name="by_hand")

    @contextmanager
    def programs(
        self,
        *,
        render: int = 2,
        mail: int = 2,
        default: int = 1,
        beat: bool = True,
        web: bool = False,
        kill_at: Mapping[str, KillAt] | None = None,
        through: Mapping[str, Rewrite] | None = None,
        ready: bool = True,
    ) -> Iterator[Programs]:
        """The program's processes, ready, until the end of the block, and then killed.

        Numbers are pool processes of each worker; 0 leaves the worker out. ``kill_at`` says which
        programs kill themselves, and where; ``through`` rewrites the commands of some.
        """
        wanted = commands(
            render=render,
            mail=mail,
            default=default,
            beat=beat,
            web_port=self.web_port if web else None,
            kill_at=kill_at or {},
            kills=self.kills,
        )
        for name, rewrite in (through or {}).items():
            wanted[name] = rewrite(wanted[name])
        programs = Programs(
            wanted, environment=self.environment, log=self.places.log, kills=self.kills
        )
        try:
            programs.start()
            if ready:
                programs.wait_until_ready()
            yield programs
        finally:
            programs.end()
            kill_all_of(self.places.var)

    def ring(self, *queues: str) -> None:
        """Send workers to look for rows, as beat's sweep does every 20 s; without queues, all."""
        tasks = {
            RENDER: ("render", "invoices.tasks.render_documents"),
            MAIL: ("mail", "mail.tasks.send_emails"),
            DEFAULT: ("default", "billing.tasks.work_billing_runs"),
        }
        for worker in queues or tasks:
            queue, task = tasks[worker]
            self.send(task, queue=queue)

    def send(self, task: str, *, queue: str, times: int = 1) -> None:
        """Send a task to the workers of a queue, as beat does."""
        broker = f"redis+socket://{self.places.redis_socket}?virtual_host=0"
        with Celery(broker=broker, set_as_current=False) as app:
            for _ in range(times):
                app.send_task(task, queue=queue, ignore_result=True)

    # --- Time -----------------------------------------------------------------------------------

    def let_leases_run_out(self, *, still: float = 3.0) -> int:
        """End the leases that dead workers left behind; returns how many.

        A lease lasts 45 or 180 s, which a test does not wait for. This moves the clock for these
        rows alone, and is no gift to the program: whoever still holds such a lease loses it, as it
        would in time, and its work is refused. A living worker must not lose one, though, since
        nothing killed it. So this first waits for a moment at which no worker has a ring in hand:
        leases from before it belong to nobody. Rings of a worker that was killed may stay in its
        hands, so this waits no longer than until no row of any queue has changed for ``still``
        seconds: a living worker is done with a document in 0.2 s, with a message in 0.01 s. With
        ``still=0`` the caller says that no worker is alive.
        """
        tokens = self._leases_of_the_dead(still)
        return sum(
            len(
                self.sql(
                    f"UPDATE {table} SET leased_until = now() - interval '1 second'"
                    " WHERE leased_until > now() AND lease_token::text = ANY(%s) RETURNING 1",
                    [tokens],
                )
            )
            for table in _QUEUES
        )

    def let_pauses_end(self) -> int:
        """Make rows due that wait for a second attempt (5 s to 4 h); returns how many.

        Only the clock moves: what was counted stays counted.
        """
        return sum(
            len(
                self.sql(
                    f"UPDATE {table} SET next_attempt_at = now()"
                    " WHERE next_attempt_at > now() AND state = ANY(%s) RETURNING 1",
                    [["pending", "approved", "queued", "deferred", "uncertain"]],
                )
            )
            for table in _QUEUES
        )

    def _leases_of_the_dead(self, still: float, *, patience: float = 120) -> list[str]:
        """Their tokens, once ``let_leases_run_out`` can tell."""
        deadline = time.monotonic() + patience
        seen, since = self._moving(), time.monotonic()
        while True:
            tokens = self._leases()
            if time.monotonic() - since >= still or self._nobody_has_a_ring():
                return tokens
            if time.monotonic() > deadline:
                raise AssertionError(f"rows of the queues still changed after {patience} s")
            time.sleep(0.2)
            if (now := self._moving()) != seen:
                seen, since = now, time.monotonic()

    def _leases(self) -> list[str]:
        return [
            token
            for table in _QUEUES
            for (token,) in self.sql(
                f"SELECT DISTINCT lease_token::text FROM {table} WHERE leased_until > now()"
            )
        ]

    def _nobody_has_a_ring(self) -> bool:
        with self.redis() as client:
            return not client.exists("unacked")

    def _moving(self) -> list[list[tuple[Any, ...]]]:
        return [
            self.sql(
                "SELECT state, count(*), sum(attempts), max(leased_until)"
                f" FROM {table} GROUP BY state ORDER BY state"
            )
            for table in _QUEUES
        ]

    # --- Reading --------------------------------------------------------------------------------

    def tails(self, lines: int = _TAIL_LINES) -> Iterator[tuple[str, str]]:
        """The ends of all logs, by the program's name."""
        for log in sorted(self.places.log.glob("*.log")):
            said = log.read_text(errors="replace").splitlines()
            if said:
                yield log.stem, "\n".join(said[-lines:])

    def _run(self, command: Sequence[str], *, name: str) -> str:
        finished = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        with (self.places.log / f"{name}.log").open("a") as log:
            log.write(finished.stdout)
        if finished.returncode != 0:
            raise CommandFailed(" ".join(command), finished.returncode, finished.stdout)
        return finished.stdout


# Tables whose rows are claimed.
_QUEUES: tuple[LiteralString, ...] = (
    "billing_billingrunitem",
    "invoices_document",
    "mail_outgoingemail",
)


# --- Making one -----------------------------------------------------------------------------------


@contextmanager
def own_installation(
    template: Path | None = None,
    *,
    durable: bool = False,
    keeps_mail: bool = True,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Installation]:
    """Migrated, empty, with servers and mail server running; nothing of it is left afterwards.

    ``template`` is a data folder of ``make_template``; without one it is migrated here. ``durable``
    makes PostgreSQL flush to disk, which only a power cut could tell. ``settings`` are further
    variables of the environment.
    """
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    mailbox = Ledger(keeps_contents=keeps_mail)
    with _held(folder), listening(mailbox):
        environment = _environment(folder) | {"EMAIL_PORT": str(mailbox.port), **(settings or {})}
        installation = Installation(
            Places(folder), environment, mailbox, Kills(folder / "kills.jsonl"), durable
        )
        try:
            servers.prepare(installation.places)
            if template:
                _copy(template, installation.places.postgres)
            installation.start_postgres()
            installation.start_redis()
            if not template:
                installation.manage("migrate", "--verbosity", "0")
                _keep_commits(installation.places)
            yield installation
        finally:
            installation.thaw_redis()
            kill_all_of(folder)
            _stop_and_remove(folder)


def make_template(folder: Path) -> Path:
    """A stopped, migrated data folder below ``folder``, made once however many processes ask."""
    folder.mkdir(parents=True, exist_ok=True)
    places = Places(folder)
    finished = folder / "finished"
    with (folder / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            clear_up_after_killed_tests()
            servers.prepare(places)
            try:
                postgres.start(places, durable=False)
                migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
                subprocess.run(migrate, cwd=ROOT, env=_environment(folder), check=True)
                _keep_commits(places)
            finally:
                postgres.stop(places)
            finished.touch()
    return places.postgres


def clear_up_after_killed_tests() -> None:
    """A test that was killed could not stop what it had started; the next session does.

    The lock tells: the kernel gives it back when its holder is gone.
    """
    for lock_file in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError), lock_file.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            kill_all_of(lock_file.parent)
            _stop_and_remove(lock_file.parent)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """The folder's lock, which nobody sees before it is held."""
    unheld = folder / f"{_LOCK}.new"
    with unheld.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        unheld.rename(folder / _LOCK)
        yield


def _environment(folder: Path) -> dict[str, str]:
    """That of an embedded installation, whatever servers and secrets the tests themselves use."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {
        **passed_on,
        "COUNTERFOIL_VAR": str(folder),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DOCUMENTS_DIR": str(folder / "documents"),
        "PORT": str(free_port()),
    }


def _keep_commits(places: Places) -> None:
    """Servers that need not survive a power cut still keep each commit when they are killed.

    ``durable=False`` answers a commit before it is in the write-ahead log. A database's own setting
    goes before the server's.
    """
    with postgres.connect(places) as connection:
        connection.execute(
            psycopg.sql.SQL("ALTER DATABASE {} SET synchronous_commit = on").format(
                psycopg.sql.Identifier(DATABASE)
            )
        )


def _copy(template: Path, target: Path) -> None:
    """With owner and modes: PostgreSQL runs as another user where the tests run as root."""
    subprocess.run(["cp", "-a", str(template), str(target)], check=True)


def _stop_and_remove(folder: Path) -> None:
    places = Places(folder)
    with suppress(OSError):
        redis.stop(places)
    postgres.stop(places, mode="immediate")
    shutil.rmtree(folder, ignore_errors=True)
