"""Takes the pictures in docs/pictures: the main pages of a sample operator, in real Chromium.

Those of printed documents are taken by ``document_pictures.py``, which this runs first.

``make pictures`` runs it. The operator lives in a folder of its own, which goes at the end; people
and charges are those of ``make demo``, so that the pictures change only when the pages do.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
PORT = 8790
READY_SECONDS = 180
STOP_SECONDS = 60
# A picture in the repository is paid for by everybody who clones it.
LARGEST_BYTES = 150_000
COLOURS_KEPT = 192

ALICE = "alice@hartwell.example"
WITHOUT_ACCESS = "charlie@hartwell.example"
NOBODY = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """A page by its address, below that of the sample's first account if it starts with a dot."""

    name: str
    address: str
    who: str = ALICE


SUBJECTS = (
    Subject("sign-in", "/sign-in/", NOBODY),
    Subject("sign-up", "/sign-up/", NOBODY),
    Subject("my-accounts", "/accounts/"),
    Subject("overview", "./"),
    Subject("invoices", "./billing/invoices/"),
    Subject("invoice", "first invoice"),
    Subject("users", "./settings/users/"),
    Subject("contact-details", "./settings/contacts/"),
    Subject("activity", "./settings/activity/"),
    Subject("denied", "./settings/users/", WITHOUT_ACCESS),
)
ACCOUNT = "/a/100001"
WIDTHS: dict[str, int] = {"desktop": 1280, "phone": 390}
COLOURS: tuple[Literal["light", "dark"], ...] = ("light", "dark")


class PicturesError(Exception):
    """They cannot be taken; the message is for people."""


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("Pictures need a browser: apt-get install chromium", file=sys.stderr)
        return 1
    subprocess.run([sys.executable, "scripts/document_pictures.py"], cwd=ROOT, check=True)
    try:
        with sample_operator() as password, sync_playwright() as playwright:
            arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
            browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
            take_all(browser, password=password)
            browser.close()
    except PicturesError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def sample_operator() -> Iterator[str]:
    """A running demo of our own; yields the password of its people."""
    folder = tempfile.mkdtemp(prefix="counterfoil-pictures-")
    environment = {**os.environ, "COUNTERFOIL_VAR": folder, "PORT": str(PORT)}
    log = Path(folder, "serve.log")
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "scripts/serve.py", "--demo"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield password_told(log, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def password_told(log: Path, process: "subprocess.Popen[bytes]") -> str:
    """What the demo says once it is ready. Raises PicturesError when it ends instead."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        said = re.search(r"with the password (\S+)", log.read_text())
        if said and "Ctrl-C stops everything" in log.read_text():
            return said.group(1)
        time.sleep(0.2)
    raise PicturesError(f"The sample operator did not start:\n{log.read_text()[-2000:]}")


def take_all(browser: Browser, *, password: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for who in (NOBODY, ALICE, WITHOUT_ACCESS):
        context = browser.new_context(locale="en-GB", timezone_id="UTC", reduced_motion="reduce")
        page = context.new_page()
        if who:
            sign_in(page, who, password=password)
        for subject in SUBJECTS:
            if subject.who == who:
                open_subject(page, subject)
                take(page, subject)
        context.close()


def sign_in(page: Page, email: str, *, password: str) -> None:
    page.goto(f"http://127.0.0.1:{PORT}/sign-in/")
    page.fill("[name=email]", email)
    page.fill("[name=password]", password)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/sign-in/" not in url)


def open_subject(page: Page, subject: Subject) -> None:
    site = f"http://127.0.0.1:{PORT}"
    if subject.address == "first invoice":
        page.goto(f"{site}{ACCOUNT}/billing/invoices/")
        page.click("main table a >> nth=0")
        wait_for_its_file(page)
    elif subject.address.startswith("."):
        page.goto(f"{site}{ACCOUNT}{subject.address[1:]}")
    else:
        page.goto(f"{site}{subject.address}")


def wait_for_its_file(page: Page) -> None:
    """Workers are still rendering when the demo says that it is ready."""
    deadline = time.monotonic() + READY_SECONDS
    while page.locator("a[href$='/pdf']").count() == 0 and time.monotonic() < deadline:
        time.sleep(1)
        page.reload()


def take(page: Page, subject: Subject) -> None:
    """Both widths, light and dark. Raises PicturesError for one that is too large to be kept."""
    for device, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 800})
        for colours in COLOURS:
            page.emulate_media(color_scheme=colours)
            file = PICTURES / f"{subject.name}-{device}-{colours}.png"
            page.screenshot(path=file, full_page=device == "desktop")
            with Image.open(file) as picture:
                picture.quantize(colors=COLOURS_KEPT).save(file, optimize=True)
            if file.stat().st_size > LARGEST_BYTES:
                raise PicturesError(f"{file.name} has {file.stat().st_size:,} bytes")
    print(f"pictures: {subject.name}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
