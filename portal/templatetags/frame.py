"""Template tags for what stands around every page: sections and the account switcher."""

from django import template
from django.template import Context

from accounts.access import Access
from portal.navigation import Group, sections_of_account, sections_of_person
from portal.switching import Switcher, switcher_for
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
