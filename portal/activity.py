"""What was done in an account, newest first, found by key; for the people who may see it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Account, Membership
from audit.models import AuditEvent
from audit.wording import Kind, actions_of, sentence_for
from portal.activity_words import Change, about, changes_of
from users.models import User

PAGE_LENGTH = 30


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the reader looks for; ``since`` and ``until`` are days of theirs, both included."""

    person: str = ""
    kind: Kind | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One event as it is read. ``who`` never names staff: to a customer they are the operator."""

    key: UUID
    happened_at: datetime
    who: str
    address: str
    what: str
    about: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """``older`` and ``newer`` are the keys to ask for the neighbouring pages with, or empty."""

    lines: list[Line]
    newer: str = ""
    older: str = ""


def events_of(account: Account, wanted: Wanted) -> QuerySet[AuditEvent]:
    """The account's events that fit, in no order. Needs the account's scope."""
    events = AuditEvent.objects.filter(account_id=account.pk)
    if wanted.person:
        events = events.filter(_by(wanted.person, account))
    if wanted.kind:
        events = events.filter(action__in=actions_of(wanted.kind))
    if wanted.since:
        events = events.filter(happened_at__gte=_start_of(wanted.since))
    if wanted.until:
        events = events.filter(happened_at__lt=_start_of(wanted.until + timedelta(days=1)))
    return events


def page_of_activity(
    account: Account, wanted: Wanted, *, before: UUID | None = None, after: UUID | None = None
) -> Page:
    """The newest events that fit; those older than ``before``; or those newer than ``after``.

    Raises AuditEvent.DoesNotExist when the account has no event of that key.
    """
    events = events_of(account, wanted)
    if after:
        later = events.filter(_newer_than(_limit(account, after)))
        rows = list(later.order_by("happened_at", "id")[: PAGE_LENGTH + 1])
        is_more = len(rows) > PAGE_LENGTH
        rows = rows[:PAGE_LENGTH][::-1]
        return Page(
            list(lines_of(account, rows)),
            newer=_key(rows, 0) if is_more else "",
            older=_key(rows, -1),
        )
    if before:
        events = events.filter(_older_than(_limit(account, before)))
    rows = list(events.order_by("-happened_at", "-id")[: PAGE_LENGTH + 1])
    is_more = len(rows) > PAGE_LENGTH
    rows = rows[:PAGE_LENGTH]
    return Page(
        list(lines_of(account, rows)),
        newer=_key(rows, 0) if before else "",
        older=_key(rows, -1) if is_more else "",
    )


def latest_activity(account: Account, *, length: int) -> list[Line]:
    events = events_of(account, Wanted()).order_by("-happened_at", "-id")
    return list(lines_of(account, list(events[:length])))


def lines_of(account: Account, events: Collection[AuditEvent]) -> Iterator[Line]:
    """``events`` as they are read; asks once for the names of all who acted."""
    acting = {event.actor_user_id for event in events if event.actor_user_id is not None}
    people = User.objects.in_bulk(list(acting))
    members = set(
        Membership.objects.filter(account=account, user__in=acting).values_list("user", flat=True)
    )
    staff = {pk for pk, user in people.items() if user.is_staff and pk not in members}
    for event in events:
        is_staff = event.actor_user_id in staff
        yield Line(
            key=event.pk,
            happened_at=event.happened_at,
            who=_who(event, people.get(event.actor_user_id or 0), is_staff=is_staff),
            address="" if is_staff else str(event.remote_address or ""),
            what=sentence_for(event.action, event.subject, details=event.details),
            about=about(event.action, event.subject, account_number=account.number),
            changes=tuple(changes_of(event.details)),
        )


def _who(event: AuditEvent, user: User | None, *, is_staff: bool) -> str:
    if is_staff:
        return _("%(operator)s’s staff") % {"operator": settings.OPERATOR_NAME}
    if event.actor_kind == "system":
        return _("%(operator)s’s system") % {"operator": settings.OPERATOR_NAME}
    if event.actor_kind == "anonymous":
        return _("Somebody not signed in")
    name = user.get_full_name() if user else ""
    return f"{name} ({event.actor_label})" if name else event.actor_label


def _by(person: str, account: Account) -> Q:
    """Events of whoever has ``person`` in their address, or in their name as it is now.

    Never of staff: what is found would tell a part of their address.
    """
    named = (
        User.objects.filter(memberships__account=account)
        .annotate(full_name=Concat("first_name", Value(" "), "last_name"))
        .filter(full_name__icontains=person)
    )
    staff = User.objects.filter(is_staff=True).exclude(memberships__account=account)
    return (
        Q(actor_kind="user")
        & (Q(actor_label__icontains=person) | Q(actor_user_id__in=named.values("pk")))
        & ~Q(actor_user_id__in=staff.values("pk"))
    )


def _limit(account: Account, key: UUID) -> AuditEvent:
    return AuditEvent.objects.get(account_id=account.pk, pk=key)


def _older_than(limit: AuditEvent) -> Q:
    """Rows after ``limit`` in the index ``audit_by_account``."""
    return Q(happened_at__lte=limit.happened_at) & (
        Q(happened_at__lt=limit.happened_at) | Q(pk__lt=limit.pk)
    )


def _newer_than(limit: AuditEvent) -> Q:
    return Q(happened_at__gte=limit.happened_at) & (
        Q(happened_at__gt=limit.happened_at) | Q(pk__gt=limit.pk)
    )


def _key(rows: list[AuditEvent], index: int) -> str:
    return str(rows[index].pk) if rows else ""


def _start_of(day: date) -> datetime:
    """In the reader's time zone."""
    return timezone.make_aware(datetime.combine(day, time.min))
