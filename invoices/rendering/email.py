"""The mail that carries a document: its words, in the document's language. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto

from django.template.loader import render_to_string

from invoices.parties import one_line
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.formatting import Formats, find_locale, formats_for, printable
from invoices.rendering.payment_facts import facts_of
from invoices.rendering.wording import LANGUAGES, Wording, wording_for


class Occasion(Enum):
    """Why there is a mail: the document is new, or somebody had it sent once more."""

    NEW = auto()
    # To one of its recipients.
    AGAIN = auto()
    # To an address that somebody entered.
    COPY = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Why a document is sent now, and how it stands.

    ``asked_by`` is who had it sent once more. ``is_settled``: nothing is due any more, whatever the
    document says.
    """

    occasion: Occasion = Occasion.NEW
    asked_by: str = ""
    is_settled: bool = False


FIRST_SENDING = Sending()


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
    sending: Sending = FIRST_SENDING,
) -> EmailContent:
    """The mail to one recipient. ``reasons`` are sentences that say why they get it.

    ``invoice_url`` leads to the document's page; empty for a reader who may not open it.
    ``stop_url`` is where a reader who was only added by others ends these mails.
    """
    writer = _Writer.for_document(document, sending)
    context = {
        **writer.texts(),
        "greeting": writer.greeting(one_line(recipient_name)),
        "reasons": (*writer.occasional_reason(), *reasons),
        "invoice_url": invoice_url,
        "stop_url": stop_url,
        "questions": writer.words.mail.questions.format(
            operator=operator.name, address=operator.support_address
        ),
    }
    folder = "mail/new_credit_note" if document.is_credit_note else "mail/new_invoice"
    return EmailContent(
        subject=one_line(printable(render_to_string(f"{folder}/subject.txt", context))),
        text=printable(render_to_string(f"{folder}/body.txt", context)).strip() + "\n",
        html=printable(render_to_string(f"{folder}/body.html", context)),
    )


@dataclass(frozen=True)
class _Writer:
    """The mail about one document in the words and formats that it is written in.

    ``asks``: whether its reader still has something to pay.
    """

    document: InvoiceDocument
    words: Wording
    formats: Formats
    sending: Sending
    asked_by: str
    asks: bool

    @classmethod
    def for_document(cls, document: InvoiceDocument, sending: Sending) -> "_Writer":
        locale = find_locale(document.locale, languages=LANGUAGES)
        return cls(
            document,
            wording_for(locale.language),
            formats_for(locale, currency=document.currency),
            sending,
            asked_by=one_line(sending.asked_by),
            asks=not (document.is_credit_note or sending.is_settled or document.totals.due <= 0),
        )

    def texts(self) -> dict[str, object]:
        """What is the same for every reader."""
        mail = self.words.mail
        facts = self._facts()
        return {
            "subject": self._subject(),
            "language": str(self.formats.locale).replace("_", "-"),
            "mail": mail,
            "preheader": " · ".join(f"{label} {value}" for label, value in facts),
            "asked": self._asked(),
            "attached": self._attached(),
            "corrects": self._corrects(),
            "facts": facts,
            "settles_itself": self._settles_itself(),
            "transfer": tuple(self._transfer()) if self.asks else (),
            "view": mail.view_credit_note if self.document.is_credit_note else mail.view,
            "seller": self._seller(),
        }

    def greeting(self, name: str) -> str:
        mail = self.words.mail
        return mail.greeting.format(name=name) if name else mail.greeting_nobody

    def occasional_reason(self) -> Iterator[str]:
        mail = self.words.mail
        if self.sending.occasion is Occasion.AGAIN:
            yield mail.copy_again_reason.format(name=self.asked_by)
        elif self.sending.occasion is Occasion.COPY:
            yield mail.copy_reason.format(name=self.asked_by)

    def _seller(self) -> str:
        return self.document.seller.trading_name or self.document.seller.name

    def _subject(self) -> str:
        document, mail = self.document, self.words.mail
        if document.is_credit_note:
            template = mail.credit_note_subject
        elif document.due_date is None or not self.asks:
            template = mail.invoice_subject_without_date
        else:
            template = mail.invoice_subject
        return template.format(
            number=document.number,
            seller=self._seller(),
            amount=self.formats.money(self._amount()),
            due_date=self.formats.short_day(document.due_date) if document.due_date else "",
            account=document.account_number,
        )

    def _attached(self) -> str:
        document, mail = self.document, self.words.mail
        template = mail.credit_note_attached if document.is_credit_note else mail.invoice_attached
        return template.format(number=document.number, seller=self._seller())

    def _facts(self) -> tuple[tuple[str, str], ...]:
        """What a reader asks first: how much, by when, which document, whose account and order."""
        document, words = self.document, self.words
        label = words.amount_due if self.asks else words.gross_total
        due = self.formats.day(document.due_date) if self.asks and document.due_date else ""
        # Whoever was no recipient finds it in the PDF: in a mail, a customer's free text could say
        # anything in the seller's name.
        is_copy = self.sending.occasion is Occasion.COPY
        order_number = "" if is_copy else document.order_number
        found = (
            (
                words.mail.credit_amount if document.is_credit_note else label,
                self.formats.money(self._amount()),
            ),
            (words.mail.due_date, due),
            (words.mail.number, document.number),
            (words.account_number, document.account_number),
            (words.order_number, order_number),
        )
        return tuple((label, value) for label, value in found if value)

    def _amount(self) -> Decimal:
        """What is due; of a document that asks for nothing, what it comes to."""
        is_due = self.asks or self.document.is_credit_note
        return self.document.totals.due if is_due else self.document.totals.gross

    def _asked(self) -> str:
        if self.sending.occasion is Occasion.NEW:
            return ""
        mail = self.words.mail
        template = mail.sent_again if self.sending.occasion is Occasion.AGAIN else mail.copy
        return template.format(name=self.asked_by)

    def _corrects(self) -> str:
        """What a credit note takes back; empty where it names no single document."""
        if not self.document.is_credit_note:
            return ""
        return " ".join(
            self.words.mail.corrects.format(
                number=one.number, date=self.formats.day(one.issue_date)
            )
            for one in self.document.preceding
        )

    def _settles_itself(self) -> str:
        """Why the reader has nothing to do: it will be collected, or nothing is due."""
        document, mail = self.document, self.words.mail
        if document.is_credit_note:
            return ""
        if not self.asks:
            return mail.nothing_to_pay
        debit = next((means for means in document.payment_means if means.is_debit), None)
        if debit is None:
            return ""
        amount = self.formats.money(document.totals.due)
        if debit.collection_date is None:
            return mail.pay_by_debit_later.format(amount=amount)
        return mail.pay_by_debit.format(amount=amount, date=self.formats.day(debit.collection_date))

    def _transfer(self) -> Iterator[tuple[str, str]]:
        """The account to pay to and what to quote; nothing where no transfer is asked for."""
        means = next((each for each in self.document.payment_means if each.is_transfer), None)
        if means:
            yield from ((fact.label, fact.value) for fact in facts_of(means, self.words))
