"""What staff see of outgoing mail, and how they send failed mail again."""

import uuid

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent
from common.scoping import account_scope, all_accounts_scope
from mail.models import OutgoingEmail
from mail.outbox import enqueue_many
from tests.factories import make_staff
from tests.mail.messages import new_emails
from tests.people import signed_in
from users.models import User

LIST = "/admin/mail/outgoingemail/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> User:
    return make_staff()


@pytest.fixture
def browser(staff: User) -> Client:
    return signed_in(staff)


@pytest.fixture
def emails() -> list[uuid.UUID]:
    """One that has failed, one that was sent."""
    with account_scope(1):
        failed, sent = enqueue_many(new_emails([1, 2]))
        OutgoingEmail.objects.filter(pk=failed).update(
            state="failed", server_response="550 no such user", attempts=5
        )
        OutgoingEmail.objects.filter(pk=sent).update(state="sent", sent_at=timezone.now())
    return [failed, sent]


def states(emails: list[uuid.UUID]) -> list[str]:
    with all_accounts_scope("test"):
        found = OutgoingEmail.objects.in_bulk(emails)
        return [found[pk].state for pk in emails]


def test_failed_mail_is_found_by_its_state_with_what_the_server_said(
    browser: Client, emails: list[uuid.UUID]
) -> None:
    page = browser.get(LIST, {"state__exact": "failed"}).content.decode()

    assert "recipient-1@example.com" in page
    assert "550 no such user" in page
    assert "recipient-2@example.com" not in page


def test_message_is_shown_as_text_and_cannot_be_edited(
    browser: Client, emails: list[uuid.UUID]
) -> None:
    page = browser.get(f"{LIST}{emails[0]}/change/").content.decode()

    assert "&lt;p&gt;Please find your invoice attached.&lt;/p&gt;" in page
    assert 'name="_save"' not in page
    assert browser.post(f"{LIST}{emails[0]}/change/", {"subject": "other"}).status_code == 403
    assert browser.get(f"{LIST}add/").status_code == 403
    assert browser.post(f"{LIST}{emails[0]}/delete/", {"post": "yes"}).status_code == 403


def test_failed_mail_is_sent_again_and_other_mail_is_left_alone(
    browser: Client, staff: User, emails: list[uuid.UUID]
) -> None:
    answer = browser.post(
        LIST, {"action": "send_again", "_selected_action": list(map(str, emails))}, follow=True
    )

    assert "1 message is sent again." in answer.content.decode()
    assert "has not failed" in answer.content.decode()
    assert states(emails) == ["queued", "sent"]
    with account_scope(1):
        event = AuditEvent.objects.get(action="email:retried")
    assert event.actor_user_id == staff.pk
    assert event.subject == f"email {emails[0]}"
