from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as program_settings
from django.db import connection
from pytest_django import Settings

from backups import witness
from backups.repository import Repository
from invoices.models import Document
from mail.transport import process_transport
from tests.backups import databases
from tests.factories import make_account, make_invoice, store_pdf
from tests.mail.sink import Sink, running_sink
from tests.scenes import a_seller


@pytest.fixture(autouse=True)
def nothing_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is a process of its own to the witness: it has asked nothing yet."""
    monkeypatch.setattr(witness, "_answer", witness._Answer())


@pytest.fixture
def archive(settings: Settings, tmp_path: Path) -> Path:
    """A folder of documents of the test's own."""
    folder = tmp_path / "documents"
    storages = {**program_settings.STORAGES}
    storages["documents"] = {**storages["documents"], "OPTIONS": {"location": folder}}
    settings.STORAGES = storages
    return folder


@pytest.fixture
def own_database(transactional_db: None, archive: Path) -> Iterator[str]:
    """A database of the test's own, which may be replaced, with an archive beside it."""
    name = connection.settings_dict["NAME"]
    own = f"{name}_own"
    databases.drop_all(own)
    databases.copy(name, own)
    connection.settings_dict["NAME"] = own
    yield own
    connection.close()
    connection.settings_dict["NAME"] = name
    databases.drop_all(own)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty folder of backups."""
    return Repository(tmp_path / "backups")


@pytest.fixture
def stored(own_database: str) -> list[Document]:
    """The documents of three invoices."""
    account, seller = make_account(), a_seller()
    return [
        store_pdf(make_invoice(account, seller=seller), b"%%PDF-1.7 number %d" % number)
        for number in range(3)
    ]


@pytest.fixture
def sink(settings: Settings) -> Iterator[Sink]:
    """A mail server of the test's own, which the settings name."""
    with running_sink() as running:
        settings.EMAIL_PORT = running.port
        yield running
        process_transport().close()
