"""The mail that carries a document: its words, in the document's language. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string

from invoices.parties import one_line
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.formatting import Formats, find_locale, formats_for, printable
from invoices.rendering.wording import LANGUAGES, Wording, wording_for


@dataclass(frozen=True, slots=True)
class Operator:
    """Who runs the panel, and where questions go."""

    name: str
    support_address: str


@dataclass(frozen=True, slots=True)
class EmailContent:
    """A message's subject (one line), and its body as text and as HTML."""

    subject: str
    text: str
    html: str


def invoice_email(
    document: InvoiceDocument,
    *,
    recipient_name: str,
    reasons: Sequence[str],
    operator: Operator,
    invoice_url: str,
    stop_url: str = "",
) -> EmailContent:
    """The mail to one recipient. ``reasons`` are sentences that say why they get it.

    ``invoice_url`` leads to the document's page; empty for a reader who may not open it.
    ``stop_url`` is where a reader who was only added by others ends these mails.
    """
    locale = find_locale(document.locale, languages=LANGUAGES)
    words = wording_for(locale.language)
    formats = formats_for(locale, currency=document.currency)
    folder = "mail/new_credit_note" if document.is_credit_note else "mail/new_invoice"
    seller = document.seller
    name = one_line(recipient_name)
    context = {
        "subject": _subject(document, words, formats),
        "language": str(locale).replace("_", "-"),
        "mail": words.mail,
        "greeting": words.mail.greeting.format(name=name) if name else words.mail.greeting_nobody,
        "attached": _attached(document, words),
        "facts": _facts(document, words, formats),
        "reasons": reasons,
        "invoice_url": invoice_url,
        "stop_url": stop_url,
        "seller": seller.trading_name or seller.name,
        "questions": words.mail.questions.format(
            operator=operator.name, address=operator.support_address
        ),
    }
    return EmailContent(
        subject=one_line(printable(render_to_string(f"{folder}/subject.txt", context))),
        text=printable(render_to_string(f"{folder}/body.txt", context)).strip() + "\n",
        html=printable(render_to_string(f"{folder}/body.html", context)),
    )


def _subject(document: InvoiceDocument, words: Wording, formats: Formats) -> str:
    mail = words.mail
    if document.is_credit_note:
        template = mail.credit_note_subject
    elif document.due_date is None:
        template = mail.invoice_subject_without_date
    else:
        template = mail.invoice_subject
    return template.format(
        number=document.number,
        seller=document.seller.trading_name or document.seller.name,
        amount=formats.money(document.totals.due),
        due_date=formats.short_day(document.due_date) if document.due_date else "",
        account=document.account_number,
    )


def _attached(document: InvoiceDocument, words: Wording) -> str:
    mail = words.mail
    template = mail.credit_note_attached if document.is_credit_note else mail.invoice_attached
    return template.format(
        number=document.number, seller=document.seller.trading_name or document.seller.name
    )


def _facts(
    document: InvoiceDocument, words: Wording, formats: Formats
) -> tuple[tuple[str, str], ...]:
    """What a reader asks first: how much, by when, which document, whose account, which order."""
    amount = words.mail.credit_amount if document.is_credit_note else words.amount_due
    found = (
        (amount, formats.money(document.totals.due)),
        (words.mail.due_date, formats.day(document.due_date) if document.due_date else ""),
        (words.mail.number, document.number),
        (words.account_number, document.account_number),
        (words.order_number, document.order_number),
    )
    return tuple((label, value) for label, value in found if value)
