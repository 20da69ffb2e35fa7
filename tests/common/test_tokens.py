"""Tokens of links: made of a row's nonce under a key that no copy of the database holds (12)."""

from uuid import uuid4

import pytest
from pytest_django import Settings

from common.tokens import is_token, new_nonce, token_for


def test_a_token_opens_its_own_row_for_its_own_purpose() -> None:
    row, nonce = uuid4(), new_nonce()
    assert is_token("invitation", row, nonce, token_for("invitation", row, nonce))


@pytest.mark.parametrize("changed", ["purpose", "row", "nonce", "token"])
def test_and_nothing_else(changed: str) -> None:
    row, nonce = uuid4(), new_nonce()
    token = token_for("invitation", row, nonce)
    assert not is_token(
        "password_reset" if changed == "purpose" else "invitation",
        uuid4() if changed == "row" else row,
        new_nonce() if changed == "nonce" else nonce,
        f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}" if changed == "token" else token,
    )


def test_a_new_key_signs_while_the_former_one_is_accepted_for_as_long_as_it_is_listed(
    settings: Settings,
) -> None:
    row, nonce = uuid4(), new_nonce()
    old = token_for("invitation", row, nonce)
    settings.TOKEN_KEYS = ["a new key of fifty characters", *settings.TOKEN_KEYS]
    assert token_for("invitation", row, nonce) != old
    assert is_token("invitation", row, nonce, old)
    settings.TOKEN_KEYS = settings.TOKEN_KEYS[:1]
    assert not is_token("invitation", row, nonce, old)


def test_a_token_needs_no_escaping_in_an_address() -> None:
    tokens = "".join(token_for("invitation", uuid4(), new_nonce()) for _ in range(50))
    assert set(tokens) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
