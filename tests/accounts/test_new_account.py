"""Rows M3 and Z6: further accounts under one login, opened by oneself or offered by staff."""

import re
from datetime import timedelta
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts.account_offers import WantedAccount, offer_account, withdraw_account
from accounts.models import Account, AccountOffer, Membership
from accounts.new_accounts import NEW_ACCOUNTS
from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from mail import links
from mail.models import OutgoingEmail
from tests.factories import OPERATOR
from tests.people import People, signed_in
from users.models import User

pytestmark = pytest.mark.django_db

ADDRESS = "/accounts/new/"
OFFER = "/account-offer/"


def form(**changed: str) -> dict[str, str]:
    return {
        "key": str(uuid4()),
        "kind": "organisation",
        "name": "Hartwell Catering",
        "country": "GB",
        "timezone": "Europe/London",
        **changed,
    }


def accounts_of(user: User) -> list[Account]:
    owned = Account.objects.filter(memberships__user=user, memberships__is_owner=True)
    return list(owned.order_by("pk"))


def events(action: Action) -> list[AuditEvent]:
    with all_accounts_scope("a test"):
        return list(AuditEvent.objects.filter(action=action))


# --- Opened by oneself ---------------------------------------------------------------------------


def test_a_signed_in_person_opens_a_further_account(people: People, settings: Settings) -> None:
    """Row M3: it is theirs, with the currency of its country, and they land on it."""
    settings.ACCOUNT_CURRENCIES = ["EUR", "GBP"]
    answer = signed_in(people.bob).post(ADDRESS, form())
    (account,) = accounts_of(people.bob)
    assert answer["Location"] == f"/a/{account.number}/"
    assert (account.kind, account.name, account.country, account.currency) == (
        "organisation",
        "Hartwell Catering",
        "GB",
        "GBP",
    )
    assert account.timezone == "Europe/London"
    shown = signed_in(people.bob).get(f"/a/{account.number}/")
    assert shown.status_code == 200
    assert [event.account_id for event in events(Action.ACCOUNT_CREATED)].count(account.pk) == 1


def test_the_page_says_what_it_is_for(people: People) -> None:
    shown = signed_in(people.alice).get(ADDRESS).content.decode()
    assert "on behalf of another person or organisation" in shown
    assert "responsible for paying its invoices" in shown


def test_a_person_may_have_a_personal_one_too(people: People) -> None:
    signed_in(people.bob).post(ADDRESS, form(kind="personal", name="Bob Ferris"))
    (account,) = accounts_of(people.bob)
    assert (account.kind, account.name) == ("personal", "Bob Ferris")


@pytest.mark.parametrize("name", ["Hartwell\r\nBcc: x@y.example", "Hartwell <b>"])
def test_its_name_is_one_line_that_reads_as_it_is_written(people: People, name: str) -> None:
    answer = signed_in(people.bob).post(ADDRESS, form(name=name))
    assert "Leave out line breaks" in answer.content.decode()
    assert accounts_of(people.bob) == []


def test_a_second_click_opens_no_second_account_and_says_so(people: People) -> None:
    browser, sent = signed_in(people.bob), form()
    first = browser.post(ADDRESS, sent)
    second = browser.post(ADDRESS, sent, follow=True)
    assert len(accounts_of(people.bob)) == 1
    assert second.redirect_chain[0][0] == first["Location"]
    assert "It was not opened twice." in second.content.decode()


@pytest.mark.django_db(transaction=True)
def test_nor_do_five_clicks_at_the_same_moment(people: People) -> None:
    browser, sent = signed_in(people.bob), form()
    start = Barrier(5)
    answers: list[int] = []

    def click() -> None:
        tab = Client()
        tab.cookies = browser.cookies
        start.wait()
        answers.append(tab.post(ADDRESS, sent).status_code)
        connection.close()

    threads = [Thread(target=click) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [302] * 5
    assert len(accounts_of(people.bob)) == 1


def test_nobody_opens_more_than_a_few_in_a_day(people: People) -> None:
    browser = signed_in(people.bob)
    for _ in range(NEW_ACCOUNTS.most):
        assert browser.post(ADDRESS, form()).status_code == 302
    answer = browser.post(ADDRESS, form(name="One Too Many"))
    shown = answer.content.decode()
    assert "You can open another one after" in shown
    assert "One Too Many" in shown
    assert len(accounts_of(people.bob)) == NEW_ACCOUNTS.most
    # Others may.
    assert signed_in(people.dora).post(ADDRESS, form()).status_code == 302


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("name", "  ", "Enter the name of the organisation or person."),
        ("country", "", "Choose the country of the organisation or person."),
        ("country", "XX", "is not one of the available choices"),
        ("timezone", "Mars/Olympus", "is not one of the available choices"),
        ("kind", "", "Choose whether it is for an organisation or a person."),
        ("name", "x" * 251, "at most 250 characters"),
    ],
)
def test_what_is_missing_is_told_at_its_field_and_the_rest_stays(
    people: People, field: str, value: str, complaint: str
) -> None:
    answer = signed_in(people.bob).post(ADDRESS, form(**{"name": "Kept", field: value}))
    assert answer.status_code == 200
    assert complaint in answer.content.decode()
    if field != "name":
        assert 'value="Kept"' in answer.content.decode()
    assert accounts_of(people.bob) == []


def test_further_fields_are_ignored(people: People) -> None:
    signed_in(people.bob).post(
        ADDRESS, form(number="7", currency="XAU", owner_email=people.charlie.email)
    )
    (account,) = accounts_of(people.bob)
    assert account.number > 100000
    assert account.currency != "XAU"


def test_nobody_who_is_not_signed_in(people: People) -> None:
    before = Account.objects.count()
    answer = Client().post(ADDRESS, form())
    assert answer["Location"] == "/sign-in/?next=/accounts/new/"
    assert Account.objects.count() == before


# --- Offered by staff ----------------------------------------------------------------------------


def offer(people: People, staff: User) -> AccountOffer:
    wanted = WantedAccount(Account.Kind.ORGANISATION, "Hartwell Catering", "GB", "Europe/London")
    return offer_account(wanted, to=people.bob, by=staff, actor=OPERATOR)


def link_in(offered: AccountOffer) -> str:
    """The path that the mail's link has when it is sent."""
    with all_accounts_scope("a test"):
        mail = OutgoingEmail.objects.get(kind="account_offered")
    links.put_in(mail)
    found = re.search(r"https?://[^/]+(/account-offer/link/\S+)", mail.text_body)
    assert found and str(offered.pk) in found[1]
    return found[1]


def opened(people: People, staff: User, user: User) -> Client:
    """The browser of ``user``, in which the link has been followed."""
    browser = signed_in(user)
    answer = browser.get(link_in(offer(people, staff)))
    assert answer["Location"] == OFFER
    assert answer["Referrer-Policy"] == "no-referrer"
    return browser


def test_an_offered_account_begins_when_it_is_accepted(people: People, staff: User) -> None:
    """Row Z6: the person accepts by mail, and has both accounts under one login."""
    browser = opened(people, staff, people.bob)
    assert accounts_of(people.bob) == []
    shown = browser.get(OFFER).content.decode()
    assert "Hartwell Catering" in shown and "responsible for paying" in shown
    answer = browser.post(OFFER)
    (account,) = accounts_of(people.bob)
    assert answer["Location"] == f"/a/{account.number}/"
    assert account.name == "Hartwell Catering"
    assert AccountOffer.objects.get().opened == account
    assert Membership.objects.filter(user=people.bob).count() == 2
    (event,) = events(Action.ACCOUNT_OFFER_ACCEPTED)
    assert (event.account_id, event.actor_label) == (account.pk, people.bob.email)


def test_accepting_twice_opens_one(people: People, staff: User) -> None:
    browser = opened(people, staff, people.bob)
    browser.post(OFFER)
    answer = browser.post(OFFER, follow=True)
    assert "You have accepted this account already." in answer.content.decode()
    assert len(accounts_of(people.bob)) == 1


def test_following_the_link_changes_nothing_and_works_again(people: People, staff: User) -> None:
    """Security.md 13: mail scanners open links."""
    path = link_in(offer(people, staff))
    for _ in range(3):
        assert Client().get(path).status_code == 302
    assert AccountOffer.objects.get().state == AccountOffer.State.PENDING


def test_it_asks_to_sign_in_first_and_comes_back(people: People, staff: User) -> None:
    browser = Client()
    browser.get(link_in(offer(people, staff)))
    assert browser.get(OFFER)["Location"] == f"/sign-in/?next={OFFER}"
    assert browser.post(OFFER)["Location"] == f"/sign-in/?next={OFFER}"
    browser.force_login(people.bob)
    assert browser.get(OFFER).status_code == 200


def test_another_user_can_neither_read_nor_accept_nor_decline_it(
    people: People, staff: User
) -> None:
    browser = opened(people, staff, people.charlie)
    for answer in (browser.get(OFFER), browser.post(OFFER)):
        assert answer.status_code == 403
        assert "Hartwell Catering" not in answer.content.decode()
        assert people.bob.email not in answer.content.decode()
    browser.post(f"{OFFER}decline/")
    assert AccountOffer.objects.get().state == AccountOffer.State.PENDING
    assert len(accounts_of(people.charlie)) == 1


def test_a_declined_offer_opens_nothing_any_more(people: People, staff: User) -> None:
    path = link_in(offer(people, staff))
    browser = signed_in(people.bob)
    browser.get(path)
    answer = browser.post(f"{OFFER}decline/", follow=True)
    assert "You have declined the account." in answer.content.decode()
    browser.get(path)
    assert browser.post(OFFER).status_code == 404
    assert accounts_of(people.bob) == []


def test_a_withdrawn_offers_mail_is_not_sent_and_its_link_opens_nothing(
    people: People, staff: User
) -> None:
    offered = offer(people, staff)
    path = link_in(offered)
    withdraw_account(offered.pk, actor=OPERATOR)
    with all_accounts_scope("a test"), pytest.raises(links.LinkEnded):
        links.put_in(OutgoingEmail.objects.get(kind="account_offered"))
    browser = signed_in(people.bob)
    browser.get(path)
    assert browser.post(OFFER).status_code == 404
    assert accounts_of(people.bob) == []


def test_an_expired_offer_says_when_it_expired(people: People, staff: User) -> None:
    browser = opened(people, staff, people.bob)
    offered = AccountOffer.objects.get()
    offered.expires_at = offered.created_at - timedelta(seconds=1)
    offered.save()
    answer = browser.post(OFFER)
    assert answer.status_code == 410
    assert "This offer has expired" in answer.content.decode()
    assert accounts_of(people.bob) == []


@pytest.mark.parametrize("change", ["token", "row"])
def test_an_altered_link_reveals_nothing(people: People, staff: User, change: str) -> None:
    offered = offer(people, staff)
    path = link_in(offered)
    altered = (
        path[:-2] + ("A" if path[-2] != "A" else "B") + "/"
        if change == "token"
        else path.replace(str(offered.pk), str(uuid4()))
    )
    answer = signed_in(people.bob).get(altered)
    assert answer.status_code == 404
    assert "Hartwell Catering" not in answer.content.decode()
    assert answer["Referrer-Policy"] == "no-referrer"
    assert signed_in(people.bob).post(OFFER).status_code == 404
