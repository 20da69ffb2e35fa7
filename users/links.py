"""Links that prove an address: signing up, a new password, verification.

A row says for whom and until when; the token is derived when the mail leaves and when the link is
opened (``common.tokens``). Opening one changes nothing: a mail scanner does that, too.
"""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from common import link_session
from common.exceptions import DomainError
from common.tokens import is_token, token_for
from mail import links as mail_links
from mail.links import LinkTo
from users.models import EmailedLink, User

Purpose = EmailedLink.Purpose

# A reset opens what is there: it is asked for and used in one sitting. The others open nothing but
# an empty house, and may be read the next morning.
LIFETIMES: dict[Purpose, timedelta] = {
    Purpose.SIGN_UP: timedelta(hours=24),
    Purpose.PASSWORD_RESET: timedelta(hours=1),
    Purpose.VERIFY_ADDRESS: timedelta(hours=24),
}
# For so long an expired link's page says when it expired; then the row goes, with its address.
_REMEMBERED_FOR = timedelta(days=30)
# With each new link: more than are added.
_CLEARED_AT_ONCE = 20
_ADDRESSES: dict[Purpose, str] = {
    Purpose.SIGN_UP: "accounts:sign_up_link",
    Purpose.PASSWORD_RESET: "users:password_reset_link",
    Purpose.VERIFY_ADDRESS: "users:verify_link",
}


class LinkUnusable(DomainError):
    """Used, replaced, altered or made up: which of these is not told."""

    def __init__(self) -> None:
        super().__init__(_("This link cannot be used any more."))


class LinkExpired(DomainError):
    """Genuine, and too old."""

    def __init__(self, link: EmailedLink) -> None:
        super().__init__(_("This link has expired."))
        self.link = link


def new_link(
    purpose: Purpose, *, email: str, user: User | None = None, next_page: str = ""
) -> EmailedLink:
    """A link for ``email`` that takes the place of earlier ones for the same purpose."""
    _clear_up()
    end_links(email=email, purposes=[purpose])
    return EmailedLink.objects.create(
        purpose=purpose,
        email=email,
        user=user,
        next_page=next_page,
        expires_at=timezone.now() + LIFETIMES[purpose],
    )


def link_to(link: EmailedLink) -> LinkTo:
    """What a mail says about ``link`` instead of its address."""
    return LinkTo(_purpose_of_mail(Purpose(link.purpose)), link.pk)


def end_links(*, email: str, purposes: list[Purpose]) -> None:
    """Links to ``email`` for ``purposes`` that were not used open nothing from now on."""
    open_ones = EmailedLink.objects.filter(
        email=email, purpose__in=purposes, used_at=None, replaced_at=None
    )
    open_ones.update(replaced_at=timezone.now())


def find_link(
    purpose: Purpose, row_id: UUID, token_hash: str, *, locked: bool = False
) -> EmailedLink:
    """The row of a link that can be used now. Raises LinkUnusable and LinkExpired.

    ``locked`` keeps others from using it until the transaction ends.
    """
    rows: QuerySet[EmailedLink] = EmailedLink.objects.filter(purpose=purpose, pk=row_id)
    link = (rows.select_for_update(no_key=True) if locked else rows).first()
    if link is None or not is_token(purpose, link.pk, link.nonce, token_hash):
        raise LinkUnusable
    if link.used_at or link.replaced_at:
        raise LinkUnusable
    if link.expires_at <= timezone.now():
        raise LinkExpired(link)
    return link


def kept_link(request: HttpRequest, purpose: Purpose, *, locked: bool = False) -> EmailedLink:
    """The link that this browser has opened, checked anew. Raises LinkUnusable, LinkExpired."""
    found = link_session.kept(request, purpose)
    if found is None:
        raise LinkUnusable
    return find_link(purpose, *found, locked=locked)


def use_link(request: HttpRequest, link: EmailedLink) -> None:
    """It opens nothing from now on. The caller has it locked, and does what it is for."""
    link.used_at = timezone.now()
    link.save(update_fields=["used_at"])
    link_session.drop(request, link.purpose)


def open_link(
    request: HttpRequest, purpose: Purpose, row_id: UUID, token_hash: str, *, page: str, again: str
) -> HttpResponse:
    """The answer to a link's address: on to ``page``, without the token.

    ``again`` is the URL name of the page that sends a new one.
    """
    try:
        find_link(purpose, row_id, token_hash)
    except (LinkUnusable, LinkExpired) as refusal:
        return link_session.without_referrer(link_refused(request, refusal, again=again))
    return link_session.open_page(request, purpose, row_id, token_hash, page=page)


def link_refused(
    request: HttpRequest, refusal: LinkUnusable | LinkExpired, *, again: str
) -> HttpResponse:
    """What to do next; nothing about whom the link was for."""
    is_expired = isinstance(refusal, LinkExpired)
    context = {
        "refusal": refusal,
        "expired_at": refusal.link.expires_at if isinstance(refusal, LinkExpired) else None,
        "again": reverse(again),
    }
    return render(request, "users/link_refused.html", context, status=410 if is_expired else 404)


def provide_addresses() -> None:
    """Tell mail how the addresses of these links are made; at start."""
    for purpose in Purpose:
        mail_links.provide(_purpose_of_mail(purpose), _resolver(purpose))


def _clear_up() -> None:
    """Addresses of people who never came are not kept."""
    forgotten = EmailedLink.objects.filter(expires_at__lt=timezone.now() - _REMEMBERED_FOR)
    locked = forgotten.select_for_update(skip_locked=True).values("pk")[:_CLEARED_AT_ONCE]
    EmailedLink.objects.filter(pk__in=locked).delete()


def _resolver(purpose: Purpose) -> Callable[[UUID], str | None]:
    def address(row_id: UUID) -> str | None:
        link = EmailedLink.objects.filter(
            pk=row_id,
            purpose=purpose,
            used_at=None,
            replaced_at=None,
            expires_at__gt=timezone.now(),
        ).first()
        if link is None:
            return None
        path = reverse(_ADDRESSES[purpose], args=[link.pk, token_for(purpose, link.pk, link.nonce)])
        return f"{settings.SITE_URL}{path}"

    return address


def _purpose_of_mail(purpose: Purpose) -> str:
    return f"users.{purpose.value}"
