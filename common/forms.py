from typing import Self

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext as _

from common.visible import has_visible_character


class WholeRowForm(forms.ModelForm):  # type: ignore[type-arg]
    """Checks a row's constraints with what is shown and not edited, too.

    Django leaves out every constraint that touches a field which the form has not, such as a
    read-only one of the admin: the database's refusal would end in an error page.
    """

    def validate_unique(self) -> None:
        super().validate_unique()
        # Else the same complaint might stand there twice.
        if not self.non_field_errors():
            try:
                self.instance.validate_constraints(exclude=set(self.errors))
            except ValidationError as error:
                self.add_error(None, error)


def require_legible(name: str) -> None:
    """A validator: of an invisible name no document can be made (EN 16931 BR-06, BR-07)."""
    if not has_visible_character(name):
        raise ValidationError(_("Enter a name that can be read."), code="invisible")


class FullAddressValidator(EmailValidator):
    """Email addresses of the world outside: Django takes ``a@localhost`` as well."""

    def __init__(self) -> None:
        super().__init__(allowlist=[])

    def __call__(self, value: str | None) -> None:
        _local_part, at, domain = (value or "").rpartition("@")
        if at and domain and "." not in domain:
            said = _("Enter the whole address, with a dot after the @, as in name@example.com.")
            raise ValidationError(said, code="no_dot")
        super().__call__(value)


class FullEmailField(forms.EmailField):
    """An address that somebody enters for mail to be sent to."""

    default_validators = [FullAddressValidator()]


class DescribedLabel(str):
    """The words of a choice, with a plain sentence under them (``components/field.html``)."""

    __slots__ = ("hint",)

    hint: str

    # Django copies choices, and tells a copy only the words before it restores the rest.
    def __new__(cls, words: str, hint: str = "") -> Self:
        label = super().__new__(cls, words)
        label.hint = hint
        return label
