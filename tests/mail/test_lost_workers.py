"""Workers that die, raise, run out of time, or work side by side."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, connection
from django.utils import timezone
from redis import Redis

from audit.models import AuditEvent
from common import bell
from common.claims import MAX_ATTEMPTS, Claim, begin, claim
from common.scoping import account_scope, all_accounts_scope
from mail import settling
from mail.models import OutgoingEmail
from mail.outbox import Attachment
from mail.queue import EMAIL_QUEUE
from mail.sending import send_due
from mail.settling import Attempt
from mail.transport import Envelope, MailServer, Outcome, Transport
from tests.mail.sink import Sink
from tests.mail.steps import (
    State,
    let_time_pass,
    queue,
    recipient,
    states,
    store_document,
    stored,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_killed_workers_message_is_sent_by_the_next_once_the_lease_has_run_out(
    sink: Sink, transport: Transport
) -> None:
    (pk,) = queue(1)
    (claimed,) = claim(EMAIL_QUEUE)
    begin(EMAIL_QUEUE, claimed)

    send_due(transport)
    assert stored(pk).state == State.SENDING

    let_time_pass()
    send_due(transport)

    assert stored(pk).state == State.SENT
    assert len(sink.accepted) == 1


def test_message_that_kills_its_worker_every_time_is_parked_and_recorded(
    sink: Sink, transport: Transport
) -> None:
    (pk,) = queue(1)
    for _ in range(MAX_ATTEMPTS):
        (claimed,) = claim(EMAIL_QUEUE)
        begin(EMAIL_QUEUE, claimed)
        let_time_pass()

    send_due(transport)

    assert stored(pk).state == State.FAILED
    assert "killed" in stored(pk).last_error
    assert sink.accepted == []
    with account_scope(1):
        assert AuditEvent.objects.get().action == "email:failed"


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (lambda: store_document(sha256="0" * 64), "DocumentAltered"),
        (lambda: Attachment("nowhere.pdf", "INV-1.pdf", "0" * 64), "DocumentMissing"),
    ],
)
def test_document_that_was_altered_or_lost_is_never_sent_and_holds_up_nobody(
    sink: Sink, transport: Transport, document: Callable[[], Attachment], complaint: str
) -> None:
    store_document()  # so that there is an archive, in which one document is missing
    (pk,) = queue(1, attachment=document())
    queue(2, 3)
    for _ in range(MAX_ATTEMPTS):
        send_due(transport)
        let_time_pass()

    assert {message.recipient for message in sink.accepted} == {recipient(2), recipient(3)}
    assert stored(pk).state == State.FAILED
    assert stored(pk).last_error.startswith(complaint)


class KilledBySoftTimeLimit(Transport):
    def send(self, envelope: Envelope, content: bytes) -> Outcome:
        raise SoftTimeLimitExceeded


def test_time_limit_ends_the_task_and_leaves_its_rows_to_their_leases(
    sink: Sink, server: MailServer, transport: Transport
) -> None:
    queue(1, 2)
    with pytest.raises(SoftTimeLimitExceeded):
        send_due(KilledBySoftTimeLimit(server))

    send_due(transport)
    assert states() == {State.SENDING: 2}

    let_time_pass()
    send_due(transport)
    assert states() == {State.SENT: 2}
    assert len(sink.accepted) == 2


def test_worker_with_a_full_batch_rings_for_another(
    sink: Sink, transport: Transport, redis: Redis
) -> None:
    rung = f"bell:{bell.SEND_EMAILS}"
    for number, is_rung in ((24, 0), (25, 1)):
        queue(*range(number * 100, number * 100 + number))
        redis.delete(rung)

        send_due(transport)

        assert redis.exists(rung) == is_rung


def test_worker_out_of_time_puts_back_what_it_has_not_tried(
    sink: Sink, transport: Transport
) -> None:
    queue(*range(30))

    send_due(transport, budget=timedelta())

    assert states() == {State.QUEUED: 30}
    send_due(transport)
    assert states() == {State.SENT: 30}
    assert len(sink.accepted) == 30


def test_accepted_message_is_marked_sent_though_the_database_was_away_for_a_moment(
    sink: Sink, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pk,) = queue(1)
    away = [OperationalError("the server closed the connection")]
    really = settling._settle_once

    def settle_once(ended: Attempt | None, then_begin: Claim | None) -> bool:
        if ended and away:
            raise away.pop()
        return really(ended, then_begin)

    monkeypatch.setattr(settling, "_settle_once", settle_once)

    send_due(transport)

    assert stored(pk).state == State.SENT


class SlowTransport(Transport):
    """Gives another worker time to try the same messages."""

    def send(self, envelope: Envelope, content: bytes) -> Outcome:
        time.sleep(0.002)
        return super().send(envelope, content)


def test_two_workers_at_once_send_nothing_twice(sink: Sink) -> None:
    numbers = range(150)
    queue(*numbers)
    both_ready = threading.Barrier(2)

    def work() -> None:
        transport = SlowTransport(MailServer("127.0.0.1", sink.port, timeout=5))
        both_ready.wait()
        try:
            send_due(transport)
        finally:
            transport.close()
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert Counter(message.recipient for message in sink.accepted) == Counter(
        map(recipient, numbers)
    )
    assert sink.commands["CONNECT"] == 2
    assert states() == {State.SENT: 150}


def test_claim_takes_a_batch_and_no_more_however_small_the_table() -> None:
    queue(*range(60))

    assert [len(claim(EMAIL_QUEUE)) for _ in range(4)] == [25, 25, 10, 0]


def test_messages_begun_before_are_claimed_one_at_a_time() -> None:
    queue(*range(10))
    for claimed in claim(EMAIL_QUEUE):
        begin(EMAIL_QUEUE, claimed)
    let_time_pass()

    assert [len(claim(EMAIL_QUEUE)) for _ in range(11)] == [1] * 10 + [0]


@pytest.mark.parametrize(
    ("condition", "index"), [("= 0", "email_due_fresh"), ("> 0", "email_due_again")]
)
def test_claim_is_served_by_its_index_when_most_mail_has_been_sent(
    condition: str, index: str
) -> None:
    # So many that the planner's choice does not hang on what earlier tests have left behind.
    queue(*range(6_000))
    with all_accounts_scope("test"), connection.cursor() as cursor:
        OutgoingEmail.objects.update(state=State.SENT, sent_at=timezone.now())
        cursor.execute("ANALYZE mail_outgoingemail")
        cursor.execute(
            "EXPLAIN SELECT id FROM mail_outgoingemail WHERE attempts " + condition + " AND"
            " ((state = ANY(%s) AND next_attempt_at <= clock_timestamp())"
            " OR (state = %s AND leased_until < clock_timestamp()))"
            " ORDER BY next_attempt_at, id LIMIT 25 FOR UPDATE SKIP LOCKED",
            [list(EMAIL_QUEUE.due_states), EMAIL_QUEUE.working_state],
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert index in plan, plan
