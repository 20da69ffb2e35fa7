"""Servers that speak S3 on this machine: moto's, which keeps objects, and some that fail."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import boto3
from moto.server import ThreadedMotoServer

PREFIX = "counterfoil/documents"
_CREDENTIALS = {"access_key": "a key of the tests", "secret_key": "a secret of the tests"}
_REGION = "eu-central-1"


class S3Server:
    """moto's server, which can be stopped and started again with all that it keeps."""

    def __init__(self) -> None:
        self._server = _started(port=0)
        _, self._port = self._server.get_host_and_port()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @cached_property
    def client(self) -> Any:
        """boto's own client, to look past the program."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=_REGION,
            aws_access_key_id=_CREDENTIALS["access_key"],
            aws_secret_access_key=_CREDENTIALS["secret_key"],
        )

    def new_bucket(self) -> "Bucket":
        # What moto keeps lives as long as the process: no name is met twice.
        bucket = Bucket(self, f"documents-{uuid4()}")
        self.client.create_bucket(
            Bucket=bucket.name, CreateBucketConfiguration={"LocationConstraint": _REGION}
        )
        return bucket

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server = _started(self._port)


@contextmanager
def running_s3() -> Iterator[S3Server]:
    server = S3Server()
    try:
        yield server
    finally:
        server.stop()


def _started(port: int) -> ThreadedMotoServer:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    return server


@dataclass(frozen=True)
class Bucket:
    server: S3Server
    name: str

    def options(self, **changes: Any) -> dict[str, Any]:
        """What the program's storage is made with."""
        return {
            "bucket_name": self.name,
            "location": PREFIX,
            "endpoint_url": self.server.endpoint,
            "region_name": _REGION,
            **_CREDENTIALS,
            **changes,
        }

    def names(self) -> list[str]:
        pages = self.server.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def content(self, key: str) -> bytes:
        answer = self.server.client.get_object(Bucket=self.name, Key=key)
        content: bytes = answer["Body"].read()
        return content

    def overwrite(self, key: str, content: bytes) -> None:
        self.server.client.put_object(Bucket=self.name, Key=key, Body=content)


def s3_storage(**options: Any) -> dict[str, Any]:
    """The entry of STORAGES for a bucket."""
    return {"BACKEND": "common.storage.s3.DurableS3Storage", "OPTIONS": options}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answering:
    """A server that answers every request alike, and keeps what it was asked."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    # Requests that are to get no answer wait for this.
    is_over: threading.Event = field(default_factory=threading.Event)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"


Answer = Callable[[BaseHTTPRequestHandler, Answering], None]


def refusal(status: int, code: str) -> Answer:
    """S3's way to say no: a status, and the name of the refusal in the body."""

    def answer(handler: BaseHTTPRequestHandler, server: Answering) -> None:
        words = f"<Error><Code>{code}</Code><Message>as the test says</Message></Error>"
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(words)))
        handler.end_headers()
        handler.wfile.write(words.encode())

    return answer


def silence(handler: BaseHTTPRequestHandler, server: Answering) -> None:
    """The request is taken, and nothing comes back."""
    server.is_over.wait()


def half_an_answer(handler: BaseHTTPRequestHandler, server: Answering) -> None:
    """The connection ends in the middle of the content."""
    handler.send_response(HTTPStatus.OK)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"x" * 500)
    handler.close_connection = True


@contextmanager
def answering(answer: Answer) -> Iterator[Answering]:
    asked = Answering()

    class Handler(BaseHTTPRequestHandler):
        # Of HTTP/1.0 a client cannot ask to be told before it sends the content, as boto does.
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked.requests.append(Request(self.command, self.path, headers, body))
            answer(self, asked)

        do_GET = do_PUT = do_HEAD = do_DELETE = handle_any  # noqa: N815 - as the base class looks

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's
            """Nothing: a test looks at what was asked."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        asked.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield asked
        finally:
            asked.is_over.set()
            server.shutdown()
            thread.join()
