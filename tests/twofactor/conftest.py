import pytest
from pytest_django import Settings

from tests.twofactor.gateways import RememberingGateway
from twofactor.sms import codes as sms_codes


@pytest.fixture
def gateway(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> RememberingGateway:
    """The gateway of this installation, for one test."""
    settings.SMS_GATEWAY = "mailbox"
    settings.SMS_COUNTRIES = ["GB", "FR"]
    chosen = RememberingGateway()
    monkeypatch.setattr(sms_codes, "chosen_gateway", lambda: chosen)
    return chosen
