"""What tests of watching do over and over: have everything in order, let rows grow old, look."""

import socket
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.db.models.functions import Now

from audit.recording import Actor
from billing.billing_run import start_daily_run
from common.scoping import account_scope, all_accounts_scope
from tests.mail.messages import email_row
from watching.alarms import Alarm, Code
from watching.looking import look
from watching.models import SignOfLife
from watching.signs import NAMES

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def hear_everybody(*, but: str = "") -> None:
    """Every part has just been heard, and without a gap for a while."""
    for name in NAMES:
        if name != but:
            give_sign_ago(timedelta(), name, steady=HOUR)


def give_sign_ago(ago: timedelta, name: str, *, steady: timedelta = timedelta()) -> None:
    """A part was last heard ``ago``, and until then for ``steady`` without a gap."""
    heard = {"heard_at": Now() - ago, "steady_since": Now() - ago - steady, "given_by": "test"}
    SignOfLife.objects.update_or_create(name=name, defaults=heard)


def start_todays_run() -> None:
    start_daily_run(actor=Actor.system("daily billing"))


def change(model: type[Model], pk: Any, **columns: Any) -> None:
    """Write columns as nothing of the program would: rows that have grown old."""
    with all_accounts_scope("a test lets rows grow old"):
        assert model._default_manager.filter(pk=pk).update(**columns) == 1


def alarms() -> dict[Code, Alarm]:
    """What is wrong, by code; each at most once."""
    found = look().alarms
    by_code = {alarm.code: alarm for alarm in found}
    assert len(by_code) == len(found)
    return by_code


def a_message_made(ago: timedelta, **columns: Any) -> uuid.UUID:
    """One that was queued so long ago: the column that says so is frozen."""
    with account_scope(1):
        row = email_row(
            **{"id": uuid.uuid4(), "account_id": 1, "created_at": Now() - ago, **columns}
        )
        row.dedup_key = str(row.pk)
        row.save(force_insert=True)
        return row.pk


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def reach_postgres_at(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """For new connections; the one that the test has stays."""
    for name, value in (("HOST", "127.0.0.1"), ("PORT", str(port))):
        monkeypatch.setitem(connection.settings_dict, name, value)
