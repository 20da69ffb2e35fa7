"""The mail that carries a document: what it says first, and that it says it as text."""

import re
from dataclasses import replace
from decimal import Decimal
from html import unescape

import pytest

from invoices.rendering.document import InvoiceDocument
from invoices.rendering.email import EmailContent, Operator, invoice_email
from tests.invoices.documents import BUYER, SELLER, a_credit_note, a_document, a_line

OPERATOR = Operator(name="Panel Co", support_address="help@panel.example")
REASON = "You are the billing contact of customer account 100042."
URL = "https://panel.example/a/100042/invoices/INV-000123/"


def mail(
    document: InvoiceDocument | None = None,
    *,
    name: str = "Ana Ruiz",
    url: str = "",
    reasons: tuple[str, ...] = (REASON,),
) -> EmailContent:
    return invoice_email(
        document or a_document(3),
        recipient_name=name,
        reasons=reasons,
        operator=OPERATOR,
        invoice_url=url,
    )


def test_number_amount_due_date_and_account_are_in_the_subject() -> None:
    assert mail().subject == (
        "Invoice INV-000123 from Northwind Hosting Ltd: £84.46 due 14 Jan 2011, account 100042"
    )


@pytest.mark.parametrize(
    ("document", "subject"),
    [
        (
            a_document(3, due_date=None),
            "Invoice INV-000123 from Northwind Hosting Ltd: £84.46, account 100042",
        ),
        (
            a_credit_note(2),
            "Credit note CN-000007 from Northwind Hosting Ltd: £84.31, account 100042",
        ),
        (
            a_document(3, locale="de", currency="EUR"),
            "Rechnung INV-000123 von Northwind Hosting Ltd: 84,46 € fällig am 14.01.2011,"
            " Kundenkonto 100042",
        ),
        (
            a_document(3, locale="fr", currency="EUR"),
            "Facture INV-000123 de Northwind Hosting Ltd : 84,46 € à payer au plus tard le"
            " 14 janv. 2011, compte 100042",
        ),
    ],
)
def test_subject_is_in_the_documents_language(document: InvoiceDocument, subject: str) -> None:
    assert mail(document).subject.replace("\N{NO-BREAK SPACE}", " ") == subject


def test_first_lines_of_the_text_say_what_matters() -> None:
    lines = mail().text.split("\n")

    assert lines[:9] == [
        "Dear Ana Ruiz,",
        "",
        "Invoice INV-000123 from Northwind Hosting Ltd is attached as a PDF.",
        "",
        "Amount due: £84.46",
        "Due date: 14 January 2011",
        "Number: INV-000123",
        "Account number: 100042",
        "Order number: PO-7781",
    ]


def test_html_says_the_same_without_pictures_or_style_sheets() -> None:
    html = mail(url=URL).html

    for text in ("Dear Ana Ruiz", "£84.46", "14 January 2011", "INV-000123", "100042", REASON):
        assert text in html
    assert not re.search(r"<(img|style|script|link)\b", html)
    assert 'lang="en-GB"' in html


def test_reader_learns_why_they_get_it_and_whom_to_ask() -> None:
    reasons = (REASON, "An administrator chose you.")
    content = mail(reasons=reasons)

    for body in (content.text, content.html):
        assert all(reason in body for reason in reasons)
        assert "Panel Co at help@panel.example" in body
        assert "Northwind Hosting Ltd" in body


def test_link_is_for_those_who_may_follow_it() -> None:
    with_link, without = mail(url=URL), mail()

    assert URL in with_link.text
    assert with_link.html.count("<a ") == 1
    assert f'href="{URL}"' in with_link.html
    assert "http" not in without.text
    assert "<a " not in without.html
    assert "View this document" not in without.text


def test_reader_without_a_name_is_greeted_all_the_same() -> None:
    assert mail(name="").text.startswith("Hello,\n")


def test_credit_note_asks_for_nothing() -> None:
    content = mail(a_credit_note(2))

    assert "Amount credited: £84.31" in content.text
    assert "Due date" not in content.text
    assert "Credit note CN-000007 from" in content.html


@pytest.mark.parametrize(
    "text",
    [
        "<b>Bold</b> & Sons",
        "<img src=https://evil.example/x.png>",
        "{{ settings.SECRET_KEY }}{% debug %}",
        '"><a href="https://evil.example">click</a>',
    ],
)
def test_what_people_typed_is_text_in_both_bodies(text: str) -> None:
    document = a_document(
        1,
        seller=replace(SELLER, trading_name=text),
        buyer=replace(BUYER, name=text),
        order_number=text,
    )
    content = mail(document, name=text)

    assert content.text.count(text) >= 3
    assert unescape(content.html).count(text) > content.text.count(text)
    assert "<img" not in content.html
    assert "<b>" not in content.html
    assert "<a " not in content.html


@pytest.mark.parametrize(
    "name", ["Ana\r\nBcc: all@evil.example", "Ana\x00\u202eziuR", "x" * 10_000]
)
def test_control_characters_never_reach_the_subject(name: str) -> None:
    document = a_document([a_line(quantity=Decimal(1))], seller=replace(SELLER, trading_name=name))
    subject = mail(document, name=name).subject

    assert subject.isprintable() or set(subject) - {"\N{NO-BREAK SPACE}"} == set(subject)
    assert not re.search("[\x00-\x1f\u202a-\u202e]", subject)
    assert "\nBcc" not in mail(document, name=name).text
