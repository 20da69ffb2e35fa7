"""Emails that carry a stored document: one for each frozen recipient, and those asked for later."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from secrets import token_hex
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.invoice_addresses import STOP
from accounts.models import InvoiceAddress
from accounts.recipients import Reason
from common.storage import StoredDocument
from invoices.models import Delivery, Invoice
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.email import FIRST_SENDING, Operator, Sending, invoice_email
from mail.addresses import Mailbox
from mail.links import LinkTo
from mail.outbox import Attachment, NewEmail, enqueue_many

# As mail.notices has it: no text of a customer's can stand where a link will.
_MARKER_BYTES = 12
_NO_ROW = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Whom one message goes to. ``stop_row`` is the extra address that its link would stop.

    ``answers`` is the Message-ID that this one belongs to in its reader's mailbox.
    """

    address: str
    name: str = ""
    reasons: tuple[str, ...] = ()
    may_view: bool = False
    stop_row: UUID | None = None
    answers: str = ""


def queue_emails(invoice: Invoice, document: InvoiceDocument, stored: StoredDocument) -> int:
    """Queue a message for every recipient that has none yet; returns how many there were.

    In the caller's transaction, so that a document is stored with its messages or not at all. The
    dedup key is made of the delivery's id: a document that is finished twice is mailed once. A void
    document is mailed to nobody. Needs the account's scope.
    """
    if invoice.state != Invoice.State.ISSUED:
        return 0
    waiting = list(
        Delivery.objects.filter(
            account=invoice.account_id, invoice=invoice, email__isnull=True
        ).order_by("pk")
    )
    rows = _extra_addresses(waiting, invoice)
    origins = _mails_about(invoice.preceding_id, invoice, [each.address for each in waiting])
    emails = [
        compose(
            invoice,
            document,
            stored,
            dedup_key=f"delivery:{delivery.pk}",
            reader=_reader(delivery, rows=rows, answers=origins.get(delivery.address, "")),
        )
        for delivery in waiting
    ]
    for delivery, email_pk in zip(waiting, enqueue_many(emails), strict=True):
        delivery.email_id = email_pk
    Delivery.objects.bulk_update(waiting, ["email"])
    return len(waiting)


def reader_again(delivery: Delivery) -> Reader:
    """A frozen recipient, whose message about the document has been queued, for a further one.

    Needs the account's scope; ``delivery.email`` must have been read with it.
    """
    rows = _extra_addresses([delivery], delivery.invoice)
    answers = delivery.email.message_id if delivery.email else ""
    return _reader(delivery, rows=rows, answers=answers)


def is_stopped(reader: Reader) -> bool:
    """Whether it has been an extra address and nothing else, and its reader wants no more."""
    return reader.stop_row == _NO_ROW


def compose(
    invoice: Invoice,
    document: InvoiceDocument,
    stored: StoredDocument,
    *,
    dedup_key: str,
    reader: Reader,
    sending: Sending = FIRST_SENDING,
) -> NewEmail:
    """The message to ``reader``, with the stored bytes. ``invoice`` comes with its account."""
    seller = document.seller
    link = LinkTo(STOP, reader.stop_row) if reader.stop_row else None
    marker = f"link-{token_hex(_MARKER_BYTES)}" if link else ""
    content = invoice_email(
        document,
        recipient_name=reader.name,
        reasons=_reasons(reader, invoice),
        operator=Operator(settings.OPERATOR_NAME, settings.OPERATOR_SUPPORT_EMAIL),
        invoice_url=_panel_url(invoice) if reader.may_view else "",
        stop_url=marker,
        sending=sending,
    )
    return NewEmail(
        kind=f"new_{invoice.kind}",
        dedup_key=dedup_key,
        sender=Mailbox(seller.email, seller.trading_name or seller.name),
        recipient=Mailbox(reader.address, reader.name),
        reply_to=seller.email,
        subject=content.subject,
        text_body=content.text,
        html_body=content.html,
        headers=_headers(invoice, document, answers=reader.answers, stop_url=marker),
        attachment=Attachment(
            key=stored.key, filename=f"{invoice.number}.pdf", sha256=stored.sha256
        ),
        account_id=invoice.account_id,
        batch_id=invoice.batch_id,
        link=link,
        link_marker=marker,
    )


def _reader(delivery: Delivery, *, rows: Mapping[str, UUID], answers: str) -> Reader:
    # An address that was stopped or removed since leaves a link to no row: its mail fails unsent.
    stop_row = rows.get(delivery.address, _NO_ROW) if _is_extra_alone(delivery) else None
    return Reader(
        address=delivery.address,
        name=delivery.name,
        reasons=tuple(delivery.reasons),
        may_view=delivery.may_view,
        stop_row=stop_row,
        answers=answers,
    )


def _extra_addresses(deliveries: list[Delivery], invoice: Invoice) -> dict[str, UUID]:
    """The rows of extra addresses by address; nothing is read where there are none."""
    wanted = [each.address for each in deliveries if _is_extra_alone(each)]
    if not wanted:
        return {}
    rows = InvoiceAddress.objects.filter(account=invoice.account_id, email__in=wanted)
    return dict(rows.values_list("email", "pk"))


def _is_extra_alone(delivery: Delivery) -> bool:
    """Whoever gets invoices for another reason too would not be rid of them by the link."""
    return delivery.reasons == [Reason.EXTRA_ADDRESS]


def _mails_about(
    preceding: int | None, invoice: Invoice, addresses: Collection[str]
) -> dict[str, str]:
    """Message-IDs of the mails in which readers got the document that this one corrects."""
    if preceding is None:
        return {}
    rows = Delivery.objects.filter(
        account=invoice.account_id,
        invoice=preceding,
        address__in=addresses,
        email__isnull=False,
    )
    return dict(rows.values_list("address", "email__message_id"))


def _headers(
    invoice: Invoice, document: InvoiceDocument, *, answers: str, stop_url: str
) -> dict[str, str]:
    """By what mail programs thread, file and stop these mails: see docs/invoice-mail.md."""
    headers = {
        "X-Invoice-Number": document.number,
        "X-Invoice-Type": invoice.kind.replace("_", "-"),
        "X-Invoice-Account": document.account_number,
    }
    if document.due_date and not document.is_credit_note:
        headers["X-Invoice-Due"] = document.due_date.isoformat()
    if document.preceding:
        headers["X-Invoice-Corrects"] = " ".join(one.number for one in document.preceding)
    if answers:
        headers["In-Reply-To"] = headers["References"] = answers
    if stop_url:
        headers["List-Unsubscribe"] = f"<{stop_url}>"
    return headers


def _panel_url(invoice: Invoice) -> str:
    page = reverse("invoices:page", args=[invoice.account.number, invoice.number])
    return f"{settings.SITE_URL}{page}"


def _reasons(reader: Reader, invoice: Invoice) -> tuple[str, ...]:
    """Why the reader gets this mail, in the document's language."""
    with override(invoice.locale):
        account = invoice.account.number
        words = {
            Reason.BILLING_CONTACT: _(
                "You are the billing contact of customer account %(account)s."
            ),
            Reason.OWNER_FALLBACK: _(
                "You own customer account %(account)s, which has no billing contact with an email"
                " address of its own."
            ),
            Reason.DESIGNATED_RECIPIENT: _(
                "New invoices of customer account %(account)s are sent to you because its owner"
                " or an administrator chose so."
            ),
            Reason.EXTRA_ADDRESS: _(
                "You confirmed that new invoices of customer account %(account)s are sent to this"
                " address."
            ),
        }
        return tuple(words[Reason(reason)] % {"account": account} for reason in reader.reasons)
