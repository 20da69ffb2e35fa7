"""A person's own details, and closing their user ID."""

from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Membership
from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from tests.factories import PASSWORD
from tests.people import People, sign_in, signed_in
from tests.users.mailing import mails, only_link
from users.models import EmailAddressChange, User, UserSession

pytestmark = pytest.mark.django_db

DETAILS = {
    "first_name": "Dora",
    "last_name": "Lind",
    "phone": "",
    "language": "en",
    "timezone": "UTC",
}


def save(browser: Client, **values: str) -> str:
    answer = browser.post("/profile/", {**DETAILS, **values}, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def events(action: Action) -> list[AuditEvent]:
    with all_accounts_scope("a test reads the audit log"):
        return list(AuditEvent.objects.filter(action=action))


@pytest.fixture
def dora(people: People) -> Client:
    return signed_in(people.dora)


def test_details_are_saved_and_audited_with_what_they_were(people: People, dora: Client) -> None:
    """U1: name, phone, language, time zone."""
    assert "Your profile is saved." in save(
        dora, last_name="Lind-Berg", phone="+44 (0)20 7946 0018", timezone="Europe/London"
    )
    user = User.objects.get(pk=people.dora.pk)
    assert (user.last_name, user.phone, user.timezone) == (
        "Lind-Berg",
        "+44 20 7946 0018",
        "Europe/London",
    )
    [event] = events(Action.USER_PROFILE_CHANGED)
    assert event.details["from"] == {"last_name": "Lind", "phone": "", "timezone": "UTC"}


def test_a_number_without_a_country_code_is_read_where_its_person_is(
    people: People, dora: Client
) -> None:
    save(dora, timezone="Europe/London")
    save(dora, timezone="Europe/London", phone="020 7946 0018")
    assert User.objects.get(pk=people.dora.pk).phone == "+44 20 7946 0018"


def test_a_number_that_is_none_is_a_field_error_and_stays_there(dora: Client) -> None:
    page = save(dora, phone="call me", last_name="Lind-Berg")
    assert "Enter a phone number with its country code" in page
    assert 'value="call me"' in page
    assert 'value="Lind-Berg"' in page
    assert events(Action.USER_PROFILE_CHANGED) == []


def test_the_answer_is_in_the_language_that_was_chosen(dora: Client) -> None:
    answer = dora.post("/profile/", {**DETAILS, "language": "de"}, follow=True)
    assert answer["Content-Language"] == "de"
    assert '<html lang="de"' in answer.content.decode()


def test_saving_what_is_there_writes_nothing(dora: Client) -> None:
    assert "Nothing was changed." in save(dora)
    assert events(Action.USER_PROFILE_CHANGED) == []


@pytest.mark.parametrize(
    "name",
    [
        "Dora\r\nBcc: everybody@example.com",
        "Dora\x00",
        "<b>Dora</b>",
        "Dora\u2028Lind",
        "D" * 10_000,
    ],
)
def test_a_name_that_breaks_a_header_is_refused(dora: Client, name: str) -> None:
    """Security 32."""
    page = save(dora, first_name=name)
    assert "Please check what you entered" in page
    assert events(Action.USER_PROFILE_CHANGED) == []


def test_a_name_with_commas_and_quotes_is_one_mailbox(people: People, dora: Client) -> None:
    """Security 32."""
    save(dora, first_name='Dora, "the" Great; Bcc:')
    dora.post(
        "/profile/password/", {"current_password": PASSWORD, "password": "ein neues langes Wort"}
    )
    [email] = mails("password_changed")
    assert email.recipient_address == people.dora.email


def test_extra_fields_are_ignored(people: People, dora: Client) -> None:
    """Security 6."""
    save(dora, is_staff="on", is_superuser="on", email="boss@operator.example", pk="1")
    user = User.objects.get(pk=people.dora.pk)
    assert (user.is_staff, user.is_superuser, user.email) == (False, False, people.dora.email)


@pytest.mark.parametrize(
    "page",
    ["", "email/", "password/", "sessions/", "close/"],
)
def test_whoever_is_not_signed_in_is_asked_to(db: None, page: str) -> None:
    answer = Client().get(f"/profile/{page}")
    assert answer["Location"] == f"/sign-in/?next=/profile/{page}"


def test_a_person_is_found_by_the_session_alone(people: People, dora: Client) -> None:
    """No address of these pages names a person, so none can name another one."""
    page = dora.get("/profile/", {"user": people.alice.pk, "pk": people.alice.pk})
    assert "alice" not in page.content.decode()
    assert dora.post(f"/profile/sessions/{uuid4()}/end/").status_code == 302


# --- Closing ------------------------------------------------------------------------------------


def close(browser: Client, email: str = "dora@hartwell.example") -> str:
    answer = browser.post("/profile/close/", {"email": email}, follow=True)
    return str(answer.content.decode())


def test_the_page_says_what_will_happen_first(people: People, dora: Client) -> None:
    page = dora.get("/profile/close/").content.decode()
    assert "You leave every account" in page
    assert User.objects.get(pk=people.dora.pk).is_active


def test_it_ends_sessions_and_memberships_and_forgets_the_person(
    people: People, dora: Client
) -> None:
    elsewhere = signed_in(people.dora)
    assert "Your user ID is closed." in close(dora)
    user = User.objects.get(pk=people.dora.pk)
    assert user.closed_at is not None
    assert not user.is_active
    assert "dora" not in f"{user.email} {user.get_full_name()}".lower()
    assert not Membership.objects.filter(user=user).exists()
    assert not UserSession.objects.filter(user=user).exists()
    assert elsewhere.get("/profile/").status_code == 302
    [told] = mails("user_id_closed", to="dora@hartwell.example")
    assert "is closed" in told.text_body
    [event] = events(Action.USER_CLOSED)
    assert event.actor_user_id == user.pk
    assert sign_in(Client(), "dora@hartwell.example").status_code == 200


def test_the_address_can_sign_up_again_as_somebody_new(people: People, dora: Client) -> None:
    close(dora)
    Client().post("/sign-up/", {"email": "dora@hartwell.example"})
    assert only_link("sign_up", to="dora@hartwell.example")


def test_an_owner_cannot(people: People) -> None:
    """Decision 0081: not before the account has another owner, or is closed."""
    browser = signed_in(people.alice)
    for page in (browser.get("/profile/close/").content.decode(), close(browser)):
        assert "Not yet" in page
        assert str(people.account.number) in page
    assert User.objects.get(pk=people.alice.pk).is_active
    assert browser.get("/profile/").status_code == 200
    assert mails() == []


@pytest.mark.parametrize("typed", ["", "alice@hartwell.example"])
def test_another_address_closes_nothing(people: People, dora: Client, typed: str) -> None:
    assert "Please check what you entered" in close(dora, typed)
    assert User.objects.get(pk=people.dora.pk).is_active


def test_not_while_a_change_of_address_can_be_undone(people: People, dora: Client) -> None:
    """Whoever took over a user ID cannot destroy it before its person has taken it back."""
    dora.post("/profile/email/", {"new_email": "thief@elsewhere.example"})
    dora.get(only_link("address_change_confirm"))
    dora.post("/email-change/confirm/")
    assert EmailAddressChange.objects.get().confirmed_at
    assert "can be undone until" in close(dora)
    assert User.objects.get(pk=people.dora.pk).is_active
