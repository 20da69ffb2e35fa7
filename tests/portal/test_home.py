from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account, Invitation
from accounts.permissions import Flag
from portal.views.home import CHOICES_SHOWN
from tests.factories import add_member, make_account, make_user
from tests.people import People, signed_in
from users.models import User

pytestmark = pytest.mark.django_db


def test_nobody_signed_in_is_sent_to_sign_in() -> None:
    assert Client().get("/")["Location"] == "/sign-in/?next=/"
    assert Client().get("/accounts/")["Location"] == "/sign-in/?next=/accounts/"


def test_whoever_has_one_account_goes_straight_to_it(people: People) -> None:
    assert signed_in(people.alice).get("/")["Location"] == f"/a/{people.account.number}/"


def test_whoever_has_several_chooses(people: People) -> None:
    """Row M2."""
    second = make_account(owner=people.alice, name="Avenue Ltd")
    browser = signed_in(people.alice)
    assert browser.get("/")["Location"] == "/accounts/"
    page = browser.get("/accounts/").content.decode()
    for account in (people.account, second):
        assert f'href="/a/{account.number}/"' in page
    assert page.index("Avenue Ltd") < page.index("Hartwell &amp; Sons")
    assert "Elsewhere Ltd" not in page


def test_the_chooser_says_what_one_may_do_in_each(people: People) -> None:
    other = make_account(name="Avenue Ltd")
    add_member(other, people.alice, Flag.BILLING, Flag.SYSTEMS)
    page = signed_in(people.alice).get("/accounts/").content.decode()
    assert "Billing, Systems" in page
    assert "Owner" in page


def test_whoever_has_none_is_told_what_to_do() -> None:
    newcomer = make_user("new@nowhere.example")
    browser = signed_in(newcomer)
    assert browser.get("/")["Location"] == "/accounts/"
    page = browser.get("/accounts/").content.decode()
    assert "You belong to no customer account yet" in page
    assert "If somebody invited new@nowhere.example, open the link in that email." in page


def test_staff_without_an_account_go_to_their_tables(staff: User) -> None:
    assert signed_in(staff).get("/")["Location"] == "/console/customers/"


def test_an_account_is_found_by_a_part_of_its_name_or_its_number(people: People) -> None:
    second = make_account(owner=people.alice, name="Avenue Ltd")
    browser = signed_in(people.alice)
    by_name = browser.get("/accounts/", {"q": "venue"}).content.decode()
    by_number = browser.get("/accounts/", {"q": str(second.number)}).content.decode()
    for page in (by_name, by_number):
        assert f'class="choice" href="/a/{second.number}/"' in page
        assert f'class="choice" href="/a/{people.account.number}/"' not in page
    nothing = browser.get("/accounts/", {"q": "Elsewhere"}).content.decode()
    assert "None of your accounts is called “Elsewhere”" in nothing


@pytest.mark.parametrize("number", ["9" * 40, "٣", "²", "-1", "%00"])
def test_a_number_that_cannot_be_one_finds_nothing(people: People, number: str) -> None:
    answer = signed_in(people.alice).get("/accounts/", {"q": number})
    assert answer.status_code == 200


def test_the_chooser_asks_the_database_as_often_for_many_accounts_as_for_two(
    people: People, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_account(owner=people.alice, name="Avenue Ltd")
    browser = signed_in(people.alice)
    browser.get("/accounts/")
    with CaptureQueriesContext(connection) as few:
        browser.get("/accounts/")
    for serial in range(CHOICES_SHOWN):
        make_account(owner=people.alice, name=f"Branch {serial:03}")
    with django_assert_num_queries(len(few)):
        page = browser.get("/accounts/").content.decode()
    assert page.count('class="choice"') == CHOICES_SHOWN
    assert f"The first {CHOICES_SHOWN} are shown." in page


def test_a_closed_account_is_marked_in_the_chooser_and_in_the_switcher(people: People) -> None:
    make_account(owner=people.alice, name="Avenue Ltd", status=Account.Status.CLOSED)
    page = signed_in(people.alice).get("/accounts/").content.decode()
    name = page.partition('class="choice-name">')[2].partition("</a>")[0]
    assert name.startswith("Avenue Ltd")
    assert "Closed" in name
    assert "· closed" in page


def test_whoever_may_leave_an_account_finds_the_way_and_its_owner_does_not(people: People) -> None:
    leave = f'href="/a/{people.account.number}/settings/leave/"'
    assert leave in signed_in(people.bob).get("/accounts/").content.decode()
    assert leave not in signed_in(people.alice).get("/accounts/").content.decode()


def test_an_invitation_that_waits_for_an_answer_is_shown_to_whom_it_was_sent(
    people: People,
) -> None:
    now = timezone.now()
    invitation = Invitation.objects.create(
        account=people.account,
        email=people.charlie.email,
        flags=[Flag.BILLING],
        invited_by=people.alice,
        sent_at=now,
        expires_at=now + timedelta(days=10),
    )
    page = signed_in(people.charlie).get("/accounts/").content.decode()
    assert "Alice Hartwell invites you to Hartwell &amp; Sons" in page
    assert f'href="/invitation/open/{invitation.pk}/"' in page
    assert "invites you" not in signed_in(people.bob).get("/accounts/").content.decode()
