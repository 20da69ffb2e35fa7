"""Mails about invitations. None of them carries text that a person wrote but the account's name.

Each function queues in the caller's transaction and needs the account's scope.
"""

from django.utils import timezone

from accounts.invitations import PURPOSE, Examined, whom_to_ask
from accounts.member_mail import (
    account_words_for_strangers,
    notify,
    owner_of,
    page_of,
    person_in_words,
)
from accounts.models import Invitation, Membership
from accounts.permissions import Flag, flag_words
from mail.addresses import Mailbox
from mail.links import LinkTo
from mail.notices import send_notice
from users.models import User


def send_invitation(invitation: Invitation, *, to: User | None) -> None:
    """The invitation itself; ``to`` is the user ID of its address, if there is one.

    Raises mail.addresses.UnusableAddress.
    """
    send_notice(
        "invitation",
        to=Mailbox(invitation.email, to.get_full_name() if to else ""),
        language=to.language if to else invitation.language,
        time_zone=to.timezone if to else invitation.account.timezone,
        dedup_key=f"invitation/{invitation.pk}/{invitation.sent_count}",
        context={
            **account_words_for_strangers(invitation.account),
            "inviter": invitation.invited_by.email,
            "email": invitation.email,
            "expires_at": invitation.expires_at,
            "has_user_id": to is not None,
            "rights": [flag_words(flag) for flag in Flag if flag in invitation.flags],
            "receives_invoices": invitation.receives_invoices,
        },
        account_id=invitation.account_id,
        link=LinkTo(PURPOSE, invitation.pk),
    )


def tell_of_acceptance(invitation: Invitation, membership: Membership) -> None:
    """To the inviter, and to the owner when somebody else invited."""
    account = invitation.account
    inviter = invitation.invited_by
    for reader in dict.fromkeys([inviter, owner_of(account)]):
        notify(
            "invitation_accepted",
            account=account,
            to=reader,
            key=f"invitation_accepted/{invitation.pk}/{reader.pk}",
            context={
                "person": person_in_words(membership.user),
                "inviter": inviter.email,
                "is_inviter": reader == inviter,
                "rights": [flag_words(flag).name for flag in Flag if flag in membership.flags],
                "receives_invoices": membership.receives_invoices,
                "page": page_of(account, "settings:users"),
            },
        )


def tell_of_decline(invitation: Invitation) -> None:
    """To the inviter."""
    notify(
        "invitation_declined",
        account=invitation.account,
        to=invitation.invited_by,
        key=f"invitation_declined/{invitation.pk}",
        context={"email": invitation.email, "page": page_of(invitation.account, "settings:users")},
    )


def ask_to_send_again(examined: Examined) -> User:
    """From the invited address to whoever can send it again, once a day; returns whom."""
    invitation, reader = examined.invitation, whom_to_ask(examined)
    notify(
        "invitation_wanted_again",
        account=invitation.account,
        to=reader,
        key=f"invitation_wanted_again/{invitation.pk}/{timezone.now():%Y-%m-%d}",
        context={"email": invitation.email, "page": page_of(invitation.account, "settings:users")},
    )
    return reader


def ask_for_own_address(examined: Examined, *, user: User) -> User:
    """From somebody who reads the mail of two addresses, once; returns whom was asked."""
    invitation, reader = examined.invitation, whom_to_ask(examined)
    page = page_of(invitation.account, "settings:add_user")
    notify(
        "invitation_wanted_elsewhere",
        account=invitation.account,
        to=reader,
        key=f"invitation_wanted_elsewhere/{invitation.pk}/{user.pk}",
        context={"email": invitation.email, "own_email": user.email, "page": page},
    )
    return reader
