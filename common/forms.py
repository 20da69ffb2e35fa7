from typing import Self

from django import forms
from django.core.exceptions import ValidationError


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


class DescribedLabel(str):
    """The words of a choice, with a plain sentence under them (``components/field.html``)."""

    __slots__ = ("hint",)

    hint: str

    # Django copies choices, and tells a copy only the words before it restores the rest.
    def __new__(cls, words: str, hint: str = "") -> Self:
        label = super().__new__(cls, words)
        label.hint = hint
        return label
