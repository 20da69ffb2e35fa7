"""What a link brought, kept in the session while its page is open.

The first view of a link takes the token out of the address (ASVS 3.4.5, 14.2.1): it is in no
history, no referrer and no log line after that. Its hash is what is kept, so that a session's row
opens nothing either. Nothing is consumed by keeping it.
"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

_PREFIX = "link:"
# The hidden field by which a form says for which link it was made.
FIELD = "link"


def keep(request: HttpRequest, purpose: str, row_id: UUID, token_hash: str) -> None:
    """Remember the link that was just opened, instead of an earlier one of its purpose."""
    request.session[_PREFIX + purpose] = [str(row_id), token_hash]


def open_page(
    request: HttpRequest, purpose: str, row_id: UUID, token_hash: str, *, page: str
) -> HttpResponse:
    """Keep a link that was found to be good, and go on to ``page``, whose address has no token."""
    keep(request, purpose, row_id, token_hash)
    return without_referrer(redirect(page))


def open_page_without(request: HttpRequest, purpose: str, *, page: str) -> HttpResponse:
    """Go on to ``page`` with no link, an earlier one neither: the page says what is wrong."""
    drop(request, purpose)
    return without_referrer(redirect(page))


def without_referrer(response: HttpResponse) -> HttpResponse:
    """The address of this answer holds a token: no page is told it (ASVS 14.2.1)."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def kept(request: HttpRequest, purpose: str) -> tuple[UUID, str] | None:
    """The row and the token's hash of the link that this browser opened; they are not checked.

    None for a form that was made for another link: a second one may have been opened since, in
    another tab or by another site, and the person has not seen its page. Forms say which they were
    made for (``components/kept_link.html``).
    """
    found = request.session.get(_PREFIX + purpose)
    if not found or request.POST.get(FIELD, found[0]) != found[0]:
        return None
    request.kept_link = found[0]  # type: ignore[attr-defined]
    return UUID(found[0]), found[1]


def drop(request: HttpRequest, purpose: str) -> None:
    request.session.pop(_PREFIX + purpose, None)
