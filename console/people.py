"""One person as staff see them: what signs them in, and which accounts they open. No secrets."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from accounts.models import Membership
from accounts.permissions import access_in_words
from accounts.two_factor.policy import is_required_of
from audit.models import AuditEvent
from audit.recording import as_recorded
from audit.wording import sentence_for
from common.scoping import all_accounts_scope
from console.reading import Event
from twofactor.methods import Methods, methods_of
from twofactor.models import TwoFactorReset
from twofactor.resetting import pending_reset
from twofactor.sms.numbers import masked
from users.models import User, UserSession

# Django's permission of staff who reset somebody's two-factor authentication.
CHANGE_PEOPLE = "users.change_user"
_RESETS_SHOWN = 10
_EVENTS = 20


@dataclass(frozen=True, slots=True)
class AccountOfPerson:
    membership: Membership
    access: str
    requires_two_factor: bool


@dataclass(frozen=True, slots=True)
class Person:
    """What the page of one user ID shows."""

    user: User
    accounts: Sequence[AccountOfPerson]
    session_count: int
    methods: Methods
    phone: str
    pending_reset: TwoFactorReset | None
    resets: Sequence[TwoFactorReset]
    events: Sequence[Event]


def read_person(user: User) -> Person:
    methods = methods_of(user)
    resets = TwoFactorReset.objects.filter(user=user).select_related("started_by", "confirmed_by")
    open_sessions = UserSession.objects.filter(user=user, expire_date__gt=timezone.now())
    with all_accounts_scope("staff look at a person"):
        events = _events(user)
    return Person(
        user=user,
        accounts=_accounts(user),
        session_count=open_sessions.count(),
        methods=methods,
        phone=masked(methods.phone.number) if methods.phone else "",
        pending_reset=pending_reset(user),
        resets=list(resets.order_by("-started_at")[:_RESETS_SHOWN]),
        events=events,
    )


def _accounts(user: User) -> list[AccountOfPerson]:
    memberships = Membership.objects.filter(user=user).select_related("account")
    return [
        AccountOfPerson(
            membership,
            access_in_words(is_owner=membership.is_owner, flags=membership.flags),
            is_required_of(membership),
        )
        for membership in memberships.order_by("account__number")
    ]


def _events(user: User) -> list[Event]:
    """What was done about their user ID, by whomever; the operator's tables have the rest."""
    about = AuditEvent.objects.filter(subject=as_recorded(f"user {user.email}"))
    return [
        Event(
            happened_at=event.happened_at,
            who=event.actor_label or event.actor_kind,
            what=sentence_for(event.action, event.subject, details=event.details),
            address=str(event.remote_address or ""),
        )
        for event in about.order_by("-happened_at", "-id")[:_EVENTS]
    ]
