"""Documents in a bucket, on servers that speak S3: what holds in a folder holds there too."""

import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.core.exceptions import SuspiciousOperation
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from pytest_django import Settings

from common.storage import (
    DocumentAltered,
    DocumentMissing,
    StorageUnavailable,
    StoredDocument,
    read_document,
    store_document,
)
from common.storage.s3 import DurableS3Storage
from tests.common.s3_server import (
    PREFIX,
    Answer,
    Answering,
    Bucket,
    S3Server,
    answering,
    half_an_answer,
    refusal,
    running_s3,
    s3_storage,
    silence,
)

CONTENT = b"%PDF-1.7 " + b"x" * 100_000
DIGEST = sha256(CONTENT).hexdigest()
KEY = f"{DIGEST[:2]}/{DIGEST}.pdf"


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with running_s3() as running:
        yield running


@pytest.fixture
def bucket(server: S3Server) -> Bucket:
    return server.new_bucket()


@pytest.fixture
def storage(bucket: Bucket) -> DurableS3Storage:
    return DurableS3Storage(**bucket.options())


@pytest.fixture
def documents(bucket: Bucket, settings: Settings) -> Bucket:
    """The bucket as the documents' storage of the settings."""
    use(settings, **bucket.options())
    return bucket


def use(settings: Settings, **options: Any) -> None:
    settings.STORAGES = settings.STORAGES | {"documents": s3_storage(**options)}


def content_of(storage: DurableS3Storage, name: str) -> bytes:
    with storage.open(name) as file:
        content: bytes = file.read()
    return content


def elsewhere(endpoint: str, **changes: Any) -> dict[str, Any]:
    """Options of a storage on a server that keeps nothing."""
    keys = {"access_key": "a key", "secret_key": "a secret", "region_name": "eu-central-1"}
    return {"bucket_name": "documents", "endpoint_url": endpoint, **keys, **changes}


# --- A storage as any other -----------------------------------------------------------------------


def test_saved_file_is_read_back_and_lies_below_the_prefix(
    bucket: Bucket, storage: DurableS3Storage
) -> None:
    name = storage.save("2010/12/a.pdf", ContentFile(CONTENT))

    assert name == "2010/12/a.pdf"
    assert bucket.names() == [f"{PREFIX}/2010/12/a.pdf"]
    assert content_of(storage, name) == CONTENT
    assert storage.size(name) == len(CONTENT)
    assert storage.get_modified_time(name).tzinfo is not None


def test_text_is_saved_as_utf_8(storage: DurableS3Storage) -> None:
    assert content_of(storage, storage.save("note.txt", ContentFile("Grüße"))) == "Grüße".encode()


def test_existing_file_is_never_overwritten(storage: DurableS3Storage) -> None:
    first = storage.save("a.pdf", ContentFile(b"first"))
    second = storage.save("a.pdf", ContentFile(b"second"))

    assert (first, second != first) == ("a.pdf", True)
    assert content_of(storage, first) == b"first"
    assert content_of(storage, second) == b"second"


def test_it_tells_what_is_there(storage: DurableS3Storage) -> None:
    for name in ("ab/one.pdf", "ab/two.pdf", "cd/three.pdf", "empty.json"):
        storage.save(name, ContentFile(b"" if name == "empty.json" else b"something"))

    assert storage.listdir("") == (["ab", "cd"], ["empty.json"])
    assert storage.listdir("ab") == ([], ["one.pdf", "two.pdf"])
    assert storage.listdir("nowhere") == ([], [])
    assert [storage.exists(name) for name in ("ab/one.pdf", "empty.json", "ab")] == [
        True,
        True,
        False,
    ]


def test_what_is_deleted_is_gone_however_often(storage: DurableS3Storage) -> None:
    storage.save("a.pdf", ContentFile(CONTENT))
    storage.delete("a.pdf")
    storage.delete("a.pdf")

    assert not storage.exists("a.pdf")
    for ask in (storage.open, storage.size, storage.get_modified_time):
        with pytest.raises(FileNotFoundError):
            ask("a.pdf")


def test_a_name_cannot_lead_out_of_the_prefix(storage: DurableS3Storage) -> None:
    with pytest.raises(SuspiciousOperation):
        storage.open("../other/a.pdf")


def test_an_object_is_not_written_piece_by_piece(storage: DurableS3Storage) -> None:
    with pytest.raises(ValueError, match="saved as a whole"):
        storage.open("a.pdf", "wb")


# --- Private, and whole ---------------------------------------------------------------------------


def test_an_object_is_nobody_elses(bucket: Bucket, storage: DurableS3Storage) -> None:
    storage.save("a.pdf", ContentFile(CONTENT))

    with pytest.raises(ValueError, match="no address"):
        storage.url("a.pdf")
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(f"{bucket.server.endpoint}/{bucket.name}/{PREFIX}/a.pdf")  # noqa: S310
    refused.value.close()
    grants = bucket.server.client.get_object_acl(Bucket=bucket.name, Key=f"{PREFIX}/a.pdf")[
        "Grants"
    ]
    assert [grant["Grantee"]["Type"] for grant in grants] == ["CanonicalUser"]


def test_the_server_is_told_the_hash_and_to_overwrite_nothing() -> None:
    with answering(refusal(409, "ConditionalRequestConflict")) as server:
        storage = DurableS3Storage(**elsewhere(server.endpoint))
        with pytest.raises(StorageUnavailable, match="ConditionalRequestConflict"):
            storage.save(KEY, ContentFile(CONTENT))

    [request] = server.requests
    assert (request.method, request.path, request.body) == ("PUT", f"/documents/{KEY}", CONTENT)
    assert request.headers["if-none-match"] == "*"
    digest = sha256(CONTENT).digest()
    assert request.headers["x-amz-checksum-sha256"] == b64encode(digest).decode()
    assert request.headers["x-amz-content-sha256"] == DIGEST
    assert "x-amz-content-sha256" in request.headers["authorization"]
    assert request.headers["content-type"] == "application/pdf"
    assert not [name for name in request.headers if "acl" in name or "grant" in name]


def losing_the_first_answer(handler: BaseHTTPRequestHandler, server: Answering) -> None:
    """The first PUT is kept and its connection broken; the second finds what was kept."""
    puts = [request for request in server.requests if request.method == "PUT"]
    if handler.command == "GET":
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(puts[0].body)))
        handler.end_headers()
        handler.wfile.write(puts[0].body)
    elif len(puts) == 1:
        handler.close_connection = True
    else:
        refusal(412, "PreconditionFailed")(handler, server)


def test_a_lost_answer_is_not_taken_for_another_file_of_that_name() -> None:
    with answering(losing_the_first_answer) as server:
        storage = DurableS3Storage(**elsewhere(server.endpoint))
        assert storage.save("a.pdf", ContentFile(CONTENT)) == "a.pdf"

    assert [request.method for request in server.requests] == ["PUT", "PUT", "GET"]


@pytest.mark.parametrize(
    "asked",
    [
        {"ServerSideEncryption": "AES256"},
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "arn:aws:kms:eu-central-1:1:key/2"},
    ],
)
def test_objects_are_encrypted_as_asked(bucket: Bucket, asked: dict[str, str]) -> None:
    storage = DurableS3Storage(**bucket.options(object_parameters=asked))
    storage.save("a.pdf", ContentFile(CONTENT))

    kept = bucket.server.client.head_object(Bucket=bucket.name, Key=f"{PREFIX}/a.pdf")
    assert {name: kept[name] for name in asked} == asked
    assert content_of(storage, "a.pdf") == CONTENT


def test_credentials_of_the_environment_are_taken_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a role come in three parts, and are refused without the third."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-of-a-role")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret of a role")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token of a role")
    with answering(refusal(404, "NoSuchKey")) as server:
        options = elsewhere(server.endpoint, access_key=None, secret_key=None)
        assert not DurableS3Storage(**options).exists("a.pdf")

    [request] = server.requests
    assert "key-of-a-role" in request.headers["authorization"]
    assert request.headers["x-amz-security-token"] == "token of a role"


# --- Documents ------------------------------------------------------------------------------------


def test_document_lies_under_its_hash(documents: Bucket) -> None:
    stored = store_document(CONTENT, suffix=".pdf")

    assert stored == StoredDocument(KEY, DIGEST, len(CONTENT))
    assert documents.content(f"{PREFIX}/{KEY}") == CONTENT
    assert read_document(stored.key, sha256=stored.sha256) == CONTENT


def test_storing_a_document_twice_changes_nothing(documents: Bucket) -> None:
    documents.server.client.put_bucket_versioning(
        Bucket=documents.name, VersioningConfiguration={"Status": "Enabled"}
    )
    assert store_document(CONTENT, suffix=".pdf") == store_document(CONTENT, suffix=".pdf")

    listed = documents.server.client.list_object_versions(Bucket=documents.name)
    assert [version["Key"] for version in listed["Versions"]] == [f"{PREFIX}/{KEY}"]


def test_processes_that_store_one_document_at_once_keep_it_once(documents: Bucket) -> None:
    with ThreadPoolExecutor(max_workers=4) as pool:
        stored = set(pool.map(lambda _: store_document(CONTENT, suffix=".pdf"), range(16)))

    assert stored == {StoredDocument(KEY, DIGEST, len(CONTENT))}
    assert documents.names() == [f"{PREFIX}/{KEY}"]
    assert read_document(KEY, sha256=DIGEST) == CONTENT


def test_document_stored_by_another_process_meanwhile_is_kept_once(
    documents: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = storages["documents"]
    original_save = storage.save

    def save_as_second(name: str, content: "ContentFile[bytes]") -> str:
        original_save(name, ContentFile(CONTENT))
        return original_save(name, content)

    monkeypatch.setattr(storage, "save", save_as_second)

    assert store_document(CONTENT, suffix=".pdf").key == KEY
    assert documents.names() == [f"{PREFIX}/{KEY}"]


def test_large_document_is_stored_and_read_whole(documents: Bucket) -> None:
    content = CONTENT * 300

    stored = store_document(content, suffix=".pdf")

    assert stored.size > 30_000_000
    assert read_document(stored.key, sha256=stored.sha256) == content


@pytest.mark.parametrize("altered", [CONTENT[:-1], CONTENT[:-1] + b"y", b""])
def test_altered_document_is_not_handed_out(documents: Bucket, altered: bytes) -> None:
    stored = store_document(CONTENT, suffix=".pdf")
    documents.overwrite(f"{PREFIX}/{stored.key}", altered)

    with pytest.raises(DocumentAltered, match="altered after it was stored"):
        read_document(stored.key, sha256=stored.sha256)


def test_damaged_document_is_made_good_when_it_is_stored_again(
    documents: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    stored = store_document(CONTENT, suffix=".pdf")
    documents.overwrite(f"{PREFIX}/{stored.key}", b"damaged")

    store_document(CONTENT, suffix=".pdf")

    assert read_document(stored.key, sha256=stored.sha256) == CONTENT
    assert "altered or damaged" in caplog.text


def test_lost_document_is_told(documents: Bucket) -> None:
    with pytest.raises(DocumentMissing, match="missing"):
        read_document(KEY, sha256=DIGEST)


# --- The storage is away --------------------------------------------------------------------------


def assert_away(words: str) -> None:
    with pytest.raises(StorageUnavailable, match=words):
        store_document(CONTENT, suffix=".pdf")
    with pytest.raises(StorageUnavailable, match=words):
        read_document(KEY, sha256=DIGEST)


def test_server_that_is_stopped_is_no_documents_fault_and_all_goes_on_when_it_is_back(
    documents: Bucket,
) -> None:
    before = store_document(b"stored before", suffix=".pdf")
    documents.server.stop()
    assert_away("EndpointConnectionError")
    documents.server.start()

    assert read_document(before.key, sha256=before.sha256) == b"stored before"
    stored = store_document(CONTENT, suffix=".pdf")
    assert read_document(stored.key, sha256=stored.sha256) == CONTENT


def test_missing_bucket_is_no_missing_document(documents: Bucket, settings: Settings) -> None:
    use(settings, **documents.options(bucket_name="not-there"))

    assert_away("NoSuchBucket")
    with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
        storages["documents"].listdir("")


def test_bucket_without_credentials_is_away(
    documents: Bucket, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    use(settings, **documents.options(access_key=None, secret_key=None))

    assert_away("NoCredentialsError")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refusal(403, "AccessDenied"), "AccessDenied"),
        (refusal(403, "InvalidAccessKeyId"), "InvalidAccessKeyId"),
        (refusal(403, "SignatureDoesNotMatch"), "SignatureDoesNotMatch"),
        (refusal(400, "ExpiredToken"), "ExpiredToken"),
        (refusal(500, "InternalError"), "InternalError"),
        (refusal(503, "SlowDown"), "SlowDown"),
        (refusal(502, "not S3's"), "502|not S3's"),
        (silence, "ReadTimeoutError"),
        (half_an_answer, "IncompleteRead|Streaming|ConnectionClosed"),
    ],
)
def test_server_that_fails_is_no_documents_fault(
    answer: Answer, words: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.storage.s3._ANSWER_SECONDS", 0.2)
    with ExitStack() as stack:
        server = stack.enter_context(answering(answer))
        use(settings, **elsewhere(server.endpoint))
        assert_away(words)


def test_object_that_a_rule_has_archived_is_that_objects_trouble_alone(settings: Settings) -> None:
    """Were it taken for an outage, all mail would wait for ever for one old document."""
    with answering(refusal(403, "InvalidObjectState")) as server:
        use(settings, **elsewhere(server.endpoint))
        with pytest.raises(ClientError, match="InvalidObjectState"):
            read_document(KEY, sha256=DIGEST)


def test_a_server_that_does_not_answer_is_given_up_before_a_web_process_is(
    storage: DurableS3Storage,
) -> None:
    config = storage.client_config
    tries = config.retries["total_max_attempts"]
    # gunicorn's --timeout is 30 s; between two tries boto waits for a second at most.
    assert tries * max(config.connect_timeout, config.read_timeout) + tries < 30
