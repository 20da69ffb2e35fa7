from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account


class ClosingForm(forms.Form):
    """The account's number: closing is nobody's slip of the hand."""

    number = forms.CharField(
        label=gettext_lazy("Account number"),
        max_length=20,
        help_text=gettext_lazy("Type the number of the account that you want to close."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
        error_messages={"required": gettext_lazy("Enter the number of the account.")},
    )

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._account = account

    def clean_number(self) -> str:
        typed: str = self.cleaned_data["number"].strip()
        if typed != str(self._account.number):
            raise forms.ValidationError(
                _("This is not the number of this account, which is %(number)s."),
                params={"number": self._account.number},
            )
        return typed
