"""Which storage the environment asks for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from common.storage.s3 import DurableS3Storage
from config.document_settings import documents_storage
from config.environment import Environment

FOLDER = Path("/srv/documents")
PREFIX = "DOCUMENTS_S3_"


@pytest.fixture(autouse=True)
def no_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def give(**variables: str) -> None:
        for name, text in variables.items():
            monkeypatch.setenv(f"{PREFIX}{name}", text)

    return give


def storage_of_the_environment() -> DurableS3Storage:
    storage = documents_storage(Environment(), folder=FOLDER)
    assert storage["BACKEND"] == "common.storage.s3.DurableS3Storage"
    return DurableS3Storage(**storage["OPTIONS"])


def test_documents_lie_in_the_folder_unless_a_bucket_is_named(
    given: Callable[..., None],
) -> None:
    given(PREFIX="counterfoil", REGION="eu-central-1")

    assert documents_storage(Environment(), folder=FOLDER) == {
        "BACKEND": "common.storage.DurableFileSystemStorage",
        "OPTIONS": {"location": FOLDER},
    }


def test_a_bucket_needs_no_more_than_its_name(
    given: Callable[..., None],
) -> None:
    """Amazon's own servers, and whatever credentials the machine has."""
    given(BUCKET="invoices")

    storage = storage_of_the_environment()

    assert (storage.bucket_name, storage.location, storage.object_parameters) == (
        "invoices",
        "",
        {},
    )
    assert {storage.endpoint_url, storage.region_name, storage.access_key} == {None}


def test_all_that_can_be_said_about_a_bucket_reaches_the_storage(
    given: Callable[..., None],
) -> None:
    given(
        BUCKET="invoices",
        PREFIX="/counterfoil/documents/",
        ENDPOINT_URL="https://s3.storage.example",
        REGION="eu-central-1",
        ACCESS_KEY_ID="a key",
        SECRET_ACCESS_KEY="a secret",
        ENCRYPTION="aws:kms",
        KMS_KEY_ID="alias/documents",
    )

    storage = storage_of_the_environment()

    assert storage.location == "counterfoil/documents"
    assert storage.endpoint_url == "https://s3.storage.example"
    assert storage.region_name == "eu-central-1"
    assert (storage.access_key, storage.secret_key) == ("a key", "a secret")
    assert storage.object_parameters == {
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "alias/documents",
    }


@pytest.mark.parametrize("name", ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY"])
def test_half_of_the_credentials_is_refused(name: str, given: Callable[..., None]) -> None:
    given(BUCKET="invoices", **{name: "given"})

    with pytest.raises(ImproperlyConfigured, match="or neither"):
        documents_storage(Environment(), folder=FOLDER)


def test_the_secret_may_be_a_file(given: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a secret in a file\n")
    given(BUCKET="invoices", ACCESS_KEY_ID="a key", SECRET_ACCESS_KEY_FILE=str(tmp_path / "secret"))

    assert storage_of_the_environment().secret_key == "a secret in a file"
