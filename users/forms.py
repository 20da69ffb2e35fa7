from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from common.forms import FullAddressValidator, require_legible
from common.ids import normalise_email
from common.phones import international_form
from mail.addresses import UnusableAddress, envelope_address
from users.models import User
from users.password_checks import PASSWORD_GUESSABLE
from users.time_zones import UTC, country_of, time_zone_choices

# Longer than any password that may be chosen, short enough that hashing it costs nothing more.
_LONGEST_PASSWORD = 1000
SHORTEST_PASSWORD = 12
_NAME_LENGTH = 100


class PersonNameField(forms.CharField):
    """A first or last name: one line of characters that can be seen, in any script."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", _NAME_LENGTH)
        super().__init__(**kwargs)
        self.validators.append(
            RegexValidator(
                r"[\x00-\x1f\x7f\u2028\u2029<>]",
                _("Leave out line breaks and the characters < and >."),
                inverse_match=True,
            )
        )
        self.validators.append(require_legible)


class PersonNamesMixin(forms.Form):
    """A mix-in: what the person who fills the form in is called."""

    first_name = PersonNameField(
        label=_("First name"),
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
        error_messages={"required": _("Enter your first name.")},
    )
    last_name = PersonNameField(
        label=_("Last name"),
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
        error_messages={"required": _("Enter your last name.")},
    )


class AddressField(forms.EmailField):
    """An email address that mail can be sent to, in the one form under which it is kept."""

    default_error_messages = {
        "required": _("Enter an email address."),
        "invalid": _("Enter an email address such as name@example.com."),
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 254)
        kwargs.setdefault("label", _("Email address"))
        kwargs.setdefault(
            "widget", forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"})
        )
        super().__init__(**kwargs)

    def clean(self, value: Any) -> str:
        address = normalise_email(super().clean(value))
        if address:
            try:
                envelope_address(address)
            except UnusableAddress as error:
                raise ValidationError(self.error_messages["invalid"], code="invalid") from error
        return address


class NewAddressField(AddressField):
    """One that was not known before; who signs in with another may go on doing so."""

    default_validators = [FullAddressValidator()]


class CurrentPasswordField(forms.CharField):
    """A password that is asked for, not chosen; never shown again."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{
                "label": _("Password"),
                "max_length": _LONGEST_PASSWORD,
                "strip": False,
                "widget": forms.PasswordInput(attrs={"autocomplete": "current-password"}),
                "error_messages": {"required": _("Enter your password.")},
                **kwargs,
            }
        )


class NewPasswordMixin(forms.Form):
    """A mix-in: the password that somebody chooses, typed once, checked by the rules of settings.

    Once, as password managers and the browser's *show* make a second field superfluous; who
    mistypes it resets it. The form says by ``password_owner`` whose it will be.
    """

    password = forms.CharField(
        label=_("Password"),
        max_length=_LONGEST_PASSWORD,
        strip=False,
        help_text=_(
            "At least 12 characters. Several unrelated words are good; spaces and pasting are fine."
        ),
        widget=forms.PasswordInput(
            attrs={"autocomplete": "new-password", "minlength": SHORTEST_PASSWORD}
        ),
        error_messages={"required": _("Choose a password.")},
    )

    def password_owner(self) -> User | None:
        """Whose names and address the password must not be made of; not saved, or None."""
        return None

    def clean(self) -> dict[str, Any]:
        """Here and not at the field: what it is compared with is cleaned by now."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        password = cleaned.get("password")
        if password:
            try:
                password_validation.validate_password(password, self.password_owner())
            except ValidationError as error:
                self.add_error("password", _worth_telling(error))
        return cleaned


class TimeZoneField(forms.ChoiceField):
    """Cities by part of the world. ``also`` is one that is chosen already and no longer offered."""

    def __init__(self, *, also: str = UTC, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Time zone"))
        super().__init__(choices=lambda: _with_zone(also), **kwargs)


class PhoneMixin(forms.Form):
    """A telephone number, read as one of ``phone_country`` when it has no country code."""

    phone = forms.CharField(
        label=_("Phone"),
        required=False,
        max_length=40,
        help_text=_("With the country code, such as +44 20 7946 0018."),
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel"}),
    )
    phone_country = ""

    def clean_phone(self) -> str:
        typed = str(self.cleaned_data["phone"])
        number = international_form(typed, country=self.phone_country) if typed else ""
        if number is None:
            raise ValidationError(
                _("Enter a phone number with its country code, such as +44 20 7946 0018.")
            )
        return number


class SignInForm(forms.Form):
    """Asks for an address and a password; whether they belong together is for users.signin."""

    email = AddressField(
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
        error_messages={"required": _("Enter your email address.")},
    )
    password = CurrentPasswordField()


class EmailForm(forms.Form):
    """An address that a link is sent to."""

    email = AddressField(error_messages={"required": _("Enter your email address.")})


class NewEmailForm(forms.Form):
    """The same, where the address is not known yet."""

    email = NewAddressField(error_messages={"required": _("Enter your email address.")})


class NewPasswordForm(NewPasswordMixin):
    """A new password for ``user``, who forgot the former one."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user
        self.fields["password"].label = _("New password")

    def password_owner(self) -> User:
        return self._user


class PasswordChangeForm(NewPasswordForm):
    current_password = CurrentPasswordField(label=_("Current password"))
    field_order = ("current_password", "password")


class EmailChangeForm(forms.Form):
    new_email = NewAddressField(label=_("New email address"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_new_email(self) -> str:
        address = str(self.cleaned_data["new_email"])
        if address == self._user.email:
            raise ValidationError(_("This is your address already. Enter another one."))
        return address


class CloseForm(forms.Form):
    """The person's own address, typed: closing is nobody's slip of the hand."""

    email = AddressField(
        label=_("Your email address"),
        help_text=_("Type the address that you sign in with."),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Enter your email address.")},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_email(self) -> str:
        address = str(self.cleaned_data["email"])
        if address != self._user.email:
            raise ValidationError(
                _("This is not your address, which is %(email)s."),
                params={"email": self._user.email},
            )
        return address


class ProfileForm(PersonNamesMixin, PhoneMixin):
    """Names, telephone, language and time zone; the address and the password have their pages."""

    language = forms.ChoiceField(
        label=_("Language"),
        choices=settings.LANGUAGES,
        help_text=_("Of these pages and of the emails that we send you."),
    )
    timezone = forms.ChoiceField(label=_("Time zone"))
    field_order = ("first_name", "last_name", "phone", "language", "timezone")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["timezone"] = TimeZoneField(
            also=user.timezone, help_text=_("Times on these pages are shown in it.")
        )
        self.phone_country = country_of(user.timezone)


def _worth_telling(error: ValidationError) -> ValidationError:
    """That it can be guessed goes without saying where something else is wrong already."""
    others = [each for each in error.error_list if each.code != PASSWORD_GUESSABLE]
    return ValidationError(others or error.error_list)


def _with_zone(zone: str) -> Any:
    choices = list(time_zone_choices())
    offered = {name for _part, zones in choices if not isinstance(zones, str) for name, _c in zones}
    return choices if zone in {*offered, UTC} else [(zone, zone), *choices]
