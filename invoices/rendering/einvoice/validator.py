"""Applies compiled Schematron rules to documents, for the process that started it.

    python -m invoices.rendering.einvoice.validator 45

Its standard input is a socket. A request is two messages, the path of the rules and the document;
the answer is REPORT and the report in SVRL, or FAILURE and what happened. Saxon is native code with
a heap of its own that only grows: here it grows where nothing else does, and it is the only thing
that this process imports.

It ends when nobody holds the other end any more, so it outlives no process that it works for,
however that ends. One answer may take the seconds that it is told; the kernel ends it after that.
"""

import signal
import socket
import sys
from contextlib import suppress
from functools import cache
from typing import Any, Final

from saxonche import PySaxonApiError, PySaxonProcessor

from invoices.rendering.einvoice.frames import FAILURE, REPORT, receive, send

# The rules look codes up in a file beside them; without this it is read anew for each document,
# a fifth of the time at 40 lines.
_READ_CODES_ONCE: Final = "http://saxon.sf.net/feature/preEvaluateDocFunction"


def main(most_seconds: int) -> None:
    # A stop is meant for the worker, and what that has in hand still needs answers.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=sys.stdin.fileno()) as asker, suppress(EOFError, ConnectionError):
        while True:
            rules, xml = receive(asker).decode(), receive(asker)
            # Nobody handles the signal: it ends native code that does not come back, too.
            signal.alarm(most_seconds)
            send(asker, *_answer(rules, xml))
            signal.alarm(0)


def _answer(rules: str, xml: bytes) -> tuple[bytes, bytes]:
    try:
        document = _saxon().parse_xml(xml_text=xml.decode())
        report: str | None = _rules(rules).transform_to_string(xdm_node=document)
    except PySaxonApiError as error:
        return FAILURE, str(error).encode()
    return REPORT, (report or "").encode()


@cache
def _rules(path: str) -> Any:
    return _saxon().new_xslt30_processor().compile_stylesheet(stylesheet_file=path)


@cache
def _saxon() -> Any:
    saxon = PySaxonProcessor(license=False)
    saxon.set_configuration_property(_READ_CODES_ONCE, "true")
    return saxon


if __name__ == "__main__":
    main(int(sys.argv[1]))
