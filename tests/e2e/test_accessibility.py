"""axe-core on every page that the URL resolver knows, light and dark, on a desktop and on a phone.

A new page is visited without being named here; one whose address has a part that nothing stands
for fails until ``_FILLED`` has a value for it.
"""

from http import HTTPStatus

import pytest
from django.urls import get_resolver
from playwright.sync_api import Page

from accounts.checks import routes
from tests.e2e.browser import violations
from tests.e2e.conftest import Visitor
from tests.e2e.site import Site

OUTSIDE = (
    "sign-in/",
    "sign-up/",
    "password-reset/",
    "verify/",
    "invoice-address/",
    "mailbox/",
    "two-factor-reset/",
)
STAFF = ("console/",)
# No pages: files, and links in mails, which lead on to a page without a token.
_NO_PAGES = ("/link/", "/pdf", "/xml", "/csv", "/html", "/attachments/", "/webhooks/")
NO_SUCH_KEY = "00000000-0000-4000-8000-000000000000"


def _routes(who: str) -> list[str]:
    chosen = []
    for route, _ in routes(get_resolver()):
        if route.startswith("admin/") or any(part in f"/{route}" for part in _NO_PAGES):
            continue
        audience = "nobody" if route.startswith(OUTSIDE) else "alice"
        if route.startswith(STAFF):
            audience = "staff"
        if audience == who:
            chosen.append(route)
    return chosen


def _address(route: str, site: Site) -> str:
    filled = {
        "<account:account_number>": str(site.staged["account"]),
        "<invoice:invoice_number>": site.staged["invoice"],
        "<uuid:public_id>": site.staged["membership"],
        "<uuid:pk>": site.staged["invitation"],
        "<uuid:row>": site.staged["invoice_address"],
        "<uuid:session_id>": NO_SUCH_KEY,
        "<uuid:email_id>": NO_SUCH_KEY,
        "<int:delivery_id>": "1",
        "<int:pk>": str(site.staged["suppressed"]),
        "<uuid:offer_id>": NO_SUCH_KEY,
        "<uuid:app_id>": site.staged["app"],
        "<uuid:phone_id>": site.staged["phone"],
        "<str:key>": site.staged["letter"],
    }
    for placeholder, value in filled.items():
        route = route.replace(placeholder, value)
    assert "<" not in route, f"nothing stands for a part of {route}"
    return f"{site.url}/{route}"


def _look_at(page: Page, addresses: list[str]) -> tuple[int, list[str]]:
    """How many pages were looked at, and what was found; each once, wherever it was led to."""
    seen: set[str] = set()
    found: list[str] = []
    for address in addresses:
        # What commands answer to GET has no body, which a browser shows as an error of its own.
        if page.request.head(address, max_redirects=0).status == HTTPStatus.METHOD_NOT_ALLOWED:
            continue
        response = page.goto(address)
        assert response is not None
        if response.status >= 500:
            found.append(f"{address}: {response.status}")
        elif page.url not in seen:
            seen.add(page.url)
            found += [f"{page.url}: {each}" for each in violations(page)]
    return len(seen), found


@pytest.mark.parametrize(
    ("who", "least"), [("nobody", 5), ("alice", 20), ("staff", 2)], ids=["nobody", "alice", "staff"]
)
def test_no_page_has_a_fault_that_axe_finds(
    who: str, least: int, visitor: Visitor, site: Site
) -> None:
    emails = {"alice": "alice@hartwell.example", "staff": "staff@operator.example"}
    if who != "nobody":
        visitor.sign_in(emails[who])
    addresses = [_address(route, site) for route in _routes(who)]
    looked_at, found = _look_at(visitor.page, addresses)
    assert not found, "\n".join(found)
    assert looked_at >= least


def test_pages_that_refuse_have_none_either(visitor: Visitor, site: Site) -> None:
    page = visitor.sign_in("dora@hartwell.example")
    denied = [f"{site.account}/", f"{site.account}/billing/invoices/", f"{site.account}/nothing/"]
    assert _look_at(page, denied) == (3, [])
