"""The site that the browser visits: a whole installation, whose mail a server of ours accepts.

Real processes (web, the mail and the rendering worker) on a database of their own, so that a page,
the mail that it sends and the link in that mail are what people get.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from benchmarks._installation import ROOT
from tests.factories import PASSWORD
from tests.mail.sink import Sink
from tests.reliability.installation import Installation, own_installation

_PATIENCE_SECONDS = 20
_LINK = re.compile(r"https?://\S+")


@dataclass
class Mails:
    """What the site has sent. A mail counts as new until ``to`` has returned it."""

    sink: Sink
    _read: int = 0
    _seen: set[int] = field(default_factory=set)

    def to(self, address: str, *, subject: str = "") -> EmailMessage:
        """The first unread mail to ``address`` with ``subject`` in its subject; waits for it."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for place, accepted in enumerate(self.sink.accepted):
                if place in self._seen or accepted.recipient != address:
                    continue
                if subject in str(accepted.message["Subject"]):
                    self._seen.add(place)
                    return accepted.message
            time.sleep(0.05)
        sent = [(each.recipient, str(each.message["Subject"])) for each in self.sink.accepted]
        raise AssertionError(f"no new mail to {address}, {subject!r}; sent were {sent}")

    def link_to(self, address: str, *, subject: str = "") -> str:
        """The first link in the text of the first unread mail to ``address``."""
        return first_link(self.to(address, subject=subject))


def first_link(message: EmailMessage) -> str:
    body = message.get_body(preferencelist=("plain",))
    assert body is not None
    found = _LINK.search(str(body.get_content()))
    assert found is not None, body.get_content()
    return found.group()


@dataclass(frozen=True)
class Site:
    """``staged`` is what ``tests.e2e.stage`` has printed.

    ``sessions`` holds the session cookies of those who have signed in, by email address.
    """

    installation: Installation
    mails: Mails
    staged: dict[str, Any]
    sessions: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.installation.web_port}"

    @property
    def account(self) -> str:
        """The address of Alice's account, in which Bob has billing and Dora nothing."""
        return f"{self.url}/a/{self.staged['account']}"

    @property
    def password(self) -> str:
        return PASSWORD


@contextmanager
def running_site(template: Path) -> Iterator[Site]:
    with own_installation(template) as installation:
        staged = subprocess.run(
            [sys.executable, "-m", "tests.e2e.stage"],
            cwd=ROOT,
            env=installation.environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
        with installation.programs(render=1, mail=1, default=0, beat=False, web=True):
            yield Site(installation, Mails(installation.mailbox), json.loads(staged))
