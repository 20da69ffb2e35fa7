from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from audit.actions import Action
from audit.admin import AuditedAdmin
from common.forms import WholeRowForm
from taxes.models import TaxRate, TaxRegistration
from taxes.seller_codes import seller_codes
from taxes.tax_ids import TaxNumber, check_non_union_number, check_tax_number
from taxes.territories import is_known
from taxes.vocabulary import Scheme, TaxNumberStatus


def _known_country(code: str) -> str:
    if not is_known(code):
        raise forms.ValidationError(f"“{code}” is not a country code of ISO 3166-1.")
    return code


class TaxRateForm(WholeRowForm):
    class Meta:
        model = TaxRate
        fields = ["country", "rate_class", "valid_from", "percent", "source"]

    def clean_country(self) -> str:
        return _known_country(self.cleaned_data["country"])


class TaxRegistrationForm(WholeRowForm):
    """Refuses a mistyped number, which would stand on every invoice, and a seller there is not."""

    seller_code = forms.ChoiceField(
        choices=lambda: [(code, code) for code in seller_codes()],
        label="Seller",
        help_text="its code",
    )

    class Meta:
        model = TaxRegistration
        fields = ["seller_code", "country", "scheme", "number", "valid_from", "valid_to"]

    def clean_country(self) -> str:
        return _known_country(self.cleaned_data["country"])

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if "number" in self.cleaned_data and "country" in self.cleaned_data:
            number = self._checked_number()
            self.cleaned_data["number"] = number.normalised
            if number.status == TaxNumberStatus.INVALID:
                self.add_error("number", "This is not a tax number of that country.")
        return cleaned

    def _checked_number(self) -> TaxNumber:
        number = self.cleaned_data["number"]
        if self.cleaned_data.get("scheme") == Scheme.OSS_NON_UNION:
            return check_non_union_number(number)
        return check_tax_number(number, country=self.cleaned_data["country"])


@admin.register(TaxRate)
class TaxRateAdmin(AuditedAdmin):
    """A rate's country, class and first day stay; a wrong percentage is corrected in place.

    Nothing is deleted, and what the starting table ships would come back with the next load. To
    take a rate out of force, empty its percentage.
    """

    added_action = Action.TAX_RATE_CHANGED
    changed_action = Action.TAX_RATE_CHANGED
    form = TaxRateForm
    list_display = ("country", "rate_class", "percent", "valid_from", "source")
    list_filter = ("rate_class", "country")
    search_fields = ("country", "source")
    date_hierarchy = "valid_from"

    def get_readonly_fields(
        self, request: HttpRequest, obj: TaxRate | None = None
    ) -> tuple[str, ...]:
        if obj is None:
            return ()
        return ("country", "rate_class", "valid_from", *super().get_readonly_fields(request, obj))


@admin.register(TaxRegistration)
class TaxRegistrationAdmin(AuditedAdmin):
    """A registration stays as it was entered, since invoices were issued under it.

    One that ends gets the first day on which it no longer holds (``valid_to``), and no more; what
    replaces it is a row of its own.
    """

    added_action = Action.TAX_REGISTRATION_CHANGED
    changed_action = Action.TAX_REGISTRATION_CHANGED
    form = TaxRegistrationForm
    list_display = ("seller_code", "scheme", "country", "number", "valid_from", "valid_to")
    list_filter = ("seller_code", "scheme")
    search_fields = ("seller_code", "number")

    def get_readonly_fields(
        self, request: HttpRequest, obj: TaxRegistration | None = None
    ) -> tuple[str, ...]:
        if obj is None:
            return ()
        return ("seller_code", "country", "scheme", "number", "valid_from")
