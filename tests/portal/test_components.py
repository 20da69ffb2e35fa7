"""Forms of every kind of field, as the components draw them."""

from django import forms
from django.template.loader import render_to_string

from common.forms import DescribedLabel


class EveryField(forms.Form):
    name = forms.CharField(label="Name", help_text="As on the letterhead.")
    email = forms.EmailField(label="Email address", required=False)
    country = forms.ChoiceField(label="Country", choices=[("GB", "United Kingdom")])
    notes = forms.CharField(label="Notes", widget=forms.Textarea, required=False)
    agreed = forms.BooleanField(label="I agree", help_text="To the terms.", required=False)
    kind = forms.ChoiceField(
        label="Kind", choices=[("a", "Personal"), ("b", "Other")], widget=forms.RadioSelect
    )
    flags = forms.MultipleChoiceField(
        label="Access",
        choices=[("billing", DescribedLabel("Billing", "Sees <invoices>.")), ("none", "None")],
        widget=forms.CheckboxSelectMultiple,
        help_text="What they may do.",
    )
    token = forms.CharField(widget=forms.HiddenInput)


def drawn(form: forms.Form, **context: object) -> str:
    return render_to_string("components/form.html", {"form": form, "submit": "Save", **context})


def test_each_kind_of_field_has_its_label_help_and_class() -> None:
    html = drawn(EveryField(), cancel="/back/")
    assert '<label class="form-label" for="id_name">Name</label>' in html
    assert 'aria-describedby="id_name_helptext"' in html
    assert '<p class="form-hint" id="id_name_helptext">As on the letterhead.</p>' in html
    assert '<select name="country" class="form-select"' in html
    assert 'class="form-check-input" aria-describedby="id_agreed_helptext"' in html
    assert '<legend class="form-label">Access</legend>' in html
    assert 'aria-describedby="id_flags_helptext"' in html
    assert 'aria-describedby="id_flags_0_hint"' in html
    assert "Sees &lt;invoices&gt;." in html
    assert '<input type="hidden" name="token"' in html
    assert '<a class="btn btn-link" href="/back/">Cancel</a>' in html
    assert html.count("(optional)") == 2
    assert "novalidate" in html


def test_errors_stand_at_their_fields_and_in_the_sum_which_links_to_them() -> None:
    html = drawn(EveryField({"name": "", "flags": ["billing"], "email": "no"}))
    for field in ("id_name", "id_email", "id_country", "id_kind_0"):
        assert f'<a href="#{field}">' in html
        assert f'id="{field}"' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_error"' in html
    assert 'aria-describedby="id_kind_error"' in html
    assert 'aria-invalid="true"' in html


def test_what_was_typed_and_ticked_is_kept() -> None:
    html = drawn(EveryField({"email": "a@b", "flags": ["billing"], "kind": "b", "agreed": "on"}))
    assert 'value="a@b"' in html
    assert 'value="billing" id="id_flags_0" checked' in html
    assert 'value="b" id="id_kind_1" checked' in html
    assert 'value="a" id="id_kind_0">' in html


def test_a_confirmation_says_what_will_happen_and_offers_the_way_back() -> None:
    context = {"consequences": ["It is gone."], "submit": "Delete", "cancel": "/back/"}
    html = render_to_string("components/confirm.html", context)
    assert "<li>It is gone.</li>" in html
    assert 'class="btn btn-danger" type="submit">Delete' in html
    assert 'href="/back/">Cancel' in html


def test_facts_that_are_not_known_are_a_dash() -> None:
    html = render_to_string("components/facts.html", {"facts": [("Name", "Ana"), ("Phone", "")]})
    assert "<dt>Phone</dt><dd>–</dd>" in html
