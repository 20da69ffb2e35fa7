"""Tokens of links in emails: derived when a mail is sent and when a link is opened, never stored.

HMAC over purpose, row and a random nonce in the row, under a key that is not in the database: a
copy of the database opens nothing (docs/decisions/0074). A new nonce ends the old link.
"""

import base64
import hmac
import secrets
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.utils.crypto import constant_time_compare

# 128 random bits; the token has 192 bits of the 256 that the hash gives.
_NONCE_BYTES = 16
_TOKEN_BYTES = 24


def new_nonce() -> str:
    """What makes the tokens of a row its own; a row that gets a new one ends its former links."""
    return secrets.token_hex(_NONCE_BYTES)


def token_for(purpose: str, row_id: UUID, nonce: str) -> str:
    """The token of one row for one purpose, in characters that a URL takes."""
    return _token(settings.TOKEN_KEYS[0], purpose, row_id, nonce)


def hash_of_token(token: str) -> str:
    """What the program keeps of a token that somebody has brought."""
    return sha256(token.encode()).hexdigest()


def is_token(purpose: str, row_id: UUID, nonce: str, token_hash: str) -> bool:
    """Whether the token was made for this row, purpose and nonce, under any accepted key."""
    return any(
        constant_time_compare(hash_of_token(_token(key, purpose, row_id, nonce)), token_hash)
        for key in settings.TOKEN_KEYS
    )


class LinkTokenConverter:
    """The token at the end of a link's address: no view, session or log sees more than its hash.

    A session with the token itself would be a stored token, as an email would.
    """

    regex = "[A-Za-z0-9_-]+"

    def to_python(self, value: str) -> str:
        return hash_of_token(value)

    def to_url(self, value: str) -> str:
        """Of the token itself, when a link is made."""
        return value


def _token(key: str, purpose: str, row_id: UUID, nonce: str) -> str:
    message = f"{purpose}\0{row_id}\0{nonce}".encode()
    digest = hmac.digest(key.encode(), message, sha256)[:_TOKEN_BYTES]
    return base64.urlsafe_b64encode(digest).decode("ascii")
