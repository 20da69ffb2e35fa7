"""What staff may enter about sellers and their number series."""

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from invoices.models import NumberSeries, Seller
from tests.admin_pages import act, refused
from tests.factories import make_account, make_invoice, make_seller
from tests.people import signed_in
from users.models import User

pytestmark = pytest.mark.django_db

SERIES = "admin:invoices_numberseries"


@pytest.fixture
def browser(staff: User) -> Client:
    return signed_in(staff)


@pytest.fixture
def seller() -> Seller:
    return make_seller()


@pytest.fixture
def page(seller: Seller) -> str:
    return reverse("admin:invoices_seller_change", args=[seller.pk])


@pytest.fixture
def series(seller: Seller) -> NumberSeries:
    return seller.series.get(kind="invoice")


# --- Sellers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("timezone", "Europe/Brelin", "“Europe/Brelin” is not a time zone"),
        ("country", "UK", "“UK” is not a country code"),
        ("accounting_currency", "EUO", "“EUO” is not a currency code"),
        ("iban", "GB33 BUKB 2020 1555 5555 56", "“GB33 BUKB 2020 1555 5555 56” is no IBAN: The"),
        ("bic", "DEUTDE", "“DEUTDE” is no BIC such as DEUTDEFF: The number"),
        ("colour", "teal", "Enter a colour such as #0b5d57."),
        ("logo", "../secret.png", "Enter a file’s name alone"),
        ("email", "billing@north_wind.example", "Enter a valid email address."),
        ("email", '"ab"@northwind.example', "'\"ab\"@northwind.example' is not an email address"),
    ],
)
def test_what_would_stop_issuing_is_refused_at_its_field(
    browser: Client, page: str, field: str, value: str, said: str
) -> None:
    complaints = refused(browser, page, **{field: value})
    assert list(complaints) == [field]
    assert complaints[field].startswith(said)


def test_what_is_right_is_stored_as_documents_want_it(
    browser: Client, page: str, seller: Seller
) -> None:
    changes = {
        "iban": "gb33 bukb 2020 1555 5555 55",
        "bic": "bukbgb22",
        "colour": "#0B5D57",
        "logo": "northwind.png",
    }
    assert refused(browser, page, **changes) == {}
    seller.refresh_from_db()
    assert (seller.iban, seller.bic) == ("GB33BUKB20201555555555", "BUKBGB22")
    assert (seller.colour, seller.logo) == ("#0B5D57", "northwind.png")


@pytest.mark.parametrize(
    "column", [{"country": "uk"}, {"accounting_currency": "€"}, {"colour": "red"}, {"logo": "/x"}]
)
def test_the_database_takes_no_such_seller_either(column: dict[str, str]) -> None:
    with pytest.raises(IntegrityError, match="violates check constraint"):
        Seller.objects.filter(pk=make_seller().pk).update(**column)


# --- Series ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prefix": "inv/"}, "A prefix has capital letters, digits and hyphens only"),
        ({"digits": 21}, "Numbers are padded to 1 to 20 digits."),
        ({"kind": "credit_note"}, "This seller has a current series for this kind of document"),
    ],
)
def test_a_series_that_could_give_no_number_is_refused_in_words(
    browser: Client, series: NumberSeries, changes: dict[str, object], said: str
) -> None:
    address = reverse(f"{SERIES}_change", args=[series.pk])
    complaints = refused(browser, address, is_current="on", **changes)
    assert complaints["__all__"].startswith(said)


def test_a_used_series_is_not_current_again_beside_another(
    browser: Client, series: NumberSeries, seller: Seller
) -> None:
    make_invoice(make_account(), seller=seller)
    act(browser, SERIES, "start_next", series.pk, next_prefix="INV-2027-")
    address = reverse(f"{SERIES}_change", args=[series.pk])
    complaints = refused(browser, address, is_current="on")
    assert complaints["__all__"].startswith("This seller has a current series")


def test_the_longest_number_fits_a_document(series: NumberSeries) -> None:
    longest = NumberSeries(prefix="X" * 20, digits=20)
    assert len(longest.number(1)) == 40


def test_the_next_series_is_started_in_one_step(
    browser: Client, staff: User, series: NumberSeries
) -> None:
    page = act(browser, SERIES, "start_next", series.pk, next_prefix="INV-2027-")
    assert "The next number is INV-2027-000001." in page
    [current] = NumberSeries.objects.filter(kind="invoice", is_current=True)
    assert (current.prefix, current.seller_id) == ("INV-2027-", series.seller_id)
    with all_accounts_scope("a test reads the audit log"):
        event = AuditEvent.objects.get(action=Action.SELLER_CHANGED)
    assert event.actor_user_id == staff.pk
    assert event.subject == "series INV-2027- of seller northwind"
    assert event.details == {"is_current": {"old": "INV-", "new": "INV-2027-"}}


def test_a_series_is_followed_once_by_a_prefix_that_is_free(
    browser: Client, seller: Seller, series: NumberSeries
) -> None:
    credit = seller.series.get(kind="credit_note")
    assert "Choose one series" in act(browser, SERIES, "start_next", series.pk, credit.pk)
    assert "Choose one series" in act(browser, SERIES, "start_next", series.pk, next_prefix=" ")
    for prefix, said in (("CN-", "already exists"), ("inv 2027", "capital letters")):
        assert said in act(browser, SERIES, "start_next", series.pk, next_prefix=prefix)
    series.refresh_from_db()
    assert series.is_current
    act(browser, SERIES, "start_next", series.pk, next_prefix="INV-2027-")
    page = act(browser, SERIES, "start_next", series.pk, next_prefix="INV-2028-")
    assert "has ended: start the next one after the current series" in page
    assert not NumberSeries.objects.filter(prefix="INV-2028-").exists()
