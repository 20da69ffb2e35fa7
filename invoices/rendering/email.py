"""The mail that carries a document: its words, in the document's language. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto

from django.template.loader import render_to_string

from invoices.parties import PaymentMeans, one_line
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.formatting import Formats, find_locale, formats_for, printable
from invoices.rendering.wording import LANGUAGES, Wording, wording_for

# UNTDID 4461: transfers, SEPA's among them, and direct debits.
_TRANSFERS = frozenset({"30", "31", "42", "58"})
_DEBITS = frozenset({"49", "59"})


class Occasion(Enum):
    """Why there is a mail: the document is new, or somebody had it sent once more."""

    NEW = auto()
    # To one of its recipients.
    AGAIN = auto()
    # To an address that somebody entered.
    COPY = auto()


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
    occasion: Occasion = Occasion.NEW,
    asked_by: str = "",
    is_settled: bool = False,
) -> EmailContent:
    """The mail to one recipient. ``reasons`` are sentences that say why they get it.

    ``invoice_url`` leads to the document's page; empty for a reader who may not open it.
    ``stop_url`` is where a reader who was only added by others ends these mails. ``asked_by`` is
    who had it sent once more. ``is_settled``: nothing is due any more, whatever the document says.
    """
    locale = find_locale(document.locale, languages=LANGUAGES)
    words = wording_for(locale.language)
    mail = words.mail
    formats = formats_for(locale, currency=document.currency)
    folder = "mail/new_credit_note" if document.is_credit_note else "mail/new_invoice"
    seller = document.seller
    name, asked_by = one_line(recipient_name), one_line(asked_by)
    asks = not (document.is_credit_note or is_settled or document.totals.due <= 0)
    facts = _facts(document, words, formats, asks=asks)
    context = {
        "subject": _subject(document, words, formats, asks=asks),
        "language": str(locale).replace("_", "-"),
        "mail": mail,
        "preheader": " · ".join(f"{label} {value}" for label, value in facts),
        "greeting": mail.greeting.format(name=name) if name else mail.greeting_nobody,
        "asked": _asked(occasion, words).format(name=asked_by),
        "attached": _attached(document, words),
        "corrects": _corrects(document, words, formats),
        "facts": facts,
        "settles_itself": _settles_itself(document, words, formats, asks=asks),
        "transfer": tuple(_transfer(document, words)) if asks else (),
        "reasons": (*_occasional_reason(occasion, words, asked_by), *reasons),
        "invoice_url": invoice_url,
        "view": mail.view_credit_note if document.is_credit_note else mail.view,
        "stop_url": stop_url,
        "seller": seller.trading_name or seller.name,
        "questions": mail.questions.format(
            operator=operator.name, address=operator.support_address
        ),
    }
    return EmailContent(
        subject=one_line(printable(render_to_string(f"{folder}/subject.txt", context))),
        text=printable(render_to_string(f"{folder}/body.txt", context)).strip() + "\n",
        html=printable(render_to_string(f"{folder}/body.html", context)),
    )


def _subject(document: InvoiceDocument, words: Wording, formats: Formats, *, asks: bool) -> str:
    mail = words.mail
    if document.is_credit_note:
        template = mail.credit_note_subject
    elif document.due_date is None or not asks:
        template = mail.invoice_subject_without_date
    else:
        template = mail.invoice_subject
    return template.format(
        number=document.number,
        seller=document.seller.trading_name or document.seller.name,
        amount=formats.money(_amount(document, asks=asks)),
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
    document: InvoiceDocument, words: Wording, formats: Formats, *, asks: bool
) -> tuple[tuple[str, str], ...]:
    """What a reader asks first: how much, by when, which document, whose account, which order."""
    label = words.amount_due if asks else words.gross_total
    due = formats.day(document.due_date) if asks and document.due_date else ""
    found = (
        (
            words.mail.credit_amount if document.is_credit_note else label,
            formats.money(_amount(document, asks=asks)),
        ),
        (words.mail.due_date, due),
        (words.mail.number, document.number),
        (words.account_number, document.account_number),
        (words.order_number, document.order_number),
    )
    return tuple((label, value) for label, value in found if value)


def _amount(document: InvoiceDocument, *, asks: bool) -> Decimal:
    """What is due; of a document that asks for nothing, what it comes to."""
    return document.totals.due if asks or document.is_credit_note else document.totals.gross


def _asked(occasion: Occasion, words: Wording) -> str:
    if occasion is Occasion.NEW:
        return ""
    return words.mail.sent_again if occasion is Occasion.AGAIN else words.mail.copy


def _occasional_reason(occasion: Occasion, words: Wording, asked_by: str) -> Iterator[str]:
    if occasion is Occasion.AGAIN:
        yield words.mail.copy_again_reason.format(name=asked_by)
    elif occasion is Occasion.COPY:
        yield words.mail.copy_reason.format(name=asked_by)


def _corrects(document: InvoiceDocument, words: Wording, formats: Formats) -> str:
    """What a credit note takes back; empty where it names no single document."""
    if not document.is_credit_note:
        return ""
    return " ".join(
        words.mail.corrects.format(number=one.number, date=formats.day(one.issue_date))
        for one in document.preceding
    )


def _settles_itself(
    document: InvoiceDocument, words: Wording, formats: Formats, *, asks: bool
) -> str:
    """Why the reader has nothing to do: it will be collected, or nothing is due."""
    if document.is_credit_note:
        return ""
    if not asks:
        return words.mail.nothing_to_pay
    debit = next((means for means in document.payment_means if means.code in _DEBITS), None)
    if debit is None:
        return ""
    amount = formats.money(document.totals.due)
    if debit.collection_date is None:
        return words.mail.pay_by_debit_later.format(amount=amount)
    day = formats.day(debit.collection_date)
    return words.mail.pay_by_debit.format(amount=amount, date=day)


def _transfer(document: InvoiceDocument, words: Wording) -> Iterator[tuple[str, str]]:
    """The account to pay to and what to quote; nothing where no transfer is asked for."""
    means = next((each for each in document.payment_means if each.code in _TRANSFERS), None)
    if means is None:
        return
    yield from (
        (label, value)
        for label, value in (
            (words.account_name, means.account_name),
            (_account_label(means, words), means.account_id),
            (words.bank_code, means.bank_code),
            (words.bic, means.bic),
            (words.bank_name, means.bank_name),
            (words.payment_reference, means.reference),
        )
        if value
    )


def _account_label(means: PaymentMeans, words: Wording) -> str:
    """An IBAN starts with its country's letters."""
    return words.iban if means.account_id[:2].isalpha() else words.account_id
