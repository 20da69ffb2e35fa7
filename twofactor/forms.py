import unicodedata
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from twofactor.code_forms import CodeField
from twofactor.methods import Kind
from twofactor.models import NAME_LENGTH
from users.forms import PersonNameField

# By category: what turns the text around it, or cannot be seen. The name stands in mail.
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})


class AppNameForm(forms.Form):
    """What a person calls an app of theirs; no two alike, so that they can be told apart."""

    name = PersonNameField(
        label=_("Name"),
        max_length=NAME_LENGTH,
        help_text=_("What you know it by, such as Work phone."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Enter a name for the app.")},
    )

    def __init__(self, *args: Any, taken: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._taken = {name.casefold() for name in taken}

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if _HIDDEN.intersection(map(unicodedata.category, name)) or "://" in name:
            raise ValidationError(_("Use letters, digits and ordinary signs, and no web address."))
        if name.casefold() in self._taken:
            raise ValidationError(_("Another app of yours has this name. Enter a different one."))
        return name


class AppCodeForm(AppNameForm):
    """Confirms an app by a code that it shows."""

    code = CodeField(Kind.APP)
    field_order = ("code", "name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # At first the page begins with the picture to be scanned.
        self.fields["code"].widget.attrs["autofocus"] = self.is_bound


class RenewCodesForm(forms.Form):
    """Says which codes it was shown for, so that a second click makes no others."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
