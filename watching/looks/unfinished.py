"""Work that is older than its limit: due and untouched, or always put off again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Case, Count, F, Min, Q, QuerySet, When

from billing.queues import DRAFT_QUEUE, ISSUE_QUEUE
from common.claims import Claimable, Queue
from common.counting import counted
from invoices.models import Document
from invoices.queues import RENDER_QUEUE
from mail.models import OutgoingEmail
from mail.queue import EMAIL_QUEUE
from watching.alarms import Alarm, Code, in_words
from watching.looks.pages import table_page

# How long a row may be due while no worker has any row of its queue in hand. Workers hear of it at
# once, at the latest after 20 s, and the longest pause between two attempts counts as not due.
UNTOUCHED_LIMIT = timedelta(minutes=10)
# The same while workers have some in hand: there is more work than they get through.
BEHIND_LIMIT = timedelta(hours=1)
# An issued document is rendered, or given to a person, in this time, whatever happens in between:
# five attempts and the pauses between them come to a quarter of an hour.
DOCUMENT_LIMIT = timedelta(hours=1)
# How long messages may be turned away because no mail server answers.
MAIL_SERVER_LIMIT = timedelta(minutes=10)
# A message that is deferred again and again fails after 73 hours.
MAIL_LIMIT = timedelta(days=4)


@dataclass(frozen=True, slots=True)
class Watched:
    """A queue, the alarm of its rows, and the words for them."""

    queue: Queue
    code: Code
    one: str
    many: str
    done: str


# Every queue of the program; tests/architecture holds it.
WATCHED: Final = (
    Watched(DRAFT_QUEUE, Code.DRAFTING_OVERDUE, "account has", "accounts have", "drafted"),
    Watched(ISSUE_QUEUE, Code.ISSUING_OVERDUE, "account has", "accounts have", "issued"),
    Watched(RENDER_QUEUE, Code.DOCUMENTS_OVERDUE, "document has", "documents have", "rendered"),
    Watched(EMAIL_QUEUE, Code.MAIL_OVERDUE, "message has", "messages have", "sent"),
)


def overdue_work(at: datetime) -> Iterator[Alarm]:
    """Rows that were due, or whose lease ended, too long ago: one alarm a queue."""
    for watched in WATCHED:
        yield from _overdue(watched, at)


def _overdue(watched: Watched, at: datetime) -> Iterator[Alarm]:
    queue = watched.queue
    is_worked = any(
        rows.filter(state=queue.working_state, leased_until__gt=at).exists()
        for rows in _unfinished(queue)
    )
    limit = BEHIND_LIMIT if is_worked else UNTOUCHED_LIMIT
    count, since = _counted(queue, _due_before(queue, at - limit))
    if count:
        workers = "workers are at it, but behind" if is_worked else "no worker has any in hand"
        yield Alarm(
            code=watched.code,
            says=f"{counted(count, watched.one, plural=watched.many)} been due to be"
            f" {watched.done} for more than {in_words(limit)}; {workers}.",
            since=since,
            count=count,
            page=table_page(queue.model, state__exact=queue.due_states[0]),
        )


def documents_put_off(at: datetime) -> Iterator[Alarm]:
    """Documents whose attempts end without one being counted, such as while storage is away."""
    count, since = _counted(
        RENDER_QUEUE, Q(created_at__lt=at - DOCUMENT_LIMIT), since=Min("created_at")
    )
    if count:
        yield Alarm(
            code=Code.DOCUMENTS_OVERDUE,
            subject="put off",
            says=f"{counted(count, 'document is', plural='documents are')} still not rendered"
            f" {in_words(DOCUMENT_LIMIT)} after being issued.",
            since=since,
            count=count,
            page=table_page(Document),
        )


def mail_server(at: datetime) -> Iterator[Alarm]:
    """Messages whose last try found no server: deferred, and yet no deferral was counted.

    A message that staff send again is as old as it was, so for it the limit has passed already.
    """
    count, since = _counted(
        EMAIL_QUEUE,
        Q(
            state=OutgoingEmail.State.DEFERRED,
            deferrals=0,
            created_at__lt=at - MAIL_SERVER_LIMIT,
        ),
        since=Min("created_at"),
    )
    if count:
        yield Alarm(
            code=Code.MAIL_SERVER_AWAY,
            says="No mail server has answered, or none let us in:"
            f" {counted(count, 'message was', plural='messages were')} tried in vain.",
            since=since,
            count=count,
            page=table_page(OutgoingEmail, state__exact=OutgoingEmail.State.DEFERRED),
        )


def mail_put_off(at: datetime) -> Iterator[Alarm]:
    """Messages that go back untried again and again, such as while their documents are away.

    Nothing else gives a queued message a time that is still to come.
    """
    count, since = _counted(
        EMAIL_QUEUE,
        Q(
            state=OutgoingEmail.State.QUEUED,
            next_attempt_at__gt=at,
            created_at__lt=at - UNTOUCHED_LIMIT,
        ),
        since=Min("created_at"),
    )
    if count:
        yield Alarm(
            code=Code.MAIL_OVERDUE,
            subject="put off",
            says=f"{counted(count, 'message is', plural='messages are')} put off again and again"
            " without being tried.",
            since=since,
            count=count,
            page=table_page(OutgoingEmail, state__exact=OutgoingEmail.State.QUEUED),
        )


def late_mail(at: datetime) -> Iterator[Alarm]:
    """Messages that have been tried for longer than the schedule of deferrals lasts."""
    count, since = _counted(
        EMAIL_QUEUE,
        Q(
            state__in=(OutgoingEmail.State.DEFERRED, OutgoingEmail.State.UNCERTAIN),
            created_at__lt=at - MAIL_LIMIT,
        ),
        since=Min("created_at"),
    )
    if count:
        yield Alarm(
            code=Code.MAIL_LATE,
            says=f"{counted(count, 'message has', plural='messages have')} been on the way for more"
            f" than {in_words(MAIL_LIMIT)}.",
            since=since,
            count=count,
            page=table_page(OutgoingEmail, state__exact=OutgoingEmail.State.DEFERRED),
        )


def _due_before(queue: Queue, limit: datetime) -> Q:
    return Q(state__in=queue.due_states, next_attempt_at__lt=limit) | Q(
        state=queue.working_state, leased_until__lt=limit
    )


def _unfinished(queue: Queue) -> tuple["QuerySet[Claimable]", "QuerySet[Claimable]"]:
    """Fresh rows and those begun before, apart: each half has the index that serves its claims."""
    rows = queue.model._default_manager.filter(queue.unfinished())
    return rows.filter(attempts=0), rows.filter(attempts__gt=0)


def _counted(
    queue: Queue, condition: Q, *, since: Min | None = None
) -> tuple[int, datetime | None]:
    """How many unfinished rows meet the condition, and since when the oldest has been due."""
    due_since = Case(
        When(state=queue.working_state, then=F("leased_until")), default=F("next_attempt_at")
    )
    found = [
        rows.filter(condition).aggregate(count=Count("pk"), since=since or Min(due_since))
        for rows in _unfinished(queue)
    ]
    starts = [half["since"] for half in found if half["since"] is not None]
    return sum(half["count"] for half in found), min(starts, default=None)
