import signal
import threading
import time
from contextlib import suppress

import pytest

from common.processor_time import OutOfProcessorTime, processor_time_limit


def spin(seconds: float) -> None:
    """Use up processor time, whatever else the machine does."""
    ends_at = time.process_time() + seconds
    while time.process_time() < ends_at:
        pass


def test_work_without_end_is_interrupted() -> None:
    began = time.process_time()
    with pytest.raises(OutOfProcessorTime), processor_time_limit(0.2):
        spin(60)
    assert 0.1 < time.process_time() - began < 2


def test_no_handler_for_exceptions_holds_it_up() -> None:
    with pytest.raises(OutOfProcessorTime), processor_time_limit(0.1):
        while True:
            with suppress(Exception):
                spin(60)


def test_waiting_is_not_counted() -> None:
    with processor_time_limit(0.1):
        time.sleep(0.3)


def test_what_comes_after_the_block_is_not_limited() -> None:
    former = signal.getsignal(signal.SIGPROF)
    with processor_time_limit(0.1):
        pass
    spin(0.3)
    assert signal.getsignal(signal.SIGPROF) == former


def test_each_block_has_its_whole_time() -> None:
    for _ in range(3):
        with processor_time_limit(0.4):
            spin(0.2)


def test_thread_other_than_the_first_works_without_a_limit() -> None:
    ended: list[bool] = []

    def work() -> None:
        with processor_time_limit(0.05):
            spin(0.2)
        ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended == [True]
