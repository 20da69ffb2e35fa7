"""Goods: home sales, sales between EU countries, exports."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from taxes.parties import BuyerTaxStatus
from taxes.refusals import NoRateKnown, ReducedRateAbroad, SellerNotRegistered
from taxes.vocabulary import ProductCategory, Scheme, TaxGroup, TaxNumberStatus
from tests.taxes.sellers_and_buyers import (
    business,
    consumer,
    outcome,
    registration,
    seller,
    taxed,
)

GOODS = ProductCategory.GOODS
DECEMBER_2010 = date(2010, 12, 1)
ZERO = Decimal(0)


class TestBritishWholesalerInDecember2010:
    """Organisations without a tax number, as in the month of real charges."""

    @pytest.mark.parametrize(
        "country",
        [
            "GB",
            "FR",
            "NL",
            "DE",
            "IE",
            "ES",
            "PL",
            "PT",
            "IT",
            "BE",
            "LT",
            "DK",
            "CY",
            "SE",
            "AT",
            "FI",
            "IM",
            "MC",
            "RO",
            "BG",
        ],
    )
    def test_buyers_in_the_eu_of_that_day_pay_british_tax(self, country: str) -> None:
        treatment = taxed(GOODS, by=seller("GB"), to=business(country), on=DECEMBER_2010)

        assert outcome(treatment) == ("S", Decimal("17.5"), "GB", "")
        assert treatment.exemption_text == ""
        assert treatment.seller_tax_number == "GB980780684"

    @pytest.mark.parametrize(
        "country", ["GG", "JE", "GI", "AU", "NO", "CH", "LI", "JP", "IS", "IL", "HR", "IC", "AX"]
    )
    def test_buyers_elsewhere_are_exports_at_zero(self, country: str) -> None:
        treatment = taxed(GOODS, by=seller("GB"), to=business(country), on=DECEMBER_2010)

        assert outcome(treatment) == ("G", ZERO, "GB", "VATEX-EU-G")
        assert treatment.exemption_text.startswith("Export outside the EU")
        assert treatment.group is TaxGroup.TAXED

    @pytest.mark.parametrize("last_day", [date(2010, 12, 31), date(2011, 1, 3)])
    def test_the_rate_is_17_5_until_3_january_2011_and_then_20(self, last_day: date) -> None:
        on_that_day = taxed(GOODS, by=seller("GB"), to=business("GB"), on=last_day)
        afterwards = taxed(GOODS, by=seller("GB"), to=business("GB"), on=date(2011, 1, 4))

        assert on_that_day.rate == Decimal("17.5")
        assert afterwards.rate == Decimal(20)

    def test_the_reason_names_the_missing_number_the_law_and_the_rate(self) -> None:
        treatment = taxed(GOODS, by=seller("GB"), to=business("FR"), on=DECEMBER_2010)

        assert treatment.reason == (
            "Goods to France: the buyer gave no tax number, so is like a consumer; taxed in the"
            " United Kingdom, from where they are sent, as the seller is not registered at their"
            " destination (VAT Directive Art. 34). Standard rate in the United Kingdom on"
            " 2010-12-01: 17.5 %."
        )


class TestBetweenEuCountries:
    def test_business_with_valid_number_gets_an_exempt_intra_community_supply(self) -> None:
        treatment = taxed(GOODS, by=seller("DE"), to=business("FR", "FR40303265045"))

        assert outcome(treatment) == ("K", ZERO, "DE", "VATEX-EU-IC")
        assert "FR40303265045" in treatment.reason

    @pytest.mark.parametrize("status", [TaxNumberStatus.UNCHECKED, TaxNumberStatus.INVALID])
    def test_number_that_is_not_confirmed_earns_no_exemption(self, status: TaxNumberStatus) -> None:
        buyer = business("FR", "FR40303265045", status=status)
        treatment = taxed(GOODS, by=seller("DE"), to=buyer, on=date(2020, 12, 1))

        assert outcome(treatment) == ("S", Decimal(16), "DE", "")
        assert "tax number FR40303265045 is" in treatment.reason
        assert "like a consumer" in treatment.reason

    def test_number_of_the_sellers_own_country_earns_no_exemption(self) -> None:
        """Art. 138(1)(b): the buyer must be identified in another member state."""
        buyer = business("FR", "DE136695976")
        treatment = taxed(GOODS, by=seller("DE"), to=buyer, on=date(2020, 3, 1))

        assert outcome(treatment) == ("S", Decimal(19), "DE", "")

    def test_greek_numbers_begin_with_el(self) -> None:
        treatment = taxed(GOODS, by=seller("DE"), to=business("GR", "EL094259216"))

        assert treatment.category == "K"

    def test_status_without_a_number_proves_nothing(self) -> None:
        buyer = BuyerTaxStatus(
            country="FR", is_business=True, tax_number_status=TaxNumberStatus.VALID
        )
        treatment = taxed(GOODS, by=seller("DE"), to=buyer, on=date(2019, 3, 1))

        assert treatment.category == "S"


class TestDistanceSelling:
    def test_until_june_2021_taxed_at_home_unless_registered_at_the_destination(self) -> None:
        last_day = date(2021, 6, 30)
        at_home = taxed(GOODS, by=seller("DE"), to=consumer("FR"), on=last_day)
        registered = seller("DE", registration("FR"))
        abroad = taxed(GOODS, by=registered, to=consumer("FR"), on=last_day)

        assert outcome(at_home) == ("S", Decimal(19), "DE", "")
        assert outcome(abroad) == ("S", Decimal(20), "FR", "")
        assert abroad.seller_tax_number == "FR40303265045"

    def test_a_one_stop_shop_for_electronic_services_did_not_cover_goods_before(self) -> None:
        by = seller("DE", registration("DE", Scheme.OSS_UNION))
        treatment = taxed(GOODS, by=by, to=consumer("FR"), on=date(2021, 6, 30))

        assert treatment.country == "DE"

    def test_from_july_2021_taxed_at_the_destination_through_the_one_stop_shop(self) -> None:
        by = seller("DE", registration("DE", Scheme.OSS_UNION))
        treatment = taxed(GOODS, by=by, to=consumer("FR"), on=date(2021, 7, 1))

        assert outcome(treatment) == ("S", Decimal(20), "FR", "")
        assert treatment.seller_tax_number == "DE136695976"
        assert "One Stop Shop" in treatment.reason

    def test_or_through_a_registration_there(self) -> None:
        by = seller("DE", registration("FR"))
        treatment = taxed(GOODS, by=by, to=consumer("FR"))

        assert (treatment.country, treatment.seller_tax_number) == ("FR", "FR40303265045")

    def test_or_at_home_while_the_seller_is_below_the_eu_threshold(self) -> None:
        below = registration("DE", Scheme.EU_THRESHOLD, number="", valid_to=date(2026, 5, 1))
        by = seller("DE", below)
        treatment = taxed(GOODS, by=by, to=consumer("FR"), on=date(2026, 4, 30))

        assert outcome(treatment) == ("S", Decimal(19), "DE", "")
        with pytest.raises(SellerNotRegistered):
            taxed(GOODS, by=by, to=consumer("FR"), on=date(2026, 5, 1))

    def test_otherwise_refused_with_the_ways_out(self) -> None:
        with pytest.raises(SellerNotRegistered) as refusal:
            taxed(GOODS, by=seller("DE"), to=consumer("FR"))

        message = str(refusal.value)
        assert "a registration in France" in message
        assert "One Stop Shop registration (Union scheme)" in message
        assert "EUR 10,000" in message


class TestMembershipByDate:
    def test_croatia_is_abroad_until_it_joins(self) -> None:
        before = taxed(GOODS, by=seller("DE"), to=consumer("HR"), on=date(2013, 6, 30))
        after = taxed(GOODS, by=seller("DE"), to=consumer("HR"), on=date(2013, 7, 1))

        assert (before.category, after.category) == ("G", "S")

    def test_romania_is_abroad_until_it_joins(self) -> None:
        before = taxed(GOODS, by=seller("DE"), to=consumer("RO"), on=date(2006, 12, 31))
        after = taxed(GOODS, by=seller("DE"), to=consumer("RO"), on=date(2007, 1, 1))

        assert (before.category, after.category) == ("G", "S")

    def test_the_united_kingdom_is_abroad_from_2021(self) -> None:
        buyer = business("GB", "GB980780684")
        before = taxed(GOODS, by=seller("DE"), to=buyer, on=date(2020, 12, 31))
        after = taxed(GOODS, by=seller("DE"), to=buyer, on=date(2021, 1, 1))

        assert (before.category, after.category) == ("K", "G")

    def test_a_british_number_does_not_count_in_the_eu_from_2021(self) -> None:
        by = seller("DE", registration("DE", Scheme.OSS_UNION))
        treatment = taxed(GOODS, by=by, to=business("IE", "GB980780684"))

        assert outcome(treatment) == ("S", Decimal(23), "IE", "")


class TestNorthernIreland:
    def test_goods_from_the_eu_to_a_business_there_are_an_intra_community_supply(self) -> None:
        treatment = taxed(GOODS, by=seller("DE"), to=business("XI", "XI980780684"))

        assert treatment.category == "K"

    def test_its_postal_code_is_enough_to_know_it(self) -> None:
        buyer = business("GB", "XI980780684", postal_code="bt1 5gs")

        assert taxed(GOODS, by=seller("DE"), to=buyer).category == "K"

    def test_goods_from_there_to_an_eu_business_go_under_its_own_prefix(self) -> None:
        by = seller("XI", registration("GB"))
        treatment = taxed(GOODS, by=by, to=business("IE", "IE6433435F"))

        assert (treatment.category, treatment.seller_tax_number) == ("K", "XI980780684")

    def test_consumers_there_pay_british_tax_through_the_one_stop_shop(self) -> None:
        by = seller("DE", registration("DE", Scheme.OSS_UNION))
        treatment = taxed(GOODS, by=by, to=consumer("XI"))

        assert outcome(treatment) == ("S", Decimal(20), "GB", "")

    @pytest.mark.parametrize(("origin", "destination"), [("GB", "XI"), ("XI", "GB")])
    def test_trade_with_great_britain_is_domestic(self, origin: str, destination: str) -> None:
        treatment = taxed(GOODS, by=seller(origin), to=consumer(destination))

        assert outcome(treatment) == ("S", Decimal(20), "GB", "")


class TestExports:
    @pytest.mark.parametrize(
        "buyer", [consumer("US"), business("US"), business("US", "12-3456789")]
    )
    def test_who_buys_makes_no_difference(self, buyer: BuyerTaxStatus) -> None:
        assert outcome(taxed(GOODS, by=seller("DE"), to=buyer)) == ("G", ZERO, "DE", "VATEX-EU-G")

    @pytest.mark.parametrize(("country", "destination"), [("GB", "FR"), ("CH", "DE"), ("NO", "SE")])
    def test_sellers_outside_the_eu_export_without_an_eu_code(
        self, country: str, destination: str
    ) -> None:
        treatment = taxed(GOODS, by=seller(country), to=consumer(destination))

        assert outcome(treatment) == ("G", ZERO, country, "")
        assert treatment.exemption_text == "Export of goods, zero rated"

    @pytest.mark.parametrize(
        ("country", "postal_code"),
        [
            ("ES", "35001"),
            ("ES", "51001"),
            ("FI", "22100"),
            ("DE", "27498"),
            ("DE", "78266"),
            ("IT", "23041"),
            ("FR", "97110"),
            ("GR", "63086"),
            ("GB", "JE2 3AB"),
            ("DK", "3900"),
        ],
    )
    def test_parts_outside_the_eu_tax_territory_are_known_by_their_postal_code(
        self, country: str, postal_code: str
    ) -> None:
        buyer = consumer(country, postal_code=postal_code)

        assert taxed(GOODS, by=seller("IE"), to=buyer, on=DECEMBER_2010).category == "G"

    def test_liechtenstein_is_home_to_a_swiss_seller(self) -> None:
        treatment = taxed(GOODS, by=seller("CH"), to=consumer("LI"))

        assert outcome(treatment) == ("S", Decimal("8.1"), "CH", "")


class TestRates:
    def test_books_are_zero_rated_in_the_united_kingdom(self) -> None:
        treatment = taxed(ProductCategory.BOOK, by=seller("GB"), to=consumer("GB"))

        assert outcome(treatment) == ("Z", ZERO, "GB", "")
        assert treatment.exemption is None

    def test_books_sent_abroad_pay_the_book_rate_there(self) -> None:
        by = seller("DE", registration("DE", Scheme.OSS_UNION))

        assert taxed(ProductCategory.BOOK, by=by, to=consumer("FR")).rate == Decimal("5.5")

    def test_reduced_goods_pay_the_reduced_rate_at_home(self) -> None:
        treatment = taxed(ProductCategory.REDUCED_GOODS, by=seller("DE"), to=consumer("DE"))

        assert outcome(treatment) == ("S", Decimal(7), "DE", "")

    def test_reduced_goods_are_refused_where_another_country_taxes_them(self) -> None:
        by = seller("DE", registration("DE", Scheme.OSS_UNION))

        with pytest.raises(ReducedRateAbroad, match="need not be so in France"):
            taxed(ProductCategory.REDUCED_GOODS, by=by, to=consumer("FR"))

    def test_a_rate_that_is_not_in_the_table_is_refused_and_named(self) -> None:
        with pytest.raises(NoRateKnown, match="Rate for printed books in Cyprus on 2026-06-01"):
            taxed(ProductCategory.BOOK, by=seller("CY"), to=consumer("CY"))

    def test_germany_charged_16_percent_for_half_a_year(self) -> None:
        days = [date(2020, 6, 30), date(2020, 7, 1), date(2020, 12, 31), date(2021, 1, 1)]
        rates = [taxed(GOODS, by=seller("DE"), to=consumer("DE"), on=day).rate for day in days]

        assert rates == [Decimal(rate) for rate in (19, 16, 16, 19)]

    def test_the_tax_point_decides_not_the_day_of_the_invoice(self) -> None:
        change = date(2025, 8, 1)
        before, after = (
            taxed(GOODS, by=seller("RO"), to=consumer("RO"), on=day)
            for day in (change - timedelta(days=1), change)
        )

        assert (before.rate, after.rate) == (Decimal(19), Decimal(21))
