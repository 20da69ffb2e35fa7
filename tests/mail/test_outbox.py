"""What is queued, what is refused, and what keeps a queued message from being changed."""

import uuid

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone
from redis import Redis

from audit.models import AuditEvent
from audit.recording import Actor
from common import bell
from common.scoping import account_scope, all_accounts_scope
from mail.addresses import Mailbox, UnusableAddress
from mail.models import OutgoingEmail
from mail.outbox import (
    Attachment,
    EmailNotFailed,
    UnusableHeader,
    email_id,
    enqueue,
    enqueue_many,
    release,
    retry,
    withhold,
)
from tests.mail.messages import new_email, new_emails

STAFF = Actor.system("a test")

pytestmark = pytest.mark.django_db(transaction=True)


def stored(pk: uuid.UUID) -> OutgoingEmail:
    with all_accounts_scope("test"):
        return OutgoingEmail.objects.get(pk=pk)


def states() -> list[str]:
    with all_accounts_scope("test"):
        return list(OutgoingEmail.objects.order_by("dedup_key").values_list("state", flat=True))


def change(pk: uuid.UUID, **columns: object) -> None:
    with all_accounts_scope("test"):
        OutgoingEmail.objects.filter(pk=pk).update(**columns)


# --- Queueing -------------------------------------------------------------------------------------


def test_queued_message_keeps_what_it_says_and_gets_its_fixed_headers() -> None:
    with account_scope(1):
        pk = enqueue(
            new_email(
                attachment=Attachment("ab/c.pdf", "INV-1.pdf", "a" * 64), batch_id=uuid.UUID(int=5)
            )
        )

    email = stored(pk)
    assert email.state == OutgoingEmail.State.QUEUED
    assert (email.account_id, email.batch_id) == (1, uuid.UUID(int=5))
    assert email.message_id == f"<{pk.hex}@operator.example>"
    assert len(email.boundary) == 24
    assert abs(timezone.now() - email.date).total_seconds() < 60
    assert (email.attachment_key, email.attachment_filename) == ("ab/c.pdf", "INV-1.pdf")


def test_same_message_is_queued_once_and_stays_as_it_was() -> None:
    with account_scope(1):
        first = enqueue(new_email(subject="first"))
        second = enqueue(new_email(subject="second"))

    assert first == second == email_id("test:1")
    assert stored(first).subject == "first"


def test_ids_come_back_in_the_order_of_the_messages() -> None:
    with account_scope(1):
        pks = enqueue_many(new_emails([3, 1, 2]))

    assert [stored(pk).dedup_key for pk in pks] == ["test:3", "test:1", "test:2"]


def test_queueing_many_messages_is_one_insert(django_assert_num_queries: object) -> None:
    with account_scope(1), django_assert_num_queries(1):  # type: ignore[operator]
        enqueue_many(new_emails(range(50)))


def test_workers_are_rung_for_when_the_messages_are_committed(redis: Redis) -> None:
    with account_scope(1):
        enqueue(new_email())
        assert not redis.exists(f"bell:{bell.SEND_EMAILS}")

    assert redis.exists(f"bell:{bell.SEND_EMAILS}")


def test_message_is_not_queued_when_its_transaction_rolls_back() -> None:
    with pytest.raises(ZeroDivisionError), account_scope(1):
        enqueue(new_email())
        raise ZeroDivisionError

    assert states() == []


# --- What could never be sent ---------------------------------------------------------------------


@pytest.mark.parametrize("role", ["sender", "recipient"])
def test_unusable_address_is_refused_before_anything_is_written(role: str) -> None:
    evil = Mailbox("alice@example.com\r\nBcc: victim@example.com")
    with account_scope(1), pytest.raises(UnusableAddress):
        enqueue_many([new_email(1), new_email(2, **{role: evil})])

    assert states() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Bcc": "victim@example.com"},
        {"bcc": "victim@example.com"},
        {"Content-Type": "text/plain"},
        {"X-Note\r\nBcc": "victim@example.com"},
        {"X-Note": "a\r\nBcc: victim@example.com"},
        {"X-Note": "ü"},
        {"X-Note": ""},
        {"X Note": "a"},
        {"X-Note": "a" * 901},
    ],
)
def test_further_header_that_could_do_harm_is_refused(headers: dict[str, str]) -> None:
    with account_scope(1), pytest.raises(UnusableHeader):
        enqueue(new_email(headers=headers))


def test_names_and_subjects_are_repaired_and_never_keep_a_message_from_leaving() -> None:
    hostile = "Alice\r\nBcc: victim@example.com\x00\udc80" + "x" * 10_000
    with account_scope(1):
        pk = enqueue(
            new_email(
                recipient=Mailbox("alice@example.com", hostile),
                subject=hostile,
                text_body=f"Dear {hostile}",
                html_body=f"<p>{hostile}</p>",
                attachment=Attachment("ab/c.pdf", "../../etc/passwd\r\n", "a" * 64),
            )
        )

    email = stored(pk)
    assert email.recipient_name.startswith("Alice Bcc: victim@example.com x")
    assert len(email.recipient_name) == len(email.subject) == 250
    assert email.text_body.startswith("Dear Alice\r\nBcc: victim@example.comx")
    assert email.attachment_filename == ".._.._etc_passwd"


def test_database_refuses_a_header_of_two_lines_from_whoever_writes_it() -> None:
    with account_scope(1):
        pk = enqueue(new_email())
        email = OutgoingEmail.objects.get(pk=pk)
        email.pk, email.dedup_key, email.subject = uuid.uuid4(), "other", "a\nBcc: b@example.com"
        with (
            pytest.raises(IntegrityError, match="single line"),
            transaction.atomic(),
        ):
            OutgoingEmail.objects.bulk_create([email])


# --- Frozen once queued ---------------------------------------------------------------------------

DELIVERY_COLUMNS = {
    "state",
    "attempts",
    "next_attempt_at",
    "lease_token",
    "leased_until",
    "last_error",
    "deferrals",
    "may_have_arrived",
    "server_response",
    "sent_at",
    "returned_at",
    "returned_status",
    "returned_words",
}
CONTENT_COLUMNS = sorted(
    {str(field.column) for field in OutgoingEmail._meta.concrete_fields} - DELIVERY_COLUMNS
)


@pytest.mark.parametrize("column", CONTENT_COLUMNS)
def test_database_refuses_to_change_what_a_message_says(column: str) -> None:
    with account_scope(1):
        enqueue(new_email())
        with pytest.raises(IntegrityError, match="does not change"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"UPDATE mail_outgoingemail SET {column} = {column}")


def test_database_refuses_to_delete_a_message() -> None:
    with account_scope(1):
        enqueue(new_email())
        with pytest.raises(IntegrityError, match="stays on record"), transaction.atomic():
            OutgoingEmail.objects.all().delete()


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ({"state": "lost"}, "email_state_is_known"),
        ({"state": "sending"}, "email_leased_while_sending"),
        ({"lease_token": uuid.uuid4()}, "email_leased_while_sending"),
        ({"state": "sent"}, "email_sent_says_when"),
    ],
)
def test_database_refuses_a_state_that_contradicts_itself(
    columns: dict[str, object], constraint: str
) -> None:
    with account_scope(1):
        enqueue(new_email())
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            OutgoingEmail.objects.update(**columns)


# --- Accounts apart -------------------------------------------------------------------------------


def test_mail_of_an_account_is_seen_in_its_scope_alone() -> None:
    with account_scope(1):
        enqueue(new_email(1, account_id=1))
    with account_scope(2):
        enqueue(new_email(2, account_id=2))

    assert OutgoingEmail.objects.count() == 0
    with account_scope(1):
        assert list(OutgoingEmail.objects.values_list("dedup_key", flat=True)) == ["test:1"]
        assert OutgoingEmail.objects.filter(account_id=2).update(attempts=9) == 0
    with all_accounts_scope("test"):
        assert OutgoingEmail.objects.count() == 2


def test_mail_cannot_be_queued_for_another_account() -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), account_scope(1):
        enqueue(new_email(account_id=2))


def test_mail_of_no_account_is_queued_by_anyone_and_read_by_nobody_with_a_narrower_scope() -> None:
    pk = enqueue(new_email(account_id=None))

    assert OutgoingEmail.objects.count() == 0
    with account_scope(1):
        assert OutgoingEmail.objects.count() == 0
    assert stored(pk).account_id is None


# --- Holding back and sending again ---------------------------------------------------------------


def test_stopped_batch_is_withheld_and_released_as_one() -> None:
    batch, other = uuid.uuid4(), uuid.uuid4()
    with account_scope(1):
        enqueue_many([new_email(1, batch_id=batch), new_email(2, batch_id=other), new_email(3)])
    with account_scope(2):
        enqueue(new_email(4, batch_id=batch, account_id=2))

    assert withhold(batch) == 2
    assert states() == ["withheld", "queued", "queued", "withheld"]
    assert release(batch) == 2
    assert states() == ["queued"] * 4


def test_withholding_leaves_alone_what_has_left() -> None:
    batch = uuid.uuid4()
    with account_scope(1):
        pk = enqueue(new_email(batch_id=batch))
    change(pk, state="sent", sent_at=timezone.now())

    assert withhold(batch) == 0
    assert states() == ["sent"]


def test_failed_message_is_sent_again_with_all_its_attempts_and_it_is_recorded_who_said_so() -> (
    None
):
    with account_scope(1):
        pk = enqueue(new_email())
    change(pk, state="failed", attempts=5, deferrals=22)

    failed = stored(pk)
    with account_scope(1):
        retry(failed, actor=STAFF)
        event = AuditEvent.objects.get()

    email = stored(pk)
    assert (email.state, email.attempts, email.deferrals) == ("queued", 0, 0)
    assert (event.action, event.subject) == ("email:retried", f"email {pk}")


def test_message_that_has_not_failed_is_not_sent_again() -> None:
    with account_scope(1):
        email = OutgoingEmail.objects.get(pk=enqueue(new_email()))
        with pytest.raises(EmailNotFailed):
            retry(email, actor=STAFF)
        assert not AuditEvent.objects.exists()
