"""A stopped batch: what of its mail is held, whatever state it was in."""

import uuid

import pytest

from common.claims import begin, claim
from mail.outbox import release, withhold
from mail.queue import EMAIL_QUEUE
from mail.sending import send_due
from mail.transport import Transport
from tests.mail.sink import Sink
from tests.mail.steps import State, let_time_pass, queue, recipient, states

pytestmark = pytest.mark.django_db(transaction=True)


def test_withheld_mail_is_not_sent_until_it_is_released(sink: Sink, transport: Transport) -> None:
    batch = uuid.uuid4()
    queue(1, 2, batch_id=batch)
    queue(3)
    withhold(batch)

    send_due(transport)
    assert [message.recipient for message in sink.accepted] == [recipient(3)]

    release(batch)
    send_due(transport)
    assert states() == {State.SENT: 3}
    assert len(sink.accepted) == 3


def test_mail_queued_for_a_batch_after_it_was_stopped_is_withheld_too(
    sink: Sink, transport: Transport
) -> None:
    batch = uuid.uuid4()
    withhold(batch)
    queue(1, batch_id=batch)

    send_due(transport)

    assert sink.accepted == []
    assert states() == {State.WITHHELD: 1}


def test_stopping_a_batch_reaches_messages_that_a_worker_has_claimed_and_not_begun() -> None:
    batch = uuid.uuid4()
    queue(1, 2, batch_id=batch)
    claims = claim(EMAIL_QUEUE)
    assert begin(EMAIL_QUEUE, claims[0])

    assert withhold(batch) == 1

    assert not begin(EMAIL_QUEUE, claims[1])
    assert states() == {State.SENDING: 1, State.WITHHELD: 1}


def test_deferred_mail_of_a_stopped_batch_is_not_tried_again(
    sink: Sink, transport: Transport
) -> None:
    batch = uuid.uuid4()
    sink.defer(recipient(1))
    queue(1, batch_id=batch)
    send_due(transport)

    assert withhold(batch) == 1
    sink.accept_all()
    let_time_pass()
    send_due(transport)

    assert sink.accepted == []
