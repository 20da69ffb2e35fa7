from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from twofactor.errands import errand_of
from twofactor.methods import Methods, methods_of
from twofactor.models import SmsPhone
from twofactor.recovery_codes import FEW, HOW_MANY
from twofactor.refusals import reason_of
from twofactor.requirements import requirements_of
from twofactor.resetting import pending_reset
from twofactor.sms.codes import is_sms_offered
from users.models import User
from users.signed_in import person_page


@dataclass(frozen=True, slots=True)
class Row:
    """A method as its person reads of it. A phone is changed, and not renamed."""

    name: str
    kind: str
    added_at: datetime | None
    last_used_at: datetime | None
    remove_address: str
    rename_address: str = ""


@require_safe
@person_page
def overview(request: HttpRequest, user: User) -> HttpResponse:
    methods = methods_of(user)
    context = {
        "methods": methods,
        "rows": list(_rows(methods)),
        "begun_phone": SmsPhone.objects.filter(user=user, confirmed=False).first(),
        "can_turn_on": bool(methods.standing_alone) and not methods.is_enabled,
        "has_few_codes": methods.codes_left <= FEW,
        "codes_in_all": HOW_MANY,
        "is_sms_offered": is_sms_offered(),
        "required_by": [reason_of(each) for each in requirements_of(user)],
        "pending_reset": pending_reset(user),
        "errand": errand_of(request),
    }
    return render(request, "twofactor/overview.html", context)


def _rows(methods: Methods) -> Iterator[Row]:
    for app in methods.apps:
        yield Row(
            name=app.name,
            kind=_("Authenticator app"),
            added_at=app.confirmed_at,
            last_used_at=app.last_used_at,
            remove_address=reverse("twofactor:remove_app", args=[app.public_id]),
            rename_address=reverse("twofactor:rename_app", args=[app.public_id]),
        )
    if phone := methods.phone:
        yield Row(
            name=phone.name,
            kind=_("Text message"),
            added_at=phone.confirmed_at,
            last_used_at=phone.last_used_at,
            remove_address=reverse("twofactor:remove_phone", args=[phone.public_id]),
        )
