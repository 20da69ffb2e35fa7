"""People and a load balancer who ask the web all the time, and how they are answered."""

import http.client
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.reliability.installation import Installation

HEALTH = "/healthz"
# Asks PostgreSQL for the session, the person and their accounts.
ACCOUNTS = "/accounts/"

_HOST = "127.0.0.1"
_STAFF = "staff@operator.example"
_TIMEOUT_SECONDS = 15
# Django compares the cookie with the form's field.
_CSRF = "a" * 32


@dataclass(frozen=True, slots=True)
class Answer:
    """``at`` is when it was asked, by the monotonic clock; ``status`` is 0 without an answer."""

    at: float
    path: str
    status: int
    seconds: float

    @property
    def ended(self) -> float:
        return self.at + self.seconds

    @property
    def is_good(self) -> bool:
        return self.status == http.client.OK


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody of the operator's staff, signed in."""

    port: int
    session: str

    def get(self, path: str) -> Answer:
        return self._asked("GET", path)

    def approve(self, run: object) -> Answer:
        """A billing run, by its action in the admin; a good one redirects to the page again."""
        fields = {"action": "approve", "_selected_action": str(run)}
        return self._asked("POST", "/admin/billing/billingrun/", fields)

    @contextmanager
    def asking(self, *paths: str, every: float = 0.2) -> Iterator[list[Answer]]:
        """Until the end of the block, get each path every so many seconds; yields the answers."""
        ended = threading.Event()
        answers: list[Answer] = []

        def ask_on(path: str) -> None:
            while not ended.wait(every):
                answers.append(self.get(path))

        threads = [threading.Thread(target=ask_on, args=(path,), daemon=True) for path in paths]
        for thread in threads:
            thread.start()
        try:
            yield answers
        finally:
            ended.set()
            for thread in threads:
                thread.join()

    def _asked(self, method: str, path: str, fields: Mapping[str, str] | None = None) -> Answer:
        began = time.monotonic()
        connection = http.client.HTTPConnection(_HOST, self.port, timeout=_TIMEOUT_SECONDS)
        headers = {"Cookie": f"{self.session}; csrf={_CSRF}"}
        body = None
        if fields is not None:
            body = urlencode({**fields, "csrfmiddlewaretoken": _CSRF})
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            response.read()
            status = response.status
        except (OSError, http.client.HTTPException):
            status = 0
        finally:
            connection.close()
        return Answer(began, path, status, time.monotonic() - began)


def hired_staff(installation: Installation) -> Staff:
    """A superuser with a session of their own."""
    return Staff(installation.web_port, installation.by_hand("hire", _STAFF).split()[-1])


def slowest(answers: Sequence[Answer]) -> float:
    return max(answer.seconds for answer in answers)


def last_failure(answers: Sequence[Answer], *, since: float, until: float) -> float:
    """Seconds from ``since`` to the last failed answer of those asked and given until ``until``.

    0 if all were good. Raises AssertionError if none was good after it.
    """
    given = [answer for answer in answers if since <= answer.at and answer.ended < until]
    failure = max((answer.ended for answer in given if not answer.is_good), default=since)
    assert any(answer.is_good and answer.ended >= failure for answer in given)
    return failure - since
