"""Invitations as the account's people see them: sending again, deleting."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import Access, account_page, render_page
from accounts.invitation_limits import TooManyInvitations
from accounts.inviting import (
    InvitationGone,
    SentAgainAlready,
    delete_invitation,
    send_again,
)
from accounts.models import Invitation
from accounts.permissions import Permission, flags_in_words
from audit.acting import actor_of


@require_POST
@account_page(Permission.MEMBERS_MANAGE)
def send_invitation_again(request: HttpRequest, access: Access, pk: UUID) -> HttpResponse:
    invitation = _of_this_account(access, pk)
    seen = request.POST.get("seen", "")
    try:
        sent = send_again(
            access,
            pk,
            seen_count=int(seen) if seen.isdecimal() else invitation.sent_count,
            actor=actor_of(request),
        )
    except (InvitationGone, SentAgainAlready, TooManyInvitations) as refusal:
        messages.warning(request, str(refusal))
    else:
        words = _("The invitation is on its way to %(email)s again. Its former link has ended.")
        messages.success(request, words % {"email": sent.email})
    return redirect("settings:users", access.account.number)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Permission.MEMBERS_MANAGE)
def delete(request: HttpRequest, access: Access, pk: UUID) -> HttpResponse:
    invitation = _of_this_account(access, pk)
    if request.method == "POST":
        return _deleted(request, access, pk)
    if invitation.state != Invitation.State.PENDING:
        messages.warning(request, str(InvitationGone()))
        return redirect("settings:users", access.account.number)
    context = {
        "invitation": invitation,
        "consequences": [
            _("The link in their email stops working."),
            _("They are not told. You can invite them again at any time."),
        ],
        "access_words": flags_in_words(invitation.flags),
    }
    return render_page(request, access, "accounts/users/delete_invitation.html", context)


def _deleted(request: HttpRequest, access: Access, pk: UUID) -> HttpResponse:
    try:
        deleted = delete_invitation(access, pk, actor=actor_of(request))
    except InvitationGone as refusal:
        messages.warning(request, str(refusal))
    else:
        words = _("The invitation of %(email)s has been deleted.")
        messages.success(request, words % {"email": deleted.email})
    return redirect("settings:users", access.account.number)


def _of_this_account(access: Access, pk: UUID) -> Invitation:
    return get_object_or_404(Invitation, account=access.account, pk=pk)
