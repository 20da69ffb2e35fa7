"""One email for each frozen recipient of a stored document."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.recipients import Reason
from common.storage import StoredDocument
from invoices.models import Delivery, Invoice
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.email import Operator, invoice_email
from mail.addresses import Mailbox
from mail.outbox import Attachment, NewEmail, enqueue_many


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
    emails = [_email(delivery, invoice, document, stored) for delivery in waiting]
    for delivery, email_pk in zip(waiting, enqueue_many(emails), strict=True):
        delivery.email_id = email_pk
    Delivery.objects.bulk_update(waiting, ["email"])
    return len(waiting)


def _email(
    delivery: Delivery, invoice: Invoice, document: InvoiceDocument, stored: StoredDocument
) -> NewEmail:
    seller = document.seller
    content = invoice_email(
        document,
        recipient_name=delivery.name,
        reasons=_reasons(delivery, invoice),
        operator=Operator(
            name=settings.OPERATOR_NAME, support_address=settings.OPERATOR_SUPPORT_EMAIL
        ),
        invoice_url=_panel_url(delivery, invoice),
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
        }
        return tuple(words[Reason(reason)] % {"account": account} for reason in delivery.reasons)
