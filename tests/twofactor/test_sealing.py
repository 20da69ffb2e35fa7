"""Secrets of authenticator apps under keys that are not in the database, and changing these."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from tests.people import People
from tests.two_factor import SECRET, add_app, code_of
from twofactor import totp
from twofactor.models import AuthenticatorApp
from twofactor.sealing import SecretUnreadable, seal, sealed_anew, unseal

pytestmark = pytest.mark.django_db

FORMER = "former key of this installation"
NEW = "new key of this installation"


@pytest.fixture
def keys(settings: Settings) -> Settings:
    settings.TWO_FACTOR_KEYS = [FORMER]
    return settings


def renew() -> str:
    said = StringIO()
    call_command("renew_two_factor_secrets", stdout=said)
    return said.getvalue()


def test_a_copy_of_the_database_has_no_secret(people: People) -> None:
    """Security 12."""
    app = totp.begin_set_up(people.alice)
    secret = unseal(app.encrypted_secret)
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM twofactor_authenticatorapp AS t")
        stored = str(cursor.fetchall())
    shown = totp.typed_key(app).replace(" ", "")
    assert shown not in stored and secret.hex() not in stored


def test_the_same_secret_is_never_sealed_alike() -> None:
    assert seal(SECRET) != seal(SECRET)
    assert unseal(seal(SECRET)) == SECRET


def test_a_changed_secret_is_not_read(keys: Settings) -> None:
    """Fernet is authenticated: nobody who can write rows chooses somebody's secret."""
    sealed = seal(SECRET)
    for changed in (sealed[:-3] + "AA=", "", "gAAAA", sealed[:40] + "A" + sealed[41:]):
        with pytest.raises(SecretUnreadable):
            unseal(changed)


def test_codes_are_taken_while_the_former_key_is_a_fallback(people: People, keys: Settings) -> None:
    """Changing TWO_FACTOR_KEYS shuts nobody out."""
    app = add_app(people.alice)
    keys.TWO_FACTOR_KEYS = [NEW, FORMER]
    assert totp.verify_app_code(people.alice, code_of(app))


def test_after_the_command_the_former_key_can_be_taken_away(people: People, keys: Settings) -> None:
    apps = [add_app(people.alice), add_app(people.bob), totp.begin_set_up(people.dora)]
    secrets = [unseal(app.encrypted_secret) for app in apps]
    keys.TWO_FACTOR_KEYS = [NEW, FORMER]
    assert "3 secrets" in renew()
    keys.TWO_FACTOR_KEYS = [NEW]
    for app, secret in zip(apps, secrets, strict=True):
        app.refresh_from_db()
        assert unseal(app.encrypted_secret) == secret
    assert totp.verify_app_code(people.alice, code_of(apps[0]))


def test_the_command_changes_nothing_but_the_secrets(people: People, keys: Settings) -> None:
    add_app(people.alice)
    before = AuthenticatorApp.objects.values().get()
    renew()
    after = AuthenticatorApp.objects.values().get()
    assert before.pop("encrypted_secret") != after.pop("encrypted_secret")
    assert before == after


def test_the_command_says_which_no_key_opens_and_renews_the_others(
    people: People, keys: Settings
) -> None:
    add_app(people.alice)
    keys.TWO_FACTOR_KEYS = [NEW]
    bobs = add_app(people.bob)
    with pytest.raises(CommandError, match="1 secrets are under no key"):
        renew()
    bobs.refresh_from_db()
    assert unseal(bobs.encrypted_secret) == SECRET


def test_without_its_key_a_secret_stays_shut(keys: Settings) -> None:
    sealed = seal(SECRET)
    keys.TWO_FACTOR_KEYS = [NEW]
    with pytest.raises(SecretUnreadable, match="TWO_FACTOR_KEY_FALLBACKS"):
        sealed_anew(sealed)
