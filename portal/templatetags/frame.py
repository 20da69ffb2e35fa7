"""Template tags for what stands around every page: sections and the account switcher."""

from django import template
from django.template import Context
from django.urls import reverse

from accounts.access import Access
from portal.navigation import Group, sections_of_account, sections_of_person
from portal.switching import Switcher, switcher_for
from twofactor.methods import kind_of_session
from twofactor.models import TwoFactorReset
from twofactor.resetting import pending_reset
from users.models import User

register = template.Library()


@register.simple_tag(takes_context=True)
def account_sections(context: Context) -> list[Group]:
    return sections_of_account(context["access"], context["request"].path)


@register.simple_tag(takes_context=True)
def person_sections(context: Context) -> list[Group]:
    user = getattr(context.get("request"), "user", None)
    return sections_of_person(context["request"].path) if isinstance(user, User) else []


@register.simple_tag(takes_context=True)
def account_switcher(context: Context) -> Switcher | None:
    """None for whoever is not signed in."""
    user = getattr(context.get("request"), "user", None)
    access = context.get("access")
    if not isinstance(user, User):
        return None
    return switcher_for(user, access if isinstance(access, Access) else None)


@register.simple_tag(takes_context=True)
def own_two_factor_reset(context: Context) -> TwoFactorReset | None:
    """What takes the reader's methods away soon; None on the page that tells more of it.

    Whose session has shown no code has two-factor off, and is not asked about.
    """
    request = context.get("request")
    user = getattr(request, "user", None)
    if request is None or not isinstance(user, User) or kind_of_session(request) is None:
        return None
    return None if request.path == reverse("twofactor:overview") else pending_reset(user)
