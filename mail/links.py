"""Links that carry a token: made when a message is sent, so that none is stored.

A message with such a link holds a marker in its bodies, and says in columns of its own for which
purpose and row the link is. The package that owns the row gives the address (``provide``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from mail.models import OutgoingEmail

# A row's primary key to the link's absolute address; None when it would open nothing any more.
Resolver = Callable[[UUID], str | None]

# How the last words of a message begin that was not sent because its link had ended.
LINK_ENDED = "the link has ended"

_resolvers: dict[str, Resolver] = {}


@dataclass(frozen=True, slots=True)
class LinkTo:
    """What a message's one link is for. ``row`` is the row from which its token is derived."""

    purpose: str
    row: UUID


class LinkEnded(Exception):
    """The link was revoked, used or replaced before its message left: there is nothing to send."""


def provide(purpose: str, resolver: Resolver) -> None:
    """Set who makes links of ``purpose``; at start, by ``AppConfig``. It opens its own scope."""
    _resolvers[purpose] = resolver


def withdraw(purpose: str) -> None:
    """Forget who makes links of ``purpose``."""
    del _resolvers[purpose]


def put_in(email: OutgoingEmail) -> None:
    """Put the link in its marker's place, on the object only. Raises LinkEnded.

    The same bytes at each sending: the token follows from the row.
    """
    if not email.link_purpose:
        return
    if email.link_row is None:
        raise ValueError(f"email {email.pk} names a link of no row")
    address = _resolvers[email.link_purpose](email.link_row)
    if address is None:
        raise LinkEnded(f"{LINK_ENDED}: {email.link_purpose}")
    email.text_body = email.text_body.replace(email.link_marker, address)
    email.html_body = email.html_body.replace(email.link_marker, address)
    email.headers = {
        name: value.replace(email.link_marker, address) for name, value in email.headers.items()
    }
