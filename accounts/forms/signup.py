from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.names import AccountNameField
from accounts.forms.new_account import country_choices
from accounts.models import Account
from common.forms import DescribedLabel
from users.forms import NewPasswordMixin, PersonNamesMixin, TimeZoneField
from users.models import User


def _kinds() -> list[tuple[str, str]]:
    return [
        (
            Account.Kind.PERSONAL.value,
            DescribedLabel(str(_("For myself")), str(_("Invoices carry your own name."))),
        ),
        (
            Account.Kind.ORGANISATION.value,
            DescribedLabel(
                str(_("For an organisation")), str(_("Invoices carry the organisation’s name."))
            ),
        ),
    ]


class SignUpForm(PersonNamesMixin, NewPasswordMixin):
    """What is asked of somebody whose address is proved: a user ID and its first account."""

    kind = forms.ChoiceField(
        label=_("What will you use it for?"),
        choices=_kinds,
        initial=Account.Kind.PERSONAL,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose whether it is for you or for an organisation.")},
    )
    organisation = AccountNameField(
        label=_("Organisation"),
        required=False,
        help_text=_("Its name as it should stand on invoices. Leave it empty if it is for you."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    country = forms.ChoiceField(
        label=_("Country"),
        choices=country_choices,
        help_text=_("It decides the currency of the invoices, which cannot be changed later."),
        widget=forms.Select(attrs={"autocomplete": "country"}),
        error_messages={"required": _("Choose your country.")},
    )
    timezone = TimeZoneField(widget=forms.Select(attrs={"data-guess": "time-zone"}))
    # The organisation's name is not: it depends on the choice above it.
    all_optional = True
    field_order = (
        "first_name",
        "last_name",
        "kind",
        "organisation",
        "country",
        "timezone",
        "password",
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email = email

    def password_owner(self) -> User:
        return User(
            email=self._email,
            first_name=self.cleaned_data.get("first_name", ""),
            last_name=self.cleaned_data.get("last_name", ""),
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("kind") != Account.Kind.ORGANISATION:
            cleaned["organisation"] = ""
        elif not cleaned.get("organisation") and "organisation" not in self.errors:
            self.add_error("organisation", _("Enter the name of the organisation."))
        return cleaned
