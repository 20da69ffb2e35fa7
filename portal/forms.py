from django import forms
from django.utils.translation import gettext_lazy as _

from audit.wording import Kind, kind_choices
from portal.activity import Wanted


def _kinds() -> list[tuple[str, str]]:
    return [("", str(_("Everything"))), *kind_choices()]


class ActivityFilter(forms.Form):
    """What a reader of the activity page looks for; nothing of it is required."""

    all_optional = True

    person = forms.CharField(
        label=_("Person"),
        max_length=254,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    kind = forms.ChoiceField(label=_("What"), choices=_kinds, required=False)
    since = forms.DateField(
        label=_("From day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = forms.DateField(
        label=_("To day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def wanted(self) -> Wanted:
        """What was understood; a field that was not counts as left empty."""
        if not self.is_bound:
            return Wanted()
        self.is_valid()
        found = self.cleaned_data
        return Wanted(
            person=found.get("person", ""),
            kind=Kind(found["kind"]) if found.get("kind") else None,
            since=found.get("since"),
            until=found.get("until"),
        )
