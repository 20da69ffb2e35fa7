"""A person's authenticator app, played by programs that share nothing with ours.

Debian's ``oathtool`` makes the codes, and ``zbarimg`` reads the QR code from the page's picture.
"""

import shutil
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from playwright.sync_api import Page

_STEP_SECONDS = 30
_TYPING_SECONDS = 5


def require_tools() -> None:
    """Skip, and say so, where set-up could not install them."""
    for name, package in (("oathtool", "oathtool"), ("zbarimg", "zbar-tools")):
        if shutil.which(name) is None:
            pytest.skip(f"TWO-FACTOR BROWSER TEST SKIPPED: no {name} (apt-get install {package})")


@dataclass
class Phone:
    """An app on somebody's phone. A code is never shown twice: the site takes each once."""

    secret: str
    issuer: str
    account: str
    _last_step: int = 0

    @classmethod
    def scanning(cls, page: Page, folder: Path) -> "Phone":
        """Read the one QR code that the page shows, from a picture of the page."""
        picture = folder / "page.png"
        page.screenshot(path=picture, full_page=True)
        read = subprocess.run(
            ["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", picture],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        address = urlsplit(read)
        assert (address.scheme, address.netloc) == ("otpauth", "totp"), read
        given = parse_qs(address.query)
        assert given.get("algorithm", ["SHA1"]) == ["SHA1"] and given.get("digits", ["6"]) == ["6"]
        return cls(given["secret"][0], given["issuer"][0], unquote(address.path).partition(":")[2])

    def code(self) -> str:
        """A code that was not shown before.

        The phone's clock is off by up to one step, as people's are, so that three codes can be
        typed at once; a fourth is waited for.
        """
        while (step := max(self._last_step + 1, _step_now() - 1)) > _step_now() + 1:
            time.sleep(0.2)
        if step < _step_now() and time.time() % _STEP_SECONDS > _STEP_SECONDS - _TYPING_SECONDS:
            # It would be two steps old when it is sent.
            step += 1
        self._last_step = step
        shown_at = datetime.fromtimestamp(step * _STEP_SECONDS, UTC)
        return subprocess.run(
            [
                *("oathtool", "--totp", "--base32", "--now", f"{shown_at:%Y-%m-%d %H:%M:%S} UTC"),
                self.secret,
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()


def _step_now() -> int:
    return int(time.time()) // _STEP_SECONDS
