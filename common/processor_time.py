"""A limit on the processor time of one piece of work, well below the time limit of its task."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_AGAIN_SECONDS = 0.5


class OutOfProcessorTime(BaseException):
    """The work took more processor time than it may.

    No Exception: libraries catch those where they expect errors of their own.
    """


@contextmanager
def processor_time_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfProcessorTime in the block once this process has worked for ``seconds`` in it.

    Waiting is not counted, and neither is what other processes take: a machine that is busy is not
    the fault of the work. Python code is interrupted; what never returns from a C library meets the
    hard limit of its task. Only a process's first thread can be interrupted, elsewhere there is no
    limit. Limits cannot be nested.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGPROF, _raise)
    # Again every so often: Python swallows what is raised while an object is being deleted.
    signal.setitimer(signal.ITIMER_PROF, seconds, _AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, former)


def _raise(number: int, frame: FrameType | None) -> NoReturn:
    raise OutOfProcessorTime("more processor time than the work may take")
