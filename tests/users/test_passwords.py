"""Which passwords may be chosen, and changing one's own."""

import pytest
from django.conf import settings
from django.contrib.auth.password_validation import get_password_validators, validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from tests.factories import PASSWORD
from tests.people import People, sign_in, signed_in
from tests.users.mailing import mails
from users.models import User

NEW = "a newly made up passphrase"


def refusals(password: str, user: User | None = None) -> list[str]:
    try:
        validate_password(
            password, user, get_password_validators(settings.AUTH_PASSWORD_VALIDATORS)
        )
    except ValidationError as error:
        return [str(each) for each in error.messages]
    return []


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "kx7#mmq0ZZt1",
        "vier Wörter ohne Sinn dazwischen",
        "パスワードではない長い文章です",
        "    spaces count, all of them    ",
        "j2H" * 3 + "w!Qz8$kLm" * 12,
    ],
)
def test_what_is_long_and_not_common_is_taken(password: str) -> None:
    """No rules of composition (security 19, ASVS 6.2.5)."""
    assert refusals(password) == []


@pytest.mark.parametrize("password", ["short", "elevenchars", "kx7#mmq0ZZt"])
def test_eleven_characters_are_too_short(password: str) -> None:
    assert "This password is too short. It must contain at least 12 characters." in refusals(
        password
    )


def test_one_hundred_and_twenty_nine_characters_are_too_long() -> None:
    long = "".join(chr(33 + (7 * number * number) % 90) for number in range(128))
    assert refusals(long) == []
    assert refusals(long + "x") == ["This password is too long. Use at most 128 characters."]


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "P4ssw0rd1234",
        "qwertyuiop12",
        "123456789012",
        "aaaaaaaaaaaaaaaa",
        "abcabcabcabc",
        "letmeinletmein",
        "administrator",
        "drowssap4321",
        "x" * 128,
    ],
)
def test_common_ones_are_refused_in_disguise_too(password: str) -> None:
    """Security 19: from lists that come with installed packages."""
    assert any("easy to guess" in each or "too common" in each for each in refusals(password))


def test_ones_own_name_and_address_make_no_password() -> None:
    user = User(email="wilhelmina.hartwell@example.com", first_name="Wilhelmina", last_name="Hart")
    assert refusals("wilhelmina.hartwell", user)
    assert refusals("Wilhelmina2026", user)
    assert refusals("unrelated words in a row", user) == []


@pytest.mark.parametrize(
    "password",
    [
        "Test Person 2026",
        "TestPerson2026",
        "test.person.2026",
        "Person-Test-2026",
        "persontest2026",
        "Test_Person!2026",
    ],
)
def test_nor_does_the_whole_name_however_it_is_joined(password: str) -> None:
    assert refusals(password, User(email="tp@x.example", first_name="Test", last_name="Person"))
    assert refusals(password, User(email="tp@x.example", first_name="Test Person"))


def test_a_name_within_unrelated_words_is_fine() -> None:
    user = User(email="tp@x.example", first_name="Test", last_name="Person")
    assert refusals("seven test persons mend 9 violet kettles", user) == []


def test_the_longest_text_that_the_form_takes_costs_no_time() -> None:
    """zxcvbn looks at the first characters alone; a second would be felt by everybody."""
    assert refusals("aB3$" * 250)


# --- Changing it --------------------------------------------------------------------------------


def change(browser: Client, *, current: str = PASSWORD, new: str = NEW) -> str:
    sent = {"current_password": current, "password": new}
    return str(browser.post("/profile/password/", sent, follow=True).content.decode())


@pytest.mark.django_db
def test_it_ends_other_sessions_and_keeps_this_one(people: People) -> None:
    """Security 27."""
    browser, elsewhere = signed_in(people.alice), signed_in(people.alice)
    key = browser.session.session_key
    assert "Your password is changed" in change(browser)
    assert browser.get("/profile/").status_code == 200
    assert browser.session.session_key != key
    assert elsewhere.get("/profile/").status_code == 302
    assert sign_in(Client(), people.alice.email, NEW).status_code == 302


@pytest.mark.django_db
def test_its_person_is_told_and_it_is_audited_without_the_password(people: People) -> None:
    change(signed_in(people.alice))
    [told] = mails("password_changed", to=people.alice.email)
    assert NEW not in told.text_body
    with all_accounts_scope("a test reads the audit log"):
        [event] = AuditEvent.objects.filter(action=Action.USER_PASSWORD_CHANGED)
    assert event.actor_user_id == people.alice.pk
    assert NEW not in str(event.__dict__)


@pytest.mark.django_db
def test_the_wrong_current_password_changes_nothing(people: People) -> None:
    page = change(signed_in(people.alice), current="not the password of anybody")
    assert "This is not your password." in page
    assert sign_in(Client(), people.alice.email).status_code == 302
    assert mails() == []


@pytest.mark.django_db
def test_guessing_it_from_an_open_browser_is_limited(people: People) -> None:
    browser = signed_in(people.alice)
    for _ in range(10):
        change(browser, current="not the password of anybody")
    assert (
        browser.post(
            "/profile/password/", {"current_password": PASSWORD, "password": NEW}
        ).status_code
        == 429
    )


@pytest.mark.django_db
def test_a_weak_one_is_a_field_error(people: People) -> None:
    page = change(signed_in(people.alice), new="password1234")
    assert page.count("This password is too common.") == 2
    assert "easy to guess" not in page
    assert "password1234" not in page
    assert mails() == []
