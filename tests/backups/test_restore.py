"""Restoring: equal to the backup or not at all, with the walls as they were."""

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from audit.models import AuditEvent
from backups import databases, restoring, witness
from backups.digests import contents
from backups.models import Setback, Witness
from backups.ownership import owner_of
from backups.refusals import DatabaseBehind, RestoreRefused
from backups.repository import Repository
from backups.setbacks import open_setback
from common.claims import claim
from common.embedded import postgres
from common.embedded.places import RUNTIME_ROLE, Places
from common.scoping import all_accounts_scope
from common.storage import read_document
from invoices.models import Document, Invoice
from invoices.producing import render_due
from mail.models import SuppressedAddress
from mail.queue import EMAIL_QUEUE
from tests.backups.backing_up import archive_path, back_up, manifest_of
from tests.backups.databases import names_like
from tests.backups.scenes import a_business, acknowledge, new_process, numbers
from tests.factories import make_user
from tests.mail.sink import Sink
from tests.people import signed_in
from users.models import UserSession

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("own_database"),
    pytest.mark.slow,
]


def restore(backup: Path, *arguments: str) -> None:
    call_command("restore", str(backup), "--replace", "--yes", *arguments)


def rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def change_the_manifest(backup: Path, **columns: Any) -> None:
    (backup / "manifest.json").write_text(json.dumps(manifest_of(backup) | columns))


def change_something() -> None:
    """So that what was restored can be told from what was there."""
    SuppressedAddress.objects.create(address="late@example.com", reason="after the backup")


# --- What was in the backup ---------------------------------------------------------------------


def test_every_table_is_as_it_was(
    repository: Repository, stored: list[Document], capsys: pytest.CaptureFixture[str]
) -> None:
    backup = back_up(repository)
    change_something()

    restore(backup)

    assert not SuppressedAddress.objects.exists()
    with owner_of(), closing(connection):
        found = {table: content.rows for table, content in contents().items()}
    wanted = {table: told["rows"] for table, told in manifest_of(backup)["contents"].items()}
    # What the restore itself has written.
    written = {"audit_auditevent": 2, "backups_setback": 1}
    assert found == {table: count + written.get(table, 0) for table, count in wanted.items()}
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["invoices_invoice", "3", "rows,", "equal"] in told
    with all_accounts_scope("a test"):
        [event] = AuditEvent.objects.filter(action="database:restored")
    assert event.details["backup"] == backup.name


def test_the_walls_stand_as_before(repository: Repository, stored: list[Document]) -> None:
    """Policies, triggers and privileges; nobody may call what only triggers should."""
    statements = (
        "SELECT schemaname, tablename, policyname, cmd, qual, with_check FROM pg_policies"
        " ORDER BY 1, 2, 3",
        "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger"
        " WHERE NOT tgisinternal ORDER BY 1, 2",
        "SELECT proname, prosecdef, has_function_privilege('public', oid, 'EXECUTE'),"
        f" has_function_privilege('{RUNTIME_ROLE}', oid, 'EXECUTE')"
        " FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
        "SELECT conrelid::regclass::text, conname, contype, convalidated FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
        "SELECT relname, relrowsecurity, pg_get_userbyid(relowner),"
        f" has_table_privilege('{RUNTIME_ROLE}', oid, 'SELECT, INSERT'),"
        f" has_table_privilege('{RUNTIME_ROLE}', oid, 'UPDATE'),"
        f" has_table_privilege('{RUNTIME_ROLE}', oid, 'TRUNCATE, TRIGGER, REFERENCES')"
        " FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1",
        "SELECT indexrelid::regclass::text, indisunique, indpred IS NULL FROM pg_index"
        " WHERE indrelid::regclass::text !~ '^pg_' ORDER BY 1",
        f"SELECT has_schema_privilege('{RUNTIME_ROLE}', 'public', 'CREATE')",
    )
    before = [rows(statement) for statement in statements]
    restore(back_up(repository))
    for statement, former in zip(statements, before, strict=True):
        assert len(former) > 0
        assert rows(statement) == former


def test_documents_are_put_back_where_they_are_missing_or_altered(
    repository: Repository, stored: list[Document], capsys: pytest.CaptureFixture[str]
) -> None:
    backup = back_up(repository)
    missing, altered, whole = stored
    archive_path(missing).unlink()
    archive_path(altered).write_bytes(b"bit rot")
    before = archive_path(whole).stat().st_mtime_ns

    restore(backup)

    for document in stored:
        assert read_document(document.storage_key, sha256=document.sha256)
    assert archive_path(whole).stat().st_mtime_ns == before
    assert "Documents put back: 2; lacking: 0" in capsys.readouterr().out


def test_a_whole_machine_is_lost(
    repository: Repository, stored: list[Document], archive: Path
) -> None:
    """The backup is all there is: another server, an empty storage."""
    backup = back_up(repository)
    shutil.rmtree(archive)
    restore(backup)
    for document in stored:
        assert read_document(document.storage_key, sha256=document.sha256)
    with all_accounts_scope("a test"):
        assert Invoice.objects.count() == 3


def test_a_document_that_is_nowhere_is_named_and_the_rest_restored(
    repository: Repository, stored: list[Document], capsys: pytest.CaptureFixture[str]
) -> None:
    backup = back_up(repository)
    change_something()
    archive_path(stored[0]).unlink()
    repository.document(stored[0].storage_key).write_bytes(b"bit rot")
    with pytest.raises(CommandError, match="1 document could not be"):
        restore(backup)
    assert f"{stored[0].storage_key} is missing" in capsys.readouterr().err
    assert not SuppressedAddress.objects.exists()


def test_a_backup_without_documents_proves_those_that_are_there(
    repository: Repository, stored: list[Document]
) -> None:
    backup = back_up(repository, "--without-documents")
    restore(backup)
    archive_path(stored[0]).unlink()
    with pytest.raises(CommandError, match="1 document could not be"):
        restore(backup)


def test_whoever_was_signed_in_signs_in_again(
    repository: Repository, stored: list[Document]
) -> None:
    signed_in(make_user())
    restore(back_up(repository))
    assert not UserSession.objects.exists()


def test_the_former_database_is_kept_under_another_name(
    repository: Repository, own_database: str, stored: list[Document]
) -> None:
    backup = back_up(repository)
    change_something()
    restore(backup)
    [former] = names_like(f"{own_database}_before_")
    connection.close()
    connection.settings_dict["NAME"] = former
    assert SuppressedAddress.objects.count() == 1
    connection.close()
    connection.settings_dict["NAME"] = own_database


def test_an_empty_database_is_filled_without_asking(
    repository: Repository, own_database: str, stored: list[Document]
) -> None:
    backup = back_up(repository)
    with owner_of(), connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE")
        cursor.execute("CREATE SCHEMA public")
    call_command("restore", str(backup))
    with all_accounts_scope("a test"):
        assert Invoice.objects.count() == 3
    assert names_like(f"{own_database}_") == []


# --- What is refused ----------------------------------------------------------------------------


@pytest.fixture
def backup(repository: Repository, stored: list[Document]) -> Path:
    """A backup, and something that has changed since."""
    made = back_up(repository)
    change_something()
    return made


@pytest.fixture
def untouched(own_database: str) -> Any:
    """What must hold after a refusal: the database is as it was, and nothing is left beside it."""

    def check() -> None:
        assert SuppressedAddress.objects.count() == 1
        assert names_like(f"{own_database}_") == []

    return check


def test_a_database_that_holds_something_is_not_replaced_unasked(
    backup: Path, untouched: Any
) -> None:
    with pytest.raises(CommandError, match=r"is not empty\. With --replace"):
        call_command("restore", str(backup))
    untouched()


def test_replacing_is_confirmed_by_the_databases_name(
    backup: Path, own_database: str, untouched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    with pytest.raises(CommandError, match="not the database's name"):
        call_command("restore", str(backup), "--replace")
    untouched()
    monkeypatch.setattr("builtins.input", lambda _: own_database)
    call_command("restore", str(backup), "--replace")
    assert not SuppressedAddress.objects.exists()


def test_a_database_that_is_in_use_is_not_replaced(backup: Path, untouched: Any) -> None:
    another = connection.copy()
    with closing(another), another.cursor() as cursor:
        cursor.execute("SELECT 1")
        with pytest.raises(CommandError, match="in use by 1 connection: stop web, workers"):
            restore(backup)
    untouched()


@pytest.mark.skipif(not settings.EMBEDDED, reason="there may be no other login")
def test_a_session_of_another_login_is_noticed(
    own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In production the program has one of its own, of whose sessions the owner sees little."""
    databases.refuse_if_in_use()
    monkeypatch.setattr(databases, "_LEAVING_SECONDS", 0)
    with postgres.connect(Places(settings.VAR_DIR), database=own_database):
        with pytest.raises(RestoreRefused, match="in use by 1 connection"):
            databases.refuse_if_in_use()


def test_a_dump_that_was_altered_is_not_restored(backup: Path, untouched: Any) -> None:
    dump = backup / "database.dump"
    dump.write_bytes(dump.read_bytes()[:-1] + b"x")
    with pytest.raises(CommandError, match="its SHA-256 differs"):
        restore(backup)
    untouched()


def test_a_database_that_comes_out_differently_is_not_put_in_place(
    backup: Path, untouched: Any
) -> None:
    told = manifest_of(backup)["contents"]
    told["invoices_invoice"]["digest"] = "1"
    change_the_manifest(backup, contents=told)
    with pytest.raises(CommandError, match=r"1 tables differ\. invoices_invoice"):
        restore(backup)
    untouched()


def test_a_restore_that_breaks_off_leaves_everything(
    backup: Path, untouched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(restoring, "grant_runtime_privileges", interrupt)
    with pytest.raises(KeyboardInterrupt):
        restore(backup)
    untouched()


def test_a_newer_programs_backup_is_refused(backup: Path, untouched: Any) -> None:
    migrations = [*manifest_of(backup)["migrations"], ["invoices", "9999_from_the_future"]]
    change_the_manifest(backup, migrations=migrations)
    with pytest.raises(CommandError, match=r"made by a newer program.*9999_from_the_future"):
        restore(backup)
    untouched()


def test_what_is_no_backup_is_refused(backup: Path, tmp_path: Path, untouched: Any) -> None:
    with pytest.raises(CommandError, match="is no backup: give the folder"):
        restore(tmp_path)
    (backup / "manifest.json").write_text("{")
    with pytest.raises(CommandError, match="manifest cannot be read"):
        restore(backup)
    (backup / "manifest.json").write_text('{"format": 7}')
    with pytest.raises(CommandError, match="a form that this program does not know"):
        restore(backup)
    untouched()


# --- An older program's backup ------------------------------------------------------------------


def test_an_older_programs_backup_is_brought_up_to_date(
    repository: Repository, stored: list[Document], capsys: pytest.CaptureFixture[str]
) -> None:
    """A release that knew no sessions: their table is there before the database is in place."""
    call_command("migrate", "sessions", "zero", verbosity=0)
    restore(back_up(repository))
    assert "Migrations added: 1" in capsys.readouterr().out
    assert not UserSession.objects.exists()
    assert ("django_session", True) in rows(
        f"SELECT relname, has_table_privilege('{RUNTIME_ROLE}', oid, 'INSERT') FROM pg_class"
    )


# --- What may have left since -------------------------------------------------------------------


def test_a_restore_that_has_lost_nothing_goes_on_at_once(
    repository: Repository, sink: Sink
) -> None:
    business = a_business()
    business.let_out()
    backup = back_up(repository)
    restore(backup)
    new_process()
    assert open_setback() is None
    assert business.let_out().number == "INV-000002"


def test_what_a_worker_had_in_hand_at_the_backup_may_have_left_uncounted(
    repository: Repository, sink: Sink
) -> None:
    business = a_business()
    business.let_out()
    business.issue()
    render_due()
    assert claim(EMAIL_QUEUE)
    backup = back_up(repository)
    restore(backup)
    setback = open_setback()
    assert setback is not None
    assert (setback.source, setback.witness_counter) == ("restore", None)


def test_numbers_given_after_the_backup_are_counted_before_anything_is_rendered(
    repository: Repository, sink: Sink
) -> None:
    business = a_business()
    business.let_out()
    backup = back_up(repository)
    business.issue()
    restore(backup)
    setback = open_setback()
    assert setback is not None
    assert setback.witness_counter is not None


def test_after_an_older_backup_nothing_goes_on_until_somebody_has_looked(
    repository: Repository, sink: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    business = a_business()
    business.let_out()
    backup = back_up(repository)
    business.let_out()

    restore(backup)

    assert "Numbers are out up to INV-000002" in capsys.readouterr().out
    setback = Setback.objects.get()
    assert (setback.source, setback.knows_heads) == ("restore", True)
    with pytest.raises(DatabaseBehind):
        witness.require_current()
    acknowledge("--next=INV-=INV-B-")
    new_process()
    assert business.let_out().number == "INV-B-000001"
    assert numbers() == ["INV-000001", "INV-B-000001"]


def test_with_an_empty_storage_nothing_proves_that_no_more_has_left(
    repository: Repository, sink: Sink, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new machine: what was sent between the backup and the end of the old one is not known."""
    business = a_business()
    business.let_out()
    backup = back_up(repository)
    shutil.rmtree(archive)
    restore(backup)
    assert "what was sent after that moment is not known" in capsys.readouterr().out
    with pytest.raises(CommandError, match="Say what becomes of CN-, INV-"):
        acknowledge()
    acknowledge("--reuse-numbers")
    new_process()
    assert business.let_out().number == "INV-000002"
    assert Witness.objects.get().counter > 0


def test_a_backup_that_was_made_while_one_was_open_tells_the_newest(
    repository: Repository, sink: Sink, archive: Path
) -> None:
    business = a_business()
    business.let_out()
    first = back_up(repository)
    business.let_out()
    restore(first)
    second = back_up(repository)
    acknowledge("--next=INV-=INV-B-")
    new_process()
    business.let_out()
    restore(second)
    [setback] = Setback.objects.all()
    assert {head["prefix"]: head["last_sequence"] for head in setback.heads} == {
        "INV-": 2,
        "INV-B-": 1,
    }
