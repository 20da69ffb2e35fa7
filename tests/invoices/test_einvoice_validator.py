"""The validator as a process: started, killed, hung, grown, forked; nothing passes by accident."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from invoices.rendering.einvoice import asking
from invoices.rendering.einvoice.asking import VALIDATOR, Validator, ValidatorFailed
from invoices.rendering.einvoice.checking import (
    EInvoiceInvalid,
    NoVerdict,
    check_cii,
    check_ubl,
)
from invoices.rendering.einvoice.writing import to_cii, to_ubl
from tests.invoices.documents import a_document

ROOT = Path(__file__).resolve().parents[2]
CII, UBL = to_cii(a_document(2)), to_ubl(a_document(2))
_PATIENCE_SECONDS = 20
# Compiles, and comes to no end.
_ENDLESS = """
<xsl:stylesheet version="3.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:template match="/" name="again"><xsl:call-template name="again"/></xsl:template>
</xsl:stylesheet>
"""


@pytest.fixture
def pid() -> int:
    """Of the validator of this process, which has answered."""
    check_cii(CII)
    assert VALIDATOR.pid is not None
    return VALIDATOR.pid


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    (rules := tmp_path / "endless.xslt").write_text(_ENDLESS.strip())
    return rules


def test_one_process_answers_all_questions_and_is_not_this_one(pid: int) -> None:
    check_ubl(UBL)
    check_cii(CII)
    assert pid == VALIDATOR.pid != os.getpid()


def test_it_loads_its_library_and_nothing_of_the_program(pid: int) -> None:
    """What it holds counts as much as what a render process holds."""
    mapped = Path(f"/proc/{pid}/maps").read_text()
    assert "saxonc" in mapped
    assert not [name for name in ("lxml", "psycopg", "pango") if name in mapped]
    assert "saxonc" not in _run("import invoices.rendering.einvoice.checking", _TELL_MAPS)


def test_one_that_was_killed_is_started_again_and_asked_again(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(EInvoiceInvalid):
        check_cii(CII.replace(b"<ram:GrandTotalAmount>84.31", b"<ram:GrandTotalAmount>84.32"))
    assert VALIDATOR.pid not in {None, pid}


def test_one_that_ends_on_every_question_has_passed_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    starts: list[None] = []

    def start() -> asking._Running:
        starts.append(None)
        return start_really()

    start_really = asking._start
    monkeypatch.setattr(asking, "_start", start)
    monkeypatch.setattr(asking, "PROGRAM", "invoices.rendering.einvoice")
    with pytest.raises(ValidatorFailed, match="ended before it answered, with status 1"):
        Validator().report_on(CII, rules=Path("rules.xslt"))
    assert len(starts) == 2


def test_one_that_is_silent_is_killed_in_time_and_has_passed_nothing(
    pid: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_seconds(1, monkeypatch)
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(NoVerdict, match="no answer in 1 s"):
        check_cii(CII)
    assert time.monotonic() - began < 5
    assert has_ended(pid)
    monkeypatch.undo()
    check_cii(CII)


def test_rules_that_never_end_are_ended(
    pid: int, endless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In native code, where no Python runs."""
    allow_seconds(1, monkeypatch)
    with pytest.raises(ValidatorFailed, match="no answer in 1 s"):
        VALIDATOR.report_on(CII, rules=endless)
    assert has_ended(pid)


def test_what_interrupts_a_question_leaves_no_answer_for_the_next(pid: int) -> None:
    """As a time limit does, which raises from a signal."""

    class Interrupted(BaseException):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupted

    os.kill(pid, signal.SIGSTOP)
    former = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(Interrupted):
            check_cii(CII.replace(b">GB<", b">XX<"))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    assert has_ended(pid)
    check_cii(CII)


def test_one_that_has_grown_too_large_gives_way_to_another(
    pid: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_MOST_RESIDENT_BYTES", 1)
    check_cii(CII)
    assert VALIDATOR.pid is None
    assert has_ended(pid)
    monkeypatch.undo()
    check_cii(CII)


def test_it_answers_on_while_its_worker_is_being_stopped(pid: int) -> None:
    """A supervisor or a terminal tells all processes at once; work in hand is finished."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(pid, number)
    check_cii(CII)
    assert pid == VALIDATOR.pid


def test_a_forked_process_has_one_of_its_own(pid: int) -> None:
    reading, writing = os.pipe()
    if not (child := os.fork()):
        with suppress(BaseException):
            check_cii(CII)
            os.write(writing, str(VALIDATOR.pid).encode())
        os._exit(0)
    os.waitpid(child, 0)
    others = int(os.read(reading, 100))
    os.close(reading)
    os.close(writing)
    assert others != pid
    wait_until_ended(others)
    check_cii(CII)
    assert pid == VALIDATOR.pid


_SETUP = f"""
import os, resource, sys, time
from pathlib import Path
from invoices.rendering.einvoice import asking
from invoices.rendering.einvoice.asking import VALIDATOR
CII = {CII!r}
"""
_CHECK = """
from invoices.rendering.einvoice.checking import check_cii
check_cii(CII)
print(VALIDATOR.pid, flush=True)
"""
_FORK = """
if not (child := os.fork()):
    time.sleep(60)
    os._exit(0)
print(child, flush=True)
"""
_TELL_MAPS = "print(Path('/proc/self/maps').read_text())"
_ASK_WITHOUT_END = """
asking._ANSWER_SECONDS, asking._LONGER_SECONDS = 60, -58
running = VALIDATOR._running = asking._start()
print(running.process.pid, flush=True)
VALIDATOR.report_on(CII, rules=Path(sys.argv[1]))
"""


def test_it_ends_with_a_process_that_is_killed_though_its_fork_lives_on() -> None:
    with _started(_CHECK, _FORK, "time.sleep(60)") as process:
        checker, forked = _line(process), _line(process)
        process.kill()
        wait_until_ended(checker)
        assert not has_ended(forked)
        os.kill(forked, signal.SIGKILL)


def test_one_that_hangs_ends_though_nobody_is_left_to_kill_it(endless: Path) -> None:
    with _started(_ASK_WITHOUT_END, argument=str(endless)) as process:
        checker = _line(process)
        time.sleep(0.5)
        process.kill()
        wait_until_ended(checker)


def test_one_that_is_refused_memory_has_passed_nothing_and_says_so() -> None:
    """The limit of the worker holds for it too."""
    document = """
from django.conf import settings
settings.configure()
from invoices.rendering.einvoice.checking import NoVerdict, check_cii
resource.setrlimit(resource.RLIMIT_DATA, (150 << 20, -1))
try:
    check_cii(CII)
except NoVerdict as error:
    print(error)
"""
    assert "the validator ended before it answered" in _run(document)


def allow_seconds(seconds: int, patch: pytest.MonkeyPatch) -> None:
    """To the validator that runs, which has read its rules before."""
    running = VALIDATOR._running
    assert running is not None
    running.connection.settimeout(seconds)
    patch.setattr(asking, "_ANSWER_SECONDS", seconds)


def has_ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    # Nobody may have collected it yet.
    return state == "Z"


def wait_until_ended(pid: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not has_ended(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def _started(*code: str, argument: str = "") -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", "\n".join([_SETUP, *code]), argument]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _line(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def _run(*code: str) -> str:
    command = [sys.executable, "-c", "\n".join([_SETUP, *code])]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
