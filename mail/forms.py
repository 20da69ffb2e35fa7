from django import forms

from common.ids import normalise_email
from mail.addresses import UnusableAddress, comparable, envelope_address
from mail.models import SuppressedAddress


class SuppressedAddressForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = SuppressedAddress
        fields = ["address", "reason"]

    def clean_address(self) -> str:
        """In the form in which it is compared, so that an address that is there is found."""
        address = self.cleaned_data["address"]
        try:
            envelope_address(normalise_email(address))
        except UnusableAddress as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return comparable(address)
