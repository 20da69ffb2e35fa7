import unicodedata
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy

from twofactor.code_forms import CodeField
from twofactor.methods import Kind
from twofactor.models import SmsPhone
from twofactor.sms.numbers import NumberUnusable, calling_code, country_name, mobile_number
from users.models import User
from users.time_zones import country_of

# Longer ones are no numbers in anybody's spelling.
_LONGEST = 40


def _country_choices() -> list[tuple[str, str]]:
    """Countries whose numbers get messages, by name in the reader's language."""
    named = sorted(
        ((country_name(code), code) for code in settings.SMS_COUNTRIES),
        key=lambda each: _as_sorted(each[0]),
    )
    return [(code, f"{name} ({calling_code(code)})") for name, code in named]


def _as_sorted(name: str) -> str:
    """Without accents, so that Österreich stands at O and not behind Z."""
    letters = unicodedata.normalize("NFKD", name)
    return "".join(each for each in letters if not unicodedata.combining(each)).casefold()


class PhoneForm(forms.Form):
    """A number as people write it at home; one with a plus is of the country it says itself."""

    country = forms.ChoiceField(
        label=gettext_lazy("Country"),
        choices=_country_choices,
        help_text=gettext_lazy("We send text messages to numbers in these countries."),
        widget=forms.Select(attrs={"autocomplete": "tel-country-code"}),
        error_messages={"required": gettext_lazy("Choose the country of the number.")},
    )
    number = forms.CharField(
        label=gettext_lazy("Mobile number"),
        max_length=_LONGEST,
        help_text=gettext_lazy("Such as 07700 900123 or +44 7700 900123."),
        widget=forms.TextInput(
            attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel", "spellcheck": "false"}
        ),
        error_messages={"required": gettext_lazy("Enter a mobile number.")},
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "number" in cleaned:
            try:
                country = cleaned.get("country", "")
                cleaned["number"] = mobile_number(cleaned["number"], country=country).e164
            except NumberUnusable as refusal:
                self.add_error("number", ValidationError(str(refusal), code="unusable"))
        return cleaned


class PhoneCodeForm(forms.Form):
    """Confirms a number by the code that was sent to it."""

    code = CodeField(Kind.SMS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs["autofocus"] = True


def first_filled_in(user: User, *, former: SmsPhone | None) -> dict[str, str]:
    """What the form starts with: a first number is that of the profile, if messages go there."""
    zone_country = country_of(user.timezone)
    try:
        known = mobile_number(former.number if former else user.phone, country=zone_country)
    except NumberUnusable:
        return {"country": _served(zone_country)}
    return {"country": known.country, "number": "" if former else user.phone}


def _served(country: str) -> str:
    """``country``, or the first that messages are sent to."""
    served: list[str] = settings.SMS_COUNTRIES
    return country if country in served else next(iter(served), "")
