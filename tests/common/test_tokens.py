"""Tokens of links: made of a row's nonce under a key that no copy of the database holds (12)."""

from uuid import uuid4

import pytest
from pytest_django import Settings

from common.tokens import LinkTokenConverter, hash_of_token, is_token, new_nonce, token_for


def test_a_token_opens_its_own_row_for_its_own_purpose() -> None:
    row, nonce = uuid4(), new_nonce()
    assert is_token("invitation", row, nonce, hash_of_token(token_for("invitation", row, nonce)))


@pytest.mark.parametrize("changed", ["purpose", "row", "nonce", "token"])
def test_and_nothing_else(changed: str) -> None:
    row, nonce = uuid4(), new_nonce()
    token = token_for("invitation", row, nonce)
    assert not is_token(
        "password_reset" if changed == "purpose" else "invitation",
        uuid4() if changed == "row" else row,
        new_nonce() if changed == "nonce" else nonce,
        hash_of_token(
            f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}" if changed == "token" else token
        ),
    )


def test_a_new_key_signs_while_the_former_one_is_accepted_for_as_long_as_it_is_listed(
    settings: Settings,
) -> None:
    row, nonce = uuid4(), new_nonce()
    old = token_for("invitation", row, nonce)
    settings.TOKEN_KEYS = ["a new key of fifty characters", *settings.TOKEN_KEYS]
    assert token_for("invitation", row, nonce) != old
    assert is_token("invitation", row, nonce, hash_of_token(old))
    settings.TOKEN_KEYS = settings.TOKEN_KEYS[:1]
    assert not is_token("invitation", row, nonce, hash_of_token(old))


def test_a_token_needs_no_escaping_in_an_address() -> None:
    tokens = "".join(token_for("invitation", uuid4(), new_nonce()) for _ in range(50))
    assert set(tokens) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_what_is_kept_of_a_token_opens_nothing_as_an_address() -> None:
    """Neither does the token itself, once the address has been read: only its hash is compared."""
    row, nonce = uuid4(), new_nonce()
    token = token_for("invitation", row, nonce)
    kept = LinkTokenConverter().to_python(token)
    assert is_token("invitation", row, nonce, kept)
    assert not is_token("invitation", row, nonce, LinkTokenConverter().to_python(kept))
    assert not is_token("invitation", row, nonce, token)
