"""A system check: no address of an account without a declared permission."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.permissions import Requirement

ACCOUNT_PREFIX = "a/<account:account_number>/"
_ATTRIBUTE = "account_requirement"

View = Callable[..., Any]


def declare_requirement(view: View, requirement: Requirement) -> None:
    """Mark ``view`` as a page of an account; decorators around it carry the mark on (``wraps``)."""
    setattr(view, _ATTRIBUTE, requirement)


def declared_requirement(view: View) -> Requirement | None:
    """What ``view`` was declared to require; None for a view that is no page of an account."""
    requirement: Requirement | None = getattr(view, _ATTRIBUTE, None)
    return requirement


def account_pages_declare_a_permission(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Every view below ``/a/<account number>/`` is an ``account_page``, and none elsewhere is."""
    return problems(get_resolver())


def problems(resolver: URLResolver) -> list[CheckMessage]:
    """What is wrong with the addresses below ``resolver``."""
    found: list[CheckMessage] = []
    for route, view in routes(resolver):
        declares = declared_requirement(view) is not None
        if route.startswith("a/") and not declares:
            found.append(
                Error(
                    f"/{route} declares no permission.",
                    hint="Wrap its view in accounts.access.account_page.",
                    obj=view,
                    id="accounts.E001",
                )
            )
        if declares and not route.startswith(ACCOUNT_PREFIX):
            found.append(
                Error(
                    f"/{route} is an account page outside /{ACCOUNT_PREFIX}.",
                    hint="Include its URLs below that prefix in config/urls.py.",
                    obj=view,
                    id="accounts.E002",
                )
            )
    return found


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, View]]:
    """Every address below ``resolver``, as ``path()`` has it, with its view."""
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, route)
        elif isinstance(entry, URLPattern):
            yield route, entry.callback
