"""Mail of a database that was set back: what it believes unsent may have been sent."""

from django.db import connection

from audit.actions import Action
from audit.recording import Actor, Event, record_many
from backups.setbacks import Acknowledgement
from common.counting import counted
from mail.models import OutgoingEmail
from mail.queue import EMAIL_QUEUE

_ACTOR = Actor.system("acknowledged restore")
_REASON = "It may have been sent before the database was set back."


def count_unsent() -> int:
    """How much mail would leave by itself. Needs a scope over all accounts."""
    return OutgoingEmail.objects.filter(EMAIL_QUEUE.unfinished()).count()


def fail_what_may_have_been_sent(decided: Acknowledgement) -> str:
    """Mark unsent mail as failed, each with an audit event, unless it is to go; says how much.

    Failed and not withheld: staff see it among what has failed, and send again what they choose.
    Needs a scope over all accounts.
    """
    failed = [] if decided.sends_mail else _fail_unsent()
    record_many(
        (
            Event(
                Action.EMAIL_FAILED,
                account_id=account_id,
                subject=f"email {pk}",
                details={"reason": _REASON},
            )
            for pk, account_id in failed
        ),
        actor=_ACTOR,
    )
    if not failed:
        return ""
    messages = counted(len(failed), "message is", plural="messages are")
    return (
        f"{messages} not sent, since it may have been done: choose in the admin, among the outgoing"
        " emails that have failed, what is sent again."
    )


def _fail_unsent() -> list[tuple[str, int | None]]:
    unfinished = [*EMAIL_QUEUE.due_states, EMAIL_QUEUE.working_state]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mail_outgoingemail SET state = %s, lease_token = NULL, leased_until = NULL,"
            "  may_have_arrived = true, last_error = %s"
            " WHERE state = ANY(%s) RETURNING id::text, account_id",
            [EMAIL_QUEUE.parked_state, _REASON, unfinished],
        )
        failed: list[tuple[str, int | None]] = cursor.fetchall()
        return failed
