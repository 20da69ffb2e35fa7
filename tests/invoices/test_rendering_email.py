"""The mail that carries a document: what it says first, and that it says it as text."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html import unescape
from typing import Any

import pytest

from invoices.parties import PaymentMeans
from invoices.rendering.composing import lay_out
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.email import (
    EmailContent,
    Occasion,
    Operator,
    Sending,
    invoice_email,
)
from tests.invoices.documents import BUYER, SELLER, TRANSFER, a_credit_note, a_document, a_line

OPERATOR = Operator(name="Panel Co", support_address="help@panel.example")
REASON = "You are the billing contact of customer account 100042."
URL = "https://panel.example/a/100042/invoices/INV-000123/"


def mail(
    document: InvoiceDocument | None = None,
    *,
    name: str = "Ana Ruiz",
    url: str = "",
    reasons: tuple[str, ...] = (REASON,),
    **more: Any,
) -> EmailContent:
    return invoice_email(
        document or a_document(3),
        recipient_name=name,
        reasons=reasons,
        operator=OPERATOR,
        invoice_url=url,
        **more,
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


def test_html_says_the_same_without_pictures_or_scripts() -> None:
    html = mail(url=URL).html

    for text in ("Dear Ana Ruiz", "£84.46", "14 January 2011", "INV-000123", "100042", REASON):
        assert text in html
    assert not re.search(r"<(img|script|link)\b", html)
    assert 'lang="en-GB"' in html


def test_the_one_style_sheet_is_for_dark_colours_and_nothing_depends_on_it() -> None:
    """Many mail readers drop style sheets, so what matters stands in the tags."""
    html = mail(url=URL).html
    [sheet] = re.findall(r"<style>(.*?)</style>", html, flags=re.DOTALL)
    assert sheet.strip().startswith("@media (prefers-color-scheme: dark)")
    assert "style=" in html.replace(sheet, "")


def test_what_a_mailbox_shows_beside_the_subject_is_amount_and_date() -> None:
    html = mail().html
    preheader = re.search(r"<body[^>]*>\s*<div[^>]*display:none[^>]*>([^<]*)</div>", html)
    assert preheader
    assert preheader[1].startswith("Amount due £84.46 · Due date 14 January 2011 · Number INV-0")


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
    assert "View invoice" not in without.text


def test_reader_without_a_name_is_greeted_all_the_same() -> None:
    assert mail(name="").text.startswith("Hello,\n")


def test_credit_note_asks_for_nothing() -> None:
    content = mail(a_credit_note(2))

    assert "Amount credited: £84.31" in content.text
    assert "Due date" not in content.text
    assert "Credit note CN-000007 from" in content.html
    assert "Please pay" not in content.text
    assert "nothing left to pay" not in content.text
    assert "View credit note:\nhttps" in mail(a_credit_note(2), url=URL).text


def test_credit_note_says_what_it_corrects() -> None:
    said = "It corrects invoice INV-000123 of 31 December 2010."
    content = mail(a_credit_note(2))
    assert said in content.text
    assert said in content.html


# --- How it is paid -----------------------------------------------------------------------------


def test_account_and_reference_are_told_where_a_transfer_is_asked_for() -> None:
    text = mail(a_document(3, payment_means=(TRANSFER,))).text
    assert (
        "Please pay by bank transfer to this account:\n"
        "Account name: Northwind Hosting Ltd\n"
        "IBAN: GB33 BUKB 2020 1555 5555 55\n"
        "BIC: BUKBGB22XXX\n"
        "Bank: Harbour Bank\n"
        "Reference: INV-000123\n"
    ) in text


def test_a_creditor_reference_is_grouped_as_on_the_page() -> None:
    means = replace(TRANSFER, reference="RF73RE2026000123")
    document = a_document(3, payment_means=(means,))
    content, [payment] = mail(document), lay_out(document).payments
    assert "Reference: RF73 RE20 2600 0123\n" in content.text
    for fact in payment.facts:
        assert f"{fact.label}: {fact.value}\n" in content.text
        assert f">{fact.value}</td>" in content.html


def test_account_without_an_iban_is_told_with_its_sort_code() -> None:
    means = PaymentMeans(code="30", account_id="55555555", bank_code="20-20-15")
    text = mail(a_document(3, payment_means=(means,))).text
    assert "Account: 55555555\nSort code: 20-20-15\n" in text


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (
            date(2011, 1, 10),
            "We will collect £84.46 by direct debit on 10 January 2011. You need not do anything.",
        ),
        (None, "We will collect £84.46 by direct debit. You need not do anything."),
    ],
)
def test_what_will_be_collected_asks_for_nothing(day: date | None, said: str) -> None:
    means = PaymentMeans(code="49", mandate_reference="M-1", collection_date=day)
    content = mail(a_document(3, payment_means=(means,)))
    assert said in content.text
    assert said in content.html
    assert "Please pay" not in content.text


def test_what_is_settled_is_not_asked_for_again() -> None:
    content = mail(a_document(3, payment_means=(TRANSFER,)), sending=Sending(is_settled=True))
    assert "There is nothing left to pay." in content.text
    assert "Please pay" not in content.text
    assert "due" not in content.subject
    assert "Due date" not in content.text


# --- Sent once more -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "again", "copy"),
    [
        ("en", "Ana Ruiz asked us to send you this again.", "asked us to send you this copy."),
        ("de", "Ihnen dies noch einmal zu senden.", "Ihnen diese Kopie zu senden."),
        ("fr", "de vous envoyer ce document à nouveau.", "de vous envoyer cette copie."),
    ],
)
def test_reader_learns_who_had_it_sent_once_more(locale: str, again: str, copy: str) -> None:
    document = a_document(1, locale=locale, currency="EUR")
    for occasion, said in ((Occasion.AGAIN, again), (Occasion.COPY, copy)):
        sending = Sending(occasion=occasion, asked_by="Ana Ruiz")
        content = mail(document, reasons=(), sending=sending)
        assert said in content.text
        assert content.text.count("Ana Ruiz") >= 2
        assert content.html.count("Ana Ruiz") >= 2


def test_french_puts_a_space_before_its_colons() -> None:
    text = mail(a_document(1, locale="fr", currency="EUR"), url=URL).text
    assert not re.search(r"\w:$", text, flags=re.MULTILINE)
    assert "À payer\N{NO-BREAK SPACE}: " in text


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
