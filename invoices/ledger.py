"""To whom a document was sent, why, and what became of each message: the delivery ledger."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.recipients import reasons_in_words
from invoices.in_words import State, email_state
from invoices.models import Delivery, FurtherDelivery, Invoice
from invoices.templatetags.formats import moment
from mail.addresses import comparable
from mail.links import LINK_ENDED
from mail.models import OutgoingEmail, SuppressedAddress
from mail.return_words import why_returned, why_suppressed

# A document is sent again a few times at most; of more, the page says how many it leaves out.
MOST_FURTHER = 50


@dataclass(frozen=True, slots=True)
class Sent:
    """One message: how it fares, in words, and what servers said of it in theirs."""

    state: State
    when: datetime | None
    words: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One recipient, or one further delivery.

    ``delivery`` is set for a recipient frozen at issue. ``why_not`` says why nothing is sent there
    now; empty when something can be.
    """

    address: str
    why: str
    sent: Sent
    why_not: str
    delivery: Delivery | None = None
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The recipients in the order of issue, then what was sent later, oldest first.

    ``left_out`` counts what was sent later and before the first that is shown.
    """

    lines: tuple[Line, ...]
    left_out: int


def ledger_of(invoice: Invoice) -> Ledger:
    """Three statements, and one more where some are left out. Needs the account's scope."""
    deliveries = list(
        Delivery.objects.filter(account=invoice.account_id, invoice=invoice)
        .select_related("email")
        .order_by("pk")
    )
    newest_first = (
        FurtherDelivery.objects.filter(account=invoice.account_id, invoice=invoice)
        .select_related("email")
        .order_by("-created_at", "-pk")
    )
    found = list(newest_first[: MOST_FURTHER + 1])
    further = found[:MOST_FURTHER][::-1]
    left_out = newest_first.count() - MOST_FURTHER if len(found) > MOST_FURTHER else 0
    listed = _suppressed([one.address for one in deliveries])
    is_void = invoice.state == Invoice.State.VOID
    return Ledger(
        lines=(
            *(_recipient(delivery, listed, is_void=is_void) for delivery in deliveries),
            *(_further(each, is_void=is_void) for each in further),
        ),
        left_out=left_out,
    )


def _recipient(delivery: Delivery, suppressed: dict[str, str], *, is_void: bool) -> Line:
    return Line(
        address=delivery.address,
        why=reasons_in_words(delivery.reasons),
        sent=_sent(delivery.email, is_void=is_void),
        why_not=suppressed.get(comparable(delivery.address), ""),
        delivery=delivery,
    )


def _further(further: FurtherDelivery, *, is_void: bool) -> Line:
    """Anybody's address: whether others' mail to it is stopped, and why, is not said here."""
    return Line(
        address=further.address,
        why=_("Asked for by %(person)s") % {"person": further.asked_by_name},
        sent=_sent(further.email, is_void=is_void),
        why_not="",
        asked_at=further.created_at,
    )


def _sent(email: OutgoingEmail | None, *, is_void: bool) -> Sent:
    state = email_state(email, is_void=is_void)
    if email is None:
        return Sent(state, None, "", ())
    match email.state:
        case OutgoingEmail.State.SENT:
            when, words = email.sent_at, _("accepted by the mail server,")
        case OutgoingEmail.State.BOUNCED:
            when = email.returned_at or email.sent_at
            words = str(why_returned(email.returned_status))
        case OutgoingEmail.State.DEFERRED | OutgoingEmail.State.UNCERTAIN:
            when, words = email.next_attempt_at, _("next try")
        case OutgoingEmail.State.FAILED if _is_stopped(email):
            when, words = None, _("its reader has stopped these emails")
        case _:
            when, words = None, ""
    return Sent(state, when, words, tuple(_facts(email)))


def _facts(email: OutgoingEmail) -> Iterable[tuple[str, str]]:
    """What stands behind *Details*: for an administrator of mail, or an auditor."""
    if email.server_response and not _is_stopped(email):
        yield _("The mail server said"), email.server_response
    if email.sent_at:
        yield _("Accepted"), moment(email.sent_at)
    if email.returned_at:
        yield _("Returned"), moment(email.returned_at)
    if email.returned_words:
        yield _("The returning server said"), email.returned_words
    yield _("Message-ID"), email.message_id
    if email.attachment_sha256:
        yield _("Attached"), email.attachment_filename
        yield _("SHA-256 of what was attached"), email.attachment_sha256


def _is_stopped(email: OutgoingEmail) -> bool:
    """Whether it was never sent, since its stop link had been followed before it left."""
    return email.server_response.startswith(LINK_ENDED)


def _suppressed(addresses: Iterable[str]) -> dict[str, str]:
    """Why nothing is sent there, by address as it is compared."""
    wanted = {comparable(address) for address in addresses}
    return {
        row.address: str(why_suppressed(row))
        for row in SuppressedAddress.objects.filter(address__in=wanted)
    }
