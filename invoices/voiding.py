"""Voiding: a document that nobody has got and nothing has been settled against is cancelled.

It keeps its number, its place in the chain and all that it said. What has reached anybody is
corrected by a credit note instead (docs/decisions/0133).
"""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Account
from audit.actions import Action
from audit.recording import Actor, record
from backups import witness
from common.exceptions import DomainError
from common.scoping import account_scope
from invoices.after_restore import MAY_HAVE_BEEN_MAILED
from invoices.models import Delivery, Document, FurtherDelivery, Invoice, Settlement
from invoices.voiding_hooks import PREVIEWS, VOIDED
from mail.calling_off import Standing, call_off, lock_standing, standing_of
from mail.models import OutgoingEmail


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
        raise ReasonMissing(_("Say why it is voided: the reason is kept with the number."))
    with account_scope(invoice.account_id):
        witness.require_current()
        Account.objects.select_for_update(no_key=True).get(pk=invoice.account_id)
        locked, preceding = _lock(invoice)
        _refuse_by_rows(locked)
        standing = lock_standing(_emails_of(locked))
        _refuse_by_mail(locked, standing)
        call_off(standing.waiting, reason=f"{locked.number} was voided: {reason}")
        locked.state, locked.voided_at, locked.void_reason = (
            Invoice.State.VOID,
            timezone.now(),
            reason,
        )
        locked.save(update_fields=["state", "voided_at", "void_reason"])
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
                "mail_stopped": len(standing.waiting),
                "followed": followed,
            },
        )
    return locked


def obstacle_to_voiding(invoice: Invoice) -> str:
    """Why it could not be voided now, in words for staff; empty when it could.

    Needs its account's scope. Voiding itself looks again, under lock.
    """
    try:
        _refuse_by_rows(invoice)
        _refuse_by_mail(invoice, standing_of(_emails_of(invoice)))
    except DomainError as refusal:
        return str(refusal)
    return ""


def consequences_of_voiding(invoice: Invoice) -> list[str]:
    """What voiding would do besides, in sentences for staff. Needs its account's scope."""
    waiting = len(standing_of(_emails_of(invoice)).waiting)
    found = [said for preview in PREVIEWS.functions() if (said := preview(invoice))]
    if waiting:
        found.append(
            ngettext(
                "%(count)s email that waits is never sent.",
                "%(count)s emails that wait are never sent.",
                waiting,
            )
            % {"count": waiting}
        )
    if invoice.preceding:
        found.append(
            _("%(number)s is no longer credited by it.") % {"number": invoice.preceding.number}
        )
    return found


def why_never_sent(email: OutgoingEmail) -> str:
    """``mail.calling_off_hooks``: mail of a void document. Needs the account's scope."""
    carries = Q(deliveries__email=email.pk) | Q(further_deliveries__email=email.pk)
    void = Invoice.objects.filter(carries, state=Invoice.State.VOID).first()
    if void is None:
        return ""
    return _("%(number)s is void, so it is not sent to anybody.") % {"number": void.number}


def _lock(invoice: Invoice) -> tuple[Invoice, Invoice | None]:
    """The document and, of a credit note, the invoice that it names, which is the older one."""
    keys = [key for key in (invoice.pk, invoice.preceding_id) if key is not None]
    rows = Invoice.objects.select_for_update(no_key=True).filter(
        pk__in=keys, account=invoice.account_id
    )
    locked = {row.pk: row for row in rows.order_by("pk")}
    return locked[invoice.pk], locked.get(invoice.preceding_id or 0)


def _refuse_by_rows(invoice: Invoice) -> None:
    number = {"number": str(invoice)}
    if invoice.state == Invoice.State.DRAFT:
        raise NotIssuedYet(_("%(number)s is not issued: discard it instead.") % number)
    if invoice.state == Invoice.State.VOID:
        raise VoidAlready(_("%(number)s is void already.") % number)
    followed = Invoice.objects.filter(preceding=invoice, account=invoice.account_id)
    if followed.exclude(state=Invoice.State.VOID).exists():
        raise CreditedAlready(
            _("%(number)s has been credited: void the credit note first.") % number
        )
    if _is_settled(_settlement_of(invoice)):
        raise SettledAlready(
            _("Money has been settled against %(number)s: correct it by a credit note.") % number
        )


def _refuse_by_mail(invoice: Invoice, standing: Standing) -> None:
    number = str(invoice)
    if standing.accepted:
        raise MailAccepted(
            _(
                "%(number)s has been delivered to the mail server of %(addresses)s: correct it by a"
                " credit note."
            )
            % {"number": number, "addresses": _listed(standing.accepted)}
        )
    if standing.may_have_arrived:
        raise MailMayHaveArrived(
            _("%(number)s may have reached %(addresses)s: correct it by a credit note.")
            % {"number": number, "addresses": _listed(standing.may_have_arrived)}
        )
    if Document.objects.filter(
        invoice=invoice, account=invoice.account_id, last_error=MAY_HAVE_BEEN_MAILED
    ).exists():
        raise MailMayHaveArrived(
            _(
                "%(number)s may have been mailed before the database was set back: correct it by a"
                " credit note."
            )
            % {"number": number}
        )
    if standing.under_way:
        raise MailUnderWay(
            _(
                "%(number)s is being sent to %(addresses)s at this moment. Look again in a few"
                " minutes."
            )
            % {"number": number, "addresses": _listed(standing.under_way)}
        )


def _emails_of(invoice: Invoice) -> list[UUID]:
    """Messages that carry it. The document's row is locked by whoever makes more of them."""
    mine = {"invoice": invoice, "account": invoice.account_id, "email__isnull": False}
    return [
        *Delivery.objects.filter(**mine).values_list("email_id", flat=True),
        *FurtherDelivery.objects.filter(**mine).values_list("email_id", flat=True),
    ]


def _settlement_of(invoice: Invoice) -> Settlement:
    """Locked: money is settled against a document while nobody voids it, and the other way."""
    return Settlement.objects.select_for_update(no_key=True).get(
        invoice=invoice, account=invoice.account_id
    )


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
    settlement = _settlement_of(preceding)
    settlement.credited -= note.gross_total
    settlement.save(update_fields=["credited"])


def _listed(addresses: Sequence[str]) -> str:
    return ", ".join(sorted(set(addresses)))
