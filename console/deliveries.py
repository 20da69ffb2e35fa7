"""Mail that did not arrive, for staff: found, sent again, its addresses freed."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from accounts.models import Account
from audit.recording import Actor
from common.claims import MAX_ATTEMPTS
from common.exceptions import DomainError
from common.scoping import all_accounts_scope
from invoices.models import Delivery, FurtherDelivery, Invoice
from mail.addresses import comparable, spellings
from mail.models import MailReport, OutgoingEmail, SuppressedAddress
from mail.outbox import retry

PAGE_LENGTH = 25
# PostgreSQL's bigint has room for any number of so many digits.
LONGEST_NUMBER = 18
_State = OutgoingEmail.State
Row = TypeVar("Row")
AnyModel = TypeVar("AnyModel", bound=Model)


class How(StrEnum):
    """In which way a message did not arrive."""

    REFUSED = "refused"
    # Its worker ended in the middle of it, again and again.
    PARKED = "parked"
    RETURNED = "returned"


_HOW: dict[How, Q] = {
    How.REFUSED: Q(state=_State.FAILED, attempts__lt=MAX_ATTEMPTS),
    How.PARKED: Q(state=_State.FAILED, attempts__gte=MAX_ATTEMPTS),
    How.RETURNED: Q(state=_State.BOUNCED),
}


class AddressSuppressed(DomainError):
    """It would fail again without having been sent."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message, whose it is, and whether its address gets nothing at all."""

    email: OutgoingEmail
    how: How
    account: Account | None
    invoice_numbers: Sequence[str]
    suppressed: SuppressedAddress | None
    # Of a void document: stopped for good.
    is_called_off: bool = False

    @property
    def said(self) -> str:
        """The last words of whoever did not take it."""
        if self.how == How.RETURNED:
            return self.email.returned_words
        return self.email.last_error or self.email.server_response


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows, newest first, and what to ask for the neighbouring pages with."""

    rows: Sequence[Row]
    newer: str = ""
    older: str = ""


def undelivered(
    wanted: str, *, how: How | None, before: UUID | None = None, after: UUID | None = None
) -> Page[Undelivered]:
    """What was refused, parked or returned; ``wanted`` is an address, an account's or invoice's
    number, each in full.
    """
    with all_accounts_scope("staff look for mail that did not arrive"):
        # Both states, as the index has them.
        rows = OutgoingEmail.objects.filter(state__in=(_State.FAILED, _State.BOUNCED))
        if how is not None:
            rows = rows.filter(_HOW[how])
        if wanted:
            rows = rows.filter(_wanted(wanted))
        found = _page(rows.defer("text_body", "html_body"), "created_at", before, after)
        return Page(_with_what_belongs_to(found.rows), found.newer, found.older)


def suppressed_addresses(
    wanted: str, *, before: int | None = None, after: int | None = None
) -> Page[SuppressedAddress]:
    rows = SuppressedAddress.objects.all()
    if wanted:
        rows = rows.filter(address=comparable(wanted))
    return _page(rows, "since", before, after)


def reports_about_no_message(
    *, before: UUID | None = None, after: UUID | None = None
) -> Page[MailReport]:
    """What was told of messages that are not known here."""
    with all_accounts_scope("staff look at reports about no message"):
        return _page(MailReport.objects.filter(email=None), "received_at", before, after)


def send_again(email_id: UUID, *, actor: Actor) -> OutgoingEmail | None:
    """Queue a message again; None if there is none.

    Raises AddressSuppressed, mail.outbox.EmailNotFailed.
    """
    with all_accounts_scope("staff send a message again"):
        email = OutgoingEmail.objects.filter(pk=email_id).first()
        if email is None:
            return None
        address = comparable(email.recipient_address)
        if SuppressedAddress.objects.filter(address=address).exists():
            raise AddressSuppressed(
                f"Nothing is sent to {address} while it is on the list of suppressed addresses."
            )
        retry(email, actor=actor)
        return email


def _wanted(text: str) -> Q:
    if "@" in text:
        conditions = (Q(recipient_address__iexact=each) for each in spellings(text))
        return reduce(or_, conditions)
    of_invoice = [
        delivered.objects.filter(invoice__number=text.upper()).values("email")
        for delivered in (Delivery, FurtherDelivery)
    ]
    condition = Q(pk__in=of_invoice[0]) | Q(pk__in=of_invoice[1])
    if text.isdecimal() and len(text) <= LONGEST_NUMBER:
        condition |= Q(account_id__in=Account.objects.filter(number=int(text)).values("pk"))
    return condition


def _with_what_belongs_to(emails: Sequence[OutgoingEmail]) -> list[Undelivered]:
    accounts = Account.objects.in_bulk({email.account_id for email in emails if email.account_id})
    addresses = {comparable(email.recipient_address) for email in emails}
    suppressed = {
        each.address: each for each in SuppressedAddress.objects.filter(address__in=addresses)
    }
    invoices = _invoices(emails)
    return [
        Undelivered(
            email,
            _how(email),
            accounts.get(email.account_id or 0),
            [invoice.number or "" for invoice in invoices[email.pk]],
            suppressed.get(comparable(email.recipient_address)),
            is_called_off=any(
                invoice.state == Invoice.State.VOID for invoice in invoices[email.pk]
            ),
        )
        for email in emails
    ]


def _how(email: OutgoingEmail) -> How:
    if email.state == _State.BOUNCED:
        return How.RETURNED
    return How.PARKED if email.attempts >= MAX_ATTEMPTS else How.REFUSED


def _invoices(emails: Sequence[OutgoingEmail]) -> dict[UUID, list[Invoice]]:
    """The documents that each message carries."""
    invoices: dict[UUID, list[Invoice]] = {email.pk: [] for email in emails}
    for delivered in (Delivery, FurtherDelivery):
        found = delivered.objects.filter(email__in=list(invoices)).select_related("invoice")
        for each in found.only("email_id", "invoice__number", "invoice__state"):
            if each.email_id:
                invoices[each.email_id].append(each.invoice)
    return invoices


def _page(rows: QuerySet[AnyModel], moment: str, before: object, after: object) -> Page[AnyModel]:
    """By key: a place is the primary key of the row beside it, whatever has become of that."""
    if before is not None:
        rows = rows.filter(_beside(rows, moment, before, "lt"))
    elif after is not None:
        rows = rows.filter(_beside(rows, moment, after, "gt")).order_by(moment, "pk")
    ordered = rows if after is not None else rows.order_by(f"-{moment}", "-pk")
    found = list(ordered[: PAGE_LENGTH + 1])
    is_more, found = len(found) > PAGE_LENGTH, found[:PAGE_LENGTH]
    if after is not None:
        found.reverse()
    if not found:
        return Page(())
    has_newer = is_more if after is not None else before is not None
    has_older = after is not None or is_more
    return Page(
        found,
        newer=f"{found[0].pk}" if has_newer else "",
        older=f"{found[-1].pk}" if has_older else "",
    )


def _beside(rows: QuerySet[Any], moment: str, pk: object, side: str) -> Q:
    at = rows.model._default_manager.filter(pk=pk).values_list(moment, flat=True).first()
    if at is None:
        return Q(pk__in=())
    return Q(**{f"{moment}__{side}": at}) | Q(**{moment: at, f"pk__{side}": pk})
