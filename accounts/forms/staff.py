"""What staff enter about accounts. Codes are checked by the models' own validators."""

from typing import Any

from django import forms

from accounts import tax_numbers
from accounts.models import Account
from accounts.permissions import flag_choices
from common.forms import WholeRowForm, require_legible
from mail.addresses import UnusableAddress, envelope_address

_STATUS = "tax_number_status"
# Without complaint so far, so that there is no second one about the same slip.
_NEEDED = {"tax_number", _STATUS, "country"}
_Status = Account.TaxNumberStatus


class _TaxNumberForm(WholeRowForm):
    """What was confirmed of one tax number is not true of another."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "tax_number" in self.changed_data and set(cleaned) >= _NEEDED:
            if _STATUS not in self.changed_data and cleaned[_STATUS] != _Status.UNCHECKED:
                cleaned[_STATUS] = _Status.UNCHECKED
                # So that the log has it too.
                self.changed_data.append(_STATUS)
            if cleaned["tax_number"] and cleaned[_STATUS] != _Status.INVALID:
                self._bring_into_form(cleaned)
        return cleaned

    def clean_name(self) -> str:
        return self._legible("name")

    def clean_company(self) -> str:
        return self._legible("company")

    def _legible(self, field: str) -> str:
        name: str = self.cleaned_data[field]
        if name:
            require_legible(name)
        return name

    def tax_country(self, cleaned: dict[str, Any]) -> str:
        """The country of the party whose number it is."""
        return str(cleaned.get("country", ""))

    def _bring_into_form(self, cleaned: dict[str, Any]) -> None:
        country = self.tax_country(cleaned)
        number = tax_numbers.in_form(cleaned["tax_number"], country=country)
        if number is None:
            self.add_error(
                "tax_number",
                f"This is no tax number of {country or 'any country'}, nor of the country that it"
                " begins with. To keep it as it is, set its status to invalid.",
            )
        else:
            cleaned["tax_number"] = number


class AccountForm(_TaxNumberForm):
    """Account Details, as staff change them."""


class ContactForm(_TaxNumberForm):
    def tax_country(self, cleaned: dict[str, Any]) -> str:
        """A contact without an address has the account's (``accounts.contacts``)."""
        if country := super().tax_country(cleaned):
            return country
        account = cleaned.get("account") if "account" in self.fields else self.instance.account
        return str(account.country) if account else ""

    def clean_email(self) -> str:
        address: str = self.cleaned_data["email"]
        if address:
            try:
                envelope_address(address)
            except UnusableAddress as refusal:
                raise forms.ValidationError(str(refusal)) from refusal
        return address


class MembershipForm(WholeRowForm):
    flags = forms.MultipleChoiceField(
        choices=flag_choices, required=False, widget=forms.CheckboxSelectMultiple
    )
