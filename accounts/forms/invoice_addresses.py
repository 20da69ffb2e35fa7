from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import FullEmailField


class InvoiceAddressForm(forms.Form):
    email = FullEmailField(
        label=_("Email address"),
        max_length=254,
        help_text=_("Its reader gets an email with a link, and invoices once they have confirmed."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": _("Enter the address that is to get invoices."),
            "invalid": _("Enter an email address, such as accounts@example.com."),
        },
    )
