"""What people are told about a change of owner. Queued in the transaction of what they tell."""

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.urls import reverse

from accounts.member_mail import name_in_mail, person_in_words
from accounts.models import Account, Contact, OwnershipChange
from common.ids import normalise_email
from mail.addresses import Mailbox, UnusableAddress
from mail.headers import one_line
from mail.notices import send_notice
from users.models import User

# What staff write is cut here in a mail; the page has all of it.
_REASON_SHOWN = 500


class Role(StrEnum):
    """Why somebody is told; mails word it by this."""

    OWNER = "owner"
    NEW_OWNER = "new_owner"
    CONTACT = "contact"


@dataclass(frozen=True, slots=True)
class _Reader:
    """``key`` tells the readers of one message apart for ever."""

    role: Role
    key: str
    mailbox: Mailbox
    language: str
    timezone: str


def tell_of_offer(change: OwnershipChange) -> None:
    """The member has something to decide; the owner can see an offer that they did not make."""
    _send("ownership_offered", change, readers=_people(change))


def tell_of_declined_offer(change: OwnershipChange) -> None:
    _send("ownership_offer_declined", change, readers=[_owner(change)])


def tell_of_expired_offer(change: OwnershipChange) -> None:
    _send("ownership_offer_expired", change, readers=[_owner(change)])


def tell_of_hand_over(change: OwnershipChange) -> None:
    _send("hand_over_started", change, readers=_everybody(change))


def tell_of_stopped_change(change: OwnershipChange) -> None:
    """Contacts were told of a hand-over; of an offer, only the two people were."""
    is_offer = change.kind == OwnershipChange.Kind.OFFER
    name = "ownership_offer_stopped" if is_offer else "hand_over_stopped"
    _send(name, change, readers=_people(change) if is_offer else _everybody(change))


def tell_of_new_owner(change: OwnershipChange) -> None:
    is_offer = change.kind == OwnershipChange.Kind.OFFER
    readers = _people(change) if is_offer else _everybody(change)
    _send("ownership_changed", change, readers=readers)


def _send(name: str, change: OwnershipChange, *, readers: list[_Reader]) -> None:
    number = [change.account.number]
    context = {
        "account_name": name_in_mail(change.account.name),
        "account_number": change.account.number,
        "owner": person_in_words(change.from_user),
        "new_owner": person_in_words(change.to_user),
        "due_at": change.due_at,
        "reason": one_line(change.reason, most=_REASON_SHOWN),
        "former_owner_keeps_access": change.former_owner_keeps_access,
        "ownership_url": settings.SITE_URL + reverse("settings:ownership", args=number),
        "overview_url": settings.SITE_URL + reverse("account:overview", args=number),
    }
    for reader in readers:
        # An address that no server takes keeps no account with its former owner.
        with suppress(UnusableAddress):
            send_notice(
                name,
                to=reader.mailbox,
                language=reader.language,
                time_zone=reader.timezone,
                dedup_key=f"{name}/{change.pk}/{reader.key}",
                account_id=change.account_id,
                context={**context, "role": reader.role.value},
            )


def _everybody(change: OwnershipChange) -> list[_Reader]:
    return [*_people(change), *_contacts(change)]


def _people(change: OwnershipChange) -> list[_Reader]:
    return [_owner(change), _reader(Role.NEW_OWNER, change.to_user)]


def _owner(change: OwnershipChange) -> _Reader:
    """Who was the owner when the change started."""
    return _reader(Role.OWNER, change.from_user)


def _reader(role: Role, user: User) -> _Reader:
    mailbox = Mailbox(user.email, user.get_full_name())
    return _Reader(role, f"user-{user.pk}", mailbox, user.language, user.timezone)


def _contacts(change: OwnershipChange) -> list[_Reader]:
    """The admin and the billing contact, where they are neither of the two people."""
    told = {change.from_user.email, change.to_user.email}
    found = []
    for contact in Contact.objects.filter(account=change.account).order_by("kind"):
        address = normalise_email(contact.email)
        # Contacts that an import brought may have none.
        if address and address not in told:
            told.add(address)
            found.append(_contact(contact, account=change.account))
    return found


def _contact(contact: Contact, *, account: Account) -> _Reader:
    mailbox = Mailbox(contact.email, contact.name or contact.company)
    language = account.locale.partition("-")[0]
    return _Reader(Role.CONTACT, f"contact-{contact.pk}", mailbox, language, account.timezone)
