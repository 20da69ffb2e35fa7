"""Reports that email services post: believed with their proof, and told any number of times."""

import json
import time
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from common.scoping import account_scope, all_accounts_scope
from mail import webhooks
from mail.models import MailReport, OutgoingEmail, SuppressedAddress
from mail.outbox import enqueue
from tests.mail.messages import new_email
from tests.mail.service_events import (
    RECIPIENT,
    SECRET,
    SIGNING_KEY,
    amazon,
    mailgun,
    post,
    postmark,
    postmark_delivery,
)
from tests.mail.steps import State, stored
from users.models import UserSession

pytestmark = pytest.mark.django_db

Kind = MailReport.Kind
SERVICES = ("amazon_ses", "mailgun", "postmark")


@pytest.fixture(autouse=True)
def secrets(settings: Settings) -> None:
    settings.ANYMAIL = {
        "WEBHOOK_SECRET": SECRET,
        "MAILGUN_WEBHOOK_SIGNING_KEY": SIGNING_KEY,
        "AMAZON_SES_AUTO_CONFIRM_SNS_SUBSCRIPTIONS": False,
    }


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, settings: Settings) -> str:
    name: str = request.param
    settings.MAIL_WEBHOOK_ESP = name
    return name


def sent() -> UUID:
    with account_scope(1):
        pk = enqueue(new_email())
        OutgoingEmail.objects.filter(pk=pk).update(state=State.SENT, sent_at=timezone.now())
    return pk


def told_by(service: str, pk: UUID) -> dict[str, Any]:
    """That the message was returned for good."""
    if service == "postmark":
        return postmark(pk.hex)
    message_id = stored(pk).message_id
    return mailgun(message_id) if service == "mailgun" else amazon(message_id)


def reports() -> list[MailReport]:
    with all_accounts_scope("a test reads reports"):
        return list(MailReport.objects.all())


def nothing_came_of_it(pk: UUID) -> bool:
    return (
        stored(pk).state == State.SENT and not reports() and not SuppressedAddress.objects.exists()
    )


def test_each_service_tells_of_what_was_returned(service: str) -> None:
    pk = sent()
    answer = post(service, told_by(service, pk))
    assert (answer.status_code, answer.content) == (200, b"")
    email = stored(pk)
    assert (email.state, email.returned_status) == (State.BOUNCED, "5.1.1")
    assert SuppressedAddress.objects.get().address == RECIPIENT


def test_event_told_again_has_one_effect(service: str) -> None:
    pk = sent()
    told = told_by(service, pk)
    assert [post(service, told).status_code for _ in range(3)] == [200] * 3
    assert len(reports()) == 1


def test_without_the_secret_nothing_is_written(service: str) -> None:
    """Rows 37: none, a wrong one, one of another service."""
    pk = sent()
    told = told_by(service, pk)
    if service == "mailgun":
        told["signature"]["signature"] = "0" * 64
    for secret in ("", "counterfoil:wrong", "counterfoil:", ":"):
        assert post(service, told, secret=secret).status_code in (400, 401)
    assert nothing_came_of_it(pk)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[[]]"])
def test_rubbish_is_refused(service: str, body: bytes) -> None:
    assert post(service, body).status_code in (400, 401)
    assert reports() == []


@pytest.mark.parametrize("depth", [500, 900, 950, 980, 1000, 100_000])
def test_more_brackets_than_can_be_read_are_refused(service: str, depth: int) -> None:
    """At Mailgun before the signature is looked at; some depths are read and cannot be written."""
    deep = b"[" * depth + b"]" * depth
    pk = sent()
    if service == "mailgun":
        body = b'{"signature": ' + deep + b"}"
    else:
        told = json.dumps(told_by(service, pk)).encode()
        body = told[:-1] + b', "x": ' + deep + b"}"
    answer = post(service, body, HTTP_X_AMZ_SNS_MESSAGE_TYPE="Notification")
    assert answer.status_code in (200, 400)
    assert answer.status_code == 400 or depth < 1000


@pytest.mark.parametrize(
    ("service", "told"),
    [
        ("postmark", {"RecordType": "Bounce", "Metadata": "x", "Type": []}),
        ("postmark", ["x"]),
        ("postmark", {"RecordType": "Inbound"}),
        ("mailgun", mailgun("<a@b>") | {"event-data": []}),
        ("mailgun", mailgun("<a@b>") | {"event-data": {"event": "failed", "message": 7}}),
        ("amazon_ses", amazon("<a@b>") | {"Message": "[]"}),
        ("amazon_ses", amazon("<a@b>") | {"Message": '{"notificationType": "Bounce"}'}),
    ],
)
def test_genuine_rubbish_is_refused(service: str, told: Any, settings: Settings) -> None:
    settings.MAIL_WEBHOOK_ESP = service
    assert post(service, told).status_code == 400
    assert reports() == []


def test_our_own_mistake_is_not_taken_for_rubbish(
    service: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The service tells it again, and the log says what went wrong."""

    def mistaken(*_: object, **__: object) -> None:
        raise AttributeError("a mistake")

    pk = sent()
    monkeypatch.setattr(webhooks, "_report", mistaken)
    assert post(service, told_by(service, pk)).status_code == 500
    assert "a mistake" in caplog.text
    assert nothing_came_of_it(pk)


def test_only_the_service_that_settings_name_has_an_address(
    service: str, settings: Settings
) -> None:
    pk = sent()
    told = told_by(service, pk)
    for named in ("", *(other for other in SERVICES if other != service)):
        settings.MAIL_WEBHOOK_ESP = named
        assert post(service, told).status_code == 404
    assert post("sendgrid", told).status_code == 404
    assert nothing_came_of_it(pk)


def test_long_body_is_refused_unread(service: str) -> None:
    answer = post(service, b'{"x": "' + b"x" * webhooks.MOST_BYTES + b'"}')
    assert answer.status_code == 413


def test_it_makes_no_session_and_reads_none(service: str) -> None:
    pk = sent()
    assert "Set-Cookie" not in post(service, told_by(service, pk)).headers
    assert not UserSession.objects.exists()


def test_it_answers_to_post_alone(service: str) -> None:
    address = f"/webhooks/mail/{service}/"
    assert Client().get(address).status_code == 405
    assert Client().put(address).status_code == 405
    # With which some services try an address.
    assert Client().head(address).status_code == 200


def test_service_tries_again_while_the_database_is_away(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pk = sent()

    def away(report: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(webhooks, "take_report", away)
    assert post(service, told_by(service, pk)).status_code == 500


# --- Mailgun -------------------------------------------------------------------------------------


@pytest.fixture
def by_mailgun(settings: Settings) -> None:
    settings.MAIL_WEBHOOK_ESP = "mailgun"


@pytest.mark.usefixtures("by_mailgun")
def test_old_signature_is_refused() -> None:
    pk = sent()
    for at in (time.time() - 90_000, time.time() + 90_000):
        assert post("mailgun", mailgun(stored(pk).message_id, at=at)).status_code == 400
    assert nothing_came_of_it(pk)


@pytest.mark.usefixtures("by_mailgun")
@pytest.mark.parametrize("at", ["nan", "NaN", "inf", "-inf", "1e999", "x", ""])
def test_signed_time_that_is_none_is_refused(at: str) -> None:
    """No number is older than "nan", nor younger."""
    pk = sent()
    assert post("mailgun", mailgun(stored(pk).message_id, at=at)).status_code == 400
    assert nothing_came_of_it(pk)


@pytest.mark.usefixtures("by_mailgun")
@pytest.mark.parametrize("timestamp", [1e18, -1e18, 253402300800, 10**400, "nan", "inf", None, []])
def test_time_beyond_every_calendar_is_refused_or_dropped(timestamp: object) -> None:
    pk = sent()
    answer = post("mailgun", mailgun(stored(pk).message_id, timestamp=timestamp))
    assert answer.status_code in (200, 400)
    assert [report.happened_at for report in reports()] in ([], [None])


@pytest.mark.usefixtures("by_mailgun")
def test_signature_is_good_for_one_event() -> None:
    """It does not cover the body: who saw one could write another under it."""
    pk = sent()
    post("mailgun", mailgun(stored(pk).message_id, severity="temporary"))
    post("mailgun", mailgun(stored(pk).message_id))
    assert stored(pk).state == State.SENT
    assert [report.kind for report in reports()] == [Kind.DELAYED]


@pytest.mark.usefixtures("by_mailgun")
@pytest.mark.parametrize("event", ["opened", "clicked", "unsubscribed"])
def test_what_a_reader_does_is_not_kept(event: str) -> None:
    pk = sent()
    assert post("mailgun", mailgun(stored(pk).message_id, event)).status_code == 200
    assert nothing_came_of_it(pk)


@pytest.mark.usefixtures("by_mailgun")
def test_complaint_and_delivery_are_understood() -> None:
    pk = sent()
    message_id = stored(pk).message_id
    post("mailgun", mailgun(message_id, "delivered", token="one"))
    assert [report.kind for report in reports()] == [Kind.DELIVERED]
    post("mailgun", mailgun(message_id, "complained", token="two"))
    assert SuppressedAddress.objects.get().kind == "complaint"


# --- Postmark ------------------------------------------------------------------------------------


@pytest.fixture
def by_postmark(settings: Settings) -> None:
    settings.MAIL_WEBHOOK_ESP = "postmark"


@pytest.mark.usefixtures("by_postmark")
def test_message_carries_what_postmark_gives_back() -> None:
    pk = sent()
    assert stored(pk).headers == {"X-PM-Metadata-message": pk.hex}


@pytest.mark.usefixtures("by_postmark")
@pytest.mark.parametrize(
    ("kind", "state", "suppressed"),
    [
        ("HardBounce", State.BOUNCED, ["returned"]),
        ("BadEmailAddress", State.BOUNCED, ["returned"]),
        ("SoftBounce", State.BOUNCED, []),
        ("Blocked", State.BOUNCED, []),
        ("Transient", State.SENT, []),
        ("AutoResponder", State.SENT, []),
        ("SpamComplaint", State.SENT, ["complaint"]),
    ],
)
def test_kinds_of_postmark(kind: str, state: str, suppressed: list[str]) -> None:
    pk = sent()
    assert post("postmark", postmark(pk.hex, kind)).status_code == 200
    assert stored(pk).state == state
    assert list(SuppressedAddress.objects.values_list("kind", flat=True)) == suppressed


@pytest.mark.usefixtures("by_postmark")
def test_event_without_an_id_is_known_by_its_words() -> None:
    pk = sent()
    for _ in range(2):
        post("postmark", postmark_delivery(pk.hex))
    assert [report.kind for report in reports()] == [Kind.DELIVERED]


@pytest.mark.usefixtures("by_postmark")
def test_message_of_another_program_is_kept_apart() -> None:
    pk = sent()
    post("postmark", postmark("", Metadata={}))
    (kept,) = reports()
    assert (kept.email_id, kept.recipient) == (None, RECIPIENT)
    assert stored(pk).state == State.SENT
    assert not SuppressedAddress.objects.exists()


# --- Amazon SES ----------------------------------------------------------------------------------


@pytest.fixture
def by_amazon(settings: Settings) -> None:
    settings.MAIL_WEBHOOK_ESP = "amazon_ses"


@pytest.mark.usefixtures("by_amazon")
def test_amazon_is_asked_for_its_password() -> None:
    answer = post("amazon_ses", amazon("<a@b>"), secret="")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Basic realm="mail"')


@pytest.mark.usefixtures("by_amazon")
def test_passing_return_of_amazon_leaves_the_address_alone() -> None:
    pk = sent()
    told = amazon(stored(pk).message_id, bounceType="Transient", bounceSubType="MailboxFull")
    post("amazon_ses", told)
    assert stored(pk).state == State.BOUNCED
    assert not SuppressedAddress.objects.exists()


@pytest.mark.usefixtures("by_amazon")
def test_complaint_of_amazon_is_understood() -> None:
    pk = sent()
    post("amazon_ses", amazon(stored(pk).message_id, "Complaint"))
    assert SuppressedAddress.objects.get().kind == "complaint"


@pytest.mark.usefixtures("by_amazon")
def test_subscription_is_confirmed_by_hand(caplog: pytest.LogCaptureFixture) -> None:
    """What is posted here makes the program call nobody."""
    told = {
        "Type": "SubscriptionConfirmation",
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:mail",
        "Token": "2336412f37",
        "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
    }
    assert post("amazon_ses", told).status_code == 200
    assert "sns.eu-west-1.amazonaws.com" in caplog.text
    assert reports() == []


@pytest.mark.usefixtures("by_amazon")
def test_without_the_headers_amazon_names_nobody() -> None:
    """Then its report is kept for staff: docs/mail-returns.md says what to switch on."""
    pk = sent()
    told = amazon(stored(pk).message_id)
    about = json.loads(told["Message"])
    del about["mail"]["headers"]
    post("amazon_ses", told | {"Message": json.dumps(about)})
    assert [report.email_id for report in reports()] == [None]
