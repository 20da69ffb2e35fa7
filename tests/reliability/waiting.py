"""Waiting until an installation has nothing left to do."""

import time
from collections import Counter
from collections.abc import Callable, Collection

import psycopg

from tests.reliability.installation import Installation

_LOOK_SECONDS = 0.2

# What, state, attempts, last error.
_Row = tuple[str, str, int, str]


def wait_until(happened: Callable[[], bool], *, timeout: float) -> None:
    """Raises AssertionError when it has not after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not happened():
        assert time.monotonic() < deadline, f"it did not happen within {timeout} s"
        time.sleep(_LOOK_SECONDS)


def wait_until_quiet(
    installation: Installation, *, timeout: float, leaving: Collection[str] = ()
) -> float:
    """Until every account is issued, every document stored, every message in a final state.

    Parked and failed rows are final: people see them. ``leaving`` are further states that may stay,
    such as "deferred". Returns the seconds it took; while PostgreSQL is away it goes on waiting.
    Raises AssertionError with what is unfinished after ``timeout`` seconds.
    """
    began = time.monotonic()
    found: list[_Row] | None = None
    while time.monotonic() - began < timeout:
        try:
            found = _unfinished(installation, leaving)
        except psycopg.OperationalError:
            time.sleep(_LOOK_SECONDS)
            continue
        if not found:
            return time.monotonic() - began
        time.sleep(_LOOK_SECONDS)
    raise AssertionError(_told(found, timeout))


def work_off(
    installation: Installation, *, timeout: float, still: float = 3.0, leaving: Collection[str] = ()
) -> float:
    """The same with the clock moved on each time that no worker has anything in hand.

    Leases of dead workers and pauses then end, and workers are sent to look: see
    ``Installation.let_leases_run_out``. Needs PostgreSQL, and a Redis that has not been emptied
    while workers had rings in hand.
    """
    began = time.monotonic()
    while found := _unfinished(installation, leaving):
        if time.monotonic() - began > timeout:
            raise AssertionError(_told(found, timeout))
        installation.let_leases_run_out(still=still)
        installation.let_pauses_end()
        installation.ring()
        time.sleep(_LOOK_SECONDS)
    return time.monotonic() - began


def _unfinished(installation: Installation, leaving: Collection[str]) -> list[_Row]:
    return [
        (what, state, attempts, error)
        for what, state, attempts, error in installation.sql(_UNFINISHED)
        if state not in leaving
    ]


def _told(found: list[_Row] | None, timeout: float) -> str:
    if found is None:
        return f"PostgreSQL did not answer for {timeout} s"
    counts = Counter((what, state) for what, state, *_ in found)
    states = ", ".join(f"{count} × {what} {state}" for (what, state), count in counts.items())
    examples = [
        f"    {what} {state}, attempts {attempts}: {error or 'no error'}"
        for what, state, attempts, error in found[:5]
    ]
    return "\n".join([f"unfinished after {timeout} s: {states}", *examples])


_UNFINISHED = """
    SELECT 'account', state, attempts, last_error FROM billing_billingrunitem
    WHERE state IN ('pending', 'drafting', 'approved', 'issuing')
    UNION ALL
    SELECT 'run', state, 0, '' FROM billing_billingrun WHERE state IN ('drafting', 'issuing')
    UNION ALL
    SELECT 'document', state, attempts, last_error FROM invoices_document
    WHERE state IN ('pending', 'rendering')
    UNION ALL
    SELECT 'message', state, attempts, last_error FROM mail_outgoingemail
    WHERE state IN ('queued', 'sending', 'deferred', 'uncertain')
"""
