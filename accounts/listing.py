"""The people of an account and its open invitations, in pages that are found by key.

As many queries for five hundred people as for two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.invitations import Examined, examine
from accounts.models import Account, Invitation, Membership

PAGE_LENGTH = 50


@dataclass(frozen=True, slots=True)
class MembersPage:
    """``previous`` and ``following`` are keys for the neighbouring pages; None at the ends."""

    members: Sequence[Membership]
    previous: UUID | None
    following: UUID | None


def members_page(
    account: Account,
    *,
    search: str = "",
    after: UUID | None = None,
    before: UUID | None = None,
) -> MembersPage:
    """The owner first, then everybody else by email address, from one key on or up to one.

    The keys are public ids: an address in a URL would end up in logs. ``search`` is parts of names
    and addresses.
    """
    found = _matching(account, search)
    others = found.filter(is_owner=False)
    if before and (key := _email_of(account, before)):
        backwards = others.filter(user__email__lt=key).order_by("-user__email")
        rows = list(backwards[: PAGE_LENGTH + 1])
        page = rows[PAGE_LENGTH - 1 :: -1] if len(rows) > PAGE_LENGTH else rows[::-1]
        if len(rows) > PAGE_LENGTH:
            return MembersPage(page, page[0].public_id, page[-1].public_id)
        return MembersPage([*_owner(found), *page], None, page[-1].public_id if page else None)
    key = _email_of(account, after) if after else ""
    rows = list(others.filter(user__email__gt=key).order_by("user__email")[: PAGE_LENGTH + 1])
    page = rows[:PAGE_LENGTH]
    following = page[-1].public_id if len(rows) > PAGE_LENGTH else None
    if key:
        return MembersPage(page, page[0].public_id if page else None, following)
    return MembersPage([*_owner(found), *page], None, following)


def open_invitations(account: Account, *, search: str = "") -> list[Examined]:
    """Invitations that nobody has answered, newest first; one more than a page, if there are."""
    pending = Invitation.objects.select_related("account", "invited_by").filter(
        account=account, state=Invitation.State.PENDING
    )
    for word in search.split():
        pending = pending.filter(email__icontains=word)
    return examine(pending.order_by("-sent_at", "pk")[: PAGE_LENGTH + 1])


def _matching(account: Account, search: str) -> QuerySet[Membership]:
    found = Membership.objects.select_related("user").filter(account=account)
    for word in search.split():
        found = found.filter(
            Q(user__email__icontains=word)
            | Q(user__first_name__icontains=word)
            | Q(user__last_name__icontains=word)
        )
    return found


def _owner(found: QuerySet[Membership]) -> list[Membership]:
    return list(found.filter(is_owner=True))


def _email_of(account: Account, public_id: UUID) -> str:
    """Where the page begins; the empty string, which is the first page, for no key of this one."""
    member = Membership.objects.filter(account=account, public_id=public_id)
    return member.values_list("user__email", flat=True).first() or ""
