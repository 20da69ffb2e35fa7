"""Extra addresses that get an account's invoices: added, confirmed by their reader, stopped.

Nobody but the reader of the mailbox makes an address a recipient. The links need no user ID.
"""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.addressing import read_addressing
from accounts.contact_mail import tell_of_stopped_address
from accounts.details import lock_account
from accounts.member_mail import account_words_for_strangers
from accounts.models import Account, InvoiceAddress
from accounts.recipients import reasons_in_words
from audit.actions import Action
from audit.recording import Actor, record
from common.exceptions import DomainError
from common.ids import normalise_email
from common.scoping import account_scope, all_accounts_scope
from common.tokens import is_token, new_nonce, token_for
from mail.addresses import Mailbox, envelope_address
from mail.links import LinkTo
from mail.notices import send_notice
from users.models import User
from users.rate_limits import Limit, take

CONFIRM, STOP = "invoice_address", "invoice_address_stop"

MOST_ADDRESSES = 5
# As long as an invitation (row Z3): a shared mailbox is not read every day.
CONFIRM_WITHIN = timedelta(days=10)
# Strangers' mailboxes must not be filled from here, however often addresses come and go.
_BY_ACCOUNT = Limit("invoice_address_account", 20, timedelta(days=1))
_BY_ADDRESS = Limit("invoice_address_address", 5, timedelta(days=1))


class TooManyInvoiceAddresses(DomainError):
    def __init__(self) -> None:
        super().__init__(
            _("An account can have %(most)s extra addresses. Remove one first.")
            % {"most": MOST_ADDRESSES}
        )


class InvoiceAddressListed(DomainError):
    def __init__(self, address: str) -> None:
        super().__init__(_("%(address)s is on the list already.") % {"address": address})


class GetsInvoicesAlready(DomainError):
    """Adding it would change nothing but leave a stop link that stops nothing."""

    def __init__(self, address: str, reasons: str) -> None:
        super().__init__(
            _("%(address)s gets every invoice already (%(reasons)s).")
            % {"address": address, "reasons": reasons}
        )


class InvoiceAddressConfirmed(DomainError):
    """There is nothing to confirm any more."""

    def __init__(self, address: str) -> None:
        super().__init__(_("%(address)s is confirmed already.") % {"address": address})


class InvoiceAddressLinkEnded(DomainError):
    """Used, replaced, altered, or its address was taken off the account: nobody is told which."""

    def __init__(self) -> None:
        super().__init__(_("This link does not work any more."))


class InvoiceAddressLinkExpired(DomainError):
    """A genuine link that was opened too late."""

    def __init__(self, address: InvoiceAddress) -> None:
        super().__init__(_("This link has expired."))
        self.address = address


def add_address(account: Account, *, email: str, added_by: User, actor: Actor) -> InvoiceAddress:
    """Put ``email`` on the list and ask its reader to confirm. Needs the account's scope.

    Raises AccountClosed, UnusableAddress, InvoiceAddressListed, GetsInvoicesAlready,
    TooManyInvoiceAddresses, TooManyAttempts.
    """
    email = normalise_email(email)
    envelope_address(email)
    account = lock_account(account)
    standing = read_addressing(account)
    if any(each.email == email for each in standing.invoice_addresses):
        raise InvoiceAddressListed(email)
    for recipient in standing.recipients:
        if recipient.address == email:
            raise GetsInvoicesAlready(email, reasons_in_words(recipient.reasons))
    if len(standing.invoice_addresses) >= MOST_ADDRESSES:
        raise TooManyInvoiceAddresses
    take([_BY_ACCOUNT.by(str(account.pk)), _BY_ADDRESS.by(email)])
    now = timezone.now()
    address = InvoiceAddress.objects.create(
        account=account,
        email=email,
        added_by=added_by,
        sent_at=now,
        expires_at=now + CONFIRM_WITHIN,
    )
    _record(Action.INVOICE_ADDRESS_ADDED, address, actor=actor)
    _ask(address, account=account, asked_by=added_by)
    return address


def send_again(address: InvoiceAddress, *, sent_by: User, actor: Actor) -> None:
    """Renew the time to confirm and end the former link. Needs the account's scope.

    Raises AccountClosed, InvoiceAddressConfirmed, TooManyAttempts.
    """
    account = lock_account(address.account)
    address.refresh_from_db()
    if address.confirmed_at is not None:
        raise InvoiceAddressConfirmed(address.email)
    take([_BY_ACCOUNT.by(str(account.pk)), _BY_ADDRESS.by(address.email)])
    address.nonce, address.sent_at = new_nonce(), timezone.now()
    address.expires_at = address.sent_at + CONFIRM_WITHIN
    address.sent_count += 1
    address.save(update_fields=["nonce", "sent_at", "expires_at", "sent_count"])
    _record(Action.INVOICE_ADDRESS_SENT_AGAIN, address, actor=actor)
    _ask(address, account=account, asked_by=sent_by)


def remove_address(address: InvoiceAddress, *, actor: Actor) -> None:
    """Take the address off the list; its links end. Needs the account's scope.

    Raises AccountClosed.
    """
    lock_account(address.account)
    _record(Action.INVOICE_ADDRESS_REMOVED, address, actor=actor)
    address.delete()


def find_to_confirm(row: UUID, token_hash: str) -> InvoiceAddress:
    """The address, with its account, that a link is to confirm; also one that is confirmed.

    Raises InvoiceAddressLinkEnded, InvoiceAddressLinkExpired.
    """
    address = _find(CONFIRM, row, token_hash)
    if address.confirmed_at is None and address.expires_at <= timezone.now():
        raise InvoiceAddressLinkExpired(address)
    return address


def confirm_address(row: UUID, token_hash: str, *, actor: Actor) -> InvoiceAddress:
    """Have invoices sent to the address from now on; a second time changes nothing.

    Raises InvoiceAddressLinkEnded, InvoiceAddressLinkExpired.
    """
    found = find_to_confirm(row, token_hash)
    with account_scope(found.account_id):
        address = _lock(found)
        # Sent again or removed between the look and the lock.
        if address is None or address.nonce != found.nonce:
            raise InvoiceAddressLinkEnded
        if address.confirmed_at is None:
            address.confirmed_at = timezone.now()
            address.save(update_fields=["confirmed_at"])
            _record(Action.INVOICE_ADDRESS_CONFIRMED, address, actor=actor)
        return address


def find_to_stop(row: UUID, token_hash: str) -> InvoiceAddress:
    """The address, with its account, that a link in an invoice's mail can stop.

    Raises InvoiceAddressLinkEnded.
    """
    return _find(STOP, row, token_hash)


def stop_address(row: UUID, token_hash: str, *, actor: Actor) -> InvoiceAddress:
    """Send no more invoices to the address, and tell the billing contact.

    Raises InvoiceAddressLinkEnded, also when it has been stopped before.
    """
    found = find_to_stop(row, token_hash)
    with account_scope(found.account_id):
        address = _lock(found)
        if address is None:
            raise InvoiceAddressLinkEnded
        _record(Action.INVOICE_ADDRESS_STOPPED, address, actor=actor)
        tell_of_stopped_address(address)
        address.delete()
    return found


def confirm_link(row: UUID) -> str | None:
    """For ``mail.links``: the address of the link, while there is something to confirm."""
    with all_accounts_scope("a mail that leaves names only its row"):
        address = InvoiceAddress.objects.filter(pk=row, confirmed_at=None).first()
    if address is None or address.expires_at <= timezone.now():
        return None
    return _link("accounts:confirm_invoice_address_link", CONFIRM, address)


def stop_link(row: UUID) -> str | None:
    """For ``mail.links``: the address of the link, while invoices are sent there."""
    with all_accounts_scope("a mail that leaves names only its row"):
        address = InvoiceAddress.objects.filter(pk=row, confirmed_at__isnull=False).first()
    return _link("accounts:stop_invoice_address_link", STOP, address) if address else None


def _link(url_name: str, purpose: str, address: InvoiceAddress) -> str:
    token = token_for(purpose, address.pk, address.nonce)
    return f"{settings.SITE_URL}{reverse(url_name, args=[address.pk, token])}"


def _find(purpose: str, row: UUID, token_hash: str) -> InvoiceAddress:
    with all_accounts_scope("a link names only its row"):
        address = (
            InvoiceAddress.objects.select_related("account", "added_by").filter(pk=row).first()
        )
    if address is None or not is_token(purpose, row, address.nonce, token_hash):
        raise InvoiceAddressLinkEnded
    return address


def _lock(address: InvoiceAddress) -> InvoiceAddress | None:
    rows = InvoiceAddress.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("account").filter(pk=address.pk).first()


def _ask(address: InvoiceAddress, *, account: Account, asked_by: User) -> None:
    """Who asks is named by address alone: what a person calls themselves is anybody's text."""
    send_notice(
        "confirm_invoice_address",
        to=Mailbox(address.email),
        language=account.locale.partition("-")[0],
        time_zone=account.timezone,
        dedup_key=f"invoice_address/{address.pk}/{address.sent_count}",
        context={
            **account_words_for_strangers(account),
            "asked_by": asked_by.email,
            "expires_at": address.expires_at,
        },
        account_id=account.pk,
        link=LinkTo(CONFIRM, address.pk),
    )


def _record(action: Action, address: InvoiceAddress, *, actor: Actor) -> None:
    record(
        action,
        actor=actor,
        account_id=address.account_id,
        subject=f"address {address.email}",
    )
