"""The storage of documents, what it knows of the database, and backups."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as program_settings
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from backups import witness, witness_copies
from backups.models import CompletedBackup, Setback, Witness
from backups.witness_copies import Copy
from common.scoping import account_scope
from common.storage import StorageUnavailable
from invoices.models import Document, Seller
from tests.factories import make_account, make_invoice, make_seller, store_pdf
from tests.watching.steps import (
    HOUR,
    MINUTE,
    alarms,
    change,
    hear_everybody,
    start_todays_run,
)
from watching.alarms import Alarm, Code
from watching.looking import look_thoroughly
from watching.memory import remember
from watching.models import RaisedAlarm

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_order(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive of the test's own, of which this process has heard nothing yet."""
    hear_everybody()
    storages = {**program_settings.STORAGES}
    storages["documents"] = {**storages["documents"], "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = storages
    monkeypatch.setattr(witness, "_answer", witness._Answer())


def believe_no_longer() -> None:
    witness._answer.believed_until = 0


def refuse(*_: object) -> None:
    raise StorageUnavailable("[Errno 28] No space left on device")


def found_by_the_watchman() -> dict[Code, Alarm]:
    believe_no_longer()
    return {alarm.code: alarm for alarm in look_thoroughly().alarms}


def a_document_that_has_waited() -> None:
    invoice = make_invoice(make_account(), seller=make_seller())
    start_todays_run()
    with account_scope(invoice.account_id):
        document = Document.objects.get(invoice=invoice)
    change(Document, document.pk, created_at=Now() - 2 * MINUTE)


def test_a_storage_that_does_not_answer_is_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    witness.advance()
    assert not found_by_the_watchman()
    monkeypatch.setattr(witness_copies, "counters", refuse)
    assert found_by_the_watchman()[Code.STORAGE_AWAY].says == (
        "The storage of documents is out of reach or takes nothing:"
        " [Errno 28] No space left on device"
    )


def test_one_that_can_be_read_and_not_written_is_found_out_when_work_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    witness.advance()
    monkeypatch.setattr(witness_copies, "write", refuse)
    assert not found_by_the_watchman()
    a_document_that_has_waited()
    assert set(found_by_the_watchman()) == {Code.STORAGE_AWAY}


def test_nothing_is_written_as_long_as_no_work_waits() -> None:
    witness.advance()
    found_by_the_watchman()
    assert Witness.objects.get().counter == 1


def test_others_read_what_the_watchman_found(monkeypatch: pytest.MonkeyPatch) -> None:
    witness.advance()
    with monkeypatch.context() as patch:
        patch.setattr(witness_copies, "counters", refuse)
        believe_no_longer()
        remember(look_thoroughly())
    assert alarms()[Code.STORAGE_AWAY].since == RaisedAlarm.objects.get().first_seen_at
    RaisedAlarm.objects.update(last_seen_at=Now() - 4 * MINUTE)
    assert not alarms()


def test_a_database_that_is_older_than_what_has_left_is_found_out_and_told_by_everybody() -> None:
    witness.advance()
    ahead = Copy(counter=7, at=timezone.now(), heads=[])
    assert witness_copies.write(Witness.objects.get().installation, ahead)
    assert not alarms()
    found_by_the_watchman()
    alarm = alarms()[Code.DATABASE_BEHIND]
    assert alarm.says.startswith("This database is older than what has been sent.")
    assert alarm.since == Setback.objects.get().found_at


def three_stored_documents() -> list[Document]:
    account, seller = make_account(), make_seller()
    stored = [
        store_pdf(make_invoice(account, seller=seller), b"%%PDF number %d" % number)
        for number in range(3)
    ]
    start_todays_run()
    return stored


def test_an_archive_that_has_none_of_what_was_stored_first_is_not_the_right_one(
    tmp_path: Path,
) -> None:
    """The volume is not mounted, or the bucket is another: it answers and takes everything."""
    for document in three_stored_documents():
        assert not found_by_the_watchman()
        (tmp_path / document.storage_key).unlink()
    alarm = found_by_the_watchman()[Code.ARCHIVE_MISSING]
    assert alarm.says.startswith("The storage has none of the documents that were stored first")


def test_it_stays_so_when_something_was_let_out_into_the_wrong_place(tmp_path: Path) -> None:
    for document in three_stored_documents():
        (tmp_path / document.storage_key).unlink()
    witness.advance()
    store_pdf(make_invoice(make_account(), seller=Seller.objects.get()), b"%PDF one more")
    assert set(found_by_the_watchman()) == {Code.ARCHIVE_MISSING}


def test_and_others_read_that_the_watchman_found_it(tmp_path: Path) -> None:
    for document in three_stored_documents():
        (tmp_path / document.storage_key).unlink()
    believe_no_longer()
    remember(look_thoroughly())
    assert set(alarms()) == {Code.ARCHIVE_MISSING}


# --- Backups ------------------------------------------------------------------------------------


def a_backup(ago: timedelta, *, faults: int = 0, unreachable: int = 0) -> None:
    finished = timezone.now() - ago
    CompletedBackup.objects.create(
        name="2026-11-21T0300",
        started_at=finished - MINUTE,
        finished_at=finished,
        dump_bytes=1,
        documents=9,
        document_bytes=9,
        faults=faults,
        unreachable=unreachable,
    )


def test_whoever_makes_no_backups_here_is_not_told_that_they_are_late() -> None:
    assert not alarms()


def test_a_daily_backup_that_was_not_made_is_told_after_26_hours() -> None:
    a_backup(50 * HOUR)
    assert alarms()[Code.BACKUP_LATE].says == "The last backup was made 2 days ago."
    a_backup(25 * HOUR)
    assert not alarms()


def test_a_backup_that_found_documents_missing_is_told() -> None:
    a_backup(HOUR, faults=2)
    (alarm,) = alarms().values()
    assert alarm.code == Code.BACKUP_FAULTY
    assert alarm.says == "The backup 2026-11-21T0300 found 2 documents missing or altered."
    a_backup(timedelta())
    assert not alarms()


def test_a_storage_that_was_away_during_a_backup_is_not_told_as_damage() -> None:
    a_backup(HOUR, unreachable=2)
    (alarm,) = alarms().values()
    assert alarm.code == Code.BACKUP_INCOMPLETE
    assert alarm.says == (
        "The storage did not hand out 2 documents while the backup 2026-11-21T0300 was made."
    )
    assert "nothing is wrong with the documents" in alarm.kind.advice
    assert "next backup copies them" in alarm.kind.advice
    a_backup(timedelta())
    assert not alarms()
