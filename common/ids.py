"""Identifiers that people and mail servers see."""

import secrets
import unicodedata

# Crockford's base 32 in lower case: no i, l, o, u, so an id can be read out over the telephone.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
# 20 characters of 5 bits: 100 bits, which nobody guesses.
_PUBLIC_ID_LENGTH = 20


def new_public_id() -> str:
    """A random id for a URL; says nothing about how many there are."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_PUBLIC_ID_LENGTH))


def normalise_email(address: str) -> str:
    """The one form under which an address is compared and kept unique.

    Unicode NFKC, surrounding space removed, lower case. RFC 5321 lets a server tell local parts
    apart by case; none that people use does, and two user IDs that differ by case alone would be
    one person locked out of half their accounts.
    """
    return unicodedata.normalize("NFKC", address).strip().lower()
