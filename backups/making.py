"""Making a backup: one snapshot of the database, and every document that its rows refer to."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from backups.digests import LEFT_OUT, contents
from backups.documents import (
    Outcome,
    back_up,
    count_unreachable,
    faults_of,
    referred_documents,
)
from backups.manifest import Fault, Manifest
from backups.models import CompletedBackup, Witness
from backups.ownership import owner_of, refuse_hidden_rows
from backups.programs import find_program, run_program
from backups.reporting import Progress
from backups.repository import (
    DOCUMENTS,
    DUMP,
    MANIFEST,
    SUMS,
    Repository,
    sha256_of,
    write_private,
)
from backups.setbacks import known_heads
from common.storage import StoredDocument


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made. ``copied`` documents were not in the folder before."""

    path: Path
    manifest: Manifest
    copied: int


@dataclass(frozen=True, slots=True)
class _Listed:
    """How many documents the rows refer to, and their size in bytes."""

    documents: int
    document_bytes: int


def make_backup(folder: Path, *, with_documents: bool, rereads: bool, progress: Progress) -> Made:
    """Write a backup into ``folder`` and record it in the database.

    Documents that cannot be copied are named in the manifest, and the rest is backed up. Raises
    NotTheOwner, ProgramMissing, ProgramFailed, BackupBusy, or OSError when the folder cannot be
    written; nothing that looks like a backup is there then.
    """
    started_at, repository = timezone.now(), Repository(folder.resolve())
    name = repository.free_name(started_at.astimezone(UTC))
    with repository.locked(), owner_of(), repository.new_backup(name) as unfinished:
        refuse_hidden_rows()
        progress("dumping the database", 0)
        with _snapshot() as snapshot:
            _dump(unfinished / DUMP, snapshot=snapshot)
            progress("counting rows", 0)
            manifest = _described(unfinished / DUMP, made_at=started_at)
            listed = _list(unfinished, dump_sha256=manifest.dump_sha256, lists=with_documents)
        faults, copied = _copy(unfinished, repository, rereads=rereads, progress=progress)
        manifest = _completed(manifest, listed, faults, has_documents=with_documents)
        with write_private(unfinished / MANIFEST) as file:
            file.write(manifest.to_json())
    with owner_of():
        _record(name, manifest, started_at=started_at)
    return Made(repository.root / name, manifest, copied)


@contextmanager
def _snapshot() -> Iterator[str]:
    """One state of the database for the dump, the counts and the list of documents."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        yield str(cursor.fetchone()[0])


def _dump(target: Path, *, snapshot: str) -> None:
    run_program(
        find_program("pg_dump"),
        "--format=custom",
        f"--snapshot={snapshot}",
        *(f"--exclude-table-data={table}" for table in sorted(LEFT_OUT)),
        f"--file={target}",
    )
    target.chmod(0o600)


def _described(dump: Path, *, made_at: datetime) -> Manifest:
    """What is known before the documents are copied, from the snapshot."""
    witness = Witness.objects.first()
    return Manifest(
        made_at=made_at.isoformat(),
        server=".".join(map(str, connection.get_database_version())),
        migrations=sorted(MigrationRecorder(connection).applied_migrations()),
        contents=contents(),
        dump_bytes=dump.stat().st_size,
        dump_sha256=sha256_of(dump),
        has_documents=False,
        documents=0,
        document_bytes=0,
        faults=(),
        installation=witness.installation if witness else None,
        counter=witness.counter if witness else 0,
        series=known_heads(),
    )


def _list(unfinished: Path, *, dump_sha256: str, lists: bool) -> _Listed:
    """Write the sums, which are the list of documents for the copying that follows as well.

    The snapshot is not kept for as long as copying takes: it would hold up the database's tidying.
    """
    documents = document_bytes = 0
    with write_private(unfinished / SUMS) as sums:
        sums.write(f"{dump_sha256}  {DUMP}\n")
        for document in referred_documents() if lists else ():
            sums.write(f"{document.sha256}  ../{DOCUMENTS}/{document.key}\n")
            documents += 1
            document_bytes += document.size
    return _Listed(documents, document_bytes)


def _listed(unfinished: Path) -> Iterator[StoredDocument]:
    with (unfinished / SUMS).open() as sums:
        next(sums)
        for line in sums:
            sha256, _, path = line.rstrip("\n").partition("  ")
            yield StoredDocument(path.removeprefix(f"../{DOCUMENTS}/"), sha256, 0)


def _copy(
    unfinished: Path, repository: Repository, *, rereads: bool, progress: Progress
) -> tuple[list[Fault], int]:
    faults: list[Fault] = []
    copied = 0
    told = back_up(_listed(unfinished), repository, rereads=rereads)
    for number, (document, outcome) in enumerate(told, start=1):
        copied += outcome == Outcome.COPIED
        faults += faults_of([(document, outcome)])
        progress("copying documents", number)
    return faults, copied


def _completed(
    manifest: Manifest, listed: _Listed, faults: Sequence[Fault], *, has_documents: bool
) -> Manifest:
    return replace(
        manifest,
        has_documents=has_documents,
        documents=listed.documents,
        document_bytes=listed.document_bytes,
        faults=tuple(faults),
    )


def _record(name: str, manifest: Manifest, *, started_at: datetime) -> None:
    unreachable = count_unreachable(manifest.faults)
    CompletedBackup.objects.create(
        name=name,
        started_at=started_at,
        finished_at=timezone.now(),
        dump_bytes=manifest.dump_bytes,
        has_documents=manifest.has_documents,
        documents=manifest.documents,
        document_bytes=manifest.document_bytes,
        faults=len(manifest.faults) - unreachable,
        unreachable=unreachable,
    )
