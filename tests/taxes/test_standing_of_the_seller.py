"""Sellers that charge no tax, sellers not on record, and what is not modelled."""

from datetime import date
from decimal import Decimal

import pytest

from taxes.parties import SellerTaxStatus
from taxes.refusals import (
    ContradictoryRegistrations,
    SellerCountryNotModelled,
    SellerNotRegistered,
    TaxPointTooEarly,
    TaxRefusal,
    TerritoryNotModelled,
    UnknownCountry,
)
from taxes.vocabulary import Exemption, ProductCategory, Scheme, TaxGroup
from tests.taxes.sellers_and_buyers import (
    business,
    consumer,
    outcome,
    registration,
    seller,
    taxed,
)

GOODS, SERVICE = ProductCategory.GOODS, ProductCategory.SERVICE
ELECTRONIC = ProductCategory.ELECTRONIC_SERVICE
ZERO = Decimal(0)


def small_business(country: str, *, number: str) -> SellerTaxStatus:
    return SellerTaxStatus(
        country=country,
        registrations=(registration(country, Scheme.SMALL_BUSINESS, number=number),),
    )


class TestSmallBusiness:
    def test_with_a_number_it_is_exempt(self) -> None:
        treatment = taxed(SERVICE, by=small_business("DE", number="DE136695976"), to=consumer("DE"))

        assert outcome(treatment) == ("E", ZERO, "DE", "")
        assert treatment.exemption_text == "Exempt from VAT: exemption for small enterprises"
        assert treatment.seller_tax_number == "DE136695976"

    def test_without_a_number_it_is_outside_the_scope(self) -> None:
        """Category E needs a number of the seller (BR-E-02), category O allows none (BR-O-02)."""
        treatment = taxed(SERVICE, by=small_business("GB", number=""), to=consumer("GB"))

        assert outcome(treatment) == ("O", ZERO, "", "VATEX-EU-O")
        assert treatment.exemption is Exemption.NOT_REGISTERED

    def test_french_law_prescribes_the_words_and_has_a_code(self) -> None:
        by = small_business("FR", number="FR40303265045")
        treatment = taxed(SERVICE, by=by, to=consumer("FR"))

        assert outcome(treatment) == ("E", ZERO, "FR", "VATEX-FR-FRANCHISE")
        assert treatment.exemption_text == "TVA non applicable, art. 293 B du CGI"

    def test_its_exports_are_exempt_too_rather_than_zero_rated(self) -> None:
        by = small_business("DE", number="DE136695976")

        assert taxed(GOODS, by=by, to=consumer("US")).category == "E"
        assert taxed(GOODS, by=by, to=business("FR", "FR40303265045")).category == "E"

    def test_its_services_to_eu_businesses_are_a_reverse_charge(self) -> None:
        buyer = business("FR", "FR40303265045")
        treatment = taxed(SERVICE, by=small_business("DE", number="DE136695976"), to=buyer)

        assert treatment.category == "AE"
        with pytest.raises(SellerNotRegistered, match="needs a tax number of the seller"):
            taxed(SERVICE, by=small_business("DE", number=""), to=buyer)

    def test_being_on_record_as_both_is_refused(self) -> None:
        by = seller("DE", registration("DE", Scheme.SMALL_BUSINESS, number=""))

        with pytest.raises(ContradictoryRegistrations, match="Germany"):
            taxed(SERVICE, by=by, to=consumer("DE"))

    def test_one_that_grows_out_of_it_charges_from_that_day(self) -> None:
        grown = date(2026, 1, 1)
        by = SellerTaxStatus(
            country="DE",
            registrations=(
                registration("DE", Scheme.SMALL_BUSINESS, number="", valid_to=grown),
                registration("DE", valid_from=grown),
            ),
        )

        assert taxed(SERVICE, by=by, to=consumer("DE"), on=date(2025, 12, 31)).category == "O"
        assert taxed(SERVICE, by=by, to=consumer("DE"), on=grown).category == "S"


class TestCategoriesWithoutTax:
    @pytest.mark.parametrize("country", ["DE", "FR", "US"])
    def test_exempt_supplies_bear_no_tax_wherever_they_go(self, country: str) -> None:
        treatment = taxed(ProductCategory.EXEMPT, by=seller("DE"), to=consumer(country))

        assert outcome(treatment) == ("E", ZERO, "DE", "")
        assert treatment.exemption_text == "Exempt from VAT"

    @pytest.mark.parametrize("country", ["DE", "FR", "US"])
    def test_what_is_no_supply_stands_apart(self, country: str) -> None:
        by = SellerTaxStatus(country="DE")
        treatment = taxed(ProductCategory.OUTSIDE_SCOPE, by=by, to=business(country))

        assert outcome(treatment) == ("O", ZERO, "", "VATEX-EU-O")
        assert treatment.group is TaxGroup.OUTSIDE_SCOPE


class TestRefusals:
    @pytest.mark.parametrize("category", [GOODS, SERVICE, ELECTRONIC, ProductCategory.EXEMPT])
    def test_a_seller_without_a_registration_is_refused_not_untaxed(
        self, category: ProductCategory
    ) -> None:
        with pytest.raises(SellerNotRegistered, match="No tax registration of the seller in Ger"):
            taxed(category, by=SellerTaxStatus(country="DE"), to=consumer("DE"))

    @pytest.mark.parametrize("country", ["", "UK", "EL", "EU", "ZZ", "gb", "Germany"])
    def test_a_slip_in_the_country_is_refused_not_an_export(self, country: str) -> None:
        with pytest.raises(UnknownCountry):
            taxed(GOODS, by=seller("DE"), to=consumer(country))

    def test_tax_points_before_the_modelled_law_are_refused(self) -> None:
        with pytest.raises(TaxPointTooEarly, match="2003-06-30"):
            taxed(GOODS, by=seller("DE"), to=consumer("DE"), on=date(2003, 6, 30))

    @pytest.mark.parametrize("country", ["US", "AU", "JE", "AX"])
    def test_sellers_elsewhere_are_refused(self, country: str) -> None:
        with pytest.raises(SellerCountryNotModelled):
            taxed(GOODS, by=seller(country), to=consumer("DE"))

    def test_a_country_that_has_not_joined_yet_is_elsewhere(self) -> None:
        with pytest.raises(SellerCountryNotModelled, match="Croatia on 2013-06-30"):
            taxed(GOODS, by=seller("HR"), to=consumer("HR"), on=date(2013, 6, 30))

    @pytest.mark.parametrize(
        ("country", "part"),
        [("FI", "AX"), ("FR", "RE"), ("FR", "GP")],
    )
    def test_parts_with_special_rules_are_refused_to_sellers_of_the_same_state(
        self, country: str, part: str
    ) -> None:
        with pytest.raises(TerritoryNotModelled):
            taxed(SERVICE, by=seller(country), to=consumer(part))
        assert taxed(SERVICE, by=seller("IE"), to=business(part)).category == "O"

    def test_spanish_sellers_export_to_the_canary_islands(self) -> None:
        buyer = consumer("ES", postal_code="38001")

        assert taxed(GOODS, by=seller("ES"), to=buyer).category == "G"

    def test_every_refusal_is_a_domain_error_with_a_message(self) -> None:
        refusals = TaxRefusal.__subclasses__()

        assert len(refusals) == 8
        assert all(refusal.__doc__ for refusal in refusals)
