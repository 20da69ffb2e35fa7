"""Mail while documents cannot be read: it waits and loses nothing, and other mail leaves."""

import errno
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.base import File
from django.utils import timezone
from pytest_django import Settings

from common.claims import MAX_ATTEMPTS
from common.scoping import all_accounts_scope
from common.storage import DurableFileSystemStorage
from mail.models import OutgoingEmail
from mail.sending import send_due
from mail.settling import OUTAGE_DELAY, TRIED_WITHOUT_STORAGE_DELAY
from mail.transport import Transport
from tests.common.s3_server import S3Server, running_s3, s3_storage
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


class BrokenDisk:
    """Documents whose names are in ``unreadable`` cannot be read, or none can."""

    def __init__(self) -> None:
        self.is_broken = True
        self.unreadable: set[str] | None = None
        self.asked: list[str] = []

    def opens(self, name: str) -> None:
        if not name.endswith(".pdf"):
            return
        self.asked.append(name)
        if self.is_broken and (self.unreadable is None or name in self.unreadable):
            raise OSError(errno.EIO, "Input/output error")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> BrokenDisk:
    broken = BrokenDisk()
    really_open = DurableFileSystemStorage.open

    def opened(self: DurableFileSystemStorage, name: str, mode: str = "rb") -> "File[Any]":
        broken.opens(name)
        return really_open(self, name, mode)

    monkeypatch.setattr(DurableFileSystemStorage, "open", opened)
    return broken


@pytest.fixture
def s3(settings: Settings) -> Iterator[S3Server]:
    """Documents in a bucket."""
    with running_s3() as server:
        storage = s3_storage(**server.new_bucket().options())
        settings.STORAGES = settings.STORAGES | {"documents": storage}
        yield server


def test_nothing_is_counted_however_long_it_takes_and_all_is_sent_afterwards(
    sink: Sink, transport: Transport, disk: BrokenDisk
) -> None:
    queue(*range(3), attachment=store_document())
    for _ in range(MAX_ATTEMPTS + 2):
        send_due(transport)
        let_time_pass()
    assert states() == {State.QUEUED: 3}
    with all_accounts_scope("test"):
        assert set(OutgoingEmail.objects.values_list("attempts", "deferrals")) == {(0, 0)}

    disk.is_broken = False
    send_due(transport)

    assert states() == {State.SENT: 3}
    assert len(sink.accepted) == 3


def test_what_is_wrong_is_on_the_row_until_the_message_is_sent(
    sink: Sink, transport: Transport, disk: BrokenDisk
) -> None:
    (pk,) = queue(1, attachment=store_document())
    send_due(transport)
    assert "Input/output error" in stored(pk).last_error

    disk.is_broken = False
    let_time_pass()
    send_due(transport)

    assert (stored(pk).state, stored(pk).last_error) == (State.SENT, "")


def test_storage_is_asked_once_a_round_and_mail_without_a_document_leaves(
    sink: Sink, transport: Transport, disk: BrokenDisk
) -> None:
    for number in range(60):
        queue(number, attachment=store_document(b"%PDF " + bytes([number])))
    queue(*range(100, 130))

    send_due(transport)

    assert len(disk.asked) == 1
    assert states() == {State.QUEUED: 60, State.SENT: 30}
    assert {message.recipient for message in sink.accepted} == {
        recipient(number) for number in range(100, 130)
    }
    with all_accounts_scope("test"):
        left = OutgoingEmail.objects.filter(state=State.QUEUED)
        assert not left.filter(next_attempt_at__lte=timezone.now()).exists()


def test_message_that_alone_cannot_be_read_holds_up_nobody_for_long(
    sink: Sink, transport: Transport, disk: BrokenDisk
) -> None:
    document = store_document()
    disk.unreadable = {document.key}
    (unreadable,) = queue(1, attachment=document)
    with all_accounts_scope("test"):
        OutgoingEmail.objects.update(next_attempt_at=timezone.now() - OUTAGE_DELAY)
    (next_one,) = queue(2, attachment=store_document(b"%PDF another"))

    send_due(transport)
    assert waits(stored(unreadable)).total_seconds() == near(TRIED_WITHOUT_STORAGE_DELAY)
    assert waits(stored(next_one)).total_seconds() == near(OUTAGE_DELAY)
    assert TRIED_WITHOUT_STORAGE_DELAY > OUTAGE_DELAY

    with all_accounts_scope("a minute later"):
        OutgoingEmail.objects.filter(pk=next_one).update(next_attempt_at=timezone.now())
    send_due(transport)
    assert stored(next_one).state == State.SENT


def test_deferred_and_uncertain_mail_stays_what_it_was(
    sink: Sink, transport: Transport, disk: BrokenDisk
) -> None:
    disk.is_broken = False
    sink.defer(recipient(1))
    sink.lose_answer(recipient(2))
    deferred, uncertain = queue(1, 2, attachment=store_document())
    send_due(transport)
    disk.is_broken = True
    let_time_pass()

    send_due(transport)

    assert (stored(deferred).state, stored(deferred).deferrals) == (State.DEFERRED, 1)
    assert (stored(uncertain).state, stored(uncertain).attempts) == (State.UNCERTAIN, 1)


def test_mail_waits_for_a_bucket_that_is_away(
    sink: Sink, transport: Transport, s3: S3Server
) -> None:
    queue(1, 2, attachment=store_document())
    queue(3)
    s3.stop()
    try:
        send_due(transport)
        assert [message.recipient for message in sink.accepted] == [recipient(3)]
    finally:
        s3.start()
    let_time_pass()
    send_due(transport)

    assert states() == {State.SENT: 3}
    with all_accounts_scope("test"):
        assert set(OutgoingEmail.objects.values_list("attempts", flat=True)) == {0}
