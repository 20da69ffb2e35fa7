"""Browser tests: what people do, in real Chromium, on a real installation.

Write one like this::

    def test_a_new_user_signs_up(visitor: Visitor, site: Site) -> None:
        page = visitor.page                      # a new browser, nobody signed in
        page.goto(f"{site.url}/sign-up/")
        page.get_by_label("Email address").fill("eve@new.example")
        page.get_by_role("button", name="Sign up").click()
        page.goto(site.mails.link_to("eve@new.example", subject="Confirm"))
        assert_accessible(page)                  # axe, light and dark, desktop and phone

``visitor.sign_in("alice@hartwell.example")`` signs one of the staged people in. Limits on attempts
start anew with each test.
``visitor_maker()`` gives further browsers, each with cookies of its own. ``site.staged`` holds
numbers and keys (``tests/e2e/stage.py``); tests of one worker share the installation, so that each
makes people and accounts of its own for what it changes. ``site.mails`` waits for a mail that
really left the worker; each mail is read once. ``site.installation.sql`` moves a clock, as in
``UPDATE accounts_invitation SET expires_at = now()``.

A page that logs an error in the browser's console (a script or style that the content security
policy refused, a script that failed) fails the test that visited it. Without Chromium the tests
are skipped, and say so.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize

from tests.e2e.browser import AXE, DESKTOP, chromium, running_browser
from tests.e2e.site import Site, running_site
from tests.factories import PASSWORD
from tests.reliability.installation import make_template
from tests.two_factor import SECRET, step_now, totp

_TIMEOUT_MILLISECONDS = 10_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True)
class Visitor:
    """Somebody with a browser of their own."""

    page: Page
    site: Site

    def sign_in(self, email: str, *, password: str = PASSWORD) -> Page:
        """Through the form; later visitors are handed the session, if it is still good."""
        if email in self.site.sessions:
            self.page.context.add_cookies(self.site.sessions[email])
            self.page.goto(f"{self.site.url}/")
            if "/sign-in/" not in self.page.url:
                return self.page
        self.page.goto(f"{self.site.url}/sign-in/")
        self.page.get_by_label("Email address").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_url(lambda url: not url.endswith("/sign-in/"))
        if "/sign-in/code/" in self.page.url:
            # Staff, with the secret that they were staged with.
            self.page.get_by_label("Code from your app").fill(totp(SECRET, step_now()))
            self.page.get_by_role("button", name="Sign in", exact=True).click()
            self.page.wait_for_url(lambda url: "/sign-in/" not in url)
        kept = [cookie for cookie in self.page.context.cookies() if "session" in cookie["name"]]
        self.site.sessions[email] = kept
        return self.page


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    if chromium() is None:
        pytest.skip("BROWSER TESTS SKIPPED: no Chromium (apt-get install chromium)")
    if not AXE.exists():
        pytest.skip("BROWSER TESTS SKIPPED: node_modules lacks axe-core (make setup)")
    with running_site(make_template(Path(settings.VAR_DIR) / "fault-template")) as site:
        yield site


@pytest.fixture(scope="module")
def browser(site: Site) -> Iterator[Browser]:
    """No longer than a module: while it runs, Django takes this thread for an asynchronous one."""
    with running_browser() as browser:
        yield browser


@pytest.fixture
def visitor_maker(browser: Browser, site: Site) -> Iterator[Callable[..., Visitor]]:
    complaints: list[str] = []
    # All visitors come from one address.
    site.installation.sql("DELETE FROM users_ratehit")

    def heard(message: ConsoleMessage) -> None:
        # What a page answers is for the test to judge; the browser logs every 4xx as an error.
        if message.type == "error" and "Failed to load resource" not in message.text:
            complaints.append(f"{message.location.get('url')}: {message.text}")

    def make(**options: Any) -> Visitor:
        viewport: ViewportSize = {"width": DESKTOP, "height": 900}
        context = browser.new_context(viewport=viewport, locale="en-GB", **options)
        context.set_default_timeout(_TIMEOUT_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return Visitor(page, site)

    contexts: list[BrowserContext] = []
    yield make
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def visitor(visitor_maker: Callable[..., Visitor]) -> Visitor:
    return visitor_maker()
