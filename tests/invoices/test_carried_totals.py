"""Long tables: each page says what the lines before it come to, and what is carried to the next."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from invoices.rendering.composing import lay_out
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.pdf import render_pdf
from tests.invoices.documents import a_credit_note, a_document, a_draft, a_line
from tests.invoices.pdfs import pages_of

WARES = "Monitoring|Domain|Backup|Support|Virtual|Returned"


def last_positions(pages: list[str]) -> list[int]:
    """The position of the last line on each page; 0 where there is none."""
    found = [re.findall(rf"^(\d+) (?:{WARES})", page, flags=re.MULTILINE) for page in pages]
    return [int(positions[-1]) if positions else 0 for positions in found]


def sum_to(document: InvoiceDocument, position: int) -> str:
    return lay_out(document).rows[position - 1].carried


def amounts_beside(label: str, page: str) -> list[str]:
    """The amounts that stand beside ``label``."""
    return re.findall(rf"{label} (−?£?[\d., ]*\d(?: €)?)", spaced(page))


@pytest.mark.parametrize(
    ("locale", "currency", "foot", "head"),
    [
        ("en-GB", "GBP", "Carried forward", "Brought forward"),
        ("de", "EUR", "Übertrag", "Übertrag"),
        ("fr", "EUR", "À reporter", "Report"),
    ],
)
def test_sums_are_carried_from_page_to_page(
    locale: str, currency: str, foot: str, head: str
) -> None:
    document = a_document(120, locale=locale, currency=currency)
    pages = pages_of(render_pdf(document))
    last = last_positions(pages)

    assert len(pages) > 5
    assert last[-1] == 120
    for number, page in enumerate(pages):
        expected = []
        if number > 0:
            expected.append(spaced(sum_to(document, last[number - 1])))
        if number < len(pages) - 1:
            expected.append(spaced(sum_to(document, last[number])))
        labels = rf"(?:{head}|{foot})"
        assert sorted(amounts_beside(labels, page)) == sorted(expected), number


def test_lines_taken_back_count_against_what_is_carried() -> None:
    lines = [a_line(n, quantity=Decimal(1), unit_price=Decimal("10.00")) for n in range(1, 41)]
    lines[1] = replace(lines[1], quantity=Decimal(-3), net=Decimal("-30.00"))
    document = a_document(lines)
    carried = [row.carried for row in lay_out(document).rows]

    assert carried[:4] == ["£10.00", "−£20.00", "−£10.00", "£0.00"]
    assert "Carried forward" in pages_of(render_pdf(document))[0]


@pytest.mark.parametrize(
    "document",
    [a_document(1), a_document(4, locale="de"), a_credit_note(2, locale="fr"), a_draft(3)],
    ids=["one line", "invoice", "credit note", "draft"],
)
def test_one_page_carries_nothing(document: InvoiceDocument) -> None:
    [page] = pages_of(render_pdf(document))

    assert not re.search("forward|Übertrag|[Rr]eport", page)


def test_totals_alone_on_a_page_begin_with_the_sum_of_all_lines() -> None:
    document = a_document(11, notes=("A note that takes its room beside the totals. " * 12,) * 2)
    pages = pages_of(render_pdf(document))

    assert last_positions(pages) == [11, 0]
    assert amounts_beside("Carried forward", pages[0]) == [sum_to(document, 11)]
    assert amounts_beside("Brought forward", pages[1]) == [sum_to(document, 11)]
    assert "Carried forward" not in pages[1]
    assert "Total including VAT" in pages[1]


def spaced(amount: str) -> str:
    """With ordinary spaces alone."""
    return " ".join(amount.split())
