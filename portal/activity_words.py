"""The details of an audit event in words: which field, what it was, what it is now."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Membership
from accounts.permissions import Flag, Permission, flags_in_words, in_words
from audit.wording import names_its_subject
from invoices.templatetags.formats import day, moment, money

_NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Change:
    """``is_new_only``: there is no former value to show, such as for a reason."""

    name: str
    old: str
    new: str
    is_new_only: bool = False


# Of columns and of other keys in the details of events.
NAMES: dict[str, Promise] = {
    "account": gettext_lazy("Account"),
    "address_line_1": gettext_lazy("Street and number"),
    "address_line_2": gettext_lazy("Address, second line"),
    "address_line_3": gettext_lazy("Address, third line"),
    "billing_reserved_to_owner": gettext_lazy("Only the owner may change billing settings"),
    "buyer_reference": gettext_lazy("Buyer reference"),
    "check": gettext_lazy("How it was checked"),
    "city": gettext_lazy("Town or city"),
    "company": gettext_lazy("Company"),
    "contract_number": gettext_lazy("Contract number"),
    "country": gettext_lazy("Country"),
    "credit_note": gettext_lazy("Credit note"),
    "email": gettext_lazy("Email address"),
    "currency": gettext_lazy("Currency"),
    "due_at": gettext_lazy("Happens on"),
    "electronic_address": gettext_lazy("Electronic address"),
    "electronic_address_scheme": gettext_lazy("Kind of electronic address"),
    "expires_at": gettext_lazy("Can be used until"),
    "external_reference": gettext_lazy("External reference"),
    "first_name": gettext_lazy("First name"),
    "flags": gettext_lazy("Access"),
    "former_owner_keeps_access": gettext_lazy("Former owner keeps access"),
    "invited_by": gettext_lazy("Invited by"),
    "is_owner": gettext_lazy("Owner"),
    "kind": gettext_lazy("Kind"),
    "language": gettext_lazy("Language"),
    "last_name": gettext_lazy("Last name"),
    "locale": gettext_lazy("Language of invoices"),
    "managers_may_grant_all": gettext_lazy(
        "User managers may grant rights that they do not have themselves"
    ),
    "name": gettext_lazy("Name"),
    "order_number": gettext_lazy("Order number"),
    "order_number_required": gettext_lazy("Bill nothing without an order number"),
    "owner": gettext_lazy("Owner"),
    "path": gettext_lazy("Page"),
    "payment_terms_days": gettext_lazy("Days to pay"),
    "permission": gettext_lazy("Missing right"),
    "phone": gettext_lazy("Phone"),
    "postcode": gettext_lazy("Postcode"),
    "project_number": gettext_lazy("Project number"),
    "reason": gettext_lazy("Reason"),
    "receives_invoices": gettext_lazy("Send new invoices via email"),
    "recipient": gettext_lazy("Recipient"),
    "registration_id": gettext_lazy("Registration number"),
    "registration_scheme": gettext_lazy("Kind of registration number"),
    "sessions": gettext_lazy("Sessions"),
    "status": gettext_lazy("Status"),
    "subdivision": gettext_lazy("County, state or region"),
    "recipients": gettext_lazy("Recipients"),
    "tax_number": gettext_lazy("Tax number"),
    "tax_number_status": gettext_lazy("Check of the tax number"),
    "timezone": gettext_lazy("Time zone"),
    "total": gettext_lazy("Total"),
    "two_factor_exempt_until": gettext_lazy("Last day of the exemption"),
    "two_factor_refuses_sms": gettext_lazy("Authenticator apps only"),
    "two_factor_required_from": gettext_lazy("Two-factor authentication required from"),
    "two_factor_rule": gettext_lazy("Two-factor authentication"),
    "two_factor_rule_reason": gettext_lazy("Reason"),
    "user": gettext_lazy("User"),
}
_WHOLE_SUBJECTS: dict[str, Promise] = {
    "admin contact": gettext_lazy("Admin contact"),
    "billing contact": gettext_lazy("Billing contact"),
}
_MOMENTS = frozenset({"due_at", "expires_at", "two_factor_required_from"})
_DAYS = frozenset({"two_factor_exempt_until"})
# What is for the program and says nothing to a reader.
_SHOWN_APART = frozenset({"from", "to", "total", "currency"})
_UNSHOWN = frozenset({"method", "draft", "batch_id", "offer", "membership", "reset"})


def changes_of(details: Mapping[str, Any]) -> Iterator[Change]:
    """Every value that ``details`` holds.

    Three forms are in use: ``from`` and ``to`` around whole sets or single values, ``old`` and
    ``new`` for each field, and plain values that were never anything else.
    """
    if "from" in details or "to" in details:
        yield from _between(details.get("from"), details.get("to"))
    if "total" in details and "currency" in details:
        yield Change(name_of("total"), "", _amount(details), is_new_only=True)
    for name, value in details.items():
        if name in _SHOWN_APART | _UNSHOWN:
            continue
        if isinstance(value, Mapping) and value.keys() & {"old", "new", "from", "to"}:
            old = value.get("old", value.get("from"))
            new = value.get("new", value.get("to"))
            yield Change(name_of(name), in_plain_words(name, old), in_plain_words(name, new))
        else:
            yield Change(name_of(name), "", in_plain_words(name, value), is_new_only=True)


def about(action: str, subject: str, *, account_number: int) -> str:
    """Whom or what the event is about, unless its sentence says so or only the program knows it."""
    if subject in _WHOLE_SUBJECTS:
        return str(_WHOLE_SUBJECTS[subject])
    key = subject.partition(" ")[2] or subject
    if names_its_subject(action) or key.split(" ")[0] == str(account_number) or _is_a_key(key):
        return ""
    return key


def name_of(field: str) -> str:
    """A field's name; one that has no words here reads as it is called."""
    known = NAMES.get(field)
    return str(known) if known else field.replace("_", " ").capitalize()


def in_plain_words(field: str, value: Any) -> str:
    """A stored value as people write it."""
    if field == "flags":
        flags = value.split(", ") if isinstance(value, str) else (value or [])
        return flags_in_words([flag for flag in flags if flag in set(Flag)])
    if value is True or value == "True":
        return _("yes")
    if value is False or value == "False":
        return _("no")
    if isinstance(value, str) and (words := _text_in_words(field, value)):
        return words
    return _written(value) or _NOTHING


def _text_in_words(field: str, value: str) -> str:
    """Of fields whose values are for the program; empty for what reads as it is."""
    if field == "permission" and value in set(Permission):
        return in_words(Permission(value))
    if field == "two_factor_rule" and value in set(Membership.TwoFactorRule):
        return str(Membership.TwoFactorRule(value).label)
    with suppress(ValueError):
        if field in _MOMENTS:
            return moment(datetime.fromisoformat(value))
        if field in _DAYS:
            return day(date.fromisoformat(value))
    return ""


def _written(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(in_plain_words("", each) for each in value)
    if isinstance(value, Mapping):
        pairs = value.items()
        return ", ".join(f"{name_of(name)}: {in_plain_words(name, each)}" for name, each in pairs)
    return "" if value is None else str(value)


def _amount(details: Mapping[str, Any]) -> str:
    try:
        return money(Decimal(details["total"]), details["currency"])
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return f"{details['total']} {details['currency']}"


def _between(old: Any, new: Any) -> Iterator[Change]:
    """Fields that differ, of two sets; or one change of two single values."""
    if isinstance(old, Mapping) or isinstance(new, Mapping):
        before = old if isinstance(old, Mapping) else {}
        after = new if isinstance(new, Mapping) else {}
        for name in dict.fromkeys([*before, *after]):
            if before.get(name) != after.get(name):
                yield Change(
                    name_of(name),
                    in_plain_words(name, before.get(name)),
                    in_plain_words(name, after.get(name)),
                )
    else:
        yield Change(
            "", in_plain_words(_guess(old, new), old), in_plain_words(_guess(old, new), new)
        )


def _guess(*values: Any) -> str:
    """Lists of nothing but flags are flags, whatever they were called."""
    listed = [value for value in values if isinstance(value, list)]
    flags = {each for value in listed for each in value}
    return "flags" if listed and flags and flags <= set(Flag) else ""


def _is_a_key(text: str) -> bool:
    if text.isdecimal():
        return True
    with suppress(ValueError):
        UUID(text)
        return True
    return False
