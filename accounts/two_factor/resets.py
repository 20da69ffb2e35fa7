"""What accounts have to do with a two-factor reset: they hear of it, and a manager can confirm it.

Docs: docs/two-factor.md.
"""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from accounts.access import Access
from accounts.member_mail import account_words_for_strangers
from accounts.memberships import MemberGone, managing_users
from accounts.models import Account, Contact, Membership
from accounts.permissions import Permission, permissions_of
from accounts.two_factor.policy import is_required_of
from audit.recording import Actor
from common.ids import normalise_email
from common.scoping import all_accounts_scope
from mail.addresses import Mailbox
from twofactor.models import TwoFactorReset
from twofactor.reset_hooks import ResetReader
from twofactor.reset_refusals import JoinedTooLate, NotYoursToConfirm, ResetOver
from twofactor.resetting import confirm_reset, pending_reset, require_second_person
from users.locked_people import lock_person
from users.models import User


@dataclass(frozen=True, slots=True)
class _Reader:
    mailbox: Mailbox
    language: str
    time_zone: str
    confirm_page: str = ""


@dataclass(frozen=True, slots=True)
class MembersReset:
    """A reset that is under way, and the member whose it is."""

    member: Membership
    reset: TwoFactorReset


def readers_of_reset(user: User) -> list[ResetReader]:
    """Whoever answers for an account that a reset of ``user`` concerns, each address once.

    The contacts of every account that ``user`` owns; and of every one that requires two-factor of
    them the contacts, the owner and whoever manages users.
    """
    readers: dict[str, _Reader] = {}
    accounts: dict[str, list[str]] = defaultdict(list)
    with all_accounts_scope("who is told of a two-factor reset"):
        memberships = Membership.objects.select_related("account").filter(user=user)
        for membership in memberships.order_by("account__number"):
            for reader in _readers(membership):
                address = normalise_email(reader.mailbox.address)
                readers.setdefault(address, reader)
                words = _account_in_words(membership.account)
                if words not in accounts[address]:
                    accounts[address].append(words)
    return [
        ResetReader(
            reader.mailbox,
            reader.language,
            reader.time_zone,
            tuple(accounts[address]),
            reader.confirm_page,
        )
        for address, reader in readers.items()
    ]


def confirm_members_reset(access: Access, public_id: UUID, *, actor: Actor) -> TwoFactorReset:
    """A user manager knows that the member asked for the reset; it happens sooner.

    Both of them must have been in the account before it was started: whoever wants it sooner could
    else open an account for that. Raises MemberGone, PermissionMissing, AccountClosed, ResetOver,
    ResetConfirmed, NotYoursToConfirm, JoinedTooLate.
    """
    member = find_member(access, public_id)
    lock_person(member.user_id)
    with managing_users(access) as manager:
        member = find_member(manager, public_id)
        reset = reset_to_confirm(manager, member)
        return confirm_reset(reset.pk, by=manager.user, account_id=manager.account.pk, actor=actor)


def resets_of_members(access: Access) -> list[MembersReset]:
    """Resets that this user manager can confirm, or could until one did; most often none."""
    waiting = TwoFactorReset.objects.filter(
        state=TwoFactorReset.State.PENDING, user__memberships__account=access.account
    )
    resets = {reset.user_id: reset for reset in waiting}
    if not resets:
        return []
    members = Membership.objects.select_related("user").filter(
        account=access.account, user__in=resets
    )
    return [
        MembersReset(member, resets[member.user_id])
        for member in members.order_by("pk")
        if _is_confirmable(access, member, resets[member.user_id])
    ]


def find_member(access: Access, public_id: UUID) -> Membership:
    """Raises MemberGone."""
    members = Membership.objects.select_related("user").filter(account=access.account)
    member = members.filter(public_id=public_id).first()
    if member is None:
        raise MemberGone
    return member


def reset_to_confirm(access: Access, member: Membership) -> TwoFactorReset:
    """The reset of ``member`` that is under way. Raises ResetOver, NotYoursToConfirm,
    JoinedTooLate.
    """
    reset = pending_reset(member.user)
    if reset is None:
        raise ResetOver
    _require_confirmable(access, member, reset)
    return reset


def _require_confirmable(access: Access, member: Membership, reset: TwoFactorReset) -> None:
    """Raise NotYoursToConfirm or JoinedTooLate unless the reader can confirm ``reset``."""
    require_second_person(reset, access.user)
    if max(member.created_at, access.membership.created_at) >= reset.started_at:
        raise JoinedTooLate


def _is_confirmable(access: Access, member: Membership, reset: TwoFactorReset) -> bool:
    try:
        _require_confirmable(access, member, reset)
    except (NotYoursToConfirm, JoinedTooLate):
        return False
    return True


def _readers(membership: Membership) -> list[_Reader]:
    account = membership.account
    is_required = is_required_of(membership)
    found = [*_managers(membership)] if is_required else []
    if is_required or membership.is_owner:
        found += _contacts(account)
    return found


def _managers(membership: Membership) -> list[_Reader]:
    """The owner and the user managers, who can confirm it; not the person."""
    account = membership.account
    others = Membership.objects.select_related("user").filter(account=account)
    page = settings.SITE_URL + reverse(
        "settings:two_factor_reset", args=[account.number, membership.public_id]
    )
    return [
        _Reader(
            Mailbox(other.user.email, other.user.get_full_name()),
            other.user.language,
            other.user.timezone,
            page,
        )
        for other in others.filter(user__is_active=True).order_by("-is_owner", "pk")
        if other.user_id != membership.user_id and _manages_users(other)
    ]


def _manages_users(membership: Membership) -> bool:
    held = permissions_of(
        is_owner=membership.is_owner,
        flags=membership.flags,
        # Managing users is no billing setting.
        billing_reserved=False,
    )
    return Permission.MEMBERS_MANAGE in held


def _contacts(account: Account) -> list[_Reader]:
    contacts = Contact.objects.filter(account=account).exclude(email="").order_by("kind")
    return [
        _Reader(
            Mailbox(contact.email, contact.name or contact.company),
            account.locale.partition("-")[0],
            account.timezone,
        )
        for contact in contacts
    ]


def _account_in_words(account: Account) -> str:
    """“1234567, Hartwell & Sons”; a name that leads elsewhere is left out."""
    words = account_words_for_strangers(account)
    return ", ".join(str(each) for each in (words["number"], words["account_name"]) if each)
