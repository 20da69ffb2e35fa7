"""The program's Celery application, with tasks that want memory.

A test's worker runs it: ``celery -A tests.config.greedy worker -Q greedy``.
"""

import os
import resource

from django.conf import settings
from redis import Redis

from config.celery import app
from invoices.rendering.einvoice.checking import check_cii, check_ubl
from invoices.rendering.einvoice.writing import to_cii, to_ubl
from invoices.rendering.pdf import render_pdf
from tests.invoices.documents import a_document

QUEUE = "greedy"
# The list in Redis to which each task says what became of it.
ANSWERS = "tests:greedy"
_MEBIBYTE = 1024 * 1024


@app.task(name="tests.greedy.take")
def take(mebibytes: int) -> None:
    """Hold so much memory, piece by piece."""
    held: list[bytearray] = []
    try:
        for _ in range(mebibytes):
            held.append(bytearray(_MEBIBYTE))  # noqa: PERF401 - what is held shows where it ended
    except MemoryError:
        got = len(held)
        held.clear()
        _answer(f"refused after {got // 100} hundred")
        raise
    _answer("held")


@app.task(name="tests.greedy.render")
def render(lines: int) -> None:
    """Make the files of a document of so many lines, e-invoices and their checks included."""
    document = a_document(lines)
    cii, ubl = to_cii(document), to_ubl(document)
    check_cii(cii)
    check_ubl(ubl)
    _answer("rendered" if render_pdf(document, einvoice=cii).startswith(b"%PDF") else "no PDF")


@app.task(name="tests.greedy.tell_limit")
def tell_limit() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_DATA)
    _answer("none" if soft == resource.RLIM_INFINITY else str(soft // _MEBIBYTE))


def _answer(words: str) -> None:
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.rpush(ANSWERS, f"{os.getpid()}: {words}")
