"""Steps with invitations and members that several tests take."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts.access import Access, access_of
from accounts.invitations import link_of
from accounts.inviting import invite
from accounts.models import Account, Invitation, Membership
from accounts.permissions import Flag
from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from mail.models import OutgoingEmail
from tests.factories import OPERATOR
from tests.people import Answer
from users.models import User

NEWCOMER = "erin@newcomer.example"
NEW_PASSWORD = "lampshade orbit velvet cactus"


def settings_of(account: Account, rest: str = "users/") -> str:
    return f"/a/{account.number}/settings/{rest}"


def access_for(user: User, account: Account) -> Access:
    membership = Membership.objects.select_related("account").get(user=user, account=account)
    return access_of(membership, user=user)


def invited(
    account: Account,
    *,
    by: User,
    email: str = NEWCOMER,
    flags: Sequence[Flag] = (Flag.BILLING,),
    receives_invoices: bool = False,
) -> Invitation:
    """An invitation that was sent just now."""
    invite(
        access_for(by, account),
        email=email,
        flags=flags,
        receives_invoices=receives_invoices,
        actor=OPERATOR,
    )
    return Invitation.objects.get(account=account, email=email, state="pending")


def expire(invitation: Invitation) -> None:
    """As it is when its ten days are over."""
    past = timezone.now() - timedelta(minutes=1)
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=past)
    invitation.refresh_from_db()


def opened(browser: Client, invitation: Invitation) -> Any:
    """Follow the link in the mail; returns the page behind it."""
    return browser.get(link_of(invitation), follow=True)


def new_person(**values: str) -> dict[str, str]:
    return {"first_name": "Erin", "last_name": "Vale", "password": NEW_PASSWORD, **values}


def mails(kind: str) -> list[OutgoingEmail]:
    with all_accounts_scope("a test reads the mail"):
        return list(OutgoingEmail.objects.filter(kind=kind).order_by("recipient_address"))


def mail_count() -> int:
    with all_accounts_scope("a test counts the mail"):
        return OutgoingEmail.objects.count()


def told(kind: str) -> list[str]:
    return [mail.recipient_address for mail in mails(kind)]


def events(action: Action) -> list[AuditEvent]:
    with all_accounts_scope("a test reads the audit log"):
        return list(AuditEvent.objects.filter(action=action).order_by("happened_at"))


def text_of(answer: Answer) -> str:
    """What a page says, on one line."""
    return " ".join(answer.content.decode().split())


def flags_of(user: User, account: Account) -> list[str] | None:
    found = Membership.objects.filter(user=user, account=account)
    return found.values_list("flags", flat=True).first()
