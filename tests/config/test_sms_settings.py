"""Security 26: text messages leave only where the operator has said how, where to and how many."""

from decimal import Decimal

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment
from config.sms_settings import price, sms_countries, sms_gateway

TWILIO = {
    "SMS_GATEWAY": "twilio",
    "TWILIO_ACCOUNT_SID": "AC0",
    "TWILIO_AUTH_TOKEN": "a token",
    "TWILIO_SENDER": "MG0",
}


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> Environment:
    for name in (*TWILIO, "TWILIO_AUTH_TOKEN_FILE", "SMS_COUNTRIES", "SMS_PRICE"):
        monkeypatch.delenv(name, raising=False)
    return Environment()


def test_production_sends_none_unless_told_how(env: Environment) -> None:
    assert sms_gateway(env, embedded=False) == ""
    assert sms_gateway(env, embedded=True) == "mailbox"


def test_codes_are_shown_to_everybody_in_embedded_mode_only(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMS_GATEWAY", "mailbox")
    assert sms_gateway(env, embedded=True) == "mailbox"
    with pytest.raises(ImproperlyConfigured, match="embedded only"):
        sms_gateway(env, embedded=False)


def test_an_unknown_gateway_is_refused(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMS_GATEWAY", "pigeon")
    with pytest.raises(ImproperlyConfigured, match="mailbox, twilio"):
        sms_gateway(env, embedded=False)


@pytest.mark.parametrize("missing", sorted(set(TWILIO) - {"SMS_GATEWAY"}))
def test_twilio_needs_account_token_and_sender(
    missing: str, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in TWILIO.items():
        monkeypatch.setenv(name, value)
    assert sms_gateway(env, embedded=False) == "twilio"
    monkeypatch.delenv(missing)
    with pytest.raises(ImproperlyConfigured, match=missing):
        sms_gateway(env, embedded=False)


def test_the_token_can_be_a_file(
    env: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("secrets") / "twilio_auth_token"
    file.write_text("a token\n")
    for name, value in TWILIO.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TWILIO_AUTH_TOKEN")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN_FILE", str(file))
    assert sms_gateway(env, embedded=False) == "twilio"
    assert env.str("TWILIO_AUTH_TOKEN") == "a token"
    # As scripts/make_secrets.sh leaves it.
    file.write_text("")
    with pytest.raises(ImproperlyConfigured, match="TWILIO_AUTH_TOKEN"):
        sms_gateway(env, embedded=False)


def test_countries_are_those_of_the_operator(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {"GB", "DE", "FR"} < set(sms_countries(env))
    assert "US" not in sms_countries(env)
    monkeypatch.setenv("SMS_COUNTRIES", "gb, US")
    assert sms_countries(env) == ["GB", "US"]
    monkeypatch.setenv("SMS_COUNTRIES", "GB,UK")
    with pytest.raises(ImproperlyConfigured, match="UK"):
        sms_countries(env)


def test_amounts_are_no_less_than_zero(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    assert price(env, "SMS_PRICE", default="0.10") == Decimal("0.10")
    monkeypatch.setenv("SMS_PRICE", "0")
    assert price(env, "SMS_PRICE", default="0.10") == 0
    for wrong in ("-1", "NaN", "Infinity", "ten", "0,10"):
        monkeypatch.setenv("SMS_PRICE", wrong)
        with pytest.raises(ImproperlyConfigured, match="SMS_PRICE"):
            price(env, "SMS_PRICE", default="0.10")
