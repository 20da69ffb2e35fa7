"""The table that ships: whole, readable, and careful with what staff have changed."""

from collections import Counter
from datetime import date
from decimal import Decimal
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.management import call_command

from taxes.models import TaxRate
from taxes.rate_table import Rate, RateTable
from taxes.rates import load_rate_table
from taxes.starting_table import add_missing_rates, missing_rates, read_starting_table
from taxes.territories import EU_MEMBERS, is_known
from taxes.vocabulary import RateClass

STANDARD = RateClass.STANDARD


class TestTheFile:
    def test_it_says_how_recent_it_is(self) -> None:
        assert read_starting_table().as_of >= date(2026, 9, 23)

    def test_it_covers_the_eu_the_united_kingdom_switzerland_and_norway(self) -> None:
        countries = {
            rate.country for rate in read_starting_table().rates if rate.rate_class == STANDARD
        }

        assert countries == set(EU_MEMBERS) - {"XI"} | {"CH", "NO"}

    def test_no_rate_begins_twice_and_every_country_exists(self) -> None:
        rates = read_starting_table().rates

        assert [
            key for key, count in Counter(rate.key for rate in rates).items() if count > 1
        ] == []
        assert all(is_known(rate.country) for rate in rates)
        assert all(rate.source for rate in rates)

    def test_every_row_changes_something(self) -> None:
        """Two rows in a row with one percentage would be a change that was mistyped."""
        histories: dict[tuple[str, RateClass], list[Rate]] = {}
        for rate in read_starting_table().rates:
            histories.setdefault((rate.country, rate.rate_class), []).append(rate)

        for history in histories.values():
            ordered = sorted(history, key=lambda rate: rate.valid_from)
            assert all(old.percent != new.percent for old, new in pairwise(ordered)), ordered

    def test_only_standard_rates_are_highest(self) -> None:
        table, day = RateTable(read_starting_table().rates), date(2026, 6, 1)

        for country in {rate.country for rate in read_starting_table().rates}:
            standard = table.percent(country, rate_class=STANDARD, on=day)
            others = [table.percent(country, rate_class=each, on=day) for each in RateClass]
            assert standard == max(percent for percent in others if percent is not None)

    @pytest.mark.parametrize(
        ("country", "on", "percent"),
        [
            ("GB", date(2008, 11, 30), "17.5"),
            ("GB", date(2008, 12, 1), "15"),
            ("GB", date(2009, 12, 31), "15"),
            ("GB", date(2010, 1, 1), "17.5"),
            ("GB", date(2011, 1, 3), "17.5"),
            ("GB", date(2011, 1, 4), "20"),
            ("IE", date(2020, 12, 31), "21"),
            ("IE", date(2021, 3, 1), "23"),
            ("LU", date(2023, 6, 1), "16"),
            ("CH", date(2023, 12, 31), "7.7"),
            ("CH", date(2024, 1, 1), "8.1"),
            ("FI", date(2024, 9, 1), "25.5"),
            ("SK", date(2025, 1, 1), "23"),
            ("EE", date(2025, 7, 1), "24"),
            ("RO", date(2025, 8, 1), "21"),
            ("NO", date(2026, 1, 1), "25"),
        ],
    )
    def test_standard_rates_around_their_changes(
        self, country: str, on: date, percent: str
    ) -> None:
        table = RateTable(read_starting_table().rates)

        assert table.percent(country, rate_class=STANDARD, on=on) == Decimal(percent)

    def test_a_row_that_is_no_rate_is_refused_by_name(self, tmp_path: Path) -> None:
        file = tmp_path / "rates.csv"
        file.write_text(
            "# as of 2026-01-01\n"
            "country,rate_class,percent,valid_from,source\n"
            "DE,standard,nineteen,2007-01-01,law\n"
        )

        with pytest.raises(ValueError, match="nineteen"):
            read_starting_table(file)

    def test_a_table_without_its_date_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "rates.csv"
        file.write_text("country,rate_class,percent,valid_from,source\n")

        with pytest.raises(ValueError, match="as of"):
            read_starting_table(file)


class TestRateTable:
    def rate(self, percent: str | None, valid_from: date) -> Rate:
        return Rate(
            country="DE",
            rate_class=STANDARD,
            percent=None if percent is None else Decimal(percent),
            valid_from=valid_from,
        )

    def test_a_rate_holds_from_its_first_day_until_the_next_one(self) -> None:
        table = RateTable([self.rate("19", date(2021, 1, 1)), self.rate("16", date(2020, 7, 1))])
        days = [date(2020, 6, 30), date(2020, 7, 1), date(2020, 12, 31), date(2021, 1, 1)]

        assert [table.percent("DE", rate_class=STANDARD, on=day) for day in days] == (
            [None, Decimal(16), Decimal(16), Decimal(19)]
        )

    def test_a_row_without_a_percentage_ends_the_one_before(self) -> None:
        table = RateTable([self.rate("7", date(2000, 1, 1)), self.rate(None, date(2010, 1, 1))])

        assert table.percent("DE", rate_class=STANDARD, on=date(2009, 12, 31)) == Decimal(7)
        assert table.percent("DE", rate_class=STANDARD, on=date(2010, 1, 1)) is None

    def test_countries_and_classes_do_not_mix(self) -> None:
        table = RateTable([self.rate("19", date(2000, 1, 1))])

        assert table.percent("FR", rate_class=STANDARD, on=date(2020, 1, 1)) is None
        assert table.percent("DE", rate_class=RateClass.BOOK, on=date(2020, 1, 1)) is None


def test_only_rates_that_begin_on_no_known_day_are_missing() -> None:
    known, new = read_starting_table().rates[:2]

    assert missing_rates([known, new], present={known.key}) == [new]


@pytest.mark.django_db
class TestLoading:
    def test_a_migrated_database_has_the_whole_table(self) -> None:
        assert TaxRate.objects.count() == len(read_starting_table().rates)

    def test_the_loaded_table_answers_like_the_file(self) -> None:
        loaded, shipped = load_rate_table(), RateTable(read_starting_table().rates)

        for rate in read_starting_table().rates:
            question = {"rate_class": rate.rate_class, "on": rate.valid_from}
            assert loaded.percent(rate.country, **question) == (  # type: ignore[arg-type]
                shipped.percent(rate.country, **question)  # type: ignore[arg-type]
            )

    def test_it_takes_one_query(self, django_assert_num_queries: object) -> None:
        with django_assert_num_queries(1):  # type: ignore[operator]
            load_rate_table()

    def test_loading_again_adds_nothing(self) -> None:
        assert add_missing_rates(TaxRate) == 0

    def test_loading_again_leaves_what_staff_have_changed(self) -> None:
        TaxRate.objects.filter(country="RO", valid_from="2025-08-01").update(percent=Decimal(19))
        TaxRate.objects.create(
            country="RO",
            rate_class=STANDARD,
            percent=Decimal(21),
            valid_from=date(2025, 9, 1),
            source="law as amended",
        )

        add_missing_rates(TaxRate)

        table = load_rate_table()
        assert table.percent("RO", rate_class=STANDARD, on=date(2025, 8, 31)) == Decimal(19)
        assert table.percent("RO", rate_class=STANDARD, on=date(2025, 9, 1)) == Decimal(21)

    def test_the_command_adds_what_is_missing_and_says_so(self) -> None:
        TaxRate.objects.filter(country="GB", rate_class=STANDARD).delete()
        out = StringIO()

        call_command("load_tax_rates", stdout=out)

        total = len(read_starting_table().rates)
        assert f"4 of {total} rates added" in out.getvalue()
        assert TaxRate.objects.count() == total
