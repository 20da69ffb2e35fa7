from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from users.links import LinkExpired, LinkUnusable, Purpose, kept_link, link_refused, open_link
from users.verifying import verify_address

# Whoever signs in with the right password is sent a new link.
_AGAIN = "users:sign_in"


@require_safe
def verify_link(request: HttpRequest, link_id: UUID, token_hash: str) -> HttpResponse:
    return open_link(
        request, Purpose.VERIFY_ADDRESS, link_id, token_hash, page="users:verify", again=_AGAIN
    )


@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    try:
        if request.method == "POST":
            next_page = verify_address(request)
            messages.success(request, _("Your email address is confirmed. Sign in now."))
            query = f"?{urlencode({REDIRECT_FIELD_NAME: next_page})}" if next_page else ""
            return HttpResponseRedirect(reverse("users:sign_in") + query)
        link = kept_link(request, Purpose.VERIFY_ADDRESS)
    except (LinkUnusable, LinkExpired) as refusal:
        return link_refused(request, refusal, again=_AGAIN)
    return render(request, "users/verify.html", {"email": link.email})
