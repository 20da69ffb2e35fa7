"""What somebody is about to do at an address that asks who they are, in the words of its page."""

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_BY_ROUTE: dict[str, str | Promise] = {
    "users:email": _("Email address"),
    "users:password": _("Password"),
    "users:profile": _("Profile"),
    "users:close": _("Close my user ID"),
    "twofactor:add_app": _("Set up an authenticator app"),
    "twofactor:app": _("Set up an authenticator app"),
    "twofactor:rename_app": _("Rename an app"),
    "twofactor:remove_app": _("Remove a method"),
    "twofactor:phone": _("Phone for text messages"),
    "twofactor:phone_confirm": _("Confirm your number"),
    "twofactor:phone_send_again": _("Confirm your number"),
    "twofactor:remove_phone": _("Remove a method"),
    "twofactor:turn_on": _("Turn on two-factor authentication"),
    "twofactor:turn_off": _("Turn off two-factor authentication"),
    "twofactor:recovery_codes": _("New recovery codes"),
    "settings:add_user": _("Add user"),
    "settings:user": _("Change what a user can do"),
    "settings:ownership_offer": _("Offer the account"),
    "settings:ownership_accept": _("Become the owner"),
    "settings:close": _("Close the account"),
    "settings:require_two_factor": _("Require two-factor authentication"),
    "settings:stop_requiring_two_factor": _("Stop requiring two-factor authentication"),
    "settings:two_factor_rule": _("Two-factor authentication of one user"),
    "settings:two_factor_reset": _("Confirm a two-factor reset"),
    # Staff's, who read English.
    "console:hand_over": "Hand over an account",
    "console:reset_two_factor": "Reset two-factor authentication",
    "admin:users_user_add": "Add a user ID",
    "admin:users_user_change": "Change a user ID",
    "admin:auth_group_add": "Add a group",
    "admin:auth_group_change": "Change a group",
}


def act_at(request: HttpRequest) -> str:
    """Empty for an address that is not known here: the page then names none."""
    match = request.resolver_match
    return str(_BY_ROUTE.get(match.view_name, "")) if match is not None else ""
