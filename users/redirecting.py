"""Where a person goes next: a page of this site, or home."""

from urllib.parse import urlsplit

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from users.models import LONGEST_PATH

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def wanted_page(request: HttpRequest) -> str:
    """The page that ``next`` names, or the empty string unless it is a path on this site.

    One that no link could keep (``EmailedLink.next_page``) is none either.
    """
    wanted = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
    return wanted if len(wanted) <= LONGEST_PATH and is_here(wanted) else ""


def led_to_sign_in(request: HttpRequest) -> HttpResponseRedirect:
    """To the sign-in page, and from there back.

    To the page with the form when one was sent: its address may show nothing by itself.
    """
    page = request.get_full_path()
    if request.method not in _SAFE:
        came_from = urlsplit(request.headers.get("Referer", ""))
        if came_from.netloc == request.get_host() and came_from.path:
            page = came_from._replace(scheme="", netloc="", fragment="").geturl()
    return redirect_to_login(page)


def destination(wanted: str) -> str:
    """``wanted`` if it is a path on this site, else home."""
    return wanted if is_here(wanted) else resolve_url("portal:home")


def is_here(wanted: str) -> bool:
    # A path that begins at no root leads somewhere else from each page.
    return wanted.startswith("/") and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts=None, require_https=True
    )
