"""Backups by PostgreSQL's own programs: whole, never partial without saying so, by the owner."""

import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings as program_settings
from django.core.management import CommandError
from django.db import connection
from pytest_django import Settings

from backups import documents, making
from backups.ownership import owner_of
from backups.programs import find_program, run_program
from backups.records import last_backup
from backups.refusals import ProgramFailed, ProgramMissing
from backups.repository import Repository
from common.embedded import postgres
from common.embedded.places import RUNTIME_ROLE
from common.storage import StorageUnavailable
from invoices.models import Document, Seller
from tests.backups.backing_up import archive_path, back_up, backups_in, manifest_of
from tests.factories import make_invoice, make_user, store_pdf
from tests.people import signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_database")]


# --- What is in it ------------------------------------------------------------------------------


def test_a_backup_says_what_it_holds(
    repository: Repository, stored: list[Document], capsys: pytest.CaptureFixture[str]
) -> None:
    backup = back_up(repository)
    told = manifest_of(backup)
    assert told["contents"]["invoices_invoice"]["rows"] == 3
    assert told["contents"]["audit_auditevent"]["rows"] > 0
    assert (told["documents"], told["faults"]) == (3, [])
    assert [head["prefix"] for head in told["series"]] == ["INV-"]
    assert ["invoices", "0001_invoices"] in told["migrations"]
    said = capsys.readouterr().out
    assert "3 documents" in said
    assert "3 of them new" in said


def test_dump_and_documents_are_proven_by_the_tool_that_every_system_has(
    repository: Repository, stored: list[Document]
) -> None:
    backup = back_up(repository)
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    checked = subprocess.run(check, cwd=backup, capture_output=True, text=True, check=True)
    assert checked.stdout.count(": OK") == 4


def test_only_new_documents_are_copied(
    repository: Repository, stored: list[Document], capsys: pytest.CaptureFixture[str]
) -> None:
    back_up(repository)
    store_pdf(make_invoice(stored[0].account, seller=Seller.objects.get()), b"%PDF one more")
    capsys.readouterr()
    back_up(repository)
    assert "4 documents" in (said := capsys.readouterr().out)
    assert "1 of them new" in said
    assert len(backups_in(repository)) == 2


def test_only_the_backups_user_can_read_it(repository: Repository, stored: list[Document]) -> None:
    backup = back_up(repository)
    for path in (backup / "database.dump", repository.document(stored[0].storage_key)):
        assert path.stat().st_mode & 0o077 == 0
    assert repository.root.stat().st_mode & 0o077 == 0


def test_sessions_are_in_no_backup(repository: Repository) -> None:
    """Who finds one could use them, and one that is restored would sign people in again."""
    signed_in(make_user())
    backup = back_up(repository)
    assert manifest_of(backup)["contents"]["django_session"]["rows"] == 0
    with owner_of():
        listed = subprocess.run(
            [find_program("pg_restore"), "--list", backup / "database.dump"],
            capture_output=True,
            text=True,
            check=True,
        )
    assert "TABLE DATA public users_user " in listed.stdout
    assert "TABLE DATA public django_session " not in listed.stdout


def test_the_database_remembers_its_last_backup(
    repository: Repository, stored: list[Document]
) -> None:
    assert last_backup() is None
    backup = back_up(repository)
    last = last_backup()
    assert last is not None
    assert (last.name, last.documents, last.faults) == (backup.name, 3, 0)
    assert last.dump_bytes == (backup / "database.dump").stat().st_size
    assert last.started_at <= last.finished_at
    # The row was written after the dump.
    assert manifest_of(backup)["contents"]["backups_completedbackup"]["rows"] == 0


def test_documents_can_be_left_to_their_storage(
    repository: Repository, stored: list[Document]
) -> None:
    backup = back_up(repository, "--without-documents")
    assert not (repository.root / "documents").exists()
    assert manifest_of(backup)["has_documents"] is False


# --- Rows that change meanwhile -----------------------------------------------------------------


def test_dump_and_counts_are_of_one_moment(
    repository: Repository, stored: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is committed while the dump is written is in neither."""
    dumped = making._dump

    def dump_and_go_on(target: Path, *, snapshot: str) -> None:
        another = connection.copy()
        with closing(another), another.cursor() as cursor:
            cursor.execute("INSERT INTO mail_suppressedaddress (address, reason) VALUES ('a', 'x')")
        dumped(target, snapshot=snapshot)

    monkeypatch.setattr(making, "_dump", dump_and_go_on)
    backup = back_up(repository)
    assert manifest_of(backup)["contents"]["mail_suppressedaddress"]["rows"] == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM mail_suppressedaddress")
        assert cursor.fetchone() == (1,)


# --- Faults -------------------------------------------------------------------------------------


def test_a_document_that_is_missing_or_altered_is_named_and_the_rest_is_backed_up(
    repository: Repository, stored: list[Document], capsys: pytest.CaptureFixture[str]
) -> None:
    missing, altered, good = stored
    archive_path(missing).unlink()
    archive_path(altered).write_bytes(b"%PDF with another total")
    with pytest.raises(CommandError, match="lacks 2 documents"):
        back_up(repository)
    [backup] = backups_in(repository)
    told = manifest_of(backup)
    assert sorted((fault["key"], fault["kind"]) for fault in told["faults"]) == sorted(
        [(missing.storage_key, "missing"), (altered.storage_key, "altered")]
    )
    assert f"{altered.storage_key} is altered" in capsys.readouterr().err
    assert repository.document(good.storage_key).exists()
    assert not repository.document(altered.storage_key).exists()
    last = last_backup()
    assert last is not None
    assert (last.faults, last.unreachable) == (2, 0)


def test_a_storage_that_does_not_answer_costs_the_documents_and_not_the_database(
    repository: Repository, stored: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> bytes:
        raise StorageUnavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(documents, "read_document", away)
        with pytest.raises(CommandError, match=r"lacks 3 documents.* the next backup copies them"):
            back_up(repository)
    [backup] = backups_in(repository)
    assert {fault["kind"] for fault in manifest_of(backup)["faults"]} == {"unreachable"}
    last = last_backup()
    assert last is not None
    assert (last.faults, last.unreachable) == (0, 3)
    assert manifest_of(back_up(repository))["faults"] == []
    last = last_backup()
    assert last is not None
    assert (last.faults, last.unreachable) == (0, 0)


def test_rereading_finds_what_has_changed_since(
    repository: Repository, stored: list[Document]
) -> None:
    """A copy that was spoiled is made again; an original that was is named, its copy kept."""
    back_up(repository)
    copy_spoiled, original_spoiled, _ = stored
    repository.document(copy_spoiled.storage_key).write_bytes(b"bit rot")
    content = archive_path(original_spoiled).read_bytes()
    archive_path(original_spoiled).write_bytes(b"bit rot")
    assert manifest_of(back_up(repository))["faults"] == []
    with pytest.raises(CommandError, match="lacks 1 document"):
        back_up(repository, "--reread")
    spoiled = repository.document(copy_spoiled.storage_key)
    assert spoiled.read_bytes() == archive_path(copy_spoiled).read_bytes()
    assert repository.document(original_spoiled.storage_key).read_bytes() == content


def test_a_full_disk_leaves_nothing_that_looks_like_a_backup(
    repository: Repository, stored: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Repository, "write_document", no_room)
        with pytest.raises(CommandError, match=r"No backup was made.*No space left"):
            back_up(repository)
    assert [path.name for path in repository.root.iterdir()] == [".lock"]
    assert last_backup() is None
    assert manifest_of(back_up(repository))["documents"] == 3


def test_what_a_killed_backup_has_left_is_taken_away(
    repository: Repository, stored: list[Document]
) -> None:
    left = repository.root / "20260101T000000Z.unfinished"
    left.mkdir(parents=True)
    (left / "database.dump").write_bytes(b"half")
    back_up(repository)
    assert not left.exists()


def test_two_at_once_are_refused(repository: Repository) -> None:
    with repository.locked(), pytest.raises(CommandError, match="Another backup is being written"):
        back_up(repository)
    back_up(repository)


# --- As whom, and by what -----------------------------------------------------------------------


def test_without_an_owners_login_nothing_is_dumped(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(program_settings, "OWNER_DATABASE", {})
        with pytest.raises(CommandError, match="set DATABASE_OWNER_URL"):
            back_up(repository)
    assert not backups_in(repository)


def test_a_login_that_rows_are_hidden_from_makes_no_backup(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        runtime = {"OPTIONS": {"assume_role": RUNTIME_ROLE}}
        patch.setattr(program_settings, "OWNER_DATABASE", runtime)
        with pytest.raises(
            CommandError, match=r"Policies hide rows of .* from counterfoil_runtime"
        ):
            back_up(repository)
    assert not backups_in(repository)


def test_pg_dump_itself_refuses_what_policies_hide(tmp_path: Path) -> None:
    """The last wall: as the runtime role it fails rather than write an empty table."""
    with owner_of(), pytest.raises(ProgramFailed, match=r"row-level security|permission denied"):
        run_program(
            find_program("pg_dump"),
            f"--role={RUNTIME_ROLE}",
            "--table=invoices_invoice",
            f"--file={tmp_path / 'dump'}",
        )


def test_programs_sign_in_as_the_program_does_and_show_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pg_dump"
    program.write_text('#!/bin/sh\necho "$* / $PGPASSWORD $PGSSLMODE" >&2\nexit 1\n')
    program.chmod(0o755)
    with owner_of():
        monkeypatch.setitem(connection.settings_dict, "PASSWORD", "s3cret")
        monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"sslmode": "verify-full"})
        with pytest.raises(ProgramFailed, match="--format=custom / s3cret verify-full"):
            run_program(program, "--format=custom")


@pytest.mark.parametrize(
    ("says", "refusal"),
    [
        ("pg_dump (PostgreSQL) 15.4 (Debian 15.4-2)", "is of PostgreSQL 15, and the server is 18"),
        ("nothing", "does not say its version"),
    ],
)
def test_a_program_that_is_too_old_is_named(
    tmp_path: Path, settings: Settings, says: str, refusal: str
) -> None:
    (tmp_path / "pg_dump").write_text(f"#!/bin/sh\necho '{says}'\n")
    (tmp_path / "pg_dump").chmod(0o755)
    settings.POSTGRES_BIN = str(tmp_path)
    with pytest.raises(ProgramMissing, match=refusal):
        find_program("pg_dump")


def test_a_program_that_is_not_there_is_named(tmp_path: Path, settings: Settings) -> None:
    settings.POSTGRES_BIN = str(tmp_path)
    with pytest.raises(ProgramMissing, match="Install the client programs of PostgreSQL 18"):
        find_program("pg_dump")


def test_without_a_folder_programs_are_found_on_the_path(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.EMBEDDED = False
    wheel = postgres.program("pg_dump").parent
    monkeypatch.setenv("PATH", str(wheel))
    assert find_program("pg_dump") == wheel / "pg_dump"
