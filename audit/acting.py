"""Who sends a request, and from where, for the audit log."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest

from audit.recording import Actor


def actor_of(request: HttpRequest) -> Actor:
    """Whoever is signed in, or an anonymous actor; with the client's address."""
    address = client_address(request)
    if request.user.is_authenticated:
        return Actor.person(request.user, remote_address=address)
    return Actor.anonymous(remote_address=address)


def client_address(request: HttpRequest) -> str | None:
    """The IP address of whoever sent ``request``; None behind a unix socket without a proxy.

    ``X-Forwarded-For`` is read from the right, by as many entries as there are proxies of ours
    (``TRUSTED_PROXY_COUNT``, ASVS 15.3.4): what stands further left was written by the client.
    """
    candidate = request.META.get("REMOTE_ADDR", "")
    proxies: int = settings.TRUSTED_PROXY_COUNT
    if proxies:
        entries = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(entries) >= proxies:
            candidate = entries[-proxies].strip() or candidate
    try:
        return str(ip_address(candidate))
    except ValueError:
        return None
