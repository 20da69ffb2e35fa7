"""Addresses where an account's invoices go, and come back from: told, shown, and tried again.

Mail stops going to an address once it came back from there for good (mail.bounces). Whose invoices
went there learns of it, and can have it tried again after correcting what was wrong: not everybody
who enters the address, for it may be somebody else's, and nobody confirmed it.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.addressing import read_addressing
from accounts.contacts import NoBillingAddress
from accounts.member_mail import notify, owner_of, page_of
from accounts.models import Account, Contact, InvoiceAddress, Membership
from accounts.recipients import Recipient
from audit.actions import Action
from audit.recording import Actor, record
from common.exceptions import DomainError
from common.scoping import account_scope
from mail.addresses import comparable, spellings
from mail.models import MailReport, SuppressedAddress
from mail.return_words import why_suppressed
from mail.suppressing import release
from users.rate_limits import Limit, take

# Each try is a message to somebody who, as far as is known, does not read it.
TRIES_A_DAY = 3
_TRIES = Limit("returned_address", TRIES_A_DAY, timedelta(days=1))


class NotTriedAgain(DomainError):
    """Only our staff start it again.

    The reader complained, they stopped it themselves, or what came back was not this account's.
    """

    def __init__(self) -> None:
        super().__init__(_("Only our support team can start mail to this address again."))


class AddressNotStopped(DomainError):
    """There is nothing to start again: somebody has done so, perhaps with the same button."""

    def __init__(self, address: str) -> None:
        super().__init__(
            _("Mail to %(address)s is not stopped. Nothing was changed.") % {"address": address}
        )


class NoAddressOfThisAccount(DomainError):
    """Invoices of the account do not go there; whether it is stopped is nobody's concern."""


@dataclass(frozen=True, slots=True)
class ReturnedAddress:
    """An address that gets no invoices because of what became of mail to it."""

    address: str
    since: datetime
    # In the language of whoever reads it.
    why: Promise
    may_be_tried: bool


def tell_owners(suppressed: SuppressedAddress) -> None:
    """One notice to the owner of each account whose invoices go to the address.

    For ``mail.returned_hooks.RETURNED``: in its transaction, in a scope over all accounts. Not sent
    to the address itself. A second return says nothing new: a suppression is told once.
    """
    for account in _accounts_with(suppressed.address):
        with account_scope(account):
            owner = owner_of(account)
            if comparable(owner.email) == suppressed.address:
                continue
            address = _recipient_at(account, suppressed.address)
            if not address:
                continue
            notify(
                "billing_address_bounces",
                account=account,
                to=owner,
                key=f"billing_address_bounces/{account.pk}/{suppressed.pk}",
                context={
                    "address": address,
                    "why": why_suppressed(suppressed),
                    "may_be_tried": _may_be_tried(account, suppressed),
                    "page": page_of(account, "settings:contacts"),
                },
            )


def returned_addresses(account: Account) -> list[ReturnedAddress]:
    """Those of the account that get nothing, in five statements. Needs the account's scope."""
    return returned_among(_recipients(account), account=account)


def returned_among(recipients: Iterable[Recipient], *, account: Account) -> list[ReturnedAddress]:
    """The same where the recipients have been read already."""
    addresses = {comparable(recipient.address): recipient.address for recipient in recipients}
    found = list(SuppressedAddress.objects.filter(address__in=addresses).order_by("address"))
    own = _returned_own_mail(account, found)
    return [
        ReturnedAddress(
            addresses[each.address], each.since, why_suppressed(each), each.address in own
        )
        for each in found
    ]


def try_again(account: Account, *, address: str, actor: Actor) -> str:
    """Let mail go to the address again; returns it. Needs the account's scope.

    Raises NoAddressOfThisAccount, AddressNotStopped, NotTriedAgain, TooManyAttempts.
    """
    address = _recipient_at(account, comparable(address))
    if not address:
        raise NoAddressOfThisAccount
    suppressed = SuppressedAddress.objects.filter(address=comparable(address)).first()
    if suppressed is None:
        raise AddressNotStopped(address)
    if not _may_be_tried(account, suppressed):
        raise NotTriedAgain
    # By the address: it may be one of several accounts.
    taken = take([_TRIES.by(suppressed.address)])
    if not release(suppressed, actor=actor, why=f"asked for by account {account.number}"):
        taken.give_back()
        raise AddressNotStopped(address)
    record(
        Action.ADDRESS_TRIED_AGAIN,
        actor=actor,
        account_id=account.pk,
        subject=f"address {suppressed.address}",
        details={"reason": suppressed.reason, "since": suppressed.since.isoformat()},
    )
    return address


def _accounts_with(address: str) -> list[Account]:
    """Accounts on which the address is on file where invoices may go; needs a scope over all.

    Closed ones too: what is still due is billed.
    """
    written = spellings(address)
    is_contacts = reduce(or_, (Q(email__iexact=each) for each in written))
    contacts = Contact.objects.filter(is_contacts, kind=Contact.Kind.BILLING)
    members = Membership.objects.filter(Q(is_owner=True) | Q(receives_invoices=True))
    extra = InvoiceAddress.objects.filter(email__in=written)
    found = Account.objects.filter(
        Q(pk__in=contacts.values("account"))
        | Q(pk__in=members.filter(user__email__in=written).values("account"))
        | Q(pk__in=extra.values("account"))
    )
    return list(found.order_by("pk"))


def _recipients(account: Account) -> Sequence[Recipient]:
    """Who would get an invoice of this moment."""
    with suppress(NoBillingAddress):
        return read_addressing(account).recipients
    return ()


def _recipient_at(account: Account, compared: str) -> str:
    """The address as the account has it; empty when its invoices do not go there."""
    addresses = (recipient.address for recipient in _recipients(account))
    return next((address for address in addresses if comparable(address) == compared), "")


def _may_be_tried(account: Account, suppressed: SuppressedAddress) -> bool:
    return suppressed.address in _returned_own_mail(account, [suppressed])


def _returned_own_mail(account: Account, found: Collection[SuppressedAddress]) -> set[str]:
    """Those that mail of this very account came back from, and that no reader complained from."""
    returned = [each for each in found if each.kind == SuppressedAddress.Kind.RETURNED]
    written = {spelling for each in returned for spelling in spellings(each.address)}
    if not written:
        return set()
    went_there = reduce(or_, (Q(email__recipient_address__iexact=each) for each in written))
    reports = MailReport.objects.filter(
        went_there, kind=MailReport.Kind.RETURNED, email__account_id=account.pk
    )
    addresses = reports.values_list("email__recipient_address", flat=True).distinct()
    return {comparable(address) for address in addresses}
