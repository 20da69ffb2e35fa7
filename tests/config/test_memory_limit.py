"""Real workers, whose children want more memory than a worker may have."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from redis import Redis

from config.celery import app
from tests.config.greedy import ANSWERS, QUEUE, render, take, tell_limit

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
_ANSWER_SECONDS = 60
_STOP_SECONDS = 60


@dataclass(frozen=True)
class Worker:
    process: "subprocess.Popen[bytes]"
    log: Path

    def run(self, task: Any, *arguments: int) -> tuple[int, str]:
        """Which process of the worker ran the task, and what it said."""
        app.send_task(task.name, arguments, queue=QUEUE)
        # redis would give up after a time of its own.
        with Redis.from_url(settings.REDIS_URL, socket_timeout=None) as redis:
            answer = redis.blpop([ANSWERS], timeout=_ANSWER_SECONDS)
        assert answer is not None, self.log.read_text()
        pid, _, words = answer[1].decode().partition(": ")
        return int(pid), words


@contextmanager
def running_worker(folder: Path, *, limit: int) -> Iterator[Worker]:
    """A worker with one child and a limit in MiB."""
    command = [sys.executable, "-m", "celery", "-A", "tests.config.greedy", "worker"]
    options = ["-Q", QUEUE, "-c", "1", "-l", "INFO", "--without-gossip", "--without-mingle"]
    given = {"DJANGO_SETTINGS_MODULE": "tests.settings", "WORKER_MEMORY_LIMIT_MB": str(limit)}
    log = folder / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *options],
            cwd=ROOT,
            env=os.environ | given,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Worker(process, log)
        finally:
            process.terminate()
            process.wait(timeout=_STOP_SECONDS)


def test_a_task_that_wants_too_much_is_refused_it_and_its_worker_lives_on(tmp_path: Path) -> None:
    with running_worker(tmp_path, limit=1024) as worker:
        first_child, words = worker.run(take, 3000)
        assert words in {"refused after 8 hundred", "refused after 9 hundred"}

        child, words = worker.run(take, 100)
        assert words == "held"
        # What was taken may not all have come back, so another process goes on.
        assert child != first_child
        assert worker.process.poll() is None
    assert "OutOfMemory: tests.greedy.take" in worker.log.read_text()


def test_an_invoice_of_a_thousand_lines_needs_less_than_half_of_what_is_allowed(
    tmp_path: Path,
) -> None:
    with running_worker(tmp_path, limit=settings.WORKER_MEMORY_LIMIT_MB // 2) as worker:
        assert worker.run(render, 1000)[1] == "rendered"


@pytest.mark.parametrize(("limit", "said"), [(0, "none"), (700, "700")])
def test_the_limit_is_that_of_the_settings(tmp_path: Path, limit: int, said: str) -> None:
    with running_worker(tmp_path, limit=limit) as worker:
        assert worker.run(tell_limit)[1] == said


def test_a_limit_with_which_no_document_could_be_rendered_is_refused(tmp_path: Path) -> None:
    with running_worker(tmp_path, limit=64) as worker:
        assert worker.process.wait(timeout=_STOP_SECONDS) != 0
    assert "WORKER_MEMORY_LIMIT_MB must be 0 (none) or 256 or more" in worker.log.read_text()
