"""What forms that change a row have in common: addresses by country, numbers, stale pages."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_countries import countries

from accounts import tax_numbers
from accounts.addresses import ADDRESS_FIELDS, AddressForm, address_form
from accounts.models import ADDRESS_LENGTH
from common.codes import is_country
from common.phones import international_form

_WIDTHS = {"postcode": 20, "city": 100, "subdivision": 100}
_AUTOCOMPLETE = {
    "address_line_1": "address-line1",
    "address_line_2": "address-line2",
    "address_line_3": "address-line3",
    "postcode": "postal-code",
    "city": "address-level2",
    "subdivision": "address-level1",
}


class StaleCheckedForm(forms.Form):
    """A form that refuses to overwrite what somebody else has saved since it was opened.

    ``saved`` are the values of this moment by field; the form carries their fingerprint along.
    """

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, typed: Mapping[str, Any] | None = None, *, saved: Mapping[str, Any]) -> None:
        self.saved = dict(saved)
        fingerprint = _fingerprint(self.saved)
        super().__init__(typed, initial={**self.saved, "seen": fingerprint})
        self._fingerprint = fingerprint

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, value in cleaned.items():
            # No field here has room for a second line, and neither has a header or an address.
            if isinstance(value, str):
                cleaned[name] = " ".join(value.split())
        if cleaned.get("seen") != self._fingerprint:
            # What was typed stays; saving it once more, after reading this, is a decision.
            typed = QueryDict(mutable=True)
            typed.update(self.data)
            typed["seen"] = self._fingerprint
            self.data = typed
            self.add_error(
                None,
                _(
                    "Somebody else saved changes while you were editing. What you typed is still"
                    " here and not saved. Compare it with what is on file, then save again: %(now)s"
                )
                % {"now": self._differences(cleaned)},
            )
        return cleaned

    def values(self) -> dict[str, Any]:
        """What was entered, by column, without what belongs to the form alone."""
        return {name: self.cleaned_data[name] for name in self.saved if name in self.cleaned_data}

    def _differences(self, cleaned: Mapping[str, Any]) -> str:
        return "; ".join(
            f"{self.fields[name].label}: {value if value not in ('', None) else '–'}"
            for name, value in self.saved.items()
            if name in cleaned and cleaned[name] != value
        )


class PostalForm(StaleCheckedForm):
    """With ``country`` and the parts of an address as that country writes them."""

    # Whether an address that is on file can be replaced, but not emptied.
    address_stays = False

    country = forms.ChoiceField(
        label=gettext_lazy("Country"),
        widget=forms.Select(attrs={"autocomplete": "country"}),
        error_messages={
            "required": gettext_lazy("Choose a country."),
            "invalid_choice": gettext_lazy("Choose a country from the list."),
        },
    )
    phone = forms.CharField(
        label=gettext_lazy("Phone"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("With the country code, such as +44 20 7946 0018."),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
    )
    tax_number = forms.CharField(
        label=gettext_lazy("Tax number"),
        max_length=40,
        required=False,
        help_text=gettext_lazy(
            "VAT number or the like, if there is one. It decides which tax applies."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, typed: Mapping[str, Any] | None = None, *, saved: Mapping[str, Any]) -> None:
        super().__init__(typed, saved=saved)
        choices = [(code, str(name)) for code, name in countries]
        cast(forms.ChoiceField, self.fields["country"]).choices = [
            *self.countries_before(),
            *choices,
        ]
        self._address = address_form(self._country())
        self._add_address_fields()

    def countries_before(self) -> Sequence[tuple[str, str]]:
        """Choices that stand before the countries."""
        return ()

    def country_in_force(self, chosen: str) -> str:
        """The country that applies when ``chosen`` is chosen."""
        return chosen

    def clean_phone(self) -> str:
        typed: str = self.cleaned_data["phone"]
        if not typed or typed == self.saved["phone"]:
            return typed
        number = international_form(typed, country=self._country())
        if number is None:
            raise forms.ValidationError(
                _("Enter a phone number with its country code, such as +44 20 7946 0018.")
            )
        return number

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self._check_address(cleaned)
        if "country" in cleaned and "tax_number" in cleaned:
            self._check_tax_number(cleaned)
        return cleaned

    def _country(self) -> str:
        """As chosen, if that is a country, else as saved."""
        posted = self.data.get("country", "") if self.is_bound else ""
        chosen = posted if is_country(posted) else ("" if self.is_bound else self.saved["country"])
        return self.country_in_force(chosen)

    def _add_address_fields(self) -> None:
        """Those of the country, in its order; others only where they hold something."""
        is_expected = any(self.saved.get(name) for name in ADDRESS_FIELDS)
        used = {name for name in ADDRESS_FIELDS if self.saved.get(name) or self.data.get(name)}
        names = [*self._address.order, *(n for n in ADDRESS_FIELDS if n not in self._address.order)]
        for name in names:
            if name in self._address.order or name in used:
                self.fields[name] = _address_field(name, self._address)
                self.fields[name].required = (
                    self.address_stays and is_expected and name in self._address.required
                )
            else:
                self.saved.pop(name, None)

    def _check_address(self, cleaned: dict[str, Any]) -> None:
        """An address is whole or empty; its postcode is looked at where it was changed."""
        parts = {name: cleaned.get(name, "") for name in ADDRESS_FIELDS if name in self.fields}
        if any(parts.values()):
            for name in self._address.required:
                if name not in self.errors and not parts.get(name):
                    label = str(self.fields[name].label)
                    self.add_error(
                        name,
                        _("“%(part)s” is missing. Fill it in, or leave the whole address empty.")
                        % {"part": label},
                    )
        is_new = any(cleaned.get(name) != self.saved.get(name) for name in ("postcode", "country"))
        pattern, postcode = self._address.postcode_pattern, parts.get("postcode", "").upper()
        if is_new and pattern and postcode and not pattern.fullmatch(postcode):
            label = str(self.fields["postcode"].label)
            example = self._address.postcode_example
            self.add_error(
                "postcode",
                _(
                    "“%(typed)s” is not in the form of this country. %(label)s looks like"
                    " %(example)s."
                )
                % {"typed": parts["postcode"], "label": label, "example": example},
            )

    def _check_tax_number(self, cleaned: dict[str, Any]) -> None:
        typed = cleaned["tax_number"]
        country = self.country_in_force(cleaned["country"])
        is_new = typed != self.saved["tax_number"] or cleaned["country"] != self.saved["country"]
        if not typed or not is_new:
            return
        number = tax_numbers.in_form(typed, country=country)
        if number is None:
            self.add_error(
                "tax_number",
                _(
                    "This is no tax number of this country (%(country)s), nor of the one whose"
                    " letters it begins with. Check it, or leave it empty."
                )
                % {"country": countries.name(country)},
            )
        else:
            cleaned["tax_number"] = number


def _address_field(name: str, address: AddressForm) -> forms.CharField:
    labels: dict[str, str | Promise] = {
        "address_line_1": _("Street and number"),
        "address_line_2": _("Address, second line"),
        "address_line_3": _("Address, third line"),
        **address.labels,
    }
    return forms.CharField(
        label=str(labels[name]),
        max_length=_WIDTHS.get(name, ADDRESS_LENGTH),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": _AUTOCOMPLETE[name]}),
        error_messages={"required": _("“%(part)s” is missing.") % {"part": labels[name]}},
    )


def _fingerprint(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
