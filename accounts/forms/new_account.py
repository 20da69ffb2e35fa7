from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from accounts.forms.names import AccountNameField
from accounts.models import Account
from common.forms import DescribedLabel
from users.forms import TimeZoneField


def country_choices() -> list[tuple[str, str]]:
    """By name, in the reader's language, with an empty one first."""
    first = ("", str(_("Choose a country")))
    return [first, *((code, str(name)) for code, name in countries)]


def _kinds() -> list[tuple[str, str]]:
    return [
        (
            Account.Kind.ORGANISATION.value,
            DescribedLabel(
                str(_("Organisation")), str(_("A company, a department, a club, an authority."))
            ),
        ),
        (
            Account.Kind.PERSONAL.value,
            DescribedLabel(str(_("Person")), str(_("Somebody who buys for themselves."))),
        ),
    ]


class AccountForm(forms.Form):
    """What opens an account: the least that an invoice will need."""

    kind = forms.ChoiceField(
        label=_("Who is it for?"),
        choices=_kinds,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose whether it is for an organisation or a person.")},
    )
    name = AccountNameField(
        label=_("Name"),
        help_text=_("The organisation’s or the person’s name, as it should stand on invoices."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Enter the name of the organisation or person.")},
    )
    country = forms.ChoiceField(
        label=_("Country"),
        choices=country_choices,
        help_text=_("It decides the currency of the invoices, which cannot be changed later."),
        widget=forms.Select(attrs={"autocomplete": "country"}),
        error_messages={"required": _("Choose the country of the organisation or person.")},
    )
    timezone = TimeZoneField(help_text=_("Billing periods begin and end by it."))


class NewAccountForm(AccountForm):
    """Carries a key along, by which a second click is known."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
