"""How the program hears what became of its mail: refused at start where it would be open."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment
from config.mail_settings import SECRET_OF_SERVICE, bounce_address, bounce_mailbox, webhook
from mail import webhooks

SECRET = "counterfoil:a-long-enough-password"
MAILBOX = "imaps://u:p@imap.example/INBOX"


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> Environment:
    for name in ("BOUNCE_ADDRESS", "BOUNCE_MAILBOX_URL", "MAIL_WEBHOOK_ESP"):
        monkeypatch.delenv(name, raising=False)
    return Environment()


def test_without_any_of_it_all_is_off(env: Environment) -> None:
    assert (bounce_address(env), bounce_mailbox(env, embedded=False)) == ("", "")
    assert webhook(env)[0] == ""


@pytest.mark.parametrize(
    "address", ["returns", "a@b", "r+x@b.example", "x" * 21 + "@b.example", "a b@c.example"]
)
def test_address_that_cannot_carry_an_id_is_refused(
    address: str, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOUNCE_ADDRESS", address)
    with pytest.raises(ImproperlyConfigured, match="BOUNCE_ADDRESS"):
        bounce_address(env)


def test_mailbox_is_read_encrypted_and_with_an_address(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOUNCE_MAILBOX_URL", MAILBOX)
    with pytest.raises(ImproperlyConfigured, match="BOUNCE_ADDRESS"):
        bounce_mailbox(env, embedded=False)
    monkeypatch.setenv("BOUNCE_ADDRESS", "returns@billing.example")
    assert bounce_mailbox(env, embedded=False) == MAILBOX
    plain = MAILBOX.replace("imaps", "imap")
    monkeypatch.setenv("BOUNCE_MAILBOX_URL", plain)
    assert bounce_mailbox(env, embedded=True) == plain
    with pytest.raises(ImproperlyConfigured) as refusal:
        bounce_mailbox(env, embedded=False)
    assert "u:p" not in str(refusal.value)


@pytest.mark.parametrize("service", sorted(SECRET_OF_SERVICE))
def test_service_without_its_secret_is_refused(
    service: str, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_WEBHOOK_ESP", service)
    variable = f"ANYMAIL_{SECRET_OF_SERVICE[service]}"
    with pytest.raises(ImproperlyConfigured, match=variable):
        webhook(env)
    monkeypatch.setenv(variable, SECRET)
    name, known = webhook(env)
    assert (name, known[SECRET_OF_SERVICE[service]]) == (service, SECRET)


def test_short_password_and_unknown_service_are_refused(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_WEBHOOK_ESP", "postmark")
    for secret in ("user:short", "nopassword-of-any-kind", ":a-long-enough-password"):
        monkeypatch.setenv("ANYMAIL_WEBHOOK_SECRET", secret)
        with pytest.raises(ImproperlyConfigured, match="user:password"):
            webhook(env)
    monkeypatch.setenv("MAIL_WEBHOOK_ESP", "sendgrid")
    with pytest.raises(ImproperlyConfigured, match="amazon_ses, mailgun, postmark"):
        webhook(env)


def test_every_service_that_can_be_named_has_an_address() -> None:
    assert set(webhooks._VIEWS) == set(SECRET_OF_SERVICE)
