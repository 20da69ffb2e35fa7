"""Services: to businesses and consumers, at home, in the EU and beyond."""

from datetime import date
from decimal import Decimal

import pytest

from taxes.refusals import SellerNotRegistered
from taxes.vocabulary import Exemption, ProductCategory, Scheme, TaxGroup, TaxNumberStatus
from tests.taxes.sellers_and_buyers import (
    business,
    consumer,
    outcome,
    registration,
    seller,
    taxed,
)

SERVICE = ProductCategory.SERVICE
ELECTRONIC = ProductCategory.ELECTRONIC_SERVICE
ANY_SERVICE = pytest.mark.parametrize("category", [SERVICE, ELECTRONIC])
ZERO = Decimal(0)


@ANY_SERVICE
class TestToBusinesses:
    def test_at_home_they_pay_tax(self, category: ProductCategory) -> None:
        treatment = taxed(category, by=seller("DE"), to=business("DE", "DE136695976"))

        assert outcome(treatment) == ("S", Decimal(19), "DE", "")

    def test_in_another_eu_country_they_owe_it_themselves(self, category: ProductCategory) -> None:
        treatment = taxed(category, by=seller("DE"), to=business("FR", "FR40303265045"))

        assert outcome(treatment) == ("AE", ZERO, "FR", "VATEX-EU-AE")
        assert treatment.exemption_text == "Reverse charge"
        assert treatment.seller_tax_number == "DE136695976"
        assert treatment.prints_tax_numbers

    def test_a_registration_there_does_not_change_that(self, category: ProductCategory) -> None:
        """Registered is not established: Art. 44 looks for an establishment."""
        by = seller("DE", registration("FR"))

        assert taxed(category, by=by, to=business("FR", "FR40303265045")).category == "AE"

    @pytest.mark.parametrize("country", ["US", "CH", "NO", "JP", "GG", "IC", "GB"])
    def test_outside_the_eu_the_supply_is_not_subject_to_tax(
        self, category: ProductCategory, country: str
    ) -> None:
        treatment = taxed(category, by=seller("DE"), to=business(country))

        assert outcome(treatment) == ("O", ZERO, "", "VATEX-EU-O")
        assert treatment.group is TaxGroup.OUTSIDE_SCOPE
        assert treatment.seller_tax_number == ""
        assert not treatment.prints_tax_numbers

    def test_a_british_seller_supplies_eu_businesses_outside_the_scope(
        self, category: ProductCategory
    ) -> None:
        buyer = business("FR", "FR40303265045")
        before = taxed(category, by=seller("GB"), to=buyer, on=date(2020, 12, 31))
        after = taxed(category, by=seller("GB"), to=buyer, on=date(2021, 1, 1))

        assert (before.category, after.category) == ("AE", "O")
        assert after.exemption is Exemption.CUSTOMER_ACCOUNTS
        assert "the customer accounts for any VAT" in after.exemption_text

    def test_norway_rates_them_zero_abroad(self, category: ProductCategory) -> None:
        treatment = taxed(category, by=seller("NO"), to=business("US"))

        assert outcome(treatment) == ("G", ZERO, "NO", "")
        assert treatment.exemption is Exemption.EXPORT_OF_SERVICES

    def test_northern_ireland_is_british_for_services(self, category: ProductCategory) -> None:
        from_the_eu = taxed(category, by=seller("DE"), to=business("XI", "XI980780684"))
        from_britain = taxed(category, by=seller("GB"), to=business("XI", "XI980780684"))

        assert (from_the_eu.category, from_britain.category) == ("O", "S")

    @pytest.mark.parametrize("country", ["CH", "GB"])
    def test_a_number_known_to_be_wrong_speaks_against_a_business(
        self, category: ProductCategory, country: str
    ) -> None:
        buyer = business(country, "XX1", status=TaxNumberStatus.INVALID)
        by = seller("DE", registration(country))

        assert taxed(category, by=by, to=buyer).category == "S"


class TestServicesToConsumers:
    @pytest.mark.parametrize("country", ["DE", "FR", "US", "GB"])
    def test_are_taxed_where_the_supplier_is(self, country: str) -> None:
        treatment = taxed(SERVICE, by=seller("DE"), to=consumer(country))

        assert outcome(treatment) == ("S", Decimal(19), "DE", "")

    @pytest.mark.parametrize("buyer", [consumer("DE"), business("DE")])
    def test_swiss_tax_follows_the_recipient_whoever_it_is(self, buyer: object) -> None:
        assert taxed(SERVICE, by=seller("CH"), to=buyer).category == "O"  # type: ignore[arg-type]

    def test_an_eu_business_without_a_confirmed_number_is_one(self) -> None:
        buyer = business("FR", "FR40303265045", status=TaxNumberStatus.UNCHECKED)
        treatment = taxed(SERVICE, by=seller("DE"), to=buyer)

        assert outcome(treatment) == ("S", Decimal(19), "DE", "")
        assert "FR40303265045 is not confirmed" in treatment.reason

    def test_before_2010_businesses_too_were_taxed_where_the_supplier_is(self) -> None:
        buyer = business("FR", "FR40303265045")
        before = taxed(SERVICE, by=seller("GB"), to=buyer, on=date(2009, 12, 31))
        after = taxed(SERVICE, by=seller("GB"), to=buyer, on=date(2010, 1, 1))

        assert outcome(before) == ("S", Decimal(15), "GB", "")
        assert after.category == "AE"


class TestElectronicServicesToConsumers:
    def test_before_2015_taxed_where_the_supplier_is(self) -> None:
        treatment = taxed(ELECTRONIC, by=seller("IE"), to=consumer("FR"), on=date(2014, 12, 31))

        assert outcome(treatment) == ("S", Decimal(23), "IE", "")

    def test_since_2015_where_the_consumer_is(self) -> None:
        by = seller("IE", registration("IE", Scheme.OSS_UNION))
        treatment = taxed(ELECTRONIC, by=by, to=consumer("FR"), on=date(2015, 1, 1))

        assert outcome(treatment) == ("S", Decimal(20), "FR", "")
        assert treatment.seller_tax_number == "IE6433435F"

    def test_a_registration_there_serves_as_well(self) -> None:
        by = seller("IE", registration("FR"))

        assert taxed(ELECTRONIC, by=by, to=consumer("FR")).seller_tax_number == "FR40303265045"

    def test_the_one_stop_shop_comes_before_a_registration_there(self) -> None:
        by = seller("IE", registration("FR"), registration("IE", Scheme.OSS_UNION))

        assert taxed(ELECTRONIC, by=by, to=consumer("FR")).seller_tax_number == "IE6433435F"

    def test_the_eu_threshold_exists_since_2019(self) -> None:
        by = seller("IE", registration("IE", Scheme.EU_THRESHOLD, number=""))
        treatment = taxed(ELECTRONIC, by=by, to=consumer("FR"), on=date(2019, 1, 1))

        assert outcome(treatment) == ("S", Decimal(23), "IE", "")
        with pytest.raises(SellerNotRegistered):
            taxed(ELECTRONIC, by=by, to=consumer("FR"), on=date(2018, 12, 31))

    def test_a_seller_without_any_of_these_is_refused(self) -> None:
        with pytest.raises(SellerNotRegistered, match="It is taxed in France"):
            taxed(ELECTRONIC, by=seller("IE"), to=consumer("FR"))

    @pytest.mark.parametrize("country", ["GB", "CH", "NO"])
    def test_sellers_outside_the_eu_use_the_non_union_scheme(self, country: str) -> None:
        by = seller(country, registration("IE", Scheme.OSS_NON_UNION, number="EU372022452"))
        treatment = taxed(ELECTRONIC, by=by, to=consumer("FR"))

        assert outcome(treatment) == ("S", Decimal(20), "FR", "")
        assert treatment.seller_tax_number == "EU372022452"

    def test_and_have_no_threshold(self) -> None:
        by = seller("GB", registration("GB", Scheme.EU_THRESHOLD, number=""))

        with pytest.raises(SellerNotRegistered, match="non-Union scheme"):
            taxed(ELECTRONIC, by=by, to=consumer("FR"))

    def test_a_non_union_number_is_of_no_use_to_an_eu_seller(self) -> None:
        by = seller("DE", registration("IE", Scheme.OSS_NON_UNION, number="EU372022452"))

        with pytest.raises(SellerNotRegistered):
            taxed(ELECTRONIC, by=by, to=consumer("FR"))

    def test_the_united_kingdom_taxes_foreign_sellers_from_the_first_sale(self) -> None:
        by = seller("DE", registration("GB"), registration("DE", Scheme.OSS_UNION))

        assert outcome(taxed(ELECTRONIC, by=by, to=consumer("GB"))) == (
            ("S", Decimal(20), "GB", "")
        )
        with pytest.raises(SellerNotRegistered, match="a registration in the United Kingdom"):
            taxed(ELECTRONIC, by=seller("DE"), to=consumer("GB"))

    def test_elsewhere_the_sellers_registration_decides(self) -> None:
        unregistered = taxed(ELECTRONIC, by=seller("DE"), to=consumer("NO"))
        registered = taxed(ELECTRONIC, by=seller("DE", registration("NO")), to=consumer("NO"))

        assert outcome(unregistered) == ("O", ZERO, "", "VATEX-EU-O")
        assert unregistered.exemption is Exemption.SUPPLIED_ABROAD
        assert outcome(registered) == ("S", Decimal(25), "NO", "")

    def test_a_registration_counts_only_while_it_holds(self) -> None:
        by = seller(
            "DE",
            registration(
                "DE", Scheme.OSS_UNION, valid_from=date(2024, 1, 1), valid_to=date(2025, 1, 1)
            ),
        )

        assert taxed(ELECTRONIC, by=by, to=consumer("FR"), on=date(2024, 12, 31)).country == "FR"
        with pytest.raises(SellerNotRegistered):
            taxed(ELECTRONIC, by=by, to=consumer("FR"), on=date(2025, 1, 1))
        with pytest.raises(SellerNotRegistered):
            taxed(ELECTRONIC, by=by, to=consumer("FR"), on=date(2023, 12, 31))

    def test_electronic_books_follow_the_same_rules_at_their_own_rate(self) -> None:
        by = seller("IE", registration("IE", Scheme.OSS_UNION))

        assert taxed(ProductCategory.E_PUBLICATION, by=by, to=consumer("ES")).rate == Decimal(4)
        assert taxed(ProductCategory.E_PUBLICATION, by=by, to=consumer("CZ")).category == "Z"
