"""Settings > Users: who is in the account, adding somebody, changing and ending access."""

from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.request import QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Access, AccountClosed, account_page, render_page, require
from accounts.forms.users import AddUserForm, EditAccessForm, OwnInvoicesForm, initial_of
from accounts.granting import may_designate, require_touchable
from accounts.invitation_limits import TooManyInvitations
from accounts.invitations import Examined
from accounts.inviting import AlreadyInvited, AlreadyMember, Invited, invite
from accounts.listing import PAGE_LENGTH, members_page, open_invitations
from accounts.member_mail import person_in_words
from accounts.memberships import (
    ChangedMeanwhile,
    MemberGone,
    change_access,
    choose_own_invoices,
    remove_member,
    standing_of,
)
from accounts.models import Membership
from accounts.permissions import ANY_MEMBER, Permission, access_in_words, flags_in_words
from accounts.two_factor.resets import resets_of_members
from accounts.two_factor.words import MemberWords, words_for
from audit.acting import actor_of
from users.confirming import confirmed_recently, require_recent

_FORM_METHODS = ["GET", "HEAD", "POST"]
# In the session: whom this browser removed last, so that a second click is told so and not 404.
_REMOVED_LAST = "removed_member"


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A person in the table. ``may_edit`` and ``may_remove`` are about whoever looks at it."""

    membership: Membership
    access: str
    two_factor: MemberWords | None
    is_reader: bool
    may_edit: bool
    may_remove: bool


@dataclass(frozen=True, slots=True)
class InvitationRow:
    examined: Examined
    access: str


@require_safe
@account_page(Permission.MEMBERS_VIEW)
def users(request: HttpRequest, access: Access) -> HttpResponse:
    wanted = request.GET.get("q", "").strip()
    page = members_page(
        access.account,
        search=wanted,
        after=_key(request.GET.get("after", "")),
        before=_key(request.GET.get("before", "")),
    )
    invitations = open_invitations(access.account, search=wanted)
    two_factor = words_for(access.account, page.members)
    may_manage = access.may(Permission.MEMBERS_MANAGE) and not access.is_read_only
    context = {
        "rows": [_row(each, access, two_factor.get(each.pk)) for each in page.members],
        "page": page,
        "wanted": wanted,
        "may_search": bool(wanted or page.previous or page.following),
        "invitations": [_invitation_row(each) for each in invitations[:PAGE_LENGTH]],
        "are_more_invitations": len(invitations) > PAGE_LENGTH,
        "page_length": PAGE_LENGTH,
        "may_manage": may_manage,
        "resets": resets_of_members(access) if may_manage else [],
        "may_require": access.may(Permission.SECURITY_MANAGE),
    }
    return render_page(request, access, "accounts/users/list.html", context)


@require_http_methods(_FORM_METHODS)
@account_page(Permission.MEMBERS_MANAGE)
@confirmed_recently
def add_user(request: HttpRequest, access: Access) -> HttpResponse:
    sent = request.POST if request.method == "POST" else None
    form = AddUserForm(sent, access=access)
    if form.is_valid():
        try:
            invited = invite(access, actor=actor_of(request), **form.cleaned_data)
        except (AlreadyMember, AlreadyInvited) as refusal:
            form.add_error("email", str(refusal))
        except TooManyInvitations as refusal:
            form.add_error(None, str(refusal))
            return _add_page(request, access, form, status=HTTPStatus.TOO_MANY_REQUESTS)
        else:
            messages.success(request, _added_words(invited))
            return redirect("settings:users", access.account.number)
    return _add_page(request, access, form)


@require_http_methods(_FORM_METHODS)
@account_page(ANY_MEMBER, open_when_closed=True)
def user(request: HttpRequest, access: Access, public_id: UUID) -> HttpResponse:
    """A member's access for whoever manages users; one's own invoice emails for anybody."""
    if public_id == access.membership.public_id:
        return _own(request, access)
    require(access, Permission.MEMBERS_MANAGE)
    if access.is_read_only and request.method == "POST":
        raise AccountClosed
    return _edit(request, access, _member_or_404(access, public_id))


@require_http_methods(_FORM_METHODS)
@account_page(Permission.MEMBERS_MANAGE)
def remove_user(request: HttpRequest, access: Access, public_id: UUID) -> HttpResponse:
    if request.session.get(_REMOVED_LAST) == str(public_id):
        messages.info(request, str(MemberGone()))
        return redirect("settings:users", access.account.number)
    membership = _member_or_404(access, public_id)
    require_touchable(access, membership)
    if request.method == "POST":
        return _removed(request, access, public_id)
    context = {
        "member": membership,
        "person": person_in_words(membership.user),
        "consequences": _consequences_of_removal(membership),
    }
    return render_page(request, access, "accounts/users/remove.html", context)


def _removed(request: HttpRequest, access: Access, public_id: UUID) -> HttpResponse:
    try:
        person = remove_member(access, public_id, actor=actor_of(request))
    except MemberGone as refusal:
        messages.info(request, str(refusal))
    else:
        request.session[_REMOVED_LAST] = str(public_id)
        words = _("%(person)s is no longer a user of this account.")
        messages.success(request, words % {"person": person_in_words(person)})
    return redirect("settings:users", access.account.number)


def _own(request: HttpRequest, access: Access) -> HttpResponse:
    membership = access.membership
    may_start = may_designate(membership, account=access.account)
    initial = {"receives_invoices": membership.receives_invoices}
    form = OwnInvoicesForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        wanted = form.cleaned_data["receives_invoices"]
        changed = choose_own_invoices(access, receives_invoices=wanted, actor=actor_of(request))
        messages.success(request, _own_invoices_words(wanted, changed=changed))
        return redirect("settings:user", access.account.number, membership.public_id)
    context = {
        "form": form,
        "may_choose": may_start or membership.receives_invoices,
        "may_start": may_start,
        "own_access": access_in_words(is_owner=membership.is_owner, flags=membership.flags),
        "may_view_members": access.may(Permission.MEMBERS_VIEW),
    }
    return render_page(request, access, "accounts/users/own.html", context)


def _edit(request: HttpRequest, access: Access, membership: Membership) -> HttpResponse:
    require_touchable(access, membership)
    require_recent(request)
    standing = standing_of(membership)
    sent = request.POST if request.method == "POST" else None
    form = EditAccessForm(sent, access=access, held=membership.flags, initial=initial_of(standing))
    if form.is_valid():
        try:
            changed = change_access(
                access,
                membership.public_id,
                flags=form.cleaned_data["flags"],
                receives_invoices=form.cleaned_data["receives_invoices"],
                seen=form.seen(),
                actor=actor_of(request),
            )
        except ChangedMeanwhile as refusal:
            form = _on_newer(request.POST, access, refusal)
            return _edit_page(request, access, membership, form, refusal=refusal)
        messages.success(request, _changed_words(membership, changed=changed))
        return redirect("settings:users", access.account.number)
    return _edit_page(request, access, membership, form)


def _on_newer(sent: QueryDict, access: Access, refusal: ChangedMeanwhile) -> EditAccessForm:
    """The same boxes, as they were ticked, upon what the member has now."""
    newer = sent.copy()
    start = initial_of(refusal.now)
    newer["seen_flags"], newer["seen_invoices"] = start["seen_flags"], str(start["seen_invoices"])
    form = EditAccessForm(newer, access=access, held=refusal.now.flags, initial=start)
    form.add_error(None, str(refusal))
    return form


def _edit_page(
    request: HttpRequest,
    access: Access,
    membership: Membership,
    form: EditAccessForm,
    *,
    refusal: ChangedMeanwhile | None = None,
) -> HttpResponse:
    flags = refusal.now.flags if refusal else membership.flags
    context = {
        "form": form,
        "member": membership,
        "person": membership.user.get_full_name() or membership.user.email,
        "access_now": flags_in_words(flags),
        "may_require": access.may(Permission.SECURITY_MANAGE),
        "two_factor": words_for(access.account, [membership]).get(membership.pk),
    }
    return render_page(request, access, "accounts/users/edit.html", context)


def _add_page(
    request: HttpRequest,
    access: Access,
    form: AddUserForm,
    *,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    response = render_page(request, access, "accounts/users/add.html", {"form": form})
    response.status_code = status
    return response


def _member_or_404(access: Access, public_id: UUID) -> Membership:
    members = Membership.objects.select_related("user").filter(account=access.account)
    return get_object_or_404(members, public_id=public_id)


def _row(membership: Membership, access: Access, two_factor: MemberWords | None) -> MemberRow:
    is_reader = membership.pk == access.membership.pk
    may_touch = (
        access.may(Permission.MEMBERS_MANAGE)
        and not access.is_read_only
        and not membership.is_owner
        and not is_reader
    )
    words = access_in_words(is_owner=membership.is_owner, flags=membership.flags)
    return MemberRow(
        membership, words, two_factor, is_reader, may_edit=may_touch, may_remove=may_touch
    )


def _invitation_row(examined: Examined) -> InvitationRow:
    return InvitationRow(examined, flags_in_words(examined.invitation.flags))


def _key(text: str) -> UUID | None:
    with suppress(ValueError):
        return UUID(text)
    return None


def _added_words(invited: Invited) -> str:
    if invited.membership is not None:
        words = _("%(email)s is now a user of this account, and has been told by email.")
    else:
        words = _("An invitation is on its way to %(email)s.")
    return words % {"email": invited.email}


def _changed_words(membership: Membership, *, changed: bool) -> str:
    person = {"person": person_in_words(membership.user)}
    if changed:
        return _("The access of %(person)s has been changed, and they have been told.") % person
    return _("The access of %(person)s is as it was: there was nothing to change.") % person


def _own_invoices_words(receives: bool, *, changed: bool) -> str:
    if not changed:
        return _("That was so already: nothing has been changed.")
    if receives:
        return _("New invoices will be emailed to you.")
    return _("New invoices will no longer be emailed to you.")


def _consequences_of_removal(membership: Membership) -> list[Any]:
    found = [
        _("They can no longer open this account, from their next click on."),
        _("They are told by email. Their user ID and their other accounts stay."),
        _("Invitations that they have sent can no longer be accepted."),
    ]
    if membership.receives_invoices:
        found.insert(1, _("New invoices are no longer emailed to them."))
    return found
