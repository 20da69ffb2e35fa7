"""The one form that an invited person fills in."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from users.forms import CurrentPasswordField, NewPasswordMixin, PersonNamesMixin
from users.models import User


def _fixed_address() -> forms.EmailField:
    """The invited address, shown and not asked for; there for password managers to file under."""
    return forms.EmailField(
        label=_("Email address"),
        disabled=True,
        required=True,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "readonly": True}),
    )


class NewInvitedUserForm(PersonNamesMixin, NewPasswordMixin):
    """A user ID for the invited address."""

    email = _fixed_address()
    # Filled in by time_zone.js; a guess, so that nobody is asked.
    browser_zone = forms.CharField(
        required=False,
        widget=forms.HiddenInput(attrs={"data-guess": "time-zone"}),
    )
    field_order = ("email", "first_name", "last_name", "password")

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        kwargs["initial"] = {"email": email}
        super().__init__(*args, **kwargs)

    def clean_browser_zone(self) -> str:
        """The empty string for what is no zone: nobody typed it, so nobody is told."""
        zone = str(self.cleaned_data["browser_zone"])
        return zone if zone in available_timezones() else ""

    def password_owner(self) -> User:
        return User(
            email=self.initial["email"],
            first_name=self.cleaned_data.get("first_name", ""),
            last_name=self.cleaned_data.get("last_name", ""),
        )


class InvitedSignInForm(forms.Form):
    """The password of the user ID that the invited address has."""

    email = _fixed_address()
    password = CurrentPasswordField()

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        kwargs["initial"] = {"email": email}
        super().__init__(*args, **kwargs)
