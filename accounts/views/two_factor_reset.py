"""A user manager confirms that a member asked staff for a two-factor reset."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import Access, account_page, render_page
from accounts.member_mail import person_in_words
from accounts.memberships import MemberGone
from accounts.permissions import Permission
from accounts.two_factor.resets import confirm_members_reset, find_member, reset_to_confirm
from audit.acting import actor_of
from twofactor.reset_refusals import ResetConfirmed, ResetOver
from twofactor.resetting import CONFIRMED_WAITS
from users.confirming import confirmed_recently


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Permission.MEMBERS_MANAGE)
@confirmed_recently
def two_factor_reset(request: HttpRequest, access: Access, public_id: UUID) -> HttpResponse:
    try:
        member = find_member(access, public_id)
        if request.method == "POST":
            confirm_members_reset(access, public_id, actor=actor_of(request))
            words = _("Confirmed. %(person)s has been told when it happens.")
            messages.success(request, words % {"person": person_in_words(member.user)})
            return redirect("settings:users", access.account.number)
        reset = reset_to_confirm(access, member)
    except MemberGone as refusal:
        raise Http404 from refusal
    except (ResetOver, ResetConfirmed) as refusal:
        messages.info(request, str(refusal))
        return redirect("settings:users", access.account.number)
    context = {
        "person": person_in_words(member.user),
        "reset": reset,
        "soonest": min(reset.due_at, reset.started_at + CONFIRMED_WAITS),
        "consequences": [
            _("Their authenticator apps, phone and recovery codes stop working."),
            _("They are signed out everywhere, and sign in with their password alone."),
            _("If this account requires two-factor authentication, they set it up again."),
        ],
    }
    return render_page(request, access, "accounts/users/two_factor_reset.html", context)
