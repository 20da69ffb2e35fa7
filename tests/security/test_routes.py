"""Every address × method × person, from the URL resolver: one that is not in the table fails."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import get_resolver
from pytest_django import Settings

from accounts.checks import routes
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from mail.mailbox import keep
from tests.factories import make_invoice, make_seller, store_pdf
from tests.people import Answer, People, signed_in
from tests.security.headers import assert_protected
from users.models import User

pytestmark = pytest.mark.django_db

ACCOUNT = "a/<account:account_number>/"

# What GET answers: nobody signed in, the stranger, the member without flags, the member with
# billing, the owner, the operator's staff (who are no members and have pages of their own).
WHO = ("nobody", "charlie", "dora", "bob", "alice", "staff")
Answers = tuple[int, int, int, int, int, int]

ANY_MEMBER: Answers = (302, 404, 200, 200, 200, 404)
INVOICES_VIEW: Answers = (302, 404, 403, 200, 200, 404)
ANYBODY: Answers = (200, 200, 200, 200, 200, 200)
SIGNED_IN: Answers = (302, 200, 200, 200, 200, 200)
STAFF_ONLY: Answers = (302, 403, 403, 403, 403, 200)
ONLY_POST: Answers = (405, 405, 405, 405, 405, 405)

TABLE: dict[str, Answers] = {
    "": (302, 302, 302, 302, 302, 302),
    "accounts/": SIGNED_IN,
    "sign-in/": (200, 302, 302, 302, 302, 302),
    "sign-out/": ONLY_POST,
    ACCOUNT: ANY_MEMBER,
    f"{ACCOUNT}billing/invoices/": INVOICES_VIEW,
    f"{ACCOUNT}billing/invoices/<invoice:invoice_number>/": INVOICES_VIEW,
    f"{ACCOUNT}billing/invoices/<invoice:invoice_number>/pdf": INVOICES_VIEW,
    "console/alarms/": STAFF_ONLY,
    # Embedded installations only.
    "mailbox/": ANYBODY,
    "mailbox/<str:key>/": ANYBODY,
    "mailbox/<str:key>/html": ANYBODY,
    "mailbox/<str:key>/attachments/<int:position>": ANYBODY,
}

UNSAFE = ("post", "put", "patch", "delete")
TAKES_POST = {"sign-in/", "sign-out/"}


def _program_routes() -> Iterator[str]:
    """Without the admin's, which are all behind one door: see tests/config/test_admin.py."""
    for route, _ in routes(get_resolver()):
        if not route.startswith("admin/"):
            yield route


@pytest.fixture
def browsers(people: People, staff: User) -> dict[str, Client]:
    members = {name: signed_in(getattr(people, name)) for name in WHO[1:5]}
    return {"nobody": Client(), **members, "staff": signed_in(staff)}


@pytest.fixture
def filled(people: People, settings: Settings) -> dict[str, str]:
    """What stands for each part of an address: rows of Alice's account, and a caught message."""
    invoice = make_invoice(people.account, seller=make_seller())
    store_pdf(invoice)
    return {
        "<account:account_number>": str(people.account.number),
        "<invoice:invoice_number>": str(invoice.number),
        "<str:key>": keep(
            settings.MAILBOX_DIR, sender="a@b.example", recipients=["c@d.example"], content=LETTER
        ),
        "<int:position>": "0",
    }


LETTER = (
    b"Subject: With an attachment\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n'
    b"--x\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    b"--x\r\nContent-Type: application/pdf\r\n"
    b"Content-Disposition: attachment; filename=x.pdf\r\n\r\n%PDF\r\n--x--\r\n"
)


def address(route: str, filled: dict[str, str]) -> str:
    for placeholder, value in filled.items():
        route = route.replace(placeholder, value)
    assert "<" not in route, f"nothing stands for a part of {route}"
    return f"/{route}"


def test_every_route_is_in_the_table() -> None:
    assert set(_program_routes()) == set(TABLE)


@pytest.mark.parametrize("route", TABLE)
def test_every_route_answers_everybody_as_the_table_says(
    route: str, browsers: dict[str, Client], filled: dict[str, str]
) -> None:
    asked = {who: browser.get(address(route, filled)) for who, browser in browsers.items()}
    assert {who: answer.status_code for who, answer in asked.items()} == dict(
        zip(WHO, TABLE[route], strict=True)
    )
    if TABLE[route][0] == 302:
        assert asked["nobody"]["Location"].startswith("/sign-in/?next=/")


def test_every_answer_carries_the_headers_that_protect_it(
    browsers: dict[str, Client], filled: dict[str, str]
) -> None:
    for route in TABLE:
        for browser in browsers.values():
            assert_protected(browser.get(address(route, filled)))


@pytest.mark.parametrize("method", UNSAFE)
def test_nothing_that_only_shows_takes_an_unsafe_method(
    method: str, browsers: dict[str, Client], filled: dict[str, str]
) -> None:
    answers = {
        (route, who): getattr(browser, method)(address(route, filled)).status_code
        for route in TABLE.keys() - TAKES_POST
        for who, browser in browsers.items()
    }
    assert {key for key, status in answers.items() if status != 405} == set()


@pytest.mark.parametrize("route", sorted(TAKES_POST))
def test_every_form_needs_its_token(route: str, people: People) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.alice)
    assert browser.post(f"/{route}").status_code == 403


@pytest.mark.parametrize("route", [route for route in TABLE if route.startswith(ACCOUNT)])
def test_anothers_account_answers_as_one_that_does_not_exist(
    route: str, people: People, filled: dict[str, str]
) -> None:
    browser = signed_in(people.charlie)
    foreign = browser.get(address(route, filled))
    unknown = browser.get(address(route, {**filled, "<account:account_number>": "999999999"}))
    assert foreign.status_code == unknown.status_code == 404
    assert _shown(foreign) == _shown(unknown)
    assert sorted(foreign.headers) == sorted(unknown.headers)


@pytest.mark.parametrize("route", [route for route in TABLE if "<invoice:" in route])
def test_anothers_invoice_under_ones_own_account_answers_as_one_that_does_not_exist(
    route: str, people: People, filled: dict[str, str]
) -> None:
    browser = signed_in(people.charlie)
    own = {**filled, "<account:account_number>": str(people.charlies_account.number)}
    foreign = browser.get(address(route, own))
    unknown = browser.get(address(route, {**own, "<invoice:invoice_number>": "INV-777777"}))
    assert foreign.status_code == unknown.status_code == 404
    assert _shown(foreign) == _shown(unknown)


@pytest.mark.parametrize("route", [route for route in TABLE if TABLE[route] == INVOICES_VIEW])
def test_a_denial_changes_nothing_but_the_audit_log(
    route: str, people: People, filled: dict[str, str]
) -> None:
    before = _events()
    for name in ("charlie", "dora"):
        signed_in(getattr(people, name)).get(address(route, filled))
    assert _events() == before + 2


@pytest.mark.parametrize("path", ["/no/such/page", "/a/1/", "/static/nothing.css"])
def test_errors_carry_the_headers_too(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 404
    assert_protected(answer)


def test_so_do_requests_that_are_refused_before_any_view() -> None:
    answer = Client(raise_request_exception=False).get("/", HTTP_HOST="evil.example")
    assert answer.status_code == 400
    assert_protected(answer)


def test_and_static_files_which_may_be_kept() -> None:
    answer = Client().get("/static/counterfoil.css")
    assert answer.status_code == 200
    assert_protected(answer, stored=True)
    assert answer["Cache-Control"].startswith("max-age=")
    answer.close()


def _shown(answer: Answer) -> list[str]:
    """The page without its CSRF tokens."""
    lines = answer.content.decode().splitlines()
    return [line for line in lines if "csrfmiddlewaretoken" not in line]


def _events() -> int:
    with all_accounts_scope("a test counts events"):
        return AuditEvent.objects.count()
