"""What staff enter about sellers. What would stop issuing or sending later is refused here."""

from django import forms
from django.contrib.admin.helpers import ActionForm
from stdnum import bic, iban
from stdnum.exceptions import ValidationError as StdnumError

from invoices.models import Seller
from mail.addresses import UnusableAddress, envelope_address

# The longest IBAN, in groups of four as it is printed.
_PRINTED_IBAN_LENGTH = 42


class SellerForm(forms.ModelForm):  # type: ignore[type-arg]
    iban = forms.CharField(label="IBAN", max_length=_PRINTED_IBAN_LENGTH, required=False)

    class Meta:
        model = Seller
        fields = "__all__"

    def clean_country(self) -> str:
        code: str = self.cleaned_data["country"]
        return code

    def clean_email(self) -> str:
        address: str = self.cleaned_data["email"]
        try:
            envelope_address(address)
        except UnusableAddress as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return address

    def clean_iban(self) -> str:
        """Without the blanks that are printed, as e-invoices and QR codes want it."""
        return _checked(iban.validate, self.cleaned_data["iban"], "an IBAN: it may be mistyped")

    def clean_bic(self) -> str:
        return _checked(bic.validate, self.cleaned_data["bic"], "a BIC such as DEUTDEFF")


class NextSeriesForm(ActionForm):
    prefix = forms.CharField(
        label="Prefix of the next series:", max_length=20, required=False, strip=True
    )
