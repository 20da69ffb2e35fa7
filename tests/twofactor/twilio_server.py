"""A loopback server that answers as Twilio's API of messages does, and a client that talks to it.

https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
"""

import json
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response

ACCOUNT = "AC00000000000000000000000000000000"
TOKEN = "a token of the tests"
_REAL = "https://api.twilio.com"


@dataclass
class TwilioServer:
    """What it answers, and what it was asked: path, credentials, fields."""

    url: str = ""
    status: int = 201
    document: dict[str, Any] = field(default_factory=dict)
    # In place of a document.
    content: str = ""
    # In seconds, before the answer.
    delay: float = 0
    hangs_up: bool = False
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def refuse(self, status: int, code: int, message: str) -> None:
        self.status = status
        self.document = {
            "code": code,
            "message": message,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }


class LocalHttpClient(TwilioHttpClient):  # type: ignore[misc]  # no types
    """Twilio's own client of HTTP, but for where it connects to."""

    def __init__(self, url: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._url = url

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        assert url.startswith(_REAL), url
        return super().request(method, url.replace(_REAL, self._url, 1), *args, **kwargs)


@contextmanager
def running_twilio() -> Iterator[TwilioServer]:
    told = TwilioServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(told))
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(told: TwilioServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            basic = b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
            told.requests.append((self.path, basic, form))
            time.sleep(told.delay)
            if told.hangs_up:
                self.close_connection = True
                return
            answer = told.content or json.dumps(told.document or _queued(form))
            content = answer.encode()
            self.send_response(told.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            # Who has waited for long enough does not read it.
            with suppress(BrokenPipeError):
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    return Handler


def _queued(form: dict[str, str]) -> dict[str, Any]:
    """As Twilio answers at once; whether the message arrives it knows later."""
    return {
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": form["Body"],
        "date_created": "Thu, 24 Aug 2026 05:01:45 +0000",
        "date_sent": None,
        "date_updated": "Thu, 24 Aug 2026 05:01:45 +0000",
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": form.get("From"),
        "messaging_service_sid": form.get("MessagingServiceSid"),
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": "SM00000000000000000000000000000001",
        "status": "queued",
        "subresource_uris": {},
        "to": form["To"],
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/SM00000000000000000000000000000001.json",
    }
