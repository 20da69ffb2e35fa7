"""The second step of signing in."""

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from twofactor.challenge import (
    PendingSignIn,
    SignInOver,
    complete_sign_in,
    drop_pending,
    is_over,
    page_after_pending,
    pending_sign_in,
)
from twofactor.choosing import Asked, ask
from twofactor.code_forms import ChallengeForm
from twofactor.errands import Errand, overview_address
from twofactor.methods import Kind, is_enabled
from twofactor.recovery_codes import FEW, codes_left
from twofactor.sms.codes import is_sms_offered, send_code
from twofactor.sms.refusals import SmsRefused
from twofactor.typed_codes import WrongCode
from twofactor.verifying import verify
from users.models import User
from users.redirecting import destination, wanted_page
from users.signed_in import person_page, shows_and_takes
from users.signin import sign_out

_METHOD = "method"


@sensitive_post_parameters("code")
@shows_and_takes
def challenge(request: HttpRequest) -> HttpResponse:
    pending = pending_sign_in(request)
    if pending is None:
        return _without_pending(request)
    sent = request.POST if request.method == "POST" else None
    wanted = (sent or request.GET).get(_METHOD, "")
    asked = ask(pending.user, wanted=wanted, bound_to=pending.bound_to)
    if asked.kind is None:
        return _page(request, pending, asked, form=None)
    form = ChallengeForm(sent, kind=asked.kind, help_text=asked.help_text)
    if form.is_valid():
        try:
            code = form.cleaned_data["code"]
            device = verify(
                request, pending.user, kind=asked.kind, code=code, bound_to=pending.bound_to
            )
        except WrongCode as refusal:
            if is_over(request):
                return HttpResponseRedirect(_challenge_page(pending.next_page))
            form.add_error("code", str(refusal))
        else:
            try:
                complete_sign_in(request, pending, device=device)
            except SignInOver:
                return _without_pending(request)
            _tell_codes_left(request, pending.user, asked.kind)
            return HttpResponseRedirect(destination(pending.next_page))
    return _page(request, pending, asked, form=form)


@require_POST
def challenge_sms(request: HttpRequest) -> HttpResponse:
    """Send a code for the sign-in that waits; again, if one was sent."""
    pending = pending_sign_in(request)
    if pending is None:
        return _without_pending(request)
    asked = ask(pending.user, wanted=Kind.SMS, bound_to=pending.bound_to)
    phone = asked.methods.phone
    if phone is not None and is_sms_offered():
        try:
            send_code(request, phone, bound_to=pending.bound_to)
        except SmsRefused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("We sent you a code."))
    return HttpResponseRedirect(_address(Kind.SMS))


@require_POST
def challenge_cancel(request: HttpRequest) -> HttpResponse:
    """Nobody is signed in, as before."""
    drop_pending(request)
    return redirect("users:sign_in")


@require_POST
@person_page
def sign_in_again(request: HttpRequest, user: User) -> HttpResponse:
    """For whoever needs a second factor in their session: through set-up, or the challenge."""
    after = wanted_page(request)
    if not is_enabled(user):
        after = overview_address(Errand(is_on_demand=True, next_page=after))
    sign_out(request)
    return HttpResponseRedirect(_sign_in_page(after))


def _without_pending(request: HttpRequest) -> HttpResponse:
    """Signed in already, or too late, or by an old bookmark."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(destination(wanted_page(request)))
    after = page_after_pending(request)
    if after is None:
        return HttpResponseRedirect(_sign_in_page(wanted_page(request)))
    context = {"sign_in_page": _sign_in_page(after)}
    return render(request, "twofactor/challenge_ended.html", context)


def _page(
    request: HttpRequest, pending: PendingSignIn, asked: Asked, *, form: ChallengeForm | None
) -> HttpResponse:
    context = {"form": form, "asked": asked, "email": pending.user.email}
    return render(request, "twofactor/challenge.html", context)


def _tell_codes_left(request: HttpRequest, user: User, kind: Kind) -> None:
    """After one of them has signed in; nobody is urged while most of them are left."""
    if kind is not Kind.RECOVERY_CODE:
        return
    left = codes_left(user)
    if not left:
        words = _("You have no recovery codes left. Make new ones in your profile.")
        messages.warning(request, words)
    elif left <= FEW:
        words = ngettext(
            "You have %(left)s recovery code left. Make new ones in your profile before you "
            "need them.",
            "You have %(left)s recovery codes left. Make new ones in your profile before you "
            "need them.",
            left,
        )
        messages.warning(request, words % {"left": left})
    else:
        words = ngettext(
            "You have %(left)s recovery code left.", "You have %(left)s recovery codes left.", left
        )
        messages.info(request, words % {"left": left})


def _address(kind: Kind) -> str:
    return f"{reverse('twofactor:challenge')}?{urlencode({_METHOD: kind.value})}"


def _sign_in_page(after: str) -> str:
    return reverse("users:sign_in") + _going_to(after)


def _challenge_page(after: str) -> str:
    """For the second click: the first has signed in, which the browser's next request shows."""
    return reverse("twofactor:challenge") + _going_to(after)


def _going_to(after: str) -> str:
    return f"?{urlencode({REDIRECT_FIELD_NAME: after})}" if after else ""
