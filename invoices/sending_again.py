"""Sending a stored document once more: the same bytes, to one of its recipients or elsewhere."""

from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.db.models import QuerySet
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from accounts.member_mail import person_for_strangers
from accounts.models import Contact
from audit.actions import Action
from audit.recording import Actor, record
from common.exceptions import DomainError
from common.ids import normalise_email
from common.money import ZERO
from common.storage import StoredDocument
from invoices.delivery import Reader, compose, is_stopped, reader_again
from invoices.documents import document_of
from invoices.models import Delivery, Document, FurtherDelivery, Invoice
from invoices.rendering.email import Occasion, Sending
from invoices.standing import open_amount
from mail.addresses import comparable, envelope_address, spellings
from mail.models import OutgoingEmail, SuppressedAddress
from mail.outbox import enqueue
from mail.queue import EMAIL_QUEUE
from mail.return_words import why_suppressed
from users.models import User
from users.rate_limits import Counter, Limit, TooManyAttempts, take

_DAY = timedelta(days=1)
# A bookkeeper has a year's invoices sent to whoever follows; nobody fills a mailbox from here.
PER_ACCOUNT = Limit("documents of an account sent again", most=50, window=_DAY)
PER_ADDRESS = Limit("documents sent again to an address", most=20, window=_DAY)
PER_DOCUMENT = Limit("a document sent again to an address", most=3, window=_DAY)
# Whoever presses a button twice, or two people at once, want one mail.
_MOMENT = timedelta(minutes=1)
_UNDER_WAY = (*EMAIL_QUEUE.due_states, EMAIL_QUEUE.working_state)


class VoidNotSent(DomainError):
    def __init__(self) -> None:
        super().__init__(_("This document is void, so it is not sent to anybody."))


class NotStoredYet(DomainError):
    """There are no bytes that could be attached."""

    def __init__(self) -> None:
        super().__init__(_("The PDF is not ready yet. Try again in a few minutes."))


class AddressSuppressed(DomainError):
    """A mail to it would fail unsent."""

    def __init__(self, address: str, suppressed: SuppressedAddress) -> None:
        super().__init__(
            _(
                "We do not send mail to %(address)s. %(why)s Use another address, or write to our"
                " support team."
            )
            % {"address": address, "why": why_suppressed(suppressed)}
        )


class AddressRefused(DomainError):
    """The same of an address that is none of the account's: why is no business of theirs."""

    def __init__(self) -> None:
        super().__init__(_("No mail can be sent to this address."))


class StoppedByReader(DomainError):
    """The reader of an extra address wants no more invoices, or it was taken off the account."""

    def __init__(self, address: str) -> None:
        super().__init__(
            _("%(address)s gets no more invoices: its reader has stopped them, or it was removed.")
            % {"address": address}
        )


class HeldBack(DomainError):
    """Staff have stopped the mail of its billing run."""

    def __init__(self) -> None:
        super().__init__(_("Our staff are holding this document’s emails back. Try again later."))


class OnItsWayAlready(DomainError):
    """A second mail would be one too many; what was asked for is being done."""

    def __init__(self, address: str) -> None:
        super().__init__(
            _("It is on its way to %(address)s already. Nothing more was sent.")
            % {"address": address}
        )


class SentJustNow(DomainError):
    """A second click, after a server has accepted what the first one asked for."""

    def __init__(self, address: str) -> None:
        super().__init__(
            _("It was sent to %(address)s less than a minute ago. Nothing more was sent.")
            % {"address": address}
        )


class SentTooOften(DomainError):
    """Nothing was sent; the next can be at ``retry_at``."""

    def __init__(self, retry_at: datetime) -> None:
        local = timezone.localtime(retry_at)
        super().__init__(
            _("That has been sent as often as it may be within a day. Try again after %(time)s.")
            % {"time": formats.date_format(local, "DATETIME_FORMAT")}
        )
        self.retry_at = retry_at


def send_again(
    invoice: Invoice, *, address: str, asked_by: User | None, actor: Actor
) -> FurtherDelivery:
    """Queue one more message with the stored PDF; one of the recipients gets it as it did before.

    Whoever was no recipient gets no link into the panel, and learns who asked; ``asked_by`` is None
    for the operator. Works on a closed account too. Needs the account's scope. Raises VoidNotSent,
    NotStoredYet, mail.addresses.UnusableAddress, AddressSuppressed, AddressRefused,
    StoppedByReader, HeldBack, OnItsWayAlready, SentJustNow, SentTooOften.
    """
    address = normalise_email(address)
    envelope_address(address)
    compared = comparable(address)
    invoice = _lock(invoice)
    stored = _stored_pdf(invoice)
    # Before anything is looked up: else each refusal would be a free answer about an address.
    _count(PER_ACCOUNT.by(str(invoice.account_id)))
    delivery = _delivery_to(invoice, address)
    reader = reader_again(delivery) if delivery else _stranger(invoice, address)
    _refuse_unwelcome(invoice, reader)
    _refuse_under_way(invoice, delivery, address)
    _count(PER_ADDRESS.by(compared), PER_DOCUMENT.by(f"{invoice.pk} {compared}"))
    further = FurtherDelivery(
        id=uuid4(),
        account_id=invoice.account_id,
        invoice=invoice,
        address=address,
        name=reader.name,
        asked_by_id=asked_by.pk if asked_by else None,
        asked_by_name=_name_of(asked_by),
    )
    sending = Sending(
        occasion=Occasion.AGAIN if delivery else Occasion.COPY,
        asked_by=further.asked_by_name if delivery else _address_of(asked_by),
        is_settled=open_amount(invoice, invoice.settlement) == ZERO,
    )
    _queue(further, stored, reader=reader, sending=sending)
    record(
        Action.INVOICE_SENT_AGAIN,
        actor=actor,
        account_id=invoice.account_id,
        subject=f"invoice {invoice.number}",
        details={"recipient": address},
    )
    return further


def _lock(invoice: Invoice) -> Invoice:
    """Whoever asks at the same moment waits, and so does voiding."""
    rows = Invoice.objects.select_for_update(no_key=True, of=("self",))
    locked = rows.select_related("account", "preceding", "settlement").get(
        account=invoice.account_id, pk=invoice.pk
    )
    if locked.state != Invoice.State.ISSUED:
        raise VoidNotSent
    return locked


def _stored_pdf(invoice: Invoice) -> StoredDocument:
    document = Document.objects.filter(
        account=invoice.account_id,
        invoice=invoice,
        kind=Document.Kind.PDF,
        state=Document.State.STORED,
    ).first()
    if document is None:
        raise NotStoredYet
    return StoredDocument(document.storage_key, document.sha256, document.size or 0)


def _delivery_to(invoice: Invoice, address: str) -> Delivery | None:
    """Among the frozen recipients; a few at most, their addresses as they were entered."""
    deliveries = Delivery.objects.filter(account=invoice.account_id, invoice=invoice)
    for delivery in deliveries.select_related("email"):
        if comparable(delivery.address) == comparable(address):
            delivery.invoice = invoice
            return delivery
    return None


def _stranger(invoice: Invoice, address: str) -> Reader:
    """Somebody who was no recipient; a further copy belongs to the first."""
    earlier = (
        _further_deliveries(invoice, address)
        .order_by("created_at")
        .values_list("email__message_id", flat=True)
        .first()
    )
    return Reader(address=address, answers=earlier or "")


def _further_deliveries(invoice: Invoice, address: str) -> QuerySet[FurtherDelivery]:
    """However the domain of the address was spelled."""
    return FurtherDelivery.objects.filter(
        account=invoice.account_id, invoice=invoice, address__in=spellings(address)
    )


def _refuse_unwelcome(invoice: Invoice, reader: Reader) -> None:
    address = reader.address
    suppressed = SuppressedAddress.objects.filter(address=comparable(address)).first()
    if suppressed:
        is_own = _is_own(invoice, address)
        raise AddressSuppressed(address, suppressed) if is_own else AddressRefused
    if is_stopped(reader):
        raise StoppedByReader(reader.address)


def _is_own(invoice: Invoice, address: str) -> bool:
    """Whether the account's documents go there, or went."""
    account, written = invoice.account_id, spellings(address)
    return any(
        Delivery.objects.filter(account=account, address__iexact=each).exists()
        or Contact.objects.filter(account=account, email__iexact=each).exists()
        for each in written
    )


def _refuse_under_way(invoice: Invoice, delivery: Delivery | None, address: str) -> None:
    first = delivery.email if delivery else None
    if first and first.state == OutgoingEmail.State.WITHHELD:
        raise HeldBack
    if first and first.state in _UNDER_WAY:
        raise OnItsWayAlready(address)
    for each in _further_deliveries(invoice, address).select_related("email"):
        if each.email.state == OutgoingEmail.State.WITHHELD:
            raise HeldBack
        if each.email.state in _UNDER_WAY:
            raise OnItsWayAlready(address)
        if each.created_at > timezone.now() - _MOMENT and each.email.sent_at:
            raise SentJustNow(address)


def _queue(
    further: FurtherDelivery, stored: StoredDocument, *, reader: Reader, sending: Sending
) -> None:
    """The message first: a further delivery is kept with its own."""
    invoice = further.invoice
    further.email_id = enqueue(
        compose(
            invoice,
            document_of(invoice),
            stored,
            dedup_key=f"further_delivery:{further.pk}",
            reader=reader,
            sending=sending,
        )
    )
    further.save(force_insert=True)


def _count(*counters: Counter) -> None:
    try:
        take(counters)
    except TooManyAttempts as refusal:
        raise SentTooOften(refusal.retry_at) from refusal


def _name_of(asked_by: User | None) -> str:
    """As strangers may read it; of the operator's staff no more than whose staff they are."""
    if asked_by is None:
        return str(settings.OPERATOR_NAME)
    return person_for_strangers(asked_by)


def _address_of(asked_by: User | None) -> str:
    """For whoever was no recipient: a name is free text, and stands beside a genuine invoice."""
    return asked_by.email if asked_by else str(settings.OPERATOR_NAME)
