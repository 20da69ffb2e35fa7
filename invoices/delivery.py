"""One email for each frozen recipient of a stored document."""

from collections.abc import Mapping
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
from invoices.rendering.email import Operator, invoice_email
from mail.addresses import Mailbox
from mail.links import LinkTo
from mail.outbox import Attachment, NewEmail, enqueue_many

# As mail.notices has it: no text of a customer's can stand where a link will.
_MARKER_BYTES = 12
_NO_ROW = UUID(int=0)


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
    emails = [_email(delivery, invoice, document, stored, rows=rows) for delivery in waiting]
    for delivery, email_pk in zip(waiting, enqueue_many(emails), strict=True):
        delivery.email_id = email_pk
    Delivery.objects.bulk_update(waiting, ["email"])
    return len(waiting)


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


def _email(
    delivery: Delivery,
    invoice: Invoice,
    document: InvoiceDocument,
    stored: StoredDocument,
    *,
    rows: Mapping[str, UUID],
) -> NewEmail:
    seller = document.seller
    # An address that was stopped or removed since leaves a link to no row: its mail fails unsent.
    link = LinkTo(STOP, rows.get(delivery.address, _NO_ROW)) if _is_extra_alone(delivery) else None
    marker = f"link-{token_hex(_MARKER_BYTES)}" if link else ""
    content = invoice_email(
        document,
        recipient_name=delivery.name,
        reasons=_reasons(delivery, invoice),
        operator=Operator(
            name=settings.OPERATOR_NAME, support_address=settings.OPERATOR_SUPPORT_EMAIL
        ),
        invoice_url=_panel_url(delivery, invoice),
        stop_url=marker,
    )
    return NewEmail(
        kind=f"new_{invoice.kind}",
        dedup_key=f"delivery:{delivery.pk}",
        sender=Mailbox(seller.email, seller.trading_name or seller.name),
        recipient=Mailbox(delivery.address, delivery.name),
        reply_to=seller.email,
        subject=content.subject,
        text_body=content.text,
        html_body=content.html,
        attachment=Attachment(
            key=stored.key, filename=f"{invoice.number}.pdf", sha256=stored.sha256
        ),
        account_id=invoice.account_id,
        batch_id=invoice.batch_id,
        link=link,
        link_marker=marker,
    )


def _panel_url(delivery: Delivery, invoice: Invoice) -> str:
    """Where the reader can open the document; empty for somebody who may not."""
    if not delivery.may_view:
        return ""
    page = reverse("invoices:page", args=[invoice.account.number, invoice.number])
    return f"{settings.SITE_URL}{page}"


def _reasons(delivery: Delivery, invoice: Invoice) -> tuple[str, ...]:
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
        return tuple(words[Reason(reason)] % {"account": account} for reason in delivery.reasons)
