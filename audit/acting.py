"""Who sends a request, and from where, for the audit log."""

import re
from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest

from audit.recording import Actor

# As some proxies write: “192.0.2.1:4711”, “[2001:db8::1]:4711”.
_WITH_PORT = re.compile(r"\[(?P<bracketed>[^\]]+)\](:\d+)?|(?P<plain>[\d.]+):\d+")


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
    An entry that is no address does not count: the connection does then.
    """
    proxies: int = settings.TRUSTED_PROXY_COUNT
    entries = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    forwarded = entries[-proxies] if 0 < proxies <= len(entries) else ""
    return _address_in(forwarded) or _address_in(request.META.get("REMOTE_ADDR", ""))


def _address_in(written: str) -> str | None:
    """Without port and interface; an IPv4 address that is written as IPv6 is one of IPv4."""
    entry = written.strip()
    if found := _WITH_PORT.fullmatch(entry):
        entry = found["bracketed"] or found["plain"]
    try:
        address = ip_address(entry.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
