"""What readers of invoices can ask for: which documents, and where one is to be sent."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import FullEmailField
from invoices.listing import Wanted
from invoices.models import Invoice
from invoices.standing import Standing

_UNPAID = "unpaid"
_STATES = {
    _UNPAID: (_("To be paid"), (Standing.OPEN, Standing.OVERDUE)),
    "open": (_("Open, not yet due"), (Standing.OPEN,)),
    "overdue": (_("Overdue"), (Standing.OVERDUE,)),
    "nothing_to_pay": (_("Nothing to pay"), (Standing.NOTHING_TO_PAY,)),
    "credited": (_("Credited"), (Standing.CREDITED,)),
    "void": (_("Void"), (Standing.VOID,)),
}


def _states() -> list[tuple[str, str]]:
    return [("", str(_("All"))), *((key, str(name)) for key, (name, _found) in _STATES.items())]


def _kinds() -> list[tuple[str, str]]:
    return [
        ("", str(_("All"))),
        (Invoice.Kind.INVOICE.value, str(_("Invoices"))),
        (Invoice.Kind.CREDIT_NOTE.value, str(_("Credit notes"))),
    ]


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class DocumentFilter(forms.Form):
    """Nothing of it is required. What cannot be understood is told, and finds nothing."""

    all_optional = True

    number = forms.CharField(
        label=_("Number"),
        max_length=40,
        required=False,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
            }
        ),
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=_kinds, required=False)
    state = forms.ChoiceField(label=_("State"), choices=_states, required=False)
    since = forms.DateField(label=_("From day"), required=False, widget=_day())
    until = forms.DateField(label=_("To day"), required=False, widget=_day())

    def clean_number(self) -> str:
        """As numbers are printed."""
        return str(self.cleaned_data["number"]).upper()

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = found.get("since"), found.get("until")
        if since and until and since > until:
            self.add_error("until", _("Choose a day that is not before the first one."))
        return found

    def wanted(self) -> Wanted:
        """What to look for; of a form with errors, what is left of it."""
        self.is_valid()
        found = self.cleaned_data
        state = found.get("state") or ""
        return Wanted(
            number=found.get("number") or "",
            kind=found.get("kind") or "",
            standings=_STATES[state][1] if state else (),
            since=found.get("since"),
            until=found.get("until"),
        )

    def kept(self) -> dict[str, str]:
        """What was entered, for addresses of further pages of the same."""
        return {name: value for name in self.fields if (value := self.data.get(name, ""))}


class AnotherAddressForm(forms.Form):
    email = FullEmailField(
        label=_("Email address"),
        max_length=254,
        help_text=_("For this once: later invoices are not sent there."),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={
            "required": _("Enter the address to send it to."),
            "invalid": _("Enter an email address, such as accounts@example.com."),
        },
    )
