"""Addresses where an account's invoices go, and come back from: told, shown, and tried again.

Mail stops going to an address once it came back from there for good (mail.bounces). Whose invoices
went there learns of it, and can have it tried again after correcting what was wrong.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, Q
from django.db.models.functions import Lower
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.addressing import read_addressing
from accounts.contacts import NoBillingAddress
from accounts.member_mail import notify, owner_of, page_of
from accounts.models import Account, Contact, InvoiceAddress, Membership
from audit.actions import Action
from audit.recording import Actor, record
from common.exceptions import DomainError
from common.ids import normalise_email
from common.scoping import account_scope
from mail.models import SuppressedAddress
from mail.return_words import why_suppressed
from mail.suppressing import release
from users.rate_limits import Limit, take

# Each try is a message to somebody who, as far as is known, does not read it.
_TRIES = Limit("returned_address", 3, timedelta(days=1))


class NotTriedAgain(DomainError):
    """The reader complained, or our staff stopped it: only they start it again."""

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

    For ``mail.bounces.RETURNED``: in its transaction, in a scope over all accounts. Not sent to the
    address itself. A second return says nothing new: a suppression is told once.
    """
    for account in _accounts_with(suppressed.address):
        with account_scope(account):
            owner = owner_of(account)
            if normalise_email(owner.email) == suppressed.address or not _goes_to(
                account, suppressed.address
            ):
                continue
            notify(
                "billing_address_bounces",
                account=account,
                to=owner,
                key=f"billing_address_bounces/{account.pk}/{suppressed.pk}",
                context={
                    "address": suppressed.address,
                    "why": why_suppressed(suppressed),
                    "may_be_tried": _may_be_tried(suppressed),
                    "page": page_of(account, "settings:contacts"),
                },
            )


def returned_addresses(account: Account) -> list[ReturnedAddress]:
    """Those of the account that get nothing, in one statement. Needs the account's scope."""
    billing = Contact.objects.filter(account=account, kind=Contact.Kind.BILLING).exclude(email="")
    members = Membership.objects.filter(account=account)
    # The owner stands in where the billing contact has no address.
    reading = members.filter(Q(receives_invoices=True) | Q(~Exists(billing), is_owner=True))
    confirmed = InvoiceAddress.objects.filter(account=account, confirmed_at__isnull=False)
    found = SuppressedAddress.objects.filter(
        Q(address__in=billing.values_list(Lower("email")))
        | Q(address__in=reading.values_list("user__email"))
        | Q(address__in=confirmed.values_list("email"))
    )
    return [
        ReturnedAddress(each.address, each.since, why_suppressed(each), _may_be_tried(each))
        for each in found.order_by("address")
    ]


def try_again(account: Account, *, address: str, actor: Actor) -> str:
    """Let mail go to the address again; returns it. Needs the account's scope.

    Raises NoAddressOfThisAccount, AddressNotStopped, NotTriedAgain, TooManyAttempts.
    """
    address = normalise_email(address)
    if not _goes_to(account, address):
        raise NoAddressOfThisAccount
    suppressed = SuppressedAddress.objects.filter(address=address).first()
    if suppressed is None:
        raise AddressNotStopped(address)
    if not _may_be_tried(suppressed):
        raise NotTriedAgain
    # By the address: it may be one of several accounts.
    taken = take([_TRIES.by(address)])
    if not release(suppressed, actor=actor, why=f"asked for by account {account.number}"):
        taken.give_back()
        raise AddressNotStopped(address)
    record(
        Action.ADDRESS_TRIED_AGAIN,
        actor=actor,
        account_id=account.pk,
        subject=f"address {address}",
        details={"reason": suppressed.reason, "since": suppressed.since.isoformat()},
    )
    return address


def _accounts_with(address: str) -> list[Account]:
    """Accounts on which the address is on file where invoices may go; needs a scope over all.

    Closed ones too: what is still due is billed.
    """
    contacts = Contact.objects.filter(kind=Contact.Kind.BILLING, email__iexact=address)
    members = Membership.objects.filter(Q(is_owner=True) | Q(receives_invoices=True))
    extra = InvoiceAddress.objects.filter(email=address)
    found = Account.objects.filter(
        Q(pk__in=contacts.values("account"))
        | Q(pk__in=members.filter(user__email=address).values("account"))
        | Q(pk__in=extra.values("account"))
    )
    return list(found.order_by("pk"))


def _goes_to(account: Account, address: str) -> bool:
    with suppress(NoBillingAddress):
        recipients = read_addressing(account).recipients
        return any(recipient.address == address for recipient in recipients)
    return False


def _may_be_tried(suppressed: SuppressedAddress) -> bool:
    return suppressed.kind == SuppressedAddress.Kind.RETURNED
