"""What the database and the storage say about each other, and what must not alarm anybody."""

import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit.models import AuditEvent
from backups import witness, witness_copies
from backups.heads import SeriesHead
from backups.models import Setback, Witness
from backups.refusals import DatabaseBehind
from backups.setbacks import Acknowledgement, acknowledge, open_setback
from backups.witness_copies import Copy
from common.scoping import all_accounts_scope
from common.storage import StorageUnavailable
from invoices.issuing import issue_invoice
from tests.factories import OPERATOR, make_account, make_draft, make_invoice, make_seller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("archive")]

HEAD = SeriesHead(
    seller="northwind",
    kind="invoice",
    prefix="INV-",
    digits=6,
    last_sequence=7,
    last_hash="7" * 64,
)


def installation() -> Witness:
    """The row, made where an earlier test's flush has taken it along."""
    return Witness.objects.get_or_create(pk=1)[0]


def leave_copy(counter: int, *heads: SeriesHead) -> None:
    """As a later state of this database would have done."""
    copy = Copy(counter=counter, at=timezone.now(), heads=heads)
    assert witness_copies.write(installation().installation, copy)


def copies() -> list[int]:
    return witness_copies.counters(installation().installation)


def believe_no_longer() -> None:
    witness._answer.believed_until = 0


# --- Letting out --------------------------------------------------------------------------------


def test_the_counter_goes_up_and_a_copy_says_how_far_each_series_is() -> None:
    invoice = make_invoice(make_account(), seller=make_seller())
    witness.advance()
    counter = installation().counter
    assert counter == 1
    copy = witness_copies.read(installation().installation, counter)
    assert copy is not None
    [head] = copy.heads
    assert (head.number, head.last_hash) == (invoice.number, invoice.content_hash)
    assert (head.seller, head.kind) == (invoice.seller.code, "invoice")


def test_the_newest_two_copies_are_kept() -> None:
    for _ in range(5):
        witness.advance()
    assert copies() == [4, 5]


def test_the_copy_is_there_before_anything_is_let_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the counter before the copy: a storage that fails leaves the database ahead."""

    def fail(*_: object) -> bool:
        raise StorageUnavailable("no room")

    witness.advance()
    with monkeypatch.context() as patch:
        patch.setattr(witness_copies, "write", fail)
        with pytest.raises(StorageUnavailable):
            witness.advance()
    assert (installation().counter, copies()) == (2, [1])
    assert witness.reason_to_hold() == ""
    witness.advance()
    assert (installation().counter, copies()) == (3, [1, 3])


def test_a_copy_that_cannot_be_deleted_does_no_harm(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(name: str) -> None:
        raise StorageUnavailable("deleting is not allowed")

    monkeypatch.setattr(storages["documents"], "delete", refuse)
    for _ in range(4):
        witness.advance()
    assert copies() == [1, 2, 3, 4]
    assert "cannot be deleted" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_workers_that_advance_at_once_alarm_nobody() -> None:
    each, workers = 25, 4
    # As set-up makes it: a process that finds no folder takes the storage to be away.
    Path(storages["documents"].path("")).mkdir(parents=True, exist_ok=True)

    def work(_: int) -> None:
        for _turn in range(each):
            witness.advance()
            witness.require_current()
        connection.close()

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    assert installation().counter == copies()[-1] == each * workers
    assert open_setback() is None


# --- An older database --------------------------------------------------------------------------


def issue() -> None:
    issue_invoice(make_draft(make_account(), seller=make_seller()), actor=OPERATOR)


@pytest.mark.parametrize("attempt", [witness.advance, witness.require_current, issue])
def test_a_database_that_a_copy_is_ahead_of_lets_nothing_out(attempt: Callable[[], None]) -> None:
    witness.advance()
    leave_copy(9, HEAD)
    with pytest.raises(DatabaseBehind, match="Numbers are out up to INV-000007"):
        attempt()
    assert installation().counter == 1


def test_a_database_that_is_behind_by_one_is_behind() -> None:
    leave_copy(1)
    with pytest.raises(DatabaseBehind):
        witness.advance()
    assert copies() == [1]


def test_what_was_found_is_recorded_once_with_what_is_out() -> None:
    invoice = make_invoice(make_account(), seller=make_seller())
    same = replace(HEAD, last_sequence=1, last_hash=invoice.content_hash)
    other = replace(HEAD, prefix="CN-", last_sequence=3)
    leave_copy(9, same, other)
    believe_no_longer()
    reasons = {witness.reason_to_hold() for _ in range(3)}
    [setback] = Setback.objects.all()
    assert reasons == {setback.in_words()}
    assert (setback.source, setback.counter, setback.witness_counter) == ("witness", 0, 9)
    assert [head["prefix"] for head in setback.heads] == ["CN-"]
    with all_accounts_scope("a test"):
        [event] = AuditEvent.objects.filter(action="database:found_older")
    assert event.actor_label == "witness"


def test_a_number_that_is_out_on_another_document_is_beyond() -> None:
    """Two databases went on from the same past, and both gave the number."""
    invoice = make_invoice(make_account(), seller=make_seller())
    leave_copy(9, replace(HEAD, last_sequence=1))
    believe_no_longer()
    assert witness.reason_to_hold()
    [head] = Setback.objects.get().heads
    assert head["last_hash"] != invoice.content_hash


def test_what_was_found_stays_found_when_the_storage_is_emptied(archive: Path) -> None:
    leave_copy(9)
    assert witness.reason_to_hold()
    shutil.rmtree(archive / "witness")
    assert witness.reason_to_hold()
    with pytest.raises(DatabaseBehind):
        witness.advance()


def test_a_copy_that_says_nothing_still_counts() -> None:
    storages["documents"].save(
        f"witness/{installation().installation.hex}/{9:020d}.json", ContentFile(b"{half")
    )
    assert witness.reason_to_hold()
    assert not Setback.objects.get().knows_heads


def test_of_two_databases_with_one_past_one_stops() -> None:
    """Somebody works on a copy of the database and on the storage of the original."""
    witness.advance()
    ours = installation().counter
    leave_copy(ours + 1)
    with pytest.raises(DatabaseBehind):
        witness.advance()


def test_a_copy_whose_name_was_taken_in_the_same_moment_shows_another_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leave_copy(1)
    with monkeypatch.context() as patch:
        patch.setattr(witness_copies, "counters", lambda _: [])
        with pytest.raises(DatabaseBehind):
            witness.advance()
    setback = open_setback()
    assert setback is not None
    assert setback.witness_counter == 1


# --- No alarm -----------------------------------------------------------------------------------


def test_a_new_installation_issues_and_lets_out() -> None:
    assert witness.reason_to_hold() == ""
    assert make_invoice(make_account(), seller=make_seller()).number == "INV-000001"
    witness.advance()


def test_a_storage_that_is_empty_or_older_alarms_nobody(archive: Path) -> None:
    for _ in range(3):
        witness.advance()
    former = shutil.copytree(archive, archive.with_name("former"))
    for _ in range(3):
        witness.advance()
    shutil.rmtree(archive)
    former.rename(archive)
    assert witness.reason_to_hold() == ""
    witness.advance()
    shutil.rmtree(archive / "witness")
    believe_no_longer()
    assert witness.reason_to_hold() == ""
    witness.advance()
    assert copies() == [8]


def test_another_installations_copies_in_the_same_storage_are_no_concern_of_ours() -> None:
    copy = Copy(counter=99, at=timezone.now(), heads=())
    witness_copies.write(uuid4(), copy)
    assert witness.reason_to_hold() == ""
    witness.advance()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_was_flushed_is_a_new_installation() -> None:
    leave_copy(9)
    former = installation().installation
    call_command("flush", verbosity=0, interactive=False)
    assert witness.reason_to_hold() == ""
    witness.advance()
    assert installation().installation != former


# --- Asking the storage -------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the storage was asked."""
    times: list[float] = []
    listed = witness_copies.counters

    def count(*args: object) -> Sequence[int]:
        times.append(time.monotonic())
        return listed(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(witness_copies, "counters", count)
    return times


def test_an_answer_is_believed_for_a_while(asked: list[float]) -> None:
    for _ in range(10):
        witness.require_current()
    assert len(asked) == 1
    believe_no_longer()
    witness.require_current()
    assert len(asked) == 2


def test_a_counter_that_is_lower_than_before_is_asked_about_at_once(asked: list[float]) -> None:
    witness.advance()
    witness.require_current()
    asked.clear()
    witness._answer.counter = 5
    leave_copy(5)
    with pytest.raises(DatabaseBehind):
        witness.require_current()
    assert len(asked) == 1


def test_a_process_that_does_not_see_the_folder_of_documents_cannot_tell(archive: Path) -> None:
    """Nobody mounted it there; an installation that has let nothing out has none yet."""
    assert not archive.exists()
    witness.require_current()
    witness.advance()
    archive.rename(archive.with_name("elsewhere"))
    believe_no_longer()
    for attempt in (witness.require_current, witness.advance):
        with pytest.raises(StorageUnavailable, match="is it mounted here"):
            attempt()
    archive.with_name("elsewhere").rename(archive)
    witness.advance()


def test_while_the_storage_is_away_nobody_issues_and_nothing_is_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*_: object) -> None:
        raise StorageUnavailable("the bucket does not answer")

    monkeypatch.setattr(witness_copies, "counters", away)
    draft = make_draft(make_account(), seller=make_seller())
    with pytest.raises(StorageUnavailable):
        issue_invoice(draft, actor=OPERATOR)
    assert "the bucket does not answer" in witness.reason_to_hold()
    assert not Setback.objects.exists()


# --- What the database holds --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE backups_witness SET counter = counter - 1", "only counts on"),
        ("UPDATE backups_witness SET installation = gen_random_uuid()", "only counts on"),
        ("DELETE FROM backups_witness", "the witness stays"),
        ("UPDATE backups_setback SET note = 'x'", "acknowledged once"),
        ("UPDATE backups_setback SET acknowledged_at = NULL", "acknowledged once"),
        ("DELETE FROM backups_setback", "acknowledged once"),
    ],
)
def test_counter_and_acknowledgements_cannot_be_taken_back(statement: str, refusal: str) -> None:
    leave_copy(9)
    witness.reason_to_hold()
    setback = open_setback()
    assert setback is not None
    decided = Acknowledgement(followed={}, reused=(), sends_mail=False, note="a test")
    with all_accounts_scope("a test"):
        acknowledge(setback, decided, actor=OPERATOR)
    with (
        pytest.raises(IntegrityError, match=refusal),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_one_setback_is_open_at_most() -> None:
    Setback.objects.create(source="declared", counter=0)
    with pytest.raises(IntegrityError), transaction.atomic():
        Setback.objects.create(source="declared", counter=0)
