"""Voiding: a document that nobody has got and nothing has been settled against is cancelled.

It keeps its number, its place in the chain and all that it said. What has reached anybody is
corrected by a credit note instead (docs/decisions/0133).
"""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from accounts.models import Account
from audit.actions import Action
from audit.recording import Actor, record
from backups import witness
from common.counting import counted
from common.exceptions import DomainError
from common.scoping import account_scope
from invoices.after_restore import MAY_HAVE_BEEN_MAILED
from invoices.models import Delivery, Document, FurtherDelivery, Invoice, Settlement
from invoices.voiding_hooks import PREVIEWS, VOIDED
from mail.calling_off import Progress, call_off, lock_progress, progress_of
from mail.models import OutgoingEmail

AnyModel = TypeVar("AnyModel", bound=Model)


class NotIssuedYet(DomainError):
    """A draft has no number that would have to be kept."""


class VoidAlready(DomainError):
    """It was voided before."""


class SettledAlready(DomainError):
    """Money, or a credit, has been settled against it."""


class CreditedAlready(DomainError):
    """A credit note names it."""


class MailAccepted(DomainError):
    """A server took the mail that carries it."""


class MailMayHaveArrived(DomainError):
    """Nobody knows whether a server took the mail that carries it."""


class MailUnderWay(DomainError):
    """A worker has its mail in hand at this moment."""


class ReasonMissing(DomainError):
    """Whoever asks later why a number is void must find an answer."""


def void_invoice(invoice: Invoice, *, reason: str, actor: Actor) -> Invoice:
    """Void an issued document; its mail that has not left never leaves.

    Returns the void document, read under lock. Raises one of the refusals above, DatabaseBehind
    (such a database does not know what was mailed) or StorageUnavailable; nothing is changed then.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise ReasonMissing("Say why it is voided: the reason is kept with the number.")
    with account_scope(invoice.account_id):
        witness.require_current()
        Account.objects.select_for_update(no_key=True).get(pk=invoice.account_id)
        locked, preceding = _lock(invoice)
        _refuse_by_rows(locked, settlements=_under_lock(Settlement))
        progress = lock_progress(_emails_of(locked))
        _refuse_by_mail(locked, progress)
        call_off(progress.waiting, reason=f"{locked.number} was voided: {reason}")
        _mark_void(locked, reason)
        if preceding:
            _take_back_credit(locked, preceding)
        followed = [said for follow in VOIDED.functions() if (said := follow(locked))]
        record(
            Action.INVOICE_VOIDED,
            actor=actor,
            account_id=locked.account_id,
            subject=f"invoice {locked.number}",
            details={
                "reason": reason,
                "total": locked.gross_total,
                "currency": locked.currency,
                "mail_stopped": len(progress.waiting),
                "followed": followed,
            },
        )
    return locked


def obstacle_to_voiding(invoice: Invoice) -> str:
    """Why it could not be voided now, in words for staff; empty when it could.

    Needs its account's scope. Voiding itself looks again, under lock.
    """
    try:
        _refuse_by_rows(invoice, settlements=Settlement.objects.all())
        _refuse_by_mail(invoice, progress_of(_emails_of(invoice)))
    except DomainError as refusal:
        return str(refusal)
    return ""


def consequences_of_voiding(invoice: Invoice) -> list[str]:
    """What voiding would do besides, in sentences for staff. Needs its account's scope."""
    waiting = len(progress_of(_emails_of(invoice)).waiting)
    found = [said for preview in PREVIEWS.functions() if (said := preview(invoice))]
    if waiting:
        emails = counted(waiting, "email that waits is", plural="emails that wait are")
        found.append(f"{emails} never sent.")
    if invoice.preceding:
        found.append(f"{invoice.preceding.number} is no longer credited by it.")
    return found


def why_never_sent(email: OutgoingEmail) -> str:
    """``mail.calling_off_hooks``: mail of a void document. Needs the account's scope."""
    carries = Q(deliveries__email=email.pk) | Q(further_deliveries__email=email.pk)
    void = Invoice.objects.filter(carries, state=Invoice.State.VOID).first()
    if void is None:
        return ""
    return f"{void.number} is void, so it is not sent to anybody."


def _under_lock(model: type[AnyModel]) -> "QuerySet[AnyModel]":
    return model._default_manager.select_for_update(no_key=True)


def _lock(invoice: Invoice) -> tuple[Invoice, Invoice | None]:
    """The document and, of a credit note, the invoice that it names, which is the older one."""
    keys = [key for key in (invoice.pk, invoice.preceding_id) if key is not None]
    rows = _under_lock(Invoice).filter(pk__in=keys, account=invoice.account_id)
    locked = {row.pk: row for row in rows.order_by("pk")}
    return locked[invoice.pk], locked.get(invoice.preceding_id or 0)


def _refuse_by_rows(invoice: Invoice, *, settlements: "QuerySet[Settlement]") -> None:
    if invoice.state == Invoice.State.DRAFT:
        raise NotIssuedYet(f"{invoice} is not issued: discard it instead.")
    if invoice.state == Invoice.State.VOID:
        raise VoidAlready(f"{invoice} is void already.")
    followed = Invoice.objects.filter(preceding=invoice, account=invoice.account_id)
    if followed.exclude(state=Invoice.State.VOID).exists():
        raise CreditedAlready(f"{invoice} has been credited: void the credit note first.")
    if _is_settled(_settlement_of(invoice, settlements)):
        raise SettledAlready(
            f"Money has been settled against {invoice}: correct it by a credit note."
        )


def _refuse_by_mail(invoice: Invoice, progress: Progress) -> None:
    if progress.accepted:
        raise MailAccepted(
            f"{invoice} has been delivered to the mail server of {_listed(progress.accepted)}:"
            " correct it by a credit note."
        )
    if progress.may_have_arrived:
        raise MailMayHaveArrived(
            f"{invoice} may have reached {_listed(progress.may_have_arrived)}: correct it by a"
            " credit note."
        )
    if Document.objects.filter(
        invoice=invoice, account=invoice.account_id, last_error=MAY_HAVE_BEEN_MAILED
    ).exists():
        raise MailMayHaveArrived(
            f"{invoice} may have been mailed before the database was set back: correct it by a"
            " credit note."
        )
    if progress.under_way:
        raise MailUnderWay(
            f"{invoice} is being sent to {_listed(progress.under_way)} at this moment. Look again"
            " in a few minutes."
        )


def _mark_void(locked: Invoice, reason: str) -> None:
    locked.state = Invoice.State.VOID
    locked.voided_at = timezone.now()
    locked.void_reason = reason
    locked.save(update_fields=["state", "voided_at", "void_reason"])


def _emails_of(invoice: Invoice) -> list[UUID]:
    """Messages that carry it. The document's row is locked by whoever makes more of them."""
    mine = {"invoice": invoice, "account": invoice.account_id, "email__isnull": False}
    return [
        *Delivery.objects.filter(**mine).values_list("email_id", flat=True),
        *FurtherDelivery.objects.filter(**mine).values_list("email_id", flat=True),
    ]


def _settlement_of(invoice: Invoice, settlements: "QuerySet[Settlement]") -> Settlement:
    """Locked by whoever voids: money is settled while nobody does, and the other way round."""
    return settlements.get(invoice=invoice, account=invoice.account_id)


def _is_settled(settlement: Settlement) -> bool:
    return any(
        (
            settlement.credited,
            settlement.allocated,
            settlement.credit_applied,
            settlement.written_off,
        )
    )


def _take_back_credit(note: Invoice, preceding: Invoice) -> None:
    settlement = _settlement_of(preceding, _under_lock(Settlement))
    settlement.credited -= note.gross_total
    settlement.save(update_fields=["credited"])


def _listed(addresses: Sequence[str]) -> str:
    return ", ".join(sorted(set(addresses)))
