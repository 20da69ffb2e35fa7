"""Each person reads in their own language and time zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone, translation

from tests.factories import charge, make_account, make_invoice, make_seller, make_user, store_pdf
from tests.people import signed_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("language", "amount", "day"),
    [
        ("en", "£1,481.40", "2 January 2027"),
        ("de", "1.481,40 £", "2. Januar 2027"),
        ("fr", "1 481,40 £GB", "2 janvier 2027"),
    ],
)
def test_money_and_dates_are_written_in_the_readers_language(
    language: str, amount: str, day: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = make_user(language=language)
    account = make_account(owner=reader)
    monkeypatch.setattr(timezone, "now", lambda: datetime(2027, 1, 2, 12, tzinfo=UTC))
    invoice = make_invoice(account, seller=make_seller(), charges=[charge("1234.50")])
    answer = signed_in(reader).get(f"/a/{account.number}/billing/invoices/{invoice.number}/")
    page = answer.content.decode().replace("\N{NO-BREAK SPACE}", " ").replace("\u202f", " ")
    assert f'<html lang="{language}"' in page
    assert answer["Content-Language"] == language
    assert amount in page
    assert day in page


def test_times_are_those_of_the_readers_zone() -> None:
    reader = make_user(timezone="Asia/Tokyo")
    account = make_account(owner=reader)
    invoice = make_invoice(account, seller=make_seller())
    stored_at = store_pdf(invoice).stored_at
    assert stored_at is not None
    hour = stored_at.astimezone(ZoneInfo("Asia/Tokyo")).strftime("%H:%M")
    page = signed_in(reader).get(f"/a/{account.number}/billing/invoices/{invoice.number}/")
    assert hour in page.content.decode()


@pytest.mark.parametrize(("language", "zone"), [("xx", "UTC"), ("en", "Mars/Olympus"), ("", "")])
def test_a_language_or_zone_that_is_not_known_closes_no_page(language: str, zone: str) -> None:
    reader = make_user(language=language, timezone=zone)
    answer = signed_in(reader).get("/accounts/")
    assert answer.status_code == 200
    assert '<html lang="en"' in answer.content.decode()


def test_one_readers_language_is_not_left_for_the_next() -> None:
    signed_in(make_user(language="de", timezone="Asia/Tokyo")).get("/accounts/")
    assert translation.get_language() == "en"
    assert timezone.get_current_timezone_name() == "UTC"
    assert '<html lang="en"' in Client().get("/sign-in/").content.decode()


def test_whoever_is_not_signed_in_gets_the_browsers_language() -> None:
    answer = Client().get("/sign-in/", headers={"Accept-Language": "fr"})
    assert '<html lang="fr"' in answer.content.decode()
