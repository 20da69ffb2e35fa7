"""What a link brought, kept in the session while its page is open.

The first view of a link takes the token out of the address (ASVS 3.4.5, 14.2.1): it is in no
history, no referrer and no log line after that. Its hash is what is kept, so that a session's row
opens nothing either. Nothing is consumed by keeping it.
"""

from uuid import UUID

from django.http import HttpRequest

_PREFIX = "link:"


def keep(request: HttpRequest, purpose: str, row_id: UUID, token_hash: str) -> None:
    """Remember the link that was just opened, instead of an earlier one of its purpose."""
    request.session[_PREFIX + purpose] = [str(row_id), token_hash]


def kept(request: HttpRequest, purpose: str) -> tuple[UUID, str] | None:
    """The row and the token's hash of the link that this browser opened; they are not checked."""
    found = request.session.get(_PREFIX + purpose)
    return (UUID(found[0]), found[1]) if found else None


def drop(request: HttpRequest, purpose: str) -> None:
    request.session.pop(_PREFIX + purpose, None)
