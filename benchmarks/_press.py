"""The work of a process that renders in one way: reads numbers of lines, answers with its cost."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from benchmarks._processes import cpu_seconds
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.einvoice.writing import to_cii
from tests.invoices.documents import a_document

# From a document, and the e-invoice that goes into it, to a PDF.
Press = Callable[[InvoiceDocument, bytes], bytes]


def serve(press: Press, *, has_processes: bool = False) -> None:
    """Answer each line of standard input with one of JSON, until there are no more."""
    for request in sys.stdin:
        document, einvoice = _sample(int(request))
        start = _cpu(has_processes)
        pdf = press(document, einvoice)
        answer = {
            "cpu": _cpu(has_processes) - start,
            "memory": _memory(),
            "size": len(pdf),
        }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


@cache
def _sample(lines: int) -> tuple[InvoiceDocument, bytes]:
    document = a_document(lines)
    return document, to_cii(document)


def _cpu(has_processes: bool) -> float:
    """CPU seconds so far: exact for this process, in ticks of 10 ms for its whole family."""
    return cpu_seconds(os.getpid()) if has_processes else time.process_time()


def _memory() -> int:
    """Bytes of this process that are in memory now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
