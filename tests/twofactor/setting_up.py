"""What a person does on the two-factor pages, and what they have then."""

import re
from uuid import UUID

import pytest
from django.test import Client

from tests.people import Answer, signed_in
from tests.required_two_factor import signed_in_with
from tests.two_factor import code_of
from twofactor.methods import Kind, methods_of
from twofactor.models import AuthenticatorApp
from twofactor.requirements import REQUIRED_BY, RequiredBy
from users.models import User

OVERVIEW = "/profile/two-factor/"
_CODE = re.compile(r"<li>([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})</li>")


def signed_in_with_best(user: User) -> Client:
    """A browser in which ``user`` signed in with the best method that they have, if any."""
    methods = methods_of(user)
    best = next(iter(methods.apps), None) or methods.phone
    return signed_in(user) if best is None else signed_in_with(user, best)


def begin_app(browser: Client, *, query: str = "") -> str:
    """Press the button; returns the address of the page with the QR code."""
    answer = browser.post(f"{OVERVIEW}apps/{query}")
    assert answer.status_code == 302
    return str(answer["Location"])


def app_at(address: str) -> AuthenticatorApp:
    """The row behind the address of its page."""
    public_id = UUID(address.partition("?")[0].rstrip("/").rpartition("/")[2])
    app: AuthenticatorApp = AuthenticatorApp.objects.get(public_id=public_id)
    return app


def set_up_app(browser: Client, *, name: str = "Work phone", query: str = "") -> Answer:
    """Scan, and type the code that the app shows."""
    address = begin_app(browser, query=query)
    return browser.post(address, {"code": code_of(app_at(address)), "name": name})


def codes_on(answer: Answer) -> list[str]:
    return _CODE.findall(answer.content.decode())


def require(monkeypatch: pytest.MonkeyPatch, *accepts: Kind, name: str = "Hartwell & Sons") -> None:
    """Somebody requires two-factor authentication of everybody."""
    required = [RequiredBy(name=name, accepts=frozenset(accepts))]
    monkeypatch.setattr(REQUIRED_BY, "functions", lambda: iter([lambda _user: required]))
