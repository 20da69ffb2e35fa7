"""What the validator beside this process says. It is a process of its own: ``validator``.

The first question starts it. It answers one question after the other, and is replaced when it ends,
hangs, or has grown too large. A process that is forked from this one starts its own.
"""

import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from invoices.rendering.einvoice.frames import FAILURE, receive, send

# The name that ``python -m`` runs. It is not imported: this process has no use for the library.
PROGRAM: Final = "invoices.rendering.einvoice.validator"
_ROOT: Final = Path(__file__).resolve().parents[3]
_STANDARD_ERROR: Final = 2

# Six times what a document of 5,000 lines takes, and less than a task may (config.celery_settings).
_ANSWER_SECONDS: Final = 40
# How much later it ends by itself, should nobody be left to end it.
_LONGER_SECONDS: Final = 5
# For a process that is ending to be gone, so that its status is known.
_END_SECONDS: Final = 5
# Nothing that is public limits Saxon's heap. The process comes to rest at 200 to 310 MB; one that
# has met a very long document gives way to a new one.
_MOST_RESIDENT_BYTES: Final = 350 * 1024 * 1024
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")

if find_spec("saxonche") is None:
    raise ModuleNotFoundError("saxonche is not installed: no e-invoice can be checked")


class ValidatorFailed(Exception):
    """There is no report; the message says why."""


class _Ended(ValidatorFailed):
    """The process was gone before it had answered."""


@dataclass(frozen=True, slots=True)
class _Running:
    process: "subprocess.Popen[bytes]"
    connection: socket.socket

    def stop(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.wait()


class Validator:
    """The validator of this process, whether or not it runs at the moment."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._running: _Running | None = None
        os.register_at_fork(after_in_child=self._leave_to_parent)

    @property
    def pid(self) -> int | None:
        return self._running.process.pid if self._running else None

    def report_on(self, xml: bytes, *, rules: Path) -> bytes:
        """What the rules say of a document, as SVRL. Raises ValidatorFailed."""
        with self._turn:
            try:
                return self._ask(xml, rules)
            except _Ended:
                # Whatever ended it may have had nothing to do with this document.
                return self._ask(xml, rules)

    def _ask(self, xml: bytes, rules: Path) -> bytes:
        self._running = running = self._running or _start()
        try:
            outcome, words = _answer(running, xml, rules)
        except BaseException:
            # Also what a signal raises here: the answer would be taken for that of the next.
            self._stop()
            raise
        if _resident_bytes(running.process.pid) > _MOST_RESIDENT_BYTES:
            self._stop()
        if outcome == FAILURE:
            raise ValidatorFailed(words.decode())
        return words

    def _stop(self) -> None:
        running, self._running = self._running, None
        if running:
            running.stop()

    def _leave_to_parent(self) -> None:
        """In a process that was just forked: without this it would keep the parent's alive."""
        running, self._running, self._turn = self._running, None, threading.Lock()
        if running:
            running.connection.close()
            # It is nobody's child here, which Popen then notes.
            running.process.poll()


def _start() -> _Running:
    ours, theirs = socket.socketpair()
    ours.settimeout(_ANSWER_SECONDS)
    command = [sys.executable, "-m", PROGRAM, str(_ANSWER_SECONDS + _LONGER_SECONDS)]
    with theirs:
        # What it may print belongs in the worker's log.
        process = subprocess.Popen(
            command, cwd=_ROOT, stdin=theirs.fileno(), stdout=_STANDARD_ERROR
        )
    return _Running(process, ours)


def _answer(running: _Running, xml: bytes, rules: Path) -> tuple[bytes, bytes]:
    try:
        send(running.connection, bytes(rules), xml)
        return receive(running.connection), receive(running.connection)
    except TimeoutError as error:
        raise ValidatorFailed(f"the validator gave no answer in {_ANSWER_SECONDS} s") from error
    except (EOFError, ConnectionError) as error:
        with suppress(subprocess.TimeoutExpired):
            running.process.wait(_END_SECONDS)
        status = running.process.returncode
        raise _Ended(f"the validator ended before it answered, with status {status}") from error


def _resident_bytes(pid: int) -> int:
    """0 where the kernel does not tell: not Linux."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0


VALIDATOR: Final = Validator()
