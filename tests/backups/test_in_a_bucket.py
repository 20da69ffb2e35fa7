"""The same with documents in a bucket: the witness, a backup, and a restore into an empty one."""

from collections.abc import Iterator

import pytest
from django.core.files.storage import storages
from django.core.management import call_command
from pytest_django import Settings

from backups import witness, witness_copies
from backups.models import Witness
from backups.refusals import DatabaseBehind
from backups.repository import Repository
from common.storage import StorageUnavailable, read_document
from invoices.models import Document
from tests.backups.backing_up import back_up, manifest_of
from tests.common.s3_server import S3Server, running_s3, s3_storage
from tests.factories import make_account, make_invoice, store_pdf
from tests.scenes import a_seller

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("own_database"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with running_s3() as running:
        yield running


@pytest.fixture(autouse=True)
def bucket(own_database: str, server: S3Server, settings: Settings) -> None:
    move_to_a_new_bucket(server, settings)


def move_to_a_new_bucket(server: S3Server, settings: Settings) -> None:
    storage = s3_storage(**server.new_bucket().options())
    settings.STORAGES = settings.STORAGES | {"documents": storage}


def copies() -> list[int]:
    return witness_copies.counters(Witness.objects.get().installation)


def test_the_witness_counts_and_notices() -> None:
    for _ in range(3):
        witness.advance()
    newest = copies()
    assert newest == [2, 3]
    copy = witness_copies.read(Witness.objects.get().installation, 3)
    assert copy is not None
    later = witness_copies.Copy(counter=9, at=copy.at, heads=copy.heads)
    assert witness_copies.write(Witness.objects.get().installation, later)
    assert not witness_copies.write(Witness.objects.get().installation, later)
    with pytest.raises(DatabaseBehind):
        witness.advance()


def test_while_the_bucket_is_away_nothing_is_let_out(server: S3Server) -> None:
    witness.advance()
    server.stop()
    try:
        with pytest.raises(StorageUnavailable):
            witness.advance()
    finally:
        server.start()
    witness.advance()
    assert copies() == [1, 2]


def test_documents_are_backed_up_and_put_into_an_empty_bucket(
    repository: Repository, server: S3Server, settings: Settings
) -> None:
    invoice = make_invoice(make_account(), seller=a_seller())
    document: Document = store_pdf(invoice)
    backup = back_up(repository)
    assert (manifest_of(backup)["documents"], manifest_of(backup)["faults"]) == (1, [])
    move_to_a_new_bucket(server, settings)
    assert not storages["documents"].exists(document.storage_key)
    call_command("restore", str(backup), "--replace", "--yes")
    assert read_document(document.storage_key, sha256=document.sha256)
