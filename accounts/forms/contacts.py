from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_countries import countries

from accounts.changing_contacts import CONTACT_COLUMNS
from accounts.details import values_of
from accounts.forms.editing import PostalForm, StaleCheckedForm
from accounts.models import NAME_LENGTH, Account, Contact
from common.forms import FullEmailField, require_legible
from common.ids import normalise_email
from mail.addresses import UnusableAddress, envelope_address

REFERENCE_COLUMNS = ("buyer_reference", "order_number", "order_number_required")


class ContactForm(PostalForm):
    """The admin or the billing contact: every field may be empty, and falls back block by block."""

    all_optional = True

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=NAME_LENGTH,
        required=False,
        validators=[require_legible],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = FullEmailField(
        label=gettext_lazy("Email address"),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "invalid": gettext_lazy("Enter an email address, such as accounts@example.com.")
        },
    )
    company = forms.CharField(
        label=gettext_lazy("Company"),
        max_length=NAME_LENGTH,
        required=False,
        validators=[require_legible],
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )

    def __init__(self, typed: Mapping[str, Any] | None = None, *, contact: Contact) -> None:
        self.account: Account = contact.account
        super().__init__(typed, saved=values_of(contact, CONTACT_COLUMNS))
        self.fields["country"].required = False
        self.fields["tax_number"].help_text = _(
            "Belongs to the company above: with another company’s name, the account’s own tax"
            " number is not printed."
        )
        first = ["name", "email", "company", "tax_number", "country", *self._address.order]
        self.order_fields([*first, *(n for n in self.fields if n not in (*first, "phone"))])

    def countries_before(self) -> Sequence[tuple[str, str]]:
        name = countries.name(self.account.country)
        return [("", _("As in the account’s details (%(country)s)") % {"country": name})]

    def country_in_force(self, chosen: str) -> str:
        return chosen or self.account.country

    def clean_email(self) -> str:
        address = normalise_email(self.cleaned_data["email"])
        if address:
            try:
                envelope_address(address)
            except UnusableAddress as refusal:
                raise forms.ValidationError(str(refusal)) from refusal
        return address

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("tax_number") and not cleaned.get("company") and "company" in cleaned:
            self.add_error(
                "company",
                _("Enter the company that this tax number belongs to, or remove the tax number."),
            )
        return cleaned


class BillingContactForm(ContactForm):
    """With the answer to what is asked when invoices are about to leave the owner."""

    keep_owner = forms.BooleanField(required=False)
    is_confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, typed: Mapping[str, Any] | None = None, *, contact: Contact) -> None:
        super().__init__(typed, contact=contact)
        # Asked on a page of its own, when there is something to ask.
        self.fields["keep_owner"].widget = forms.HiddenInput()


class ReferencesForm(StaleCheckedForm):
    """What the customer's own accounting wants to find on invoices."""

    order_number = forms.CharField(
        label=gettext_lazy("Order number"),
        max_length=100,
        required=False,
        help_text=gettext_lazy(
            "Printed on invoices whose charges have no order number of their own."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    order_number_required = forms.BooleanField(
        label=gettext_lazy("Bill nothing without an order number"),
        required=False,
        help_text=gettext_lazy(
            "Charges without one wait until an order number is entered here. The billing contact"
            " is told when that happens."
        ),
    )
    buyer_reference = forms.CharField(
        label=gettext_lazy("Buyer reference"),
        max_length=100,
        required=False,
        help_text=gettext_lazy(
            "What the receiver of e-invoices asks for, such as a Leitweg-ID or a cost centre."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, typed: Mapping[str, Any] | None = None, *, account: Account) -> None:
        super().__init__(typed, saved=values_of(account, REFERENCE_COLUMNS))
