"""Whether two-factor authentication is required of one member: a page below their edit screen."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.request import QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import Access, AccountClosed, account_page, render_page
from accounts.forms.security import OverrideForm
from accounts.member_mail import person_in_words
from accounts.memberships import MemberGone
from accounts.models import Membership
from accounts.permissions import Permission
from accounts.two_factor.overrides import (
    OverrideChangedMeanwhile,
    change_override,
    override_of,
    require_overridable,
)
from accounts.two_factor.requiring import TwoFactorOfOnesOwn
from audit.acting import actor_of
from twofactor.methods import kind_of_session
from users.confirming import confirmed_recently


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Permission.SECURITY_MANAGE)
@confirmed_recently
def two_factor_rule(request: HttpRequest, access: Access, public_id: UUID) -> HttpResponse:
    if access.is_read_only:
        raise AccountClosed
    members = Membership.objects.select_related("user").filter(account=access.account)
    membership = get_object_or_404(members, public_id=public_id)
    require_overridable(access, membership)
    now = override_of(membership)
    sent = request.POST if request.method == "POST" else None
    form = OverrideForm(sent, account=access.account, now=now)
    if form.is_valid():
        try:
            return _changed(request, access, membership, form)
        except TwoFactorOfOnesOwn as refusal:
            form.add_error(None, str(refusal))
        except OverrideChangedMeanwhile as refusal:
            form = _on_newer(request.POST, access, refusal)
    context = {
        "form": form,
        "member": membership,
        "person": membership.user.get_full_name() or membership.user.email,
    }
    return render_page(request, access, "accounts/security/override.html", context)


def _changed(
    request: HttpRequest, access: Access, membership: Membership, form: OverrideForm
) -> HttpResponse:
    try:
        changed = change_override(
            access,
            membership.public_id,
            override=form.override,
            seen=form.cleaned_data["seen"],
            shown=kind_of_session(request),
            actor=actor_of(request),
        )
    except MemberGone as refusal:
        messages.info(request, str(refusal))
        return redirect("settings:users", access.account.number)
    if changed:
        words = _("Saved. It holds for %(person)s from their next click on.")
        messages.success(request, words % {"person": person_in_words(membership.user)})
    else:
        messages.info(request, _("That was so already: nothing has been changed."))
    return redirect("settings:user", access.account.number, membership.public_id)


def _on_newer(sent: QueryDict, access: Access, refusal: OverrideChangedMeanwhile) -> OverrideForm:
    """What was entered, upon what holds now."""
    newer = sent.copy()
    newer["seen"] = refusal.now.fingerprint
    form = OverrideForm(newer, account=access.account, now=refusal.now)
    form.add_error(None, str(refusal))
    return form
