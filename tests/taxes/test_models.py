"""Rates and registrations as the database keeps them."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from taxes.models import TaxRate, TaxRegistration
from taxes.registrations import registrations_of
from taxes.vocabulary import Scheme

pytestmark = pytest.mark.django_db


def refused_by(constraint: str, model: type[TaxRate | TaxRegistration], **values: Any) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        model._default_manager.create(**values)


class TestTaxRate:
    VALUES = {
        "country": "DE",
        "rate_class": "standard",
        "percent": Decimal("19.5"),
        "valid_from": date(2040, 1, 1),
    }

    def test_begins_once_a_day(self) -> None:
        TaxRate.objects.create(**self.VALUES)

        refused_by("tax_rate_begins_once", TaxRate, **self.VALUES)

    @pytest.mark.parametrize("percent", [Decimal(-1), Decimal("100.01")])
    def test_is_a_percentage(self, percent: Decimal) -> None:
        refused_by("tax_rate_is_a_percentage", TaxRate, **self.VALUES | {"percent": percent})

    @pytest.mark.parametrize("country", ["de", "D", "D1"])
    def test_is_a_countrys(self, country: str) -> None:
        refused_by("tax_rate_country_is_a_code", TaxRate, **self.VALUES | {"country": country})


class TestTaxRegistration:
    VALUES = {
        "seller_code": "main",
        "country": "GB",
        "scheme": Scheme.DOMESTIC,
        "number": "GB980780684",
        "valid_from": date(2010, 1, 1),
    }

    def test_begins_once_a_day(self) -> None:
        TaxRegistration.objects.create(**self.VALUES)

        refused_by("tax_registration_begins_once", TaxRegistration, **self.VALUES)

    def test_ends_after_it_begins(self) -> None:
        values = self.VALUES | {"valid_to": date(2010, 1, 1)}

        refused_by("tax_registration_ends_after_it_begins", TaxRegistration, **values)

    @pytest.mark.parametrize("scheme", [Scheme.DOMESTIC, Scheme.OSS_UNION, Scheme.OSS_NON_UNION])
    def test_has_a_number(self, scheme: Scheme) -> None:
        values = self.VALUES | {"scheme": scheme, "number": ""}

        refused_by("tax_registration_has_a_number", TaxRegistration, **values)

    @pytest.mark.parametrize("scheme", [Scheme.SMALL_BUSINESS, Scheme.EU_THRESHOLD])
    def test_what_is_relied_on_needs_none(self, scheme: Scheme) -> None:
        TaxRegistration.objects.create(**self.VALUES | {"scheme": scheme, "number": ""})

    def test_are_read_for_several_sellers_at_once(self, django_assert_num_queries: Any) -> None:
        TaxRegistration.objects.create(**self.VALUES)
        TaxRegistration.objects.create(**self.VALUES | {"seller_code": "other", "country": "DE"})

        with django_assert_num_queries(1):
            found = registrations_of(["main", "unregistered"])

        [registration] = found["main"]
        assert (registration.country, registration.scheme) == ("GB", Scheme.DOMESTIC)
        assert registration.holds_on(date(2010, 1, 1))
        assert not registration.holds_on(date(2009, 12, 31))
        assert found["unregistered"] == ()
        assert "other" not in found
