from django import forms
from django.utils.translation import gettext_lazy as _

# Longer than any password that may be chosen, short enough that hashing it costs nothing more.
_LONGEST_PASSWORD = 1000


class SignInForm(forms.Form):
    """Asks for an address and a password; whether they belong together is for users.signin."""

    email = forms.EmailField(
        label=_("Email address"),
        max_length=254,
        widget=forms.EmailInput(
            attrs={"autocomplete": "username", "autofocus": True, "class": "form-control"}
        ),
        error_messages={
            "required": _("Enter your email address."),
            "invalid": _("Enter an email address such as name@example.com."),
        },
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=_LONGEST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "current-password", "class": "form-control"}
        ),
        error_messages={"required": _("Enter your password.")},
    )
