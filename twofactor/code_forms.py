"""Asking for a code, when signing in and when confirming who one is."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from twofactor.choosing import Asked
from twofactor.methods import Kind
from twofactor.typed_codes import LONGEST, six_digits
from users.forms import CurrentPasswordField

_SIX_DIGITS = gettext_lazy("Enter the six digits of the code.")
_LABELS = {
    Kind.APP: gettext_lazy("Code from your app"),
    Kind.SMS: gettext_lazy("Code from the text message"),
    Kind.RECOVERY_CODE: gettext_lazy("Recovery code"),
}
_DIGITS_WIDGET = {"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}
_LETTERS_WIDGET = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class CodeInput(forms.TextInput):
    """Empty each time: a code that was refused is of no use, and stands in the way of the next."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


class CodeField(forms.CharField):
    """A code of ``kind``; whether it is right is for twofactor.verifying.

    What cannot be a code is told at once, and counts as no attempt.
    """

    def __init__(self, kind: Kind, **kwargs: Any) -> None:
        self.kind = kind
        attrs = _LETTERS_WIDGET if kind is Kind.RECOVERY_CODE else _DIGITS_WIDGET
        required = _("Enter a recovery code.") if kind is Kind.RECOVERY_CODE else _SIX_DIGITS
        super().__init__(
            label=_LABELS[kind],
            max_length=LONGEST,
            widget=CodeInput(attrs=dict(attrs)),
            error_messages={"required": required},
            **kwargs,
        )

    def clean(self, value: Any) -> str:
        code = str(super().clean(value))
        if self.kind is not Kind.RECOVERY_CODE and six_digits(code) is None:
            raise ValidationError(_SIX_DIGITS, code="not_six_digits")
        return code


class ChallengeForm(forms.Form):
    """One code of ``kind``."""

    def __init__(self, *args: Any, kind: Kind, help_text: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["method"] = forms.CharField(
            widget=forms.HiddenInput, initial=kind.value, required=False
        )
        self.fields["code"] = CodeField(kind, help_text=help_text)
        self.fields["code"].widget.attrs["autofocus"] = True


class ConfirmForm(forms.Form):
    """The password, and a code from whoever has two-factor on; ``asked`` is None for others."""

    password = CurrentPasswordField()

    def __init__(self, *args: Any, asked: Asked | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget.attrs["autofocus"] = True
        if asked is not None and asked.kind is not None:
            self.fields["code"] = CodeField(asked.kind, help_text=asked.help_text)
