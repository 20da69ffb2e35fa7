"""Addresses that staff put on the list, and take off it."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db.models import F
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent
from audit.recording import Actor
from common.scoping import all_accounts_scope
from mail.addresses import UnusableAddress
from mail.models import SuppressedAddress
from mail.suppressing import AlreadySuppressed, release, suppress
from tests.people import signed_in
from users.models import User

LIST = "/admin/mail/suppressedaddress/"
ACTOR = Actor.system("a test")

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(staff: User) -> Client:
    return signed_in(staff)


def recorded() -> list[tuple[str, str, int | None]]:
    with all_accounts_scope("a test reads the audit log"):
        events = AuditEvent.objects.filter(action__startswith="address:").order_by("happened_at")
        return list(events.values_list("action", F("subject"), "actor_user_id"))


def test_staff_suppress_an_address_and_release_it(browser: Client, staff: User) -> None:
    sent = {"address": "Complainer@Example.com", "reason": "asked for it"}
    assert browser.post(f"{LIST}add/", sent).status_code == 302
    row = SuppressedAddress.objects.get(address="complainer@example.com")
    assert browser.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not SuppressedAddress.objects.exists()
    assert recorded() == [
        ("address:suppressed", "address complainer@example.com", staff.pk),
        ("address:released", "address complainer@example.com", staff.pk),
    ]


def test_several_are_released_at_once(browser: Client) -> None:
    keys = [suppress(f"{name}@example.com", reason="x", actor=ACTOR).pk for name in ("a", "b")]
    sent = {"action": "delete_selected", "_selected_action": keys, "post": "yes"}
    assert browser.post(LIST, sent).status_code == 302
    assert [action for action, _, _ in recorded()].count("address:released") == 2


def test_an_address_on_the_list_is_not_edited(browser: Client) -> None:
    row = suppress("a@example.com", reason="x", actor=ACTOR)
    sent = {"address": "b@example.com", "reason": "y"}
    assert browser.post(f"{LIST}{row.pk}/change/", sent).status_code == 403


def test_what_is_there_or_no_address_is_refused_at_its_field(browser: Client) -> None:
    suppress("a@example.com", reason="x", actor=ACTOR)
    for address, said in (("A@example.com", "already exists"), ("nobody", "not an email address")):
        page = browser.post(f"{LIST}add/", {"address": address, "reason": "y"})
        assert said in page.context["adminform"].form.errors["address"][0]
    assert SuppressedAddress.objects.count() == 1


def test_it_is_refused_without_the_admin_too() -> None:
    suppress("a@example.com", reason="asked for it", actor=ACTOR)
    with pytest.raises(AlreadySuppressed, match="already: asked for it"):
        suppress("A@Example.com", reason="y", actor=ACTOR)
    with pytest.raises(UnusableAddress):
        suppress("a@b@example.com", reason="y", actor=ACTOR)


@pytest.mark.parametrize("domain", ["münchen.example", "XN--MNCHEN-3YA.example"])
def test_address_is_listed_once_however_its_domain_is_spelled(domain: str, browser: Client) -> None:
    row = suppress(f"V@{domain}", reason="x", actor=ACTOR)
    assert row.address == "v@xn--mnchen-3ya.example"
    for spelled in ("v@münchen.example", "v@xn--mnchen-3ya.example"):
        with pytest.raises(AlreadySuppressed):
            suppress(spelled, reason="y", actor=ACTOR)
        page = browser.post(f"{LIST}add/", {"address": spelled, "reason": "y"})
        assert "already exists" in page.context["adminform"].form.errors["address"][0]


def test_addresses_that_were_listed_before_are_spelled_as_compared() -> None:
    """By the migration: the older row of two spellings stays."""
    listed = ["a@example.com", "v@münchen.example", "v@xn--mnchen-3ya.example", "w@straße.example"]
    for days_ago, address in enumerate(reversed(listed)):
        row = SuppressedAddress.objects.create(address=address, reason=address)
        since = timezone.now() - timedelta(days=days_ago)
        SuppressedAddress.objects.filter(pk=row.pk).update(since=since)
    migration = import_module("mail.migrations.0003_what_became_of_sent_mail")
    migration.spell_addresses_as_compared(apps, None)
    assert dict(SuppressedAddress.objects.values_list("address", "reason")) == {
        "a@example.com": "a@example.com",
        "v@xn--mnchen-3ya.example": "v@münchen.example",
        "w@xn--strae-oqa.example": "w@straße.example",
    }


def test_a_second_release_is_not_recorded() -> None:
    row = suppress("a@example.com", reason="x", actor=ACTOR)
    release(row, actor=ACTOR)
    release(row, actor=ACTOR)
    assert len(recorded()) == 2
