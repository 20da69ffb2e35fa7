"""Restoring a backup: beside the present database, compared, and put in its place."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from audit.actions import Action
from audit.recording import Actor, record
from backups import databases, witness_copies
from backups.digests import contents
from backups.documents import Outcome, faults_of, prove_writable, put_back, referred_documents
from backups.heads import beyond, heads_to_json
from backups.manifest import Fault, Manifest
from backups.models import Setback, Witness
from backups.ownership import owner_of
from backups.programs import find_program, run_program
from backups.refusals import BackupUnusable, RestoreRefused
from backups.reporting import Progress
from backups.repository import DUMP, MANIFEST, Repository, sha256_of
from backups.setbacks import open_setback, record_setback, series_heads
from common.roles import grant_runtime_privileges

_MOST_JOBS = 4


@dataclass(frozen=True, slots=True)
class Restored:
    """A database that is as its backup was. ``former`` is the name of the one before it, if any."""

    manifest: Manifest
    former: str
    put_back: int
    faults: Sequence[Fault]
    # What may have left since the backup was made; None when it is proven that nothing has.
    setback: Setback | None
    # How many migrations this program had to add.
    migrated: int


def read_backup(path: Path) -> Manifest:
    """The manifest of a backup that this program can restore, its dump compared with it.

    Raises BackupUnusable.
    """
    try:
        manifest = Manifest.from_json((path / MANIFEST).read_text())
    except FileNotFoundError:
        raise BackupUnusable(
            f"{path} is no backup: give the folder that has {MANIFEST} in it."
        ) from None
    if sha256_of(path / DUMP) != manifest.dump_sha256:
        raise BackupUnusable(f"{path / DUMP} is not what was written: its SHA-256 differs.")
    if unknown := sorted(set(manifest.migrations) - _known_migrations()):
        app, name = unknown[-1]
        raise BackupUnusable(
            f"The backup was made by a newer program: this one does not know its migration"
            f" {app} {name}. Restore it with the release that made it, or a later one."
        )
    return manifest


def restore_backup(
    path: Path, manifest: Manifest, *, replaces: bool, actor: Actor, progress: Progress
) -> Restored:
    """Put the database of ``manifest``, read from ``path``, in the place of the present one.

    Until the last step the present one is untouched; then it keeps its content under another name.
    Documents that the storage lacks are put back before that step. Raises RestoreRefused,
    NotTheOwner, ProgramMissing, ProgramFailed, BackupUnusable or StorageUnavailable; the present
    database stays then.
    """
    had_content = databases.holds_anything()
    if had_content and not replaces:
        raise RestoreRefused(
            f"The database {databases.own_database()} is not empty. With --replace it is kept under"
            " another name."
        )
    databases.refuse_if_in_use()
    prove_writable()
    databases.create_unfinished()
    try:
        with owner_of(databases.unfinished_database()):
            _fill(path / DUMP, progress)
            _compare(manifest, progress)
            migrated = _bring_up_to_date(manifest, progress)
            copied, faults = _put_documents_back(path, manifest, progress)
            setback = _note_setback()
            record(
                Action.DATABASE_RESTORED,
                actor=actor,
                subject="database",
                details={"backup": path.name, "made_at": manifest.made_at},
            )
        former = databases.put_in_place()
    except BaseException:
        # Where somebody keeps it from being dropped, the next restore does it.
        with suppress(RestoreRefused):
            databases.drop_unfinished()
        raise
    if former and not had_content:
        with suppress(RestoreRefused):
            databases.drop(former)
            former = ""
    return Restored(
        manifest=manifest,
        former=former,
        put_back=copied,
        faults=faults,
        setback=setback,
        migrated=migrated,
    )


def _known_migrations() -> set[tuple[str, str]]:
    return set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def _fill(dump: Path, progress: Progress) -> None:
    """What the dump holds, owned by the present role."""
    progress("restoring the database", 0)
    run_program(
        find_program("pg_restore"),
        "--exit-on-error",
        "--no-owner",
        f"--jobs={min(os.cpu_count() or 1, _MOST_JOBS)}",
        f"--dbname={connection.settings_dict['NAME']}",
        dump,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _compare(manifest: Manifest, progress: Progress) -> None:
    """Every table has the rows it had, and no other is there. Raises BackupUnusable."""
    progress("comparing rows", 0)
    with transaction.atomic():
        found = contents()
    wanted = manifest.contents
    differing = sorted(
        table for table in {*found, *wanted} if found.get(table) != wanted.get(table)
    )
    if differing:
        table = differing[0]
        raise BackupUnusable(
            f"The restored database is not what the backup says: {len(differing)} tables differ."
            f" {table}: {found.get(table)} instead of {wanted.get(table)}."
        )


def _bring_up_to_date(manifest: Manifest, progress: Progress) -> int:
    """Add what this program's migrations have brought since, and grant the runtime role its due."""
    lacking = _known_migrations() - set(manifest.migrations)
    if lacking:
        progress("migrating", 0)
        # Not our own command, which would turn to the present database.
        call_command(migrate.Command(), verbosity=0, interactive=False)
    with transaction.atomic():
        grant_runtime_privileges()
    return len(lacking)


def _put_documents_back(
    path: Path, manifest: Manifest, progress: Progress
) -> tuple[int, list[Fault]]:
    """Prove the documents in the storage, from the backup where they are lacking."""
    faults: list[Fault] = []
    copied = 0
    # The rows are read from a cursor, which lives as long as its transaction.
    with transaction.atomic():
        told = put_back(referred_documents(), Repository(path.parent))
        for number, (document, outcome) in enumerate(told, start=1):
            copied += outcome == Outcome.COPIED
            faults += faults_of([(document, outcome)])
            progress("proving documents", number)
    return copied, faults


def _was_work_in_hand() -> bool:
    """Whether a row of any queue was leased when the backup was made."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND column_name = 'leased_until'"
        )
        for (name,) in cursor.fetchall():
            leased = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE leased_until IS NOT NULL)")
            cursor.execute(leased.format(sql.Identifier(name)))
            if cursor.fetchone() == (True,):
                return True
    return False


def _note_setback() -> Setback | None:
    """Have the database wait for an acknowledgement, unless nothing has left since the backup.

    That is proven by a copy of the witness in the storage that has counted as far as the backup and
    no further, if no worker had anything in hand: the rest of its batch left uncounted. Where there
    is no copy, for example on a new machine, nothing proves it.
    """
    witness = Witness.objects.first()
    counter = witness.counter if witness else 0
    present = witness_copies.counters(witness.installation) if witness else []
    newest = present[-1] if present else 0
    if witness is None or newest < counter or newest == 0:
        return record_setback(Setback(source=Setback.Source.RESTORE, counter=counter))
    if newest == counter and _was_work_in_hand():
        return record_setback(Setback(source=Setback.Source.RESTORE, counter=counter))
    if newest == counter:
        return open_setback()
    copy = witness_copies.read(witness.installation, newest)
    setback = open_setback() or Setback()
    setback.source, setback.counter = Setback.Source.RESTORE, counter
    setback.witness_counter = newest
    setback.witnessed_at = copy.at if copy else None
    setback.heads = heads_to_json(beyond(copy.heads, series_heads())) if copy else []
    if setback._state.adding:
        return record_setback(setback)
    setback.save()
    return setback
