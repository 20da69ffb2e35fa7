"""What staff enter about sellers. What would stop issuing or sending later is refused here."""

from types import ModuleType

from django import forms
from django.utils.translation import gettext_lazy as _
from stdnum import bic, iban
from stdnum.exceptions import ValidationError as Mistyped

from common.forms import WholeRowForm
from mail.addresses import UnusableAddress, envelope_address

# The longest IBAN (34 characters), in groups of four as it is printed.
_PRINTED_IBAN_LENGTH = 42


class SellerForm(WholeRowForm):
    """Codes, colour and logo are checked by the model's own validators."""

    iban = forms.CharField(label="IBAN", max_length=_PRINTED_IBAN_LENGTH, required=False)

    def clean_email(self) -> str:
        address: str = self.cleaned_data["email"]
        try:
            envelope_address(address)
        except UnusableAddress as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return address

    def clean_iban(self) -> str:
        return _checked(self.cleaned_data["iban"], by=iban, wanted="IBAN")

    def clean_bic(self) -> str:
        return _checked(self.cleaned_data["bic"], by=bic, wanted="BIC such as DEUTDEFF")


class VoidingForm(forms.Form):
    """The reason is printed nowhere, and shown to the customer and to auditors for ever."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=_("Kept with the number. The customer reads it on the invoice’s page."),
    )


def _checked(text: str, *, by: ModuleType, wanted: str) -> str:
    """``text`` without the blanks that are printed, as e-invoices and QR codes want it."""
    if not text:
        return ""
    try:
        return str(by.validate(text))
    except Mistyped as error:
        raise forms.ValidationError(f"“{text}” is no {wanted}: {error}") from error
