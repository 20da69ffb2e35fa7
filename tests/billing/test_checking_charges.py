"""One row to one charge, or to its first fault. Nothing here needs a database."""

from datetime import date
from decimal import Decimal

import pytest

from billing.charges import values
from billing.charges.checking import Charge, Refused, RowCheck
from billing.charges.fields import Field, FileRefused, Reason
from billing.charges.identity import identity
from billing.charges.layout import Cleaning, Layout
from billing.charges.reading import Row

GOOD = {
    "account": "100001",
    "description": "Virtual server",
    "quantity": "2",
    "unit_price": "9.90",
    "currency": "EUR",
    "date": "2026-01-31",
    "product_category": "service",
    "seller": "north",
}


def check(layout: Layout = Layout(), /, **cells: str) -> Charge | Refused:  # noqa: B008 - frozen
    """The outcome for a row that is good but for ``cells``."""
    row = {**GOOD, **cells}
    checker = RowCheck(layout, layout.locate(list(row)), len(row), {"north": 1, "south": 2})
    return checker.check(Row(7, list(row.values()), ""))


def taken(layout: Layout = Layout(), /, **cells: str) -> Charge:  # noqa: B008 - frozen
    charge = check(layout, **cells)
    assert isinstance(charge, Charge), charge
    return charge


def test_every_field_reaches_the_charge() -> None:
    charge = taken(
        price_base_quantity="100",
        period_start="2026-01-01",
        period_end="2026-02-01",
        due_on="2026-02-10",
        unit_code="hur",
        item_id="VS-1",
        order_number="PO 7",
        reference="R-99",
        charge_id="c1",
        country="de",
        account_name="Müller GmbH",
    )
    assert charge == Charge(
        line=7,
        account="100001",
        description="Virtual server",
        quantity=Decimal(2),
        unit_price=Decimal("9.90"),
        price_base_quantity=Decimal(100),
        currency="EUR",
        tax_point=date(2026, 1, 31),
        period_start=date(2026, 1, 1),
        period_end=date(2026, 2, 1),
        due_on=date(2026, 2, 10),
        product_category="service",
        seller_id=1,
        unit_code="HUR",
        item_id="VS-1",
        order_number="PO 7",
        source_reference="R-99",
        charge_id="c1",
        country="DE",
        country_said="de",
        account_name="Müller GmbH",
    )


def test_what_a_row_leaves_out_is_what_the_manual_says() -> None:
    charge = taken()
    assert charge.due_on == charge.tax_point
    assert charge.unit_code == "C62"
    assert charge.price_base_quantity == 1
    assert charge.period_start is None
    assert charge.period_end is None


def test_a_return_has_a_negative_quantity_and_a_gift_costs_nothing() -> None:
    assert taken(quantity="-3").quantity == -3
    assert taken(unit_price="0.00").unit_price == 0


def test_stray_space_and_line_breaks_in_texts_become_one_space() -> None:
    assert taken(description="  blue \t\n tea  set ").description == "blue tea set"


@pytest.mark.parametrize(
    ("cells", "reason", "said"),
    [
        ({"account": " "}, Reason.NO_ACCOUNT, "names no account"),
        ({"account": "x" * 101}, Reason.UNKNOWN_ACCOUNT, "101 characters long"),
        ({"description": ""}, Reason.DESCRIPTION, "has no description"),
        ({"description": "bell\x07"}, Reason.DESCRIPTION, "control character (U+0007)"),
        ({"description": "cut\x9b31m"}, Reason.DESCRIPTION, "control character (U+009B)"),
        ({"description": "d" * 501}, Reason.DESCRIPTION, "501 characters long, and 500 fit"),
        ({"quantity": ""}, Reason.QUANTITY, "has no quantity"),
        ({"quantity": "two"}, Reason.QUANTITY, "“two” is no plain number"),
        ({"quantity": "NaN"}, Reason.QUANTITY, "no plain number"),
        ({"quantity": "Infinity"}, Reason.QUANTITY, "no plain number"),
        ({"quantity": "1e999"}, Reason.QUANTITY, "written with an exponent"),
        ({"quantity": "1,234.5"}, Reason.QUANTITY, "thousands separators"),
        ({"quantity": "1 234"}, Reason.QUANTITY, "thousands separators"),
        ({"quantity": "12,5"}, Reason.QUANTITY, "another decimal mark"),
        ({"quantity": "٣"}, Reason.QUANTITY, "no plain number"),
        ({"quantity": "1234567890123"}, Reason.QUANTITY, "more than 12 digits"),
        ({"quantity": "0.123456789"}, Reason.QUANTITY, "more than 8 decimals"),
        ({"quantity": "9" * 1_000_000}, Reason.QUANTITY, "longer than 40 characters"),
        ({"unit_price": ""}, Reason.PRICE, "has no unit price"),
        ({"unit_price": "€ 5"}, Reason.PRICE, "no plain number"),
        ({"unit_price": "-5.00"}, Reason.PRICE, "write a negative quantity at a positive price"),
        ({"price_base_quantity": "0"}, Reason.PRICE, "it must be > 0"),
        (
            {"quantity": "999999999999", "unit_price": "999999999999"},
            Reason.PRICE,
            "more than an invoice can hold",
        ),
        ({"currency": ""}, Reason.CURRENCY, "has no currency"),
        ({"currency": "EURO"}, Reason.CURRENCY, "“EURO” is no currency code"),
        ({"currency": "XAU"}, Reason.CURRENCY, "“XAU” is no currency code"),
        ({"date": ""}, Reason.DATE, "has no date"),
        ({"date": "31.01.2026"}, Reason.DATE, "is not written as 2026-01-31"),
        ({"date": "2026-02-30"}, Reason.DATE, "is no date"),
        ({"date": "1899-12-30"}, Reason.DATE, "is not between 1990-01-01 and 2099-12-31"),
        ({"date": "1995-06-01"}, Reason.DATE, "before 2003-07-01, the first day whose tax rules"),
        ({"date": "20260131"}, Reason.DATE, "is not written as 2026-01-31"),
        ({"period_start": "2026-01-01"}, Reason.PERIOD, "has a period without period end"),
        (
            {"period_start": "2026-01-31", "period_end": "2026-01-31"},
            Reason.PERIOD,
            "the end is the first day after it",
        ),
        ({"due_on": "soon"}, Reason.DUE_ON, "the due on “soon”"),
        ({"product_category": "stuff"}, Reason.CATEGORY, "is none of goods"),
        ({"seller": "west"}, Reason.SELLER, "“west” is none of north or south"),
        ({"unit_code": "pieces"}, Reason.UNIT, "is no unit code"),
        ({"item_id": "i" * 61}, Reason.REFERENCE, "the item id is 61 characters long"),
        ({"charge_id": "a\x00b"}, Reason.CHARGE_ID, "control character (U+0000)"),
        ({"account_name": "n" * 251}, Reason.ACCOUNT_NAME, "251 characters long"),
        ({"account_name": "\u3164"}, Reason.ACCOUNT_NAME, "nothing that can be seen"),
        ({"description": "\u200b"}, Reason.DESCRIPTION, "has no description"),
    ],
)
def test_a_fault_is_told_with_its_reason(cells: dict[str, str], reason: Reason, said: str) -> None:
    refused = check(**cells)
    assert isinstance(refused, Refused)
    assert (refused.line, refused.reason) == (7, reason)
    assert said in refused.said


def test_of_several_faults_the_first_in_the_documented_order_is_told() -> None:
    faults = {
        "account": "",
        "description": "",
        "quantity": "?",
        "unit_price": "?",
        "currency": "?",
        "date": "?",
        "period_start": "?",
        "due_on": "?",
        "product_category": "?",
        "seller": "?",
        "unit_code": "?",
        "item_id": "i" * 61,
        "charge_id": "c" * 101,
        "account_name": "n" * 251,
    }
    told = []
    while faults:
        refused = check(**faults)
        assert isinstance(refused, Refused)
        told.append(refused.reason)
        del faults[next(iter(faults))]
    order = [reason for reason in Reason if reason in told]
    assert told == order
    assert len(told) == len(set(told)) == 14


def test_a_row_with_too_few_or_too_many_cells_is_refused_before_anything_else() -> None:
    checker = RowCheck(Layout(), Layout().locate(list(GOOD)), len(GOOD), {"north": 1})
    for cells in (["100001"], [*GOOD.values(), "more"]):
        refused = checker.check(Row(3, cells, ""))
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.UNREADABLE
        assert f"has {len(cells)} cells where the header has 8" in refused.said


def test_a_wrong_value_is_quoted_short_and_moves_no_cursor() -> None:
    refused = check(quantity="\x1b[2Jwipes the screen " + "and goes on " * 50)
    assert isinstance(refused, Refused)
    assert refused.said.isprintable()
    assert len(refused.said) < 100


def test_minus_zero_and_trailing_zeros_are_plain_numbers() -> None:
    assert str(values.number("-0")) == "0"
    assert values.number("1.5000000000000") == Decimal("1.5")
    assert values.number("+.5") == Decimal("0.5")


def test_a_decimal_comma_is_read_where_the_mapping_says_so() -> None:
    layout = Layout(decimal_mark=",")
    assert taken(layout, unit_price="12,50").unit_price == Decimal("12.5")
    refused = check(layout, unit_price="12.50")
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.PRICE


def test_a_date_may_carry_a_time_of_day_and_is_the_day_that_is_written() -> None:
    assert taken(date="2026-01-31T23:59:59-08:00").tax_point == date(2026, 1, 31)
    layout = Layout(date_format="%d/%m/%Y")
    assert taken(layout, date="31/01/2026").tax_point == date(2026, 1, 31)


def test_a_period_may_begin_before_the_first_known_tax_law() -> None:
    charge = taken(date="2003-07-01", period_start="2003-06-01", period_end="2003-07-01")
    assert charge.tax_point == date(2003, 7, 1)


def test_names_of_countries_become_codes_whatever_their_case() -> None:
    layout = Layout(countries={"eire": "IE"})
    assert taken(layout, country="EIRE").country == "IE"
    assert taken(layout, country="gb").country == "GB"
    unknown = taken(layout, country="European Community")
    assert (unknown.country, unknown.country_said) == ("", "European Community")


def test_clean_up_applies_to_cells_and_defaults_stand_in_for_empty_ones() -> None:
    layout = Layout(
        cleaning={Field.ACCOUNT: Cleaning(strip_prefix="K-", strip_suffix=".0")},
        defaults={Field.CURRENCY: "GBP"},
    )
    charge = taken(layout, account="K-17850.0", currency="")
    assert (charge.account, charge.currency) == ("17850", "GBP")
    refused = check(layout, account="K-")
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.NO_ACCOUNT


def test_a_missing_column_is_told_with_the_columns_there_are() -> None:
    with pytest.raises(FileRefused, match=r"is quantity or seller.*The columns are “account”"):
        Layout().locate([name for name in GOOD if name not in ("quantity", "seller")])
    with pytest.raises(FileRefused, match="there is no column “Qty” for quantity"):
        Layout(columns={Field.QUANTITY: "Qty"}).locate(list(GOOD))
    with pytest.raises(FileRefused, match="the column “date” is there twice"):
        Layout().locate([*GOOD, "date"])


def test_a_header_with_another_delimiter_is_recognised() -> None:
    with pytest.raises(FileRefused, match="look divided by semicolons: say --delimiter ';'"):
        Layout().locate([";".join(GOOD)])


# --- Identity -------------------------------------------------------------------------------------


def test_another_spelling_of_the_same_charge_is_the_same_charge() -> None:
    one = taken(unit_price="9.90", description="Virtual server", date="2026-01-31")
    other = taken(unit_price="9.9000", description=" Virtual  server", date="2026-01-31 10:00:00")
    assert identity(one, source="") == identity(other, source="")


@pytest.mark.parametrize(
    "cells",
    [
        {"description": "Virtual servers"},
        {"quantity": "3"},
        {"unit_price": "9.91"},
        {"currency": "GBP"},
        {"date": "2026-01-30"},
        {"seller": "south"},
        {"item_id": "i"},
        {"order_number": "i"},
        {"reference": "i"},
        {"period_start": "2026-01-01", "period_end": "2026-02-01"},
        {"charge_id": "i"},
    ],
)
def test_what_is_charged_makes_the_identity(cells: dict[str, str]) -> None:
    assert identity(taken(**cells), source="") != identity(taken(), source="")


def test_how_it_is_billed_does_not_make_the_identity() -> None:
    other = taken(product_category="goods", unit_code="KGM", due_on="2026-03-01", country="DE")
    assert identity(other, source="") == identity(taken(), source="")


def test_a_charge_id_is_the_identity_within_its_source() -> None:
    one, other = taken(charge_id="7"), taken(charge_id="7", unit_price="1")
    assert identity(one, source="shop") == identity(other, source="shop")
    assert identity(one, source="shop") != identity(one, source="till")
