from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from users import sessions as own
from users.models import User
from users.signed_in import person_page


@require_safe
@person_page
def sessions(request: HttpRequest, user: User) -> HttpResponse:
    context = {"sessions": own.sessions_of(request, user), "person": user}
    return render(request, "users/sessions.html", context)


@require_POST
@person_page
def end_session(request: HttpRequest, user: User, session_id: UUID) -> HttpResponse:
    if own.end_session(request, user, session_id):
        messages.success(request, _("The session is ended."))
    else:
        messages.info(request, _("That session had ended already."))
    return redirect("users:sessions")


@require_POST
@person_page
def end_other_sessions(request: HttpRequest, user: User) -> HttpResponse:
    ended = own.end_other_sessions(request, user)
    if ended:
        words = ngettext("%(count)d session is ended.", "%(count)d sessions are ended.", ended)
        messages.success(request, words % {"count": ended})
    else:
        messages.info(request, _("You are signed in nowhere else."))
    return redirect("users:sessions")
