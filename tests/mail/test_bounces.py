"""What follows from a report on a message: once, whoever tells it and however often."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from datetime import timezone as fixed
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection
from django.db.models import F
from django.utils import timezone

from audit.models import AuditEvent
from common.scoping import account_scope, all_accounts_scope
from mail import returned_hooks
from mail.addresses import Mailbox
from mail.bounces import (
    MOST_REPORTS_OF_A_KIND,
    REPORTED_WITHIN,
    Report,
    settle_waiting_reports,
    take_report,
)
from mail.models import MailReport, OutgoingEmail, SuppressedAddress
from mail.outbox import enqueue, retry
from mail.sending import send_due
from mail.suppressing import suppress
from mail.transport import Transport
from tests.factories import OPERATOR
from tests.mail.messages import new_email
from tests.mail.sink import Sink
from tests.mail.steps import State, queue, recipient, stored

pytestmark = pytest.mark.django_db

Kind = MailReport.Kind
WORDS = "550 5.1.1 <recipient-1@example.com>: no such user"


def sent(number: int = 1, **columns: Any) -> UUID:
    """A message that a server took."""
    (pk,) = queue(number)
    given = {"state": State.SENT, "sent_at": timezone.now(), "server_response": "250 queued as 7"}
    change(pk, **given | columns)
    return pk


def change(pk: UUID, **columns: Any) -> None:
    with all_accounts_scope("a test sets a message"):
        OutgoingEmail.objects.filter(pk=pk).update(**columns)


def report(pk: UUID | None, kind: Kind = Kind.RETURNED, **fields: Any) -> Report:
    given: dict[str, Any] = {
        "source": "test",
        "event_id": "event-1",
        "kind": kind,
        "email_id": pk,
        "status": "5.1.1",
        "words": WORDS,
    }
    return Report(**given | fields)


def reports() -> list[MailReport]:
    with all_accounts_scope("a test reads reports"):
        return list(MailReport.objects.order_by("received_at", "event_id"))


def recorded() -> list[tuple[str, str]]:
    with all_accounts_scope("a test reads the audit log"):
        events = AuditEvent.objects.exclude(action="email:failed").order_by("happened_at")
        return list(events.values_list("action", F("subject")))


def test_sent_message_that_is_returned_says_so_and_its_address_gets_no_more() -> None:
    """D1: with the remote server's words; those of the server that took it stay."""
    pk = sent()
    at = timezone.now() + timedelta(minutes=1)
    assert take_report(report(pk, happened_at=at))
    email = stored(pk)
    assert (email.state, email.returned_at, email.returned_status) == (State.BOUNCED, at, "5.1.1")
    assert (email.returned_words, email.server_response) == (WORDS, "250 queued as 7")
    suppressed = SuppressedAddress.objects.get()
    assert (suppressed.address, suppressed.kind, suppressed.status) == (
        recipient(1),
        "returned",
        "5.1.1",
    )
    assert "no such user" in suppressed.reason
    assert recorded() == [
        ("email:returned", f"email {pk}"),
        ("address:suppressed", f"address {recipient(1)}"),
    ]


def test_the_same_report_twice_has_one_effect() -> None:
    pk = sent()
    assert take_report(report(pk))
    assert not take_report(report(pk))
    assert len(reports()) == 1
    assert len(recorded()) == 2


def test_two_reports_on_one_return_have_one_effect() -> None:
    pk = sent()
    take_report(report(pk))
    take_report(report(pk, event_id="event-2", words="other words"))
    assert stored(pk).returned_words == WORDS
    assert len(recorded()) == 2


def test_one_source_cannot_take_the_name_of_an_event_of_another() -> None:
    pk = sent()
    take_report(report(pk, Kind.DELAYED, source="postmark"))
    assert take_report(report(pk, source="mailgun"))
    assert stored(pk).state == State.BOUNCED


def test_message_that_may_have_arrived_is_returned_and_not_sent_again() -> None:
    pk = sent(state=State.UNCERTAIN, sent_at=None, may_have_arrived=True)
    take_report(report(pk))
    email = stored(pk)
    assert email.state == State.BOUNCED
    assert email.sent_at is not None


@pytest.mark.parametrize("state", [State.QUEUED, State.DEFERRED, State.WITHHELD, State.FAILED])
def test_message_that_no_server_holds_keeps_its_state(state: str) -> None:
    """Staff send it again, say, while an earlier copy comes back: its address is dead all the same,
    and it fails visibly when its turn comes."""
    pk = sent(state=state)
    take_report(report(pk))
    assert stored(pk).state == state
    assert SuppressedAddress.objects.count() == 1


@pytest.mark.parametrize("kind", [Kind.DELAYED, Kind.DELIVERED])
def test_delay_and_delivery_are_noted_and_change_nothing(kind: Kind) -> None:
    pk = sent()
    take_report(report(pk, kind, status="4.4.1"))
    assert stored(pk).state == State.SENT
    assert not SuppressedAddress.objects.exists()
    (noted,) = reports()
    assert (noted.kind, noted.email_id, noted.settled_at is not None) == (kind, pk, True)


def test_order_of_reports_does_not_matter() -> None:
    first, second = sent(1), sent(2)
    kinds = [Kind.DELAYED, Kind.RETURNED, Kind.DELIVERED]
    for pk, order in ((first, kinds), (second, kinds[::-1])):
        for kind in order:
            take_report(report(pk, kind, event_id=f"{pk}/{kind}"))
    assert stored(first).state == stored(second).state == State.BOUNCED


@pytest.mark.parametrize("status", ["4.4.7", "4.2.2"])
def test_what_may_pass_is_returned_without_stopping_the_address(status: str) -> None:
    pk = sent()
    take_report(report(pk, status=status, is_permanent=False))
    assert stored(pk).state == State.BOUNCED
    assert not SuppressedAddress.objects.exists()


@pytest.mark.parametrize("status", ["5.7.1", "5.7.26", "5.3.4", "5.6.0", "5.1.8", "5.2.3"])
def test_refusal_that_is_about_us_does_not_stop_the_address(status: str) -> None:
    """Else one day without a signature would stop mail to every customer of a large service."""
    pk = sent()
    take_report(report(pk, status=status))
    assert stored(pk).state == State.BOUNCED
    assert not SuppressedAddress.objects.exists()


def test_complaint_stops_the_address_and_the_message_stays_sent() -> None:
    pk = sent()
    take_report(report(pk, Kind.COMPLAINT, status="", words="abuse"))
    assert stored(pk).state == State.SENT
    assert SuppressedAddress.objects.get().kind == "complaint"


@pytest.mark.parametrize(
    "kinds", [(Kind.RETURNED, Kind.COMPLAINT), (Kind.COMPLAINT, Kind.RETURNED)]
)
def test_complaint_outweighs_a_return(kinds: tuple[Kind, ...]) -> None:
    pk = sent()
    for kind in kinds:
        take_report(report(pk, kind, event_id=kind))
    assert SuppressedAddress.objects.get().kind == "complaint"


def test_returns_from_two_spellings_of_one_address_stop_it_once() -> None:
    with account_scope(1):
        keys = [
            enqueue(new_email(number, recipient=Mailbox(f"v@{domain}")))
            for number, domain in enumerate(("münchen.example", "XN--MNCHEN-3YA.example"))
        ]
    for pk in keys:
        change(pk, state=State.SENT, sent_at=timezone.now())
        take_report(report(pk, event_id=pk.hex))
    assert SuppressedAddress.objects.get().address == "v@xn--mnchen-3ya.example"


def test_what_staff_stopped_stays_theirs() -> None:
    pk = sent()
    suppress(recipient(1), reason="asked for it", actor=OPERATOR)
    take_report(report(pk, Kind.COMPLAINT))
    assert SuppressedAddress.objects.get().kind == "staff"


def test_report_on_no_message_of_ours_is_kept_without_a_guess() -> None:
    sent()
    for pk, about in ((uuid4(), ""), (None, "<not-ours@example.com>"), (None, "")):
        assert take_report(report(pk, event_id=f"{pk}{about}", about=about, recipient=recipient(1)))
    assert {(row.email_id, row.settled_at) for row in reports()} == {(None, None)}
    assert not SuppressedAddress.objects.exists()


def test_delivery_of_a_message_that_is_not_ours_is_nobodys_concern() -> None:
    assert not take_report(report(uuid4(), Kind.DELIVERED))
    assert reports() == []


def test_message_is_found_by_the_whole_of_its_message_id() -> None:
    pk = sent()
    bare = stored(pk).message_id.strip("<>")
    take_report(report(None, about=f"<{pk.hex}@elsewhere.example>", event_id="foreign"))
    assert stored(pk).state == State.SENT
    take_report(report(None, about=bare.upper(), event_id="bare"))
    assert stored(pk).state == State.BOUNCED


def test_report_with_rubbish_in_it_is_kept_readable() -> None:
    pk = sent()
    take_report(
        report(
            pk,
            event_id="e" * 3000,
            words="a\0b\r\n" + "c" * 5000,
            recipient="x" * 400,
            status="5.1.1; DROP",
        )
    )
    (kept,) = reports()
    assert kept.words.startswith("a b c")
    assert (len(kept.words), len(kept.event_id), kept.status) == (1000, 64, "")


def test_message_of_no_account_is_returned_too() -> None:
    pk = enqueue(new_email(account_id=None))
    change(pk, state=State.SENT, sent_at=timezone.now())
    take_report(report(pk))
    assert stored(pk).state == State.BOUNCED


def test_packages_above_are_told_of_an_address_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[SuppressedAddress] = []
    monkeypatch.setattr(returned_hooks.RETURNED, "functions", lambda: iter([told.append]))
    take_report(report(sent()))
    take_report(report(sent(), event_id="event-2"))
    assert [suppressed.address for suppressed in told] == [recipient(1)]


def test_returned_message_can_be_sent_again_once_its_address_is_free(
    sink: Sink, transport: Transport
) -> None:
    pk = sent()
    take_report(report(pk))
    with all_accounts_scope("staff send it again"):
        retry(stored(pk), actor=OPERATOR)
    send_due(transport)
    assert stored(pk).state == State.FAILED
    assert "suppressed" in stored(pk).last_error
    SuppressedAddress.objects.all().delete()
    with all_accounts_scope("staff send it again"):
        retry(stored(pk), actor=OPERATOR)
    send_due(transport)
    assert stored(pk).state == State.SENT


# --- When it happened ----------------------------------------------------------------------------


EAST, WEST = fixed(timedelta(hours=14)), fixed(timedelta(hours=-12))
UNREADABLE = [
    # To PostgreSQL 1 January 10000 in UTC, and the year before the first: psycopg reads neither.
    datetime(9999, 12, 31, 23, 59, tzinfo=WEST),
    datetime(1, 1, 1, 0, 0, tzinfo=EAST),
]


@pytest.mark.parametrize("told", [*UNREADABLE, datetime.max.replace(tzinfo=UTC)])
@pytest.mark.parametrize("is_known", [True, False])
def test_time_that_no_program_reads_back_is_dropped(told: datetime, is_known: bool) -> None:
    """Else the invoice's page, staff's pages and every check of the invoices would fail on it."""
    pk = sent()
    assert take_report(report(pk if is_known else None, happened_at=told))
    assert [row.happened_at for row in reports()] == [None]
    returned_at = stored(pk).returned_at
    assert (returned_at is not None) == is_known
    assert returned_at is None or abs(timezone.now() - returned_at) < timedelta(minutes=1)


def test_time_before_the_message_was_made_or_far_ahead_is_dropped() -> None:
    pk = sent()
    now = timezone.now()
    for told in (now - timedelta(hours=1), now + timedelta(days=1, minutes=1)):
        take_report(report(pk, happened_at=told, event_id=str(told)))
    assert [row.happened_at for row in reports()] == [None, None]
    ahead = now + timedelta(hours=23)
    take_report(report(pk, happened_at=ahead.astimezone(EAST), event_id="ahead"))
    assert reports()[-1].happened_at == ahead


@pytest.mark.parametrize("told", UNREADABLE)
def test_database_refuses_times_that_no_program_reads_back(told: datetime) -> None:
    pk = sent()
    with pytest.raises(IntegrityError, match="email_returned_in_a_readable_year"):
        change(pk, returned_at=told)


def test_database_refuses_reports_of_such_times() -> None:
    row = MailReport(id=uuid4(), source="x", event_id="x", kind="delayed")
    row.happened_at = UNREADABLE[0]
    with (
        pytest.raises(IntegrityError, match="report_of_a_readable_year"),
        all_accounts_scope("a test writes a report"),
    ):
        MailReport.objects.bulk_create([row])


# --- How much is kept ----------------------------------------------------------------------------


def test_reports_on_one_message_are_kept_up_to_a_number_of_each_kind() -> None:
    """Whoever has the message can write reports on it, and each would be a row for ever."""
    pk = sent()
    for number in range(MOST_REPORTS_OF_A_KIND):
        assert take_report(report(pk, Kind.DELAYED, event_id=f"delay {number}"))
    assert not take_report(report(pk, Kind.DELAYED, event_id="one more"))
    assert len(reports()) == MOST_REPORTS_OF_A_KIND
    assert take_report(report(pk, event_id="returned"))
    assert stored(pk).state == State.BOUNCED


@pytest.fixture
def long_after(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The clock of the program is set so far ahead: when a message was made does not change."""
    then = timezone.now() + REPORTED_WITHIN + timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: then)
    return then


def test_report_on_a_message_of_long_ago_has_no_effect(long_after: datetime) -> None:
    pk = sent(sent_at=long_after - REPORTED_WITHIN - timedelta(minutes=1))
    assert not take_report(report(pk))
    assert reports() == []
    assert stored(pk).state == State.SENT
    assert not SuppressedAddress.objects.exists()


def test_message_that_was_held_back_for_long_counts_from_when_it_was_sent(
    long_after: datetime,
) -> None:
    leased = {"lease_token": uuid4(), "leased_until": long_after}
    under_way = sent(1, state=State.SENDING, sent_at=None, **leased)
    gone = sent(2, sent_at=long_after - timedelta(days=1))
    for pk in (under_way, gone):
        assert take_report(report(pk, event_id=pk.hex))


# --- While a worker has it -----------------------------------------------------------------------


def test_report_waits_while_a_worker_has_the_message() -> None:
    """A server further on can be quicker than the answer of ours."""
    pk = sent(state=State.SENDING, lease_token=uuid4(), leased_until=timezone.now())
    take_report(report(pk))
    assert stored(pk).state == State.SENDING
    assert settle_waiting_reports() == 0
    change(pk, state=State.SENT, lease_token=None, leased_until=None)
    assert settle_waiting_reports() == 1
    assert settle_waiting_reports() == 0
    assert stored(pk).state == State.BOUNCED
    assert SuppressedAddress.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_report_that_comes_as_the_server_answers_is_not_lost(
    sink: Sink, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pk,) = queue(1)
    send = Transport.send

    def send_and_hear(self: Transport, *arguments: Any) -> Any:
        outcome = send(self, *arguments)
        take_report(report(pk))
        return outcome

    monkeypatch.setattr(Transport, "send", send_and_hear)
    send_due(transport)
    assert stored(pk).state == State.SENT
    settle_waiting_reports()
    assert stored(pk).state == State.BOUNCED


# --- Many at once --------------------------------------------------------------------------------


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as running:
        yield running


@pytest.mark.django_db(transaction=True)
def test_reports_in_parallel_have_one_effect(pool: ThreadPoolExecutor) -> None:
    pk, start = sent(), threading.Barrier(8)

    def tell(number: int) -> bool:
        start.wait()
        try:
            # Each event four times.
            return take_report(report(pk, event_id=f"event-{number % 2}"))
        finally:
            connection.close()

    assert sum(pool.map(tell, range(8))) == 2
    assert len(reports()) == 2
    assert recorded() == [
        ("email:returned", f"email {pk}"),
        ("address:suppressed", f"address {recipient(1)}"),
    ]


@pytest.mark.django_db(transaction=True)
def test_returns_of_one_address_in_parallel_suppress_it_once(pool: ThreadPoolExecutor) -> None:
    with account_scope(1):
        keys = [enqueue(new_email(number, recipient=new_email(1).recipient)) for number in range(8)]
    for pk in keys:
        change(pk, state=State.SENT, sent_at=timezone.now())
    start = threading.Barrier(8)

    def tell(pk: UUID) -> None:
        start.wait()
        try:
            take_report(report(pk, event_id=pk.hex))
        finally:
            connection.close()

    list(pool.map(tell, keys))
    assert SuppressedAddress.objects.count() == 1
    assert [action for action, _ in recorded()].count("address:suppressed") == 1
    assert {stored(pk).state for pk in keys} == {State.BOUNCED}
