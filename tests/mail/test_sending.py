"""From a queued row to what a real mail server accepted, and what the row says afterwards."""

from collections import Counter
from datetime import timedelta

import pytest
from django.core.files.base import File
from django.core.files.storage import storages
from django.utils import timezone
from pytest_django import Settings

from audit.models import AuditEvent
from common.claims import MAX_ATTEMPTS
from common.scoping import account_scope, all_accounts_scope
from mail.addresses import Mailbox
from mail.models import OutgoingEmail, SuppressedAddress
from mail.outbox import enqueue
from mail.sending import send_due
from mail.settling import DEFERRAL_DELAYS, OUTAGE_DELAY, UNCERTAIN_DELAY
from mail.suppressing import suppress
from mail.tasks import send_emails
from mail.transport import Transport
from tests.factories import OPERATOR
from tests.mail.messages import PDF, new_email
from tests.mail.sink import Sink
from tests.mail.steps import (
    State,
    let_time_pass,
    near,
    queue,
    recipient,
    states,
    store_document,
    stored,
    waits,
)

pytestmark = pytest.mark.django_db(transaction=True)


# --- All is well ----------------------------------------------------------------------------------


def test_queued_mail_is_delivered_with_its_document_and_marked_sent(
    sink: Sink, transport: Transport
) -> None:
    (pk,) = queue(1, attachment=store_document())

    send_due(transport)

    (message,) = sink.accepted
    assert (message.sender, message.recipient) == ("billing@operator.example", recipient(1))
    (attached,) = message.message.iter_attachments()
    assert attached.get_content() == PDF
    email = stored(pk)
    assert (email.state, email.server_response) == (State.SENT, "250 2.0.0 kept")
    assert (email.attempts, email.lease_token, email.last_error) == (0, None, "")
    assert email.sent_at is not None


def test_task_sends_what_is_due_to_the_server_of_the_settings(
    sink: Sink, settings: Settings
) -> None:
    queue(*range(60))

    send_emails()

    assert Counter(message.recipient for message in sink.accepted) == Counter(
        recipient(number) for number in range(60)
    )
    assert sink.commands["CONNECT"] == 1
    assert states() == {State.SENT: 60}


def test_mail_of_no_account_is_sent_too(sink: Sink, transport: Transport) -> None:
    pk = enqueue(new_email(account_id=None))

    send_due(transport)

    assert stored(pk).state == State.SENT


def test_refusal_of_mail_of_no_account_is_recorded_too(sink: Sink, transport: Transport) -> None:
    pk = enqueue(new_email(account_id=None))
    sink.refuse(recipient(1))

    send_due(transport)

    with all_accounts_scope("test"):
        assert AuditEvent.objects.get().subject == f"email {pk}"


def test_document_is_read_once_for_all_its_recipients(
    sink: Sink, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    storage = storages["documents"]
    really_open = storage.open

    def counted_open(name: str, mode: str = "rb") -> "File[bytes]":
        opened.append(name)
        return really_open(name, mode)

    monkeypatch.setattr(storage, "open", counted_open)
    queue(1, 2, 3, attachment=store_document())

    send_due(transport)

    assert len(sink.accepted) == 3
    assert len(opened) == 1


def test_names_and_addresses_beyond_ascii_arrive(sink: Sink, transport: Transport) -> None:
    (pk,) = queue(
        1, recipient=Mailbox("用户@例子.example", "株式会社サンプル"), subject="Τιμολόγιο № 1"
    )

    send_due(transport)

    (message,) = sink.accepted
    assert message.recipient == "用户@xn--fsqu00a.example"
    assert message.message["subject"] == "Τιμολόγιο № 1"
    assert stored(pk).state == State.SENT


# --- The server says no, or not now ---------------------------------------------------------------


def test_one_refused_recipient_of_three_fails_visibly_and_the_others_are_served(
    sink: Sink, transport: Transport
) -> None:
    sink.refuse(recipient(2))
    _, refused, _ = queue(1, 2, 3)

    send_due(transport)

    assert {message.recipient for message in sink.accepted} == {recipient(1), recipient(3)}
    email = stored(refused)
    assert (email.state, email.server_response) == (
        State.FAILED,
        "550 5.1.1 no such user here",
    )
    with account_scope(1):
        event = AuditEvent.objects.get()
    assert (event.action, event.subject) == ("email:failed", f"email {refused}")
    assert event.details["reason"] == "550 5.1.1 no such user here"


def test_deferred_mail_waits_longer_each_time_and_fails_after_three_days(
    sink: Sink, transport: Transport
) -> None:
    sink.defer(recipient(1))
    (pk,) = queue(1)
    waited = timedelta()
    for number, delay in enumerate(DEFERRAL_DELAYS, start=1):
        send_due(transport)
        email = stored(pk)
        assert (email.state, email.deferrals, email.attempts) == (State.DEFERRED, number, 0)
        assert waits(email).total_seconds() == near(delay)
        waited += delay
        let_time_pass()

    send_due(transport)

    email = stored(pk)
    assert email.state == State.FAILED
    assert "451 4.7.1 greylisted" in email.last_error
    assert waited >= timedelta(days=3)
    assert DEFERRAL_DELAYS[:4] == tuple(timedelta(minutes=m) for m in (1, 5, 15, 60))


def test_deferred_mail_arrives_once_the_server_takes_it(sink: Sink, transport: Transport) -> None:
    sink.defer(recipient(1))
    (pk,) = queue(1)
    send_due(transport)
    send_due(transport)
    assert sink.commands["RCPT"] == 1

    sink.accept_all()
    let_time_pass()
    send_due(transport)

    assert stored(pk).state == State.SENT
    assert len(sink.accepted) == 1


def test_suppressed_address_gets_nothing_and_its_mail_fails_with_the_reason(
    sink: Sink, transport: Transport
) -> None:
    SuppressedAddress.objects.create(address="complainer@example.com", reason="asked for it")
    (pk,) = queue(1, recipient=Mailbox("Complainer@Example.com"))

    send_due(transport)

    assert sink.accepted == []
    assert stored(pk).state == State.FAILED
    assert stored(pk).last_error == "the address is suppressed: asked for it"
    with account_scope(1):
        assert AuditEvent.objects.get().subject == f"email {pk}"


@pytest.mark.parametrize(
    ("stopped", "entered"),
    [
        ("v@münchen.example", "V@xn--mnchen-3ya.example"),
        ("v@XN--MNCHEN-3YA.example", "v@München.example"),
    ],
)
def test_suppressed_address_gets_nothing_by_its_other_spelling(
    stopped: str, entered: str, sink: Sink, transport: Transport
) -> None:
    suppress(stopped, reason="asked for it", actor=OPERATOR)
    (pk,) = queue(1, recipient=Mailbox(entered))
    send_due(transport)
    assert sink.accepted == []
    assert stored(pk).state == State.FAILED


# --- Nobody knows whether it arrived --------------------------------------------------------------


def test_lost_answer_makes_mail_uncertain_and_a_second_copy_the_same_to_the_byte(
    sink: Sink, transport: Transport
) -> None:
    sink.lose_answer(recipient(1))
    (pk,) = queue(1, attachment=store_document())

    send_due(transport)
    email = stored(pk)
    assert (email.state, email.may_have_arrived) == (State.UNCERTAIN, True)
    assert waits(email).total_seconds() == near(UNCERTAIN_DELAY)

    let_time_pass()
    send_due(transport)

    first, second = sink.received_by(recipient(1))
    assert first.content == second.content
    assert (stored(pk).state, stored(pk).may_have_arrived) == (State.SENT, True)


def test_uncertain_mail_stays_uncertain_while_no_server_answers(
    sink: Sink, transport: Transport
) -> None:
    sink.lose_answer(recipient(1))
    (pk,) = queue(1)
    send_due(transport)
    sink.greeting = "421 away"
    let_time_pass()

    send_due(transport)

    assert stored(pk).state == State.UNCERTAIN


def test_mail_whose_answer_is_always_lost_is_given_up_after_five_copies(
    sink: Sink, transport: Transport
) -> None:
    sink.lose_answer(recipient(1), times=100)
    (pk,) = queue(1)
    for _ in range(MAX_ATTEMPTS + 2):
        send_due(transport)
        let_time_pass()

    assert len(sink.received_by(recipient(1))) == MAX_ATTEMPTS
    assert stored(pk).state == State.FAILED
    assert stored(pk).last_error.startswith("may have arrived")


# --- No server ------------------------------------------------------------------------------------


def test_outage_costs_one_connection_and_counts_against_no_message(
    sink: Sink, transport: Transport
) -> None:
    sink.greeting = "554 closed for repairs"
    queue(*range(100))

    send_due(transport)

    assert sink.commands["CONNECT"] == 1
    # Of the one batch that was claimed, one message was tried; the others were never begun.
    assert states() == {State.DEFERRED: 1, State.QUEUED: 99}
    with all_accounts_scope("test"):
        waiting = OutgoingEmail.objects.filter(next_attempt_at__gt=timezone.now())
        assert waiting.count() == 25
        assert set(waiting.values_list("attempts", "deferrals")) == {(0, 0)}
        assert waits(waiting[0]).total_seconds() == near(OUTAGE_DELAY)


def test_mail_leaves_when_the_server_is_back(sink: Sink, transport: Transport) -> None:
    sink.greeting = "421 away"
    queue(*range(40))
    send_due(transport)

    sink.accept_all()
    let_time_pass()
    send_due(transport)

    assert states() == {State.SENT: 40}
    assert len(sink.accepted) == 40
