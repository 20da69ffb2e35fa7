"""`manage.py load_demo`: a sample operator that shows the program, and is safe to load again."""

import io
import re
from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count
from django.test import Client
from pytest_django import Settings

from accounts.models import Account, Membership
from billing.models import BillingEntry
from common.scoping import all_accounts_scope
from invoices.models import Delivery, Invoice, InvoiceTaxLine, Seller
from portal.demo.loading import load_sample
from portal.demo.people import STAFF_EMAIL
from portal.demo.sample import read_sample, two_months_before
from tests.people import sign_in
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def load_demo() -> str:
    out = io.StringIO()
    call_command("load_demo", stdout=out, stderr=io.StringIO(), skip_checks=True)
    return out.getvalue()


def counts() -> dict[str, int]:
    with all_accounts_scope("a test counts what there is"):
        counted = (Account, BillingEntry, Delivery, Invoice, Membership, Seller, User)
        return {model.__name__: model._default_manager.count() for model in counted}


def test_loading_it_again_adds_nothing_and_says_the_same(settings: Settings) -> None:
    settings.EMBEDDED = True
    said, before = load_demo(), counts()
    assert before["Account"] >= 36
    assert load_demo() == said
    assert counts() == before


def test_in_a_later_month_that_months_charges_are_added_and_billed() -> None:
    sample = read_sample()
    load_sample(sample, today=date(2026, 3, 1), say=print)
    before = counts()
    load_sample(sample, today=date(2026, 4, 17), say=print)
    after = counts()
    assert {name for name in after if after[name] != before[name]} == {
        "BillingEntry",
        "Delivery",
        "Invoice",
    }
    with all_accounts_scope("a test looks for what is not billed"):
        assert not BillingEntry.objects.filter(invoice_line=None).exists()


def test_it_shows_what_invoices_can_be() -> None:
    load_sample(read_sample(), today=date(2026, 11, 2), say=print)
    with all_accounts_scope("a test looks at the sample's documents"):
        kinds = set(Invoice.objects.values_list("kind", flat=True))
        categories = set(InvoiceTaxLine.objects.values_list("category", flat=True))
        drafts = Invoice.objects.filter(state=Invoice.State.DRAFT).count()
        recipients = Invoice.objects.annotate(recipients=Count("deliveries"))
        counted = set(recipients.values_list("recipients", flat=True))
    assert kinds == {"invoice", "credit_note"}
    assert categories == {"S", "AE", "K", "G", "O"}
    assert drafts == 0
    assert counted == {1, 2}
    names = "".join(Account.objects.values_list("name", flat=True))
    for script in ("ü", "Ζ", "Ż", "Р", "上", "ش", "מ", "श"):
        assert script in names
    assert set(Account.objects.values_list("locale", flat=True)) == {"en", "de", "fr"}


def test_whom_it_names_can_sign_in_with_the_password_it_prints(
    settings: Settings,
) -> None:
    settings.EMBEDDED = True
    said = load_demo()
    (password,) = re.findall(r"with the password (\S+) as", said)
    people = re.findall(r"^  (\S+@\S+)", said, flags=re.MULTILINE)
    assert len(people) == 6
    assert STAFF_EMAIL in people
    for email in people:
        answer = sign_in(Client(), email, password)
        assert answer.status_code == 302
        # Staff alone are asked for a code, which goes to the mailbox.
        assert (answer["Location"] == "/sign-in/code/") == (email == STAFF_EMAIL)
    assert User.objects.get(email=STAFF_EMAIL).is_staff


def test_an_installation_with_its_own_database_is_left_alone(settings: Settings) -> None:
    settings.EMBEDDED = False
    with pytest.raises(CommandError, match="a database of its own"):
        load_demo()
    assert not Seller.objects.exists()


@pytest.mark.parametrize(
    ("today", "months"),
    [
        (date(2026, 1, 1), (date(2025, 11, 1), date(2025, 12, 1))),
        (date(2026, 3, 31), (date(2026, 1, 1), date(2026, 2, 1))),
    ],
)
def test_the_two_months_are_those_that_are_over(today: date, months: tuple[date, date]) -> None:
    assert two_months_before(today) == months
