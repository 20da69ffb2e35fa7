"""What staff may enter."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin import site
from django.http import HttpRequest
from django.urls import reverse

from invoices.models import Seller
from taxes.admin import TaxRateAdmin, TaxRateForm, TaxRegistrationForm
from taxes.models import TaxRate, TaxRegistration
from tests.admin_pages import form_of, refused
from tests.factories import make_seller
from tests.people import signed_in
from users.models import User

pytestmark = pytest.mark.django_db

REGISTRATION = {
    "seller_code": "main",
    "country": "GB",
    "scheme": "domestic",
    "number": "GB 980 7806 84",
    "valid_from": "2010-01-01",
}


@pytest.fixture(autouse=True)
def seller() -> Seller:
    return make_seller("main")


def registration_form(**changes: Any) -> TaxRegistrationForm:
    return TaxRegistrationForm(data=REGISTRATION | changes)


class _Superuser:
    """Answers yes to every permission: what is refused is refused by the admin itself."""

    def has_perm(self, _permission: str) -> bool:
        return True


def request() -> HttpRequest:
    made = HttpRequest()
    made.user = _Superuser()  # type: ignore[assignment]
    return made


def test_a_number_is_stored_as_it_is_printed() -> None:
    assert registration_form().save().number == "GB980780684"


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "GB 980 7806 85"},
        {"scheme": "oss_non_union", "country": "IE", "number": "GB980780684"},
    ],
)
def test_a_mistyped_number_is_refused_at_its_field(changes: dict[str, str]) -> None:
    assert list(registration_form(**changes).errors) == ["number"]


def test_a_non_union_number_is_accepted_for_its_scheme() -> None:
    form = registration_form(scheme="oss_non_union", country="IE", number="EU 372022452")

    assert form.save().number == "EU372022452"


def test_a_scheme_that_needs_a_number_is_refused_without_one() -> None:
    assert not registration_form(number="").is_valid()
    assert registration_form(number="", scheme="small_business").is_valid()


@pytest.mark.parametrize("country", ["UK", "EL", "ZZ"])
def test_what_is_no_country_is_refused(country: str) -> None:
    rate = {"country": country, "rate_class": "standard", "valid_from": "2040-01-01"}

    assert "country" in registration_form(country=country).errors
    assert "country" in TaxRateForm(data=rate).errors


def test_a_rates_key_stays_and_no_rate_is_deleted() -> None:
    admin = site.get_model_admin(TaxRate)
    assert isinstance(admin, TaxRateAdmin)
    shipped = TaxRate.objects.get(country="DE", rate_class="standard", valid_from="2007-01-01")
    own = TaxRate.objects.create(
        country="DE", rate_class="standard", percent=Decimal(21), valid_from=date(2040, 1, 1)
    )

    assert {"country", "rate_class", "valid_from"} <= set(
        admin.get_readonly_fields(request(), shipped)
    )
    assert admin.get_readonly_fields(request()) == ()
    assert not admin.has_delete_permission(request(), shipped)
    assert not admin.has_delete_permission(request(), own)


def test_a_registration_of_a_seller_there_is_not_is_refused() -> None:
    assert list(registration_form(seller_code="mian").errors) == ["seller_code"]


def test_an_entered_registration_can_only_be_ended(staff: User) -> None:
    registration = TaxRegistration.objects.get(seller_code="main")
    browser = signed_in(staff)
    address = reverse("admin:taxes_taxregistration_change", args=[registration.pk])
    assert list(form_of(browser, address)) == []
    sent = {"valid_to": "2027-01-01", "number": "GB980780684", "valid_from": "1999-01-01"}
    assert browser.post(address, sent).status_code == 302
    before, registration = registration, TaxRegistration.objects.get(pk=registration.pk)
    assert registration.valid_to == date(2027, 1, 1)
    assert (registration.number, registration.valid_from) == (before.number, before.valid_from)


def test_what_is_wrong_with_a_registration_is_said_in_words(staff: User) -> None:
    registration = TaxRegistration.objects.get(seller_code="main")
    address = reverse("admin:taxes_taxregistration_change", args=[registration.pk])
    said = refused(signed_in(staff), address, valid_to="1990-01-01")
    assert said["__all__"].startswith("The first day on which it no longer holds comes after")
    assert "has a number" in registration_form(number="").errors["__all__"][0]
