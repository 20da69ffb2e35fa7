"""A customer who uses the pages all the while, and remembers each answer that was none."""

import re
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar

PASSWORD = "a pass phrase for one visitor"  # noqa: S105 - of a benchmark's own installation

_PAUSE_SECONDS = 0.05
_TIMEOUT_SECONDS = 15.0
# Until the next sign-in; whichever release made the session, both know it.
_VISITS_OF_A_SESSION = 60
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass
class Visitor:
    """Opens pages of one account one after the other, each over a connection of its own."""

    address: str
    email: str
    account: int
    answered: int = 0
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)
    _opener: urllib.request.OpenerDirector = field(init=False)
    _visits_left: int = 0

    @contextmanager
    def visiting(self) -> Iterator[None]:
        """In a thread of its own until the end of the block. The first sign-in must succeed."""
        self._sign_in()
        ended = threading.Event()

        def visit() -> None:
            while not ended.wait(_PAUSE_SECONDS):
                self._visit_once()

        thread = threading.Thread(target=visit, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _visit_once(self) -> None:
        pages = f"/a/{self.account}/"
        try:
            if not self._visits_left:
                self._sign_in()
            for path in (pages, f"{pages}billing/invoices/"):
                self._open(path)
        except (OSError, AssertionError) as failure:
            self.failures.append(f"{type(failure).__name__}: {failure}")
            self._visits_left = 0
        else:
            self._visits_left -= 1

    def _sign_in(self) -> None:
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(CookieJar()), urllib.request.ProxyHandler({})
        )
        form = self._open("/sign-in/")
        token = _TOKEN.search(form)
        assert token, "the sign-in page has no form"
        fields = {"email": self.email, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
        self._open("/sign-in/", fields, lands_on=f"/a/{self.account}/")
        self._visits_left = _VISITS_OF_A_SESSION

    def _open(self, path: str, fields: dict[str, str] | None = None, *, lands_on: str = "") -> str:
        """The page's text. Raises OSError, or AssertionError if it is another page."""
        request = urllib.request.Request(  # noqa: S310 - our own http address
            self.address + path, urllib.parse.urlencode(fields).encode() if fields else None
        )
        request.add_header("Origin", self.address)
        began = time.monotonic()
        with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            text: str = answer.read().decode()
            landed = urllib.parse.urlsplit(answer.url).path
        self.slowest = max(self.slowest, time.monotonic() - began)
        assert landed == (lands_on or path), f"{path} led to {landed}"
        self.answered += 1
        return text
