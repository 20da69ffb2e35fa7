"""Documents in a bucket, of Amazon's S3 or of a server that speaks its language."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile, File
from storages.backends.s3 import S3Storage
from storages.utils import clean_name, get_available_overwrite_name

from common.storage.refusals import StorageUnavailable

# Two tries of this together end before a web process is taken for dead (gunicorn's 30 s) and well
# before a task's time limit.
_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 10
_TRIES = 2
# The name has an object.
_TAKEN = "PreconditionFailed"
# HEAD has no body to name the code in.
_MISSING = frozenset({"NoSuchKey", "404"})
# Asked for a byte of an object that has none.
_EMPTY = "InvalidRange"
# Moved to an archive by a rule of the bucket: this object cannot be read, others can.
_ARCHIVED = "InvalidObjectState"


class DurableS3Storage(S3Storage):  # type: ignore[misc]  # django-storages has no types
    """A bucket in which a name shows a whole object or none, and is never given anew.

    A name is taken by a PUT that the server refuses if it has one already (``If-None-Match: *``):
    as with every Django storage, ``save`` then picks another name and returns it. The server gets
    the content's SHA-256 and keeps nothing that differs. Objects inherit the bucket's access
    rules, get no access list of their own, and have no address.

    What S3 refuses for any other reason than the object itself (no answer, an error of its own,
    SlowDown, credentials, no such bucket) is raised as StorageUnavailable.
    """

    def get_default_settings(self) -> dict[str, Any]:
        """django-storages' own, less what would be looked for in other settings."""
        return dict(super().get_default_settings()) | {
            # Not given means boto's own chain: environment, files, the role of the machine. The
            # base class would take a key from the environment and leave its session token there.
            "access_key": None,
            "secret_key": None,
            "security_token": None,
            "session_profile": None,
            "default_acl": None,
            "file_overwrite": False,
            "client_config": _client_config(),
        }

    def url(self, name: str | None, *_: Any, **__: Any) -> str:
        """There is none: a view checks who asks and sends the bytes."""
        raise ValueError(f"{name} has no address of its own")

    def exists(self, name: str) -> bool:
        # A HEAD could not tell a missing object from a missing bucket, nor expired credentials
        # from others: its answers have no body.
        try:
            self._get(name, Range="bytes=0-0")
        except FileNotFoundError:
            return False
        except ClientError as error:
            if _code(error) != _EMPTY:
                raise
        return True

    def delete(self, name: str) -> None:
        with _outage_told():
            super().delete(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Folders and files of ``path``; a folder without files is none, and is listed empty."""
        with _outage_told():
            folders, files = super().listdir(path)
        return folders, files

    def size(self, name: str) -> int:
        with _outage_told():
            return int(super().size(name))

    def get_modified_time(self, name: str) -> Any:
        with _outage_told():
            return super().get_modified_time(name)

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name itself: the request that takes it finds out whether it is free."""
        return str(get_available_overwrite_name(clean_name(name), max_length))

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        if mode != "rb":
            raise ValueError(f"{name}: an object is read as bytes, and saved as a whole")
        return ContentFile(self._get(name), name=name)

    def _save(self, name: str, content: "File[Any]") -> str:
        chunks = (chunk.encode() if isinstance(chunk, str) else chunk for chunk in content.chunks())
        body = b"".join(chunks)
        while not self._put_if_free(name, body):
            name = super().get_available_name(name)
        return name

    def _get(self, name: str, **parameters: str) -> bytes:
        """The content, in one request. Raises FileNotFoundError."""
        with _outage_told():
            answer = self._client.get_object(
                Bucket=self.bucket_name, Key=self._key(name), **parameters
            )
            return bytes(answer["Body"].read())

    def _put_if_free(self, name: str, body: bytes) -> bool:
        """Store ``body`` under a free name; False when it is taken."""
        try:
            with _outage_told():
                self._client.put_object(
                    Bucket=self.bucket_name,
                    Key=self._key(name),
                    Body=body,
                    ChecksumSHA256=b64encode(sha256(body).digest()).decode(),
                    IfNoneMatch="*",
                    **self._get_write_parameters(name),
                )
        except ClientError as taken:
            if _code(taken) != _TAKEN:
                raise
            # A second try may have met what the first one stored, whose answer was lost.
            is_second = taken.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
            return is_second and self._get(name) == body
        return True

    def _key(self, name: str) -> str:
        return str(self._normalize_name(clean_name(name)))

    @property
    def _client(self) -> Any:
        """One for each thread. Making it asks for credentials, which may fail as a request may."""
        return self.connection.meta.client


def _client_config() -> Config:
    return Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_ANSWER_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _TRIES},
        # The signature then covers the content also over https: a server that knows nothing of
        # checksums notices all the same that something is missing.
        s3={"payload_signing_enabled": True},
        # Documents are proven by the database's hash, which says more than a checksum of S3.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


@contextmanager
def _outage_told() -> Iterator[None]:
    """Errors of boto as those of files, and as StorageUnavailable what concerns no object."""
    try:
        yield
    except ClientError as error:
        code = _code(error)
        if code in _MISSING:
            raise FileNotFoundError(str(error)) from error
        if code in (_TAKEN, _EMPTY, _ARCHIVED):
            raise
        raise StorageUnavailable(str(error)) from error
    except BotoCoreError as error:
        raise StorageUnavailable(f"{type(error).__name__}: {error}") from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
