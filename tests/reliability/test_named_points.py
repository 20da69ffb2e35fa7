"""Processes that kill themselves at every named point, several times each.

One installation goes through the main job in three phases. In each phase, a few rows for each point
are let go, the worker's process dies at the point as often as ordered, and the rows must still come
to their end before the next point's turn: so whatever is lost or doubled, the point is known.
"""

import json
import os
import signal
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import LiteralString

import pytest

from tests.reliability.charges import FIRST_DAY, ChargeRow, Scene, charges_for
from tests.reliability.installation import CommandFailed, Installation
from tests.reliability.invariants import Witness, check_invariants
from tests.reliability.orders import Orders
from tests.reliability.points import POINTS, KillAt
from tests.reliability.processes import DEFAULT, MAIL, RENDER, Programs

_Calls = Mapping[str, Sequence[int]]

# Where each worker dies, and at which calls, counted in each process from the death before.
_TWICE = (1, 2)
_ANYWHERE: _Calls = {
    "before claim": _TWICE,
    "claimed": (1, 1),
    # Of a claim, of the witness's counter, of an attempt's beginning, of reading, of the work.
    "before commit": (1, 2, 3, 4, 5),
    "committed": (1, 2, 3, 4, 5),
    "before ring": (1, 1),
}
_BILLING: _Calls = {
    **_ANYWHERE,
    "begun": _TWICE,
    "before draft": _TWICE,
    "drafted": _TWICE,
    "before number": _TWICE,
    "numbered": _TWICE,
    "issued": _TWICE,
    "issue committed": _TWICE,
}
_RENDERING: _Calls = {
    **_ANYWHERE,
    "begun": _TWICE,
    "checked": _TWICE,
    "before render": _TWICE,
    "mid render": _TWICE,
    "rendered": _TWICE,
    "before write": _TWICE,
    "before rename": _TWICE,
    "stored": _TWICE,
    "second file recorded": _TWICE,
    "mail queued": _TWICE,
    "document finished": _TWICE,
}
_SENDING: _Calls = {
    **_ANYWHERE,
    "before offer": _TWICE,
    "offered": _TWICE,
    "after content": _TWICE,
    "accepted": _TWICE,
    "before sent mark": _TWICE,
    "marked sent": _TWICE,
    "settled": _TWICE,
}

# Each point of a phase has as many rows to itself.
_ACCOUNTS, _DOCUMENTS, _MESSAGES = 5, 3, 5
# A ring is sent for a full batch only (``common.claims.BATCH_SIZE``).
_MESSAGES_TO_RING = 25
_PATIENCE_SECONDS = 60
_LOOK_SECONDS = 0.1


def test_every_named_point_has_its_turn() -> None:
    assert {*_BILLING, *_RENDERING, *_SENDING} == set(POINTS)


@pytest.mark.slow
def test_process_killed_at_any_named_point_loses_nothing_and_does_nothing_twice(
    installation: Installation,
) -> None:
    scene = installation.stage(2 * _ACCOUNTS)
    charges = _charges_for_rounds(scene)
    installation.take(charges)
    witness = Witness(installation)
    orders = Orders(installation)
    _bill(installation, orders, witness)
    _render(installation, orders)
    _send(installation, orders)
    figures = check_invariants(installation, scene=scene, charges=charges, witness=witness)
    print(f"{figures.kills} kills, {figures.second_copies} second copies")
    assert figures.second_copies > 0
    assert figures.kills == len(_BILLING) + sum(
        len(calls) for phase in (_BILLING, _RENDERING, _SENDING) for calls in phase.values()
    )


def _charges_for_rounds(scene: Scene) -> list[ChargeRow]:
    """One for each account of a round, due on the round's day; the halves of a scene take turns."""
    return [
        row
        for number in range(len(_BILLING))
        for row in charges_for(
            scene, lines=1, day=FIRST_DAY + timedelta(days=number), name=f"R{number}"
        )
        if (scene.accounts.index(row.account) < _ACCOUNTS) == (number % 2 == 0)
    ]


# --- Phases ---------------------------------------------------------------------------------------


def _bill(installation: Installation, orders: Orders, witness: Witness) -> None:
    """``manage.py bill`` dies first, and then the worker that goes on where it was."""
    through = {DEFAULT: orders.to(DEFAULT)}
    with installation.programs(render=0, mail=0, beat=False, through=through) as programs:
        for number, (point, calls) in enumerate(_BILLING.items()):
            day = FIRST_DAY + timedelta(days=number)
            with _asleep(programs, DEFAULT), pytest.raises(CommandFailed) as killed:
                installation.bill("--as-of", day.isoformat(), kill_at=KillAt(point))
            assert killed.value.status == -signal.SIGKILL, killed.value.said
            installation.let_leases_run_out(still=0)
            _die(installation, orders, DEFAULT, point, calls)
            witness.look()


def _render(installation: Installation, orders: Orders) -> None:
    _hold_back(installation, "invoices_document")
    through = {RENDER: orders.to(RENDER)}
    with installation.programs(render=1, mail=0, default=0, beat=False, through=through):
        for point, calls in _RENDERING.items():
            _let_go(installation, "invoices_document", _DOCUMENTS)
            _die(installation, orders, RENDER, point, calls)
        _let_go(installation, "invoices_document", None)
        _die(installation, orders, RENDER, "stored", ())


def _send(installation: Installation, orders: Orders) -> None:
    _hold_back(installation, "mail_outgoingemail")
    through = {MAIL: orders.to(MAIL)}
    accepted = installation.mailbox.copies
    with installation.programs(render=0, mail=1, default=0, beat=False, through=through):
        for point, calls in _SENDING.items():
            before = len(accepted)
            messages = _MESSAGES_TO_RING if point == "before ring" else _MESSAGES
            _let_go(installation, "mail_outgoingemail", messages)
            _die(installation, orders, MAIL, point, calls)
            second = len(accepted) - before - messages
            most = len(calls) if POINTS[point].may_copy else 0
            assert 0 <= second <= most, f"{second} second copies by deaths at: {point}"
        _let_go(installation, "mail_outgoingemail", None)
        _die(installation, orders, MAIL, "settled", ())


def _die(
    installation: Installation, orders: Orders, program: str, point: str, calls: Sequence[int]
) -> None:
    """Order the deaths, and see to it that the worker goes on after each until nothing is left."""
    before = len(installation.kills.of(program))
    orders.give(program, point, calls=calls)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    outstanding = len(calls)
    while outstanding or _unfinished(installation, program):
        assert time.monotonic() < deadline, (
            f"{outstanding} deaths at “{point}” did not happen and"
            f" {_unfinished(installation, program)} rows are unfinished"
        )
        if orders.outstanding(program) < outstanding:
            outstanding = orders.outstanding(program)
            _end_leases_of_the_dead(installation, orders, program)
        if _is_idle(installation, program):
            installation.ring(program)
        time.sleep(_LOOK_SECONDS)
    died = installation.kills.of(program)[before:]
    assert [kill.point for kill in died] == [point] * len(calls)


# --- Rows and their clock -------------------------------------------------------------------------

_TABLES: Mapping[str, LiteralString] = {
    DEFAULT: "billing_billingrunitem",
    RENDER: "invoices_document",
    MAIL: "mail_outgoingemail",
}
_IN_WORK: Collection[str] = (
    *("pending", "drafting", "approved", "issuing"),
    *("rendering", "queued", "sending", "deferred", "uncertain"),
)


def _hold_back(installation: Installation, table: LiteralString) -> None:
    installation.sql(f"UPDATE {table} SET next_attempt_at = now() + interval '1 day'")


def _let_go(installation: Installation, table: LiteralString, rows: int | None) -> None:
    """Without a number, all."""
    installation.sql(
        f"UPDATE {table} SET next_attempt_at = now() WHERE id IN (SELECT id FROM {table}"
        " WHERE next_attempt_at > now() AND state = ANY(%s) ORDER BY id LIMIT %s)",
        [list(_IN_WORK), rows],
    )


def _unfinished(installation: Installation, program: str) -> int:
    """Rows that were let go; of billing, runs as well."""
    table = _TABLES[program]
    ((rows, runs),) = installation.sql(
        f"SELECT (SELECT count(*) FROM {table} WHERE state = ANY(%s)"
        "  AND next_attempt_at < now() + interval '1 hour'),"
        " (SELECT count(*) FROM billing_billingrun WHERE state IN ('drafting', 'issuing'))",
        [list(_IN_WORK)],
    )
    return int(rows + runs)


def _end_leases_of_the_dead(installation: Installation, orders: Orders, program: str) -> None:
    """Only theirs: a living process must not lose what it has in hand."""
    installation.sql(
        f"UPDATE {_TABLES[program]} SET leased_until = now() - interval '1 second'"
        " WHERE leased_until > now() AND lease_token::text = ANY(%s)",
        [orders.leases_of_the_dead(program)],
    )


def _is_idle(installation: Installation, program: str) -> bool:
    """No ring waits for the worker or is in its hands; the worker before left some in its own."""
    queue = program.removeprefix("worker-")
    with installation.redis() as client:
        in_hand = [json.loads(message)[2] for message in client.hvals("unacked")]
        return not client.llen(queue) and queue not in in_hand


@contextmanager
def _asleep(programs: Programs, name: str) -> Iterator[None]:
    """With the worker's first process stopped, so that it takes up nothing meanwhile."""
    os.kill(programs.pid(name), signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(programs.pid(name), signal.SIGCONT)
