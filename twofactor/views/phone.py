"""The number that gets codes: typed, confirmed by a code, changed."""

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from twofactor.errands import Errand, errand_of, overview_address
from twofactor.methods import methods_of
from twofactor.models import SmsPhone
from twofactor.proving import changes_methods
from twofactor.sms.codes import is_on_its_way, is_sms_offered, send_code
from twofactor.sms.forms import PhoneCodeForm, PhoneForm, first_filled_in
from twofactor.sms.numbers import masked, named, spaced
from twofactor.sms.phones import SameNumber, begin_phone, confirm_phone, set_up_of
from twofactor.sms.refusals import PerhapsSent, SmsRefused, TooManyMessages
from twofactor.typed_codes import WrongCode
from twofactor.views.turning import after_method_added
from users.models import User
from users.signed_in import person_page, shows_and_takes


@shows_and_takes
@changes_methods
@person_page
def phone(request: HttpRequest, user: User) -> HttpResponse:
    """Asks for a number and sends it a code; a former number works until that one is confirmed."""
    _require_offered()
    errand = errand_of(request)
    sent = request.POST if request.method == "POST" else None
    former = methods_of(user).phone
    form = PhoneForm(sent, initial=first_filled_in(user, former=former))
    status = HTTPStatus.OK
    if form.is_valid():
        try:
            begun = begin_phone(user, form.cleaned_data["number"])
            return _send_first(request, begun, errand)
        except SameNumber as refusal:
            form.add_error("number", str(refusal))
        except SmsRefused as refusal:
            form.add_error("number", refusal.during_set_up)
            if isinstance(refusal, TooManyMessages):
                status = HTTPStatus.TOO_MANY_REQUESTS
    context = {
        "form": form,
        "former": masked(former.number) if former else "",
        "errand": errand,
        "cancel": overview_address(errand),
    }
    return render(request, "twofactor/phone.html", context, status=status)


@sensitive_post_parameters("code")
@shows_and_takes
@changes_methods
@person_page
def phone_confirm(request: HttpRequest, user: User, phone_id: UUID) -> HttpResponse:
    errand = errand_of(request)
    found = get_object_or_404(SmsPhone, user=user, public_id=phone_id)
    if found.confirmed:
        return _is_done(request, errand)
    form = PhoneCodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            confirm_phone(request, user, phone_id, form.cleaned_data["code"])
            return after_method_added(request, user, errand, name=named(found.number))
        except WrongCode as refusal:
            form.add_error("code", str(refusal))
    context = {
        "form": form,
        "phone": found,
        "number": spaced(found.number),
        "is_on_its_way": is_on_its_way(found, bound_to=set_up_of(found)),
        "errand": errand,
        "cancel": overview_address(errand),
        "other_number": reverse("twofactor:phone") + errand.query,
    }
    return render(request, "twofactor/phone_confirm.html", context)


@require_POST
@changes_methods
@person_page
def phone_send_again(request: HttpRequest, user: User, phone_id: UUID) -> HttpResponse:
    """Another code; the one before counts no more."""
    _require_offered()
    errand = errand_of(request)
    found = get_object_or_404(SmsPhone, user=user, public_id=phone_id)
    if found.confirmed:
        return _is_done(request, errand)
    try:
        send_code(request, found, bound_to=set_up_of(found))
    except SmsRefused as refusal:
        messages.error(request, refusal.during_set_up)
    else:
        messages.success(request, _("We sent you a new code. The one before does not count."))
    return _to_confirm(found, errand)


def _require_offered() -> None:
    if not is_sms_offered():
        raise Http404


def _send_first(request: HttpRequest, begun: SmsPhone, errand: Errand) -> HttpResponse:
    """Raises SmsRefused unless a code is on its way, perhaps."""
    try:
        send_code(request, begun, bound_to=set_up_of(begun))
    except PerhapsSent as refusal:
        messages.warning(request, refusal.during_set_up)
    except TooManyMessages:
        # A second click: the first one's message is on its way.
        if not is_on_its_way(begun, bound_to=set_up_of(begun)):
            raise
        messages.info(request, _("We sent a code to this number a moment ago."))
    return _to_confirm(begun, errand)


def _to_confirm(begun: SmsPhone, errand: Errand) -> HttpResponse:
    return redirect(reverse("twofactor:phone_confirm", args=[begun.public_id]) + errand.query)


def _is_done(request: HttpRequest, errand: Errand) -> HttpResponse:
    messages.info(request, _("This number is set up already."))
    return redirect(overview_address(errand))
