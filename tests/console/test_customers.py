"""The console: any customer is found by what staff have in hand, and has one page."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Contact
from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import account_scope, all_accounts_scope
from console.finding import PAGE_LENGTH
from tests.factories import (
    add_member,
    make_account,
    make_invoice,
    make_seller,
    make_staff,
    make_user,
)
from tests.people import People, signed_in
from users.models import User

pytestmark = pytest.mark.django_db

ADDRESS = "/console/customers/"


def find(staff: User, wanted: str, **query: str) -> str:
    answer = signed_in(staff).get(ADDRESS, {"q": wanted, **query})
    assert answer.status_code == 200
    return answer.content.decode()


def page(staff: User, account: Account) -> str:
    answer = signed_in(staff).get(f"/console/accounts/{account.number}/")
    assert answer.status_code == 200
    return answer.content.decode()


def link_to(account: Account) -> str:
    return f'href="/console/accounts/{account.number}/"'


def views() -> list[AuditEvent]:
    with all_accounts_scope("a test"):
        return list(AuditEvent.objects.filter(action=Action.CONSOLE_ACCOUNT_VIEWED))


def test_an_account_is_found_by_its_number_and_by_a_part_of_its_name(
    people: People, staff: User
) -> None:
    for wanted in (str(people.account.number), "hartwell", "ARTWELL & s"):
        shown = find(staff, wanted)
        assert link_to(people.account) in shown
        assert link_to(people.charlies_account) not in shown


def test_by_the_address_and_the_name_of_a_person(people: People, staff: User) -> None:
    for wanted in (" Bob@Hartwell.example ", "ferris"):
        shown = find(staff, wanted)
        assert people.bob.email in shown
        assert link_to(people.account) in shown
        assert link_to(people.charlies_account) not in shown


def test_by_the_address_of_a_contact(people: People, staff: User) -> None:
    with account_scope(people.account):
        Contact.objects.create(
            account=people.account, kind=Contact.Kind.BILLING, email="Bills@hartwell.example"
        )
    shown = find(staff, "bills@hartwell.example")
    assert "Other uses of the address" in shown
    assert link_to(people.account) in shown


def test_by_the_whole_number_of_an_invoice(people: People, staff: User) -> None:
    invoice = make_invoice(people.account, seller=make_seller())
    shown = find(staff, str(invoice.number).lower())
    assert f"/admin/invoices/invoice/{invoice.pk}/change/" in shown
    assert link_to(people.account) in shown
    assert "Nothing found" in find(staff, str(invoice.number)[:-1])


@pytest.mark.parametrize("wanted", ["nobody@nowhere.example", "%", "_", "9" * 40, "²", "'; --"])
def test_what_fits_nothing_says_so(people: People, staff: User, wanted: str) -> None:
    assert "Nothing found" in find(staff, wanted)


def test_without_a_question_all_are_listed_by_pages(people: People, staff: User) -> None:
    for position in range(PAGE_LENGTH):
        make_account(name=f"Customer {position}")
    browser = signed_in(staff)
    first = browser.get(ADDRESS).content.decode()
    assert first.count('href="/console/accounts/1') == PAGE_LENGTH
    oldest = Account.objects.order_by("-number")[PAGE_LENGTH - 1].number
    assert f"before={oldest}" in first
    second = browser.get(ADDRESS, {"before": oldest}).content.decode()
    assert link_to(people.account) in second
    newest = Account.objects.filter(number__lt=oldest).latest("number").number
    assert f"after={newest}" in second
    again = browser.get(ADDRESS, {"after": newest}).content.decode()
    assert again.count('href="/console/accounts/1') == PAGE_LENGTH
    assert browser.get(ADDRESS, {"before": "x"}).status_code == 404


def test_a_customers_page_has_what_staff_are_asked_about(people: People, staff: User) -> None:
    invoice = make_invoice(people.account, seller=make_seller())
    with account_scope(people.account):
        Contact.objects.create(
            account=people.account, kind=Contact.Kind.ADMIN, email="it@hartwell.example"
        )
    shown = page(staff, people.account)
    for expected in (
        "Hartwell &amp; Sons",
        str(people.account.number),
        people.alice.email,
        people.bob.email,
        "it@hartwell.example",
        str(invoice.number),
        "Opened the account",
    ):
        assert expected in shown
    assert people.charlie.email not in shown


def test_that_staff_looked_stands_in_the_accounts_log(people: People, staff: User) -> None:
    """Security.md 41. Once for a while of reading, and for each of the staff."""
    page(staff, people.account)
    page(staff, people.account)
    (event,) = views()
    assert (event.account_id, event.actor_label) == (people.account.pk, staff.email)
    page(make_staff("other@operator.example"), people.account)
    page(staff, people.charlies_account)
    assert len(views()) == 3


def test_a_number_that_no_account_has(staff: User) -> None:
    assert signed_in(staff).get("/console/accounts/999999/").status_code == 404
    assert views() == []


@pytest.mark.parametrize("who", ["alice", "bob", "dora", "charlie", "nobody"])
@pytest.mark.parametrize(
    "path", ["customers/", "accounts/{}/", "accounts/{}/hand-over/", "accounts/new/"]
)
def test_it_is_for_staff_alone(people: People, who: str, path: str) -> None:
    browser = Client() if who == "nobody" else signed_in(getattr(people, who))
    answer = browser.get(f"/console/{path.format(people.account.number)}")
    assert answer.status_code == (302 if who == "nobody" else 403)
    assert views() == []


def test_staff_who_are_staff_no_more_are_refused_at_once(people: People, staff: User) -> None:
    """Security.md 7."""
    browser = signed_in(staff)
    User.objects.filter(pk=staff.pk).update(is_staff=False)
    assert browser.get(f"/console/accounts/{people.account.number}/").status_code == 403
    assert views() == []


def test_a_page_costs_the_same_whatever_the_number_of_users(people: People, staff: User) -> None:
    browser = signed_in(staff)
    # The first time is recorded.
    browser.get(f"/console/accounts/{people.account.number}/")
    counts = []
    for more in (0, 12):
        for _ in range(more):
            add_member(people.account, make_user())
        with CaptureQueriesContext(connection) as asked:
            browser.get(f"/console/accounts/{people.account.number}/")
            browser.get(ADDRESS, {"q": "hartwell"})
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_a_person_is_found_by_first_and_last_name(people: People, staff: User) -> None:
    page = signed_in(staff).get("/console/customers/", {"q": "bob ferris"}).content.decode()
    assert people.bob.email in page
    assert people.alice.email not in page.partition("<main")[2]


def test_the_consoles_own_address_leads_to_customers(people: People, staff: User) -> None:
    assert signed_in(staff).get("/console/")["Location"] == "/console/customers/"
    assert signed_in(people.bob).get("/console/").status_code == 403
    assert Client().get("/console/")["Location"] == "/sign-in/?next=/console/"
