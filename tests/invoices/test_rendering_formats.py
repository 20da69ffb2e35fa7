"""Money, numbers, dates, addresses and words, as each language and locale writes them."""

from dataclasses import fields
from datetime import date
from decimal import Decimal

import pytest

from invoices.parties import PostalAddress
from invoices.rendering.composing import lay_out
from invoices.rendering.formatting import Formats, find_locale, formats_for, printable
from invoices.rendering.sheet import Sheet
from invoices.rendering.wording import LANGUAGES, wording_for
from invoices.rendering.wording.base import MailWording, Wording
from tests.invoices.documents import a_credit_note, a_document, a_draft

NBSP, NARROW = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"


def formats(locale: str, currency: str = "EUR") -> Formats:
    return formats_for(find_locale(locale, languages=LANGUAGES), currency=currency)


def facts_of(sheet: Sheet) -> dict[str, str]:
    return {fact.label: fact.value for fact in sheet.facts}


# --- Formats ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "currency", "amount", "printed"),
    [
        ("en-GB", "GBP", "1234.5", "£1,234.50"),
        ("en-GB", "GBP", "-1234.5", "−£1,234.50"),
        ("en-GB", "CHF", "1234.5", f"CHF{NBSP}1,234.50"),
        ("de", "EUR", "1234567.89", f"1.234.567,89{NBSP}€"),
        ("fr", "EUR", "-1234.5", f"−1{NARROW}234,50{NBSP}€"),
        ("de-CH", "CHF", "1234.5", f"CHF{NBSP}1’234.50"),
        ("en-US", "USD", "0", "$0.00"),
        ("de", "JPY", "1500", f"1.500{NBSP}¥"),
        ("en", "KWD", "1.5", f"KWD{NBSP}1.500"),
    ],
)
def test_money_is_written_as_the_locale_writes_it(
    locale: str, currency: str, amount: str, printed: str
) -> None:
    assert formats(locale, currency).money(Decimal(amount)) == printed


@pytest.mark.parametrize(
    ("price", "printed"),
    [
        ("19", "19,00"),
        ("0.0325", "0,0325"),
        ("1234.50000000", "1.234,50"),
        ("0.00000001", "0,00000001"),
    ],
)
def test_unit_price_has_all_its_decimals_and_the_currencys_at_least(
    price: str, printed: str
) -> None:
    assert formats("de").unit_price(Decimal(price)) == printed


@pytest.mark.parametrize(
    ("locale", "percent"), [("en-GB", "17.5%"), ("de", f"17,5{NBSP}%"), ("fr", f"17,5{NBSP}%")]
)
def test_percent_is_written_as_the_locale_writes_it(locale: str, percent: str) -> None:
    assert formats(locale).percent(Decimal("17.5000")) == percent


@pytest.mark.parametrize(
    ("locale", "day", "period"),
    [
        ("en-GB", "3 December 2010", "1–31 Dec 2010"),
        ("en", "3 December 2010", "1–31 Dec 2010"),
        ("en-US", "December 3, 2010", "Dec 1 – 31, 2010"),
        ("de", "3. Dezember 2010", "1.–31. Dez. 2010"),
        ("fr_FR", "3 décembre 2010", "1–31 déc. 2010"),
    ],
)
def test_dates_are_written_as_the_locale_writes_them(locale: str, day: str, period: str) -> None:
    written = formats(locale)

    assert written.day(date(2010, 12, 3)) == day
    assert written.period(date(2010, 12, 1), date(2010, 12, 31)).replace("\u2009", " ") == period


@pytest.mark.parametrize("locale", ["es-ES", "xx", "", "tlh_KL", "../../etc/passwd"])
def test_words_and_formats_fall_back_together(locale: str) -> None:
    sheet = lay_out(a_document(1, locale=locale))

    assert (sheet.language, sheet.heading) == ("en-GB", "Invoice")
    assert facts_of(sheet)["Date"] == "31 December 2010"


def test_region_that_nobody_knows_leaves_the_language() -> None:
    assert lay_out(a_document(1, locale="de-ZZ")).heading == "Rechnung"


@pytest.mark.parametrize(
    ("address", "lines"),
    [
        (
            PostalAddress(country="GB", lines=("1 High St",), postcode="LS1 4AP", city="Leeds"),
            ("1 High St", "Leeds", "LS1 4AP", "United Kingdom"),
        ),
        (
            PostalAddress(country="DE", lines=("Mühlenweg 4",), postcode="10115", city="Berlin"),
            ("Mühlenweg 4", "10115 Berlin", "Germany"),
        ),
        (
            PostalAddress(
                country="US", lines=("1 Main St",), postcode="97201", city="Portland",
                subdivision="OR",
            ),
            ("1 Main St", "Portland OR 97201", "United States"),
        ),
        (PostalAddress(country="IE"), ("Ireland",)),
    ],
)  # fmt: skip
def test_address_is_printed_in_its_countrys_order(
    address: PostalAddress, lines: tuple[str, ...]
) -> None:
    assert formats("en-GB").address_lines(address) == lines


def test_characters_that_no_page_shows_are_left_out() -> None:
    """Among them those that make what follows read in the other direction."""
    assert printable("a\x00b\x1bc\u202ed\u2066e\nf\tg שלום") == "abcde\nf\tg שלום"


# --- Words --------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_language_has_a_word_for_everything(language: str) -> None:
    words = wording_for(language)
    english = wording_for("en")

    for spec in fields(Wording):
        assert getattr(words, spec.name), spec.name
    for spec in fields(MailWording):
        assert getattr(words.mail, spec.name), spec.name
    assert words.units.keys() == english.units.keys()
    assert words.tax_categories.keys() == english.tax_categories.keys()


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_language_fills_in_the_same_figures(language: str) -> None:
    def holes(text: str) -> set[str]:
        return {part.split("}")[0] for part in text.split("{")[1:]}

    words, english = wording_for(language), wording_for("en")
    for kind, other in ((words, english), (words.mail, english.mail)):
        for spec in fields(kind):
            if isinstance(text := getattr(kind, spec.name), str):
                assert holes(text) == holes(getattr(other, spec.name)), spec.name


@pytest.mark.parametrize(
    ("locale", "invoice", "credit_note", "draft"),
    [
        ("en-GB", "Invoice INV-000123", "Credit note CN-000007", "Draft invoice"),
        ("de", "Rechnung INV-000123", "Rechnungskorrektur CN-000007", "Rechnungsentwurf"),
        ("fr", "Facture INV-000123", "Avoir CN-000007", "Projet de facture"),
    ],
)
def test_documents_are_titled_in_their_language(
    locale: str, invoice: str, credit_note: str, draft: str
) -> None:
    assert lay_out(a_document(1, locale=locale)).title == invoice
    assert lay_out(a_credit_note(1, locale=locale)).title == credit_note
    assert lay_out(a_draft(1, locale=locale)).title == draft
