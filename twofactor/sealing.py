"""Secrets of authenticator apps, encrypted: a copy of the database makes no codes.

Fernet (AES-128-CBC with HMAC-SHA-256) under keys derived from ``TWO_FACTOR_KEYS``, which are not in
the database: the first encrypts, every one decrypts.
"""

import base64
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_PURPOSE = b"twofactor.sealing"
_KEY_BYTES = 32


class SecretUnreadable(Exception):
    """No key of ``TWO_FACTOR_KEYS`` opens it: one was taken away too early."""


def seal(secret: bytes) -> str:
    return _keys(*settings.TWO_FACTOR_KEYS).encrypt(secret).decode("ascii")


def unseal(sealed: str) -> bytes:
    """Raises SecretUnreadable."""
    try:
        return _keys(*settings.TWO_FACTOR_KEYS).decrypt(sealed)
    except InvalidToken as error:
        raise SecretUnreadable(
            "a secret is under none of TWO_FACTOR_KEY and TWO_FACTOR_KEY_FALLBACKS"
        ) from error


def sealed_anew(sealed: str) -> str:
    """The same secret under the first key. Raises SecretUnreadable."""
    return seal(unseal(sealed))


@cache
def _keys(*texts: str) -> MultiFernet:
    return MultiFernet([Fernet(_derived(text)) for text in texts])


def _derived(text: str) -> bytes:
    """Fernet's form of a key that an operator may write as they like."""
    derive = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_PURPOSE)
    return base64.urlsafe_b64encode(derive.derive(text.encode()))
