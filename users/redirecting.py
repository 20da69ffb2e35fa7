"""Where a person goes next: a page of this site, or home."""

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from users.models import LONGEST_PATH


def wanted_page(request: HttpRequest) -> str:
    """The page that ``next`` names, or the empty string unless it is a path on this site.

    One that no link could keep (``EmailedLink.next_page``) is none either.
    """
    wanted = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
    return wanted if len(wanted) <= LONGEST_PATH and is_here(wanted) else ""


def destination(wanted: str) -> str:
    """``wanted`` if it is a path on this site, else home."""
    return wanted if is_here(wanted) else resolve_url("portal:home")


def is_here(wanted: str) -> bool:
    return url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=True)
