"""Settings > Security: whether the account requires two-factor authentication, and of whom."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Access, AccountClosed, account_page, render_page
from accounts.forms.security import AT_ONCE, FROM_DAY, RequireForm
from accounts.models import Account
from accounts.permissions import Permission
from accounts.two_factor.overrides import overrides_of
from accounts.two_factor.policy import is_in_force
from accounts.two_factor.requiring import (
    NOT_REQUIRED,
    PolicyChangedMeanwhile,
    TwoFactorOfOnesOwn,
    check_may_become,
    check_own,
    planned,
    policy_of,
    require_of_members,
    stop_requiring,
)
from accounts.two_factor.standing import Stopped, open_addresses, who_is_stopped
from accounts.two_factor.words import about_policy, lack_in_words
from audit.acting import actor_of
from common.codes import zone_named
from twofactor.errands import Errand, overview_address
from twofactor.methods import kind_of_session
from users.confirming import confirmed_recently
from users.models import User

# More are counted and not named: the list of users has them all.
_MOST_NAMED = 50


@dataclass(frozen=True, slots=True)
class StoppedRow:
    stopped: Stopped
    why: str


@require_safe
@account_page(Permission.SECURITY_MANAGE)
def security(request: HttpRequest, access: Access) -> HttpResponse:
    account = access.account
    context = {
        **about_policy(account),
        "overrides": overrides_of(account),
        "may_change": not access.is_read_only,
        "own_lack": _own_lack(access.user, account),
        "set_up_page": _set_up_page(account),
        **_whom_it_stops(_as_if_required(account)),
    }
    return render_page(request, access, "accounts/security/page.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Permission.SECURITY_MANAGE)
@confirmed_recently
def require_two_factor(request: HttpRequest, access: Access) -> HttpResponse:
    """The form; filled in, what it would mean; POST does it."""
    if access.is_read_only:
        raise AccountClosed
    account = access.account
    if request.method == "POST":
        form = RequireForm(request.POST, account=account)
        return _required(request, access, form)
    if "when" not in request.GET:
        form = RequireForm(account=account, initial=_initial(account))
        return _form_page(request, access, form)
    form = RequireForm(request.GET, account=account)
    if not form.is_valid():
        return _form_page(request, access, form)
    return _confirm_page(request, access, form)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Permission.SECURITY_MANAGE)
@confirmed_recently
def stop_requiring_two_factor(request: HttpRequest, access: Access) -> HttpResponse:
    if access.is_read_only:
        raise AccountClosed
    try:
        if request.method == "POST":
            return _stopped(request, access)
        if policy_of(access.account) == NOT_REQUIRED:
            messages.info(request, _("It was not required already: nothing has been changed."))
            return _back(access)
        shown = kind_of_session(request)
        check_may_become(NOT_REQUIRED, access.user, access.account, shown=shown)
    except TwoFactorOfOnesOwn as refusal:
        messages.error(request, str(refusal))
        return _back(access)
    context = {
        "consequences": [
            _("Users of this account can open it with their password alone, from now on."),
            _("Whoever has turned on two-factor authentication keeps it, and is asked for codes."),
            _("Users whose own rule is Required still need it."),
        ]
    }
    return render_page(request, access, "accounts/security/stop.html", context)


def _stopped(request: HttpRequest, access: Access) -> HttpResponse:
    """Raises TwoFactorOfOnesOwn."""
    if stop_requiring(access, shown=kind_of_session(request), actor=actor_of(request)):
        words = _("Two-factor authentication is no longer required of everybody.")
        messages.success(request, words)
    else:
        messages.info(request, _("It was not required already: nothing has been changed."))
    return _back(access)


def _required(request: HttpRequest, access: Access, form: RequireForm) -> HttpResponse:
    if not form.is_valid():
        return _form_page(request, access, form)
    try:
        changed = require_of_members(
            access,
            day=form.starts_on,
            refuses_sms=form.cleaned_data["refuses_sms"],
            seen=form.cleaned_data["seen"],
            shown=kind_of_session(request),
            actor=actor_of(request),
        )
    except (TwoFactorOfOnesOwn, PolicyChangedMeanwhile) as refusal:
        messages.error(request, str(refusal))
    else:
        if changed:
            messages.success(request, _saved(access))
        else:
            messages.info(request, _("That was so already: nothing has been changed."))
    return _back(access)


def _saved(access: Access) -> str:
    now = Account.objects.get(pk=access.account.pk)
    if _whom_it_stops(now)["stopped_count"]:
        return _("Saved. Those who would be stopped have been told by email.")
    return _("Saved. Nobody is stopped by it.")


def _form_page(request: HttpRequest, access: Access, form: RequireForm) -> HttpResponse:
    context = {
        "form": form,
        "is_in_force": is_in_force(access.account),
        "own_lack": _own_lack(access.user, access.account),
        "set_up_page": _set_up_page(access.account),
    }
    return render_page(request, access, "accounts/security/form.html", context)


def _confirm_page(request: HttpRequest, access: Access, form: RequireForm) -> HttpResponse:
    """What the filled-in form would mean, with its values to be sent as they are."""
    account = access.account
    policy = planned(account, day=form.starts_on, refuses_sms=form.cleaned_data["refuses_sms"])
    proposed = policy.applied_to(account)
    try:
        check_own(access.user, proposed)
        check_may_become(policy, access.user, account, shown=kind_of_session(request))
    except TwoFactorOfOnesOwn as refusal:
        form.add_error(None, str(refusal))
        return _form_page(request, access, form)
    is_at_once = form.starts_on is None
    context = {
        **about_policy(proposed),
        # It is not yet.
        "is_in_force": False,
        "sent": [
            ("when", AT_ONCE if is_at_once else FROM_DAY),
            ("day", form.starts_on.isoformat() if form.starts_on else ""),
            ("refuses_sms", "on" if policy.refuses_sms else ""),
            ("seen", policy_of(account).fingerprint),
        ],
        "is_at_once": is_at_once,
        "is_suspended": is_in_force(account) and not is_at_once,
        **_whom_it_stops(proposed),
    }
    return render_page(request, access, "accounts/security/confirm.html", context)


def _initial(account: Account) -> dict[str, object]:
    """What holds now; where nothing does, nothing is chosen."""
    starts = account.two_factor_required_from
    if starts is None:
        return {}
    day = timezone.localdate(starts, zone_named(account.timezone))
    initial: dict[str, object] = {"refuses_sms": account.two_factor_refuses_sms}
    return initial | ({"when": AT_ONCE} if is_in_force(account) else {"when": FROM_DAY, "day": day})


def _as_if_required(account: Account) -> Account:
    """The account as it is, or, where nothing is required, as if it were from now on."""
    if account.two_factor_required_from is not None:
        return account
    return planned(account, day=None, refuses_sms=False).applied_to(account)


def _whom_it_stops(account: Account) -> dict[str, object]:
    at = max(account.two_factor_required_from or timezone.now(), timezone.now())
    stopped = who_is_stopped(account, at=at)
    invited = open_addresses(account)
    return {
        "stopped": [StoppedRow(each, lack_in_words(each.lack)) for each in stopped[:_MOST_NAMED]],
        "stopped_count": len(stopped),
        "stopped_more": max(0, len(stopped) - _MOST_NAMED),
        "invited": invited[:_MOST_NAMED],
        "invited_more": max(0, len(invited) - _MOST_NAMED),
    }


def _own_lack(user: User, account: Account) -> str:
    """Why the reader cannot require it of others yet, in words; empty when they can."""
    try:
        check_own(user, _as_if_required(account))
    except TwoFactorOfOnesOwn as refusal:
        return str(refusal)
    return ""


def _set_up_page(account: Account) -> str:
    """The reader's own two-factor page, and from there back."""
    page = reverse("settings:security", args=[account.number])
    return overview_address(Errand(next_page=page))


def _back(access: Access) -> HttpResponse:
    return redirect("settings:security", access.account.number)
