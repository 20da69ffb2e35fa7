"""The envelope sender that makes returned mail tell which message it is about, and nobody else's.

With BOUNCE_ADDRESS set, a message leaves from ``returns+<id>-<mac>@domain``. Whoever has not got
the message cannot make that address, so nobody has another's address suppressed by writing false
reports (docs/decisions/0121). In small letters and digits: servers on the way change case.
"""

import base64
import hmac
import re
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.utils.crypto import constant_time_compare

_PURPOSE = "return_path"
_MAC_BYTES = 10
# 128 and 80 bits in characters of five.
_TAG = re.compile(r"(?P<id>[a-z2-7]{26})-(?P<mac>[a-z2-7]{16})")


def return_path(pk: UUID) -> str:
    """Where mail about the message ``pk`` is returned to. Needs BOUNCE_ADDRESS."""
    local_part, _at, domain = settings.BOUNCE_ADDRESS.rpartition("@")
    return f"{local_part}+{_letters(pk.bytes)}-{_mac(settings.TOKEN_KEYS[0], pk)}@{domain}"


def message_of(address: str) -> UUID | None:
    """The message whose return path ``address`` is; None for every other address."""
    local_part, _at, domain = address.strip().lower().rpartition("@")
    own_local_part, _at, own_domain = settings.BOUNCE_ADDRESS.lower().rpartition("@")
    before, plus, tag = local_part.rpartition("+")
    found = _TAG.fullmatch(tag)
    if not plus or found is None or (before, domain) != (own_local_part, own_domain):
        return None
    pk = UUID(bytes=base64.b32decode(f"{found['id'].upper()}======"))
    # Compared whole: the last letter of the id has bits to spare, which spell the same id twice.
    is_ours = any(
        constant_time_compare(f"{_letters(pk.bytes)}-{_mac(key, pk)}", tag)
        for key in settings.TOKEN_KEYS
    )
    return pk if is_ours else None


def _mac(key: str, pk: UUID) -> str:
    message = f"{_PURPOSE}\0{pk}".encode()
    return _letters(hmac.digest(key.encode(), message, sha256)[:_MAC_BYTES])


def _letters(octets: bytes) -> str:
    return base64.b32encode(octets).decode("ascii").rstrip("=").lower()
