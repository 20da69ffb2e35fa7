"""An address that was moved away from is nobody else's until the week of its way back is over."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from threading import Barrier
from time import sleep

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.recording import Actor
from common.tokens import token_for
from tests.factories import PASSWORD, make_staff, make_user
from tests.people import People, signed_in
from tests.users.mailing import link_in, mails, only_link
from users.changing_address import CONFIRM
from users.creating import EmailTaken, create_verified_user
from users.models import EmailAddressChange, User

OLD, NEW = "alice@hartwell.example", "alice@elsewhere.example"


def move(user: User, new_email: str) -> None:
    """As ``user`` would: ask, open the link, confirm."""
    browser = signed_in(user)
    browser.post("/profile/email/", {"new_email": new_email})
    browser.get(only_link("address_change_confirm", to=new_email))
    assert browser.post("/email-change/confirm/").status_code == 302


def make_change(user: User, new_email: str, **values: datetime) -> EmailAddressChange:
    return EmailAddressChange.objects.create(
        user=user,
        old_email=user.email,
        new_email=new_email,
        expires_at=timezone.now() + timedelta(hours=1),
        **values,
    )


def about_to_move(user: User, new_email: str) -> Client:
    """A browser in which but one click is missing."""
    change = make_change(user, new_email)
    browser, token = signed_in(user), token_for(CONFIRM, change.pk, change.nonce)
    browser.get(reverse("users:email_change_link", args=[change.pk, token]))
    return browser


def take(email: str) -> User:
    return create_verified_user(
        email=email,
        password=PASSWORD,
        first_name="Tom",
        last_name="Taker",
        language="en",
        timezone="UTC",
        actor=Actor.anonymous(),
    )


def undo(path: str) -> int:
    browser = Client()
    browser.get(path)
    return int(browser.post("/email-change/undo/").status_code)


@pytest.fixture
def moved(people: People) -> User:
    move(people.alice, NEW)
    return people.alice


def way_back() -> str:
    return link_in(mails("address_changed", to=OLD)[-1])


@pytest.mark.django_db
def test_nobody_signs_up_with_it(moved: User) -> None:
    with pytest.raises(EmailTaken):
        take(OLD)
    assert not User.objects.filter(email=OLD).exists()
    assert undo(way_back()) == 200
    moved.refresh_from_db()
    assert moved.email == OLD


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["/sign-up/", "/password-reset/"])
def test_who_asks_for_a_link_there_is_shown_the_way_back_again(moved: User, page: str) -> None:
    """No link to sign up, which would lead nowhere; the page is the same as for all others."""
    pages = [
        Client().post(page, {"email": email}, follow=True).content
        for email in (OLD, "nobody@hartwell.example")
    ]
    assert pages[0] == pages[1]
    assert [email.kind for email in mails(to=OLD)] == ["address_changed", "address_changed"]
    assert undo(way_back()) == 200
    moved.refresh_from_db()
    assert moved.email == OLD


@pytest.mark.django_db
def test_no_other_user_id_is_moved_to_it(people: People, moved: User) -> None:
    browser = signed_in(people.charlie)
    browser.post("/profile/email/", {"new_email": OLD})
    assert mails(to=OLD)[-1].kind == "address_change_taken"
    assert mails("address_change_confirm", to=OLD) == []


@pytest.mark.django_db
def test_nor_is_one_whose_change_was_asked_for_before(people: People) -> None:
    browser = about_to_move(people.charlie, OLD)
    move(people.alice, NEW)
    assert browser.post("/email-change/confirm/").status_code == 409
    people.charlie.refresh_from_db()
    assert people.charlie.email == "charlie@elsewhere.example"
    assert undo(way_back()) == 200


@pytest.mark.django_db
def test_its_own_person_may_move_back_to_it(moved: User) -> None:
    moved.refresh_from_db()
    move(moved, OLD)
    moved.refresh_from_db()
    assert moved.email == OLD


@pytest.mark.django_db
def test_staff_make_no_user_id_for_it(moved: User) -> None:
    sent = {"email": OLD, "first_name": "", "last_name": "", "usable_password": "false"}
    staff = make_staff()
    User.objects.filter(pk=staff.pk).update(is_superuser=True)
    answer = signed_in(staff).post("/admin/users/user/add/", sent)
    assert "There is a user ID with this address already." in answer.content.decode()
    assert not User.objects.filter(email=OLD).exists()


@pytest.mark.django_db
def test_after_a_week_it_is_free(moved: User, monkeypatch: pytest.MonkeyPatch) -> None:
    later = timezone.now() + timedelta(days=7, seconds=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert take(OLD).email == OLD


@pytest.mark.django_db
def test_taken_back_it_leaves_the_other_one_free(moved: User) -> None:
    undo(way_back())
    assert take(NEW).email == NEW


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("taker", ["somebody new", "somebody who moves"])
def test_nor_is_it_taken_at_the_moment_when_it_becomes_free(taker: str) -> None:
    """Whoever writes the address waits for who leaves it, and sees then that it can be undone."""
    alice, charlie = make_user(OLD), make_user("charlie@elsewhere.example")
    browser, leaves = about_to_move(charlie, OLD), Barrier(2)

    def leave() -> None:
        with closing(connection), transaction.atomic():
            User.objects.filter(pk=alice.pk).update(email=NEW)
            leaves.wait(timeout=5)
            # Long enough for the other one to look at the address.
            sleep(0.3)
            now = timezone.now()
            make_change(alice, NEW, confirmed_at=now, undo_until=now + timedelta(days=7))

    def arrive() -> int:
        with closing(connection):
            leaves.wait(timeout=5)
            if taker == "somebody who moves":
                return int(browser.post("/email-change/confirm/").status_code)
            with pytest.raises(EmailTaken):
                take(OLD)
            return 409

    with ThreadPoolExecutor(2) as threads:
        left, arrived = threads.submit(leave), threads.submit(arrive)
        left.result()
        assert arrived.result() == 409
    assert not User.objects.filter(email=OLD).exists()
