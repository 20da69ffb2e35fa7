"""How commands tell of long work: a line that is rewritten on a terminal, steps in a log."""

import time
from collections.abc import Callable

from django.core.management.base import OutputWrapper

# Told of a step in words, and of how many documents are through it.
Progress = Callable[[str, int], None]

_TERMINAL_SECONDS = 0.2
_LOG_SECONDS = 30.0


class StepReport:
    """Told of steps and counts; writes no more often than somebody can read."""

    def __init__(self, stream: OutputWrapper) -> None:
        self._stream = stream
        self._step = ""
        self._told_at = 0.0

    def __call__(self, step: str, number: int) -> None:
        now = time.monotonic()
        is_terminal = self._stream.isatty()
        pause = _TERMINAL_SECONDS if is_terminal else _LOG_SECONDS
        if step == self._step and now - self._told_at < pause:
            return
        self._step, self._told_at = step, now
        text = f"{step}: {number:,}" if number else step
        if is_terminal:
            self._stream.write(f"\r\033[K{text} …", ending="")
        else:
            self._stream.write(text)
        self._stream.flush()

    def end(self) -> None:
        """Leave the terminal's line to what comes next."""
        if self._stream.isatty() and self._step:
            self._stream.write("\r\033[K", ending="")
