"""Row Z2: the list of an account's users, large and small, and the forms around it."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Membership
from accounts.permissions import Flag
from tests.factories import add_member, make_user
from tests.invitations import NEWCOMER, invited, settings_of, text_of
from tests.people import People, signed_in
from users.models import User

pytestmark = pytest.mark.django_db


def page(people: People, query: str = "", *, by: User | None = None) -> str:
    browser = signed_in(by or people.alice)
    return text_of(browser.get(f"{settings_of(people.account)}{query}"))


def crowd(account: Account, size: int) -> None:
    users = User.objects.bulk_create(
        User(email=f"person-{position:03}@crowd.example", last_name=f"Crowd {position:03}")
        for position in range(size)
    )
    Membership.objects.bulk_create(
        Membership(account=account, user=user, flags=["billing"]) for user in users
    )


# --- The table ----------------------------------------------------------------------------------


def test_the_list_says_who_may_do_what(people: People) -> None:
    Membership.objects.filter(user=people.bob).update(receives_invoices=True)
    User.objects.filter(pk=people.bob.pk).update(
        last_login=datetime(2026, 11, 3, 22, 30, tzinfo=ZoneInfo("UTC"))
    )
    User.objects.filter(pk=people.alice.pk).update(timezone="Europe/Berlin")
    shown = page(people)
    assert shown.index("Alice Hartwell") < shown.index("Bob Ferris") < shown.index("Dora Lind")
    bob = shown[shown.index("Bob Ferris") : shown.index("Dora Lind")]
    assert "bob@hartwell.example" in bob
    assert ">Billing<" in bob
    assert ">On<" in bob
    assert "3 Nov 2026, 23:30" in bob.replace("\u202f", " ")
    dora = shown[shown.index("Dora Lind") :]
    assert "No access" in dora
    assert ">Off<" in dora
    assert "never" in dora


def test_the_owner_and_oneself_are_neither_edited_nor_removed(people: People) -> None:
    manager = make_user("mona@hartwell.example")
    own = add_member(people.account, manager, Flag.USER_MANAGEMENT)
    owner = Membership.objects.get(user=people.alice)
    bob = Membership.objects.get(user=people.bob)
    shown = page(people, by=manager)
    assert f"{bob.public_id}/remove/" in shown
    assert f"{owner.public_id}/" not in shown
    assert f"{own.public_id}/remove/" not in shown


@pytest.mark.parametrize(("name", "status"), [("bob", 403), ("dora", 403), ("charlie", 404)])
def test_only_who_manages_users_sees_them(people: People, name: str, status: int) -> None:
    answer = signed_in(getattr(people, name)).get(settings_of(people.account))
    assert answer.status_code == status


def test_an_invitation_stands_below_the_people(people: People) -> None:
    invited(people.account, by=people.alice)
    shown = page(people)
    assert shown.index("Dora Lind") < shown.index(NEWCOMER)
    assert "Waiting until" in shown
    assert "Send again" in shown


def test_a_closed_account_shows_its_people_and_offers_nothing(people: People) -> None:
    invited(people.account, by=people.alice)
    Account.objects.filter(pk=people.account.pk).update(status=Account.Status.CLOSED)
    shown = page(people)
    assert "Bob Ferris" in shown
    for offer in ("Add user", "Send again", "remove/"):
        assert offer not in shown


def test_names_are_shown_as_they_are(people: People) -> None:
    User.objects.filter(pk=people.bob.pk).update(first_name="<b>Bob</b>")
    assert "&lt;b&gt;Bob&lt;/b&gt;" in page(people)


# --- Many people --------------------------------------------------------------------------------


def test_five_hundred_people_take_as_many_queries_as_three(people: People) -> None:
    browser = signed_in(people.alice)
    address = settings_of(people.account)
    browser.get(address)
    with CaptureQueriesContext(connection) as few:
        assert browser.get(address).status_code == 200
    crowd(people.account, 500)
    managers = [make_user(f"manager-{position}@hartwell.example") for position in range(3)]
    for position, manager in enumerate(managers):
        add_member(people.account, manager, Flag.USER_MANAGEMENT)
        invited(people.account, by=manager, email=f"{position}@new.example", flags=[])
    with CaptureQueriesContext(connection) as many:
        answer = browser.get(address)
    # One more: the memberships of whoever sent invitations, of which there were none.
    assert len(many) <= len(few) + 1
    assert answer.content.count(b"<tr role") < 70


def test_a_long_list_is_walked_page_by_page_and_back(people: People) -> None:
    crowd(people.account, 120)
    expected = sorted(
        Membership.objects.filter(account=people.account, is_owner=False).values_list(
            "user__email", flat=True
        )
    )
    browser = signed_in(people.alice)
    address = settings_of(people.account)
    walked: list[str] = []
    pages: list[list[str]] = []
    query = ""
    while True:
        shown = text_of(browser.get(f"{address}{query}"))
        pages.append(_addresses(shown))
        walked += pages[-1]
        if not (found := re.search(r'rel="next" href="([^"]+)"', shown)):
            break
        query = found[1].replace("&amp;", "&")
    assert walked == [people.alice.email, *expected]
    assert len(pages) == 3
    back = re.search(r'rel="prev" href="([^"]+)"', shown)
    assert back
    middle = text_of(browser.get(f"{address}{back[1]}"))
    assert _addresses(middle) == pages[1]
    first = re.search(r'rel="prev" href="([^"]+)"', middle)
    assert first
    assert _addresses(text_of(browser.get(f"{address}{first[1]}"))) == pages[0]


def test_people_are_found_by_parts_of_names_and_addresses(people: People) -> None:
    crowd(people.account, 60)
    invited(people.account, by=people.alice)
    assert _addresses(page(people, "?q=ferris+bob")) == [people.bob.email]
    assert _addresses(page(people, "?q=person-01")) == [
        f"person-01{digit}@crowd.example" for digit in range(10)
    ]
    assert NEWCOMER in page(people, "?q=newcomer")
    assert "Nobody here is called “zebra”" in page(people, "?q=zebra")


@pytest.mark.parametrize("key", ["nonsense", "%00", "00000000-0000-0000-0000-000000000000"])
def test_a_key_of_no_page_shows_the_first(people: People, key: str) -> None:
    answer = signed_in(people.alice).get(f"{settings_of(people.account)}?after={key}")
    assert answer.status_code in {200, 400}
    theirs = Membership.objects.get(account=people.charlies_account).public_id
    assert "Alice Hartwell" in page(people, f"?after={theirs}")


# --- The form -----------------------------------------------------------------------------------


def test_the_form_offers_only_rights_that_open_something(people: People) -> None:
    shown = page(people, "add/")
    for right in ("Full access", "Billing", "User management"):
        assert f">{right}<" in shown
    for right in ("Provisioning", "Systems", "Support tickets"):
        assert f">{right}<" not in shown
    assert "May see invoices and change the billing contact" in shown


def test_presets_only_tick_boxes_and_only_those_that_are_open(people: People) -> None:
    manager = make_user("mona@hartwell.example")
    add_member(people.account, manager, Flag.USER_MANAGEMENT, Flag.BILLING)
    for_alice, for_mona = page(people, "add/"), page(people, "add/", by=manager)
    assert ">Administrator</button>" in for_alice
    assert ">Administrator</button>" not in for_mona
    assert 'data-preset="billing "' in for_mona
    assert 'type="button"' in for_mona
    assert "data-presets hidden" in for_mona
    assert "<script>" not in for_alice


def _addresses(shown: str) -> list[str]:
    """The people of the table, as their rows name them."""
    table = shown.split("</table>", maxsplit=1)[0]
    return re.findall(r'rows-more">([^<]+)<', table)
