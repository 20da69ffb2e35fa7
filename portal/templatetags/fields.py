"""Template filters for form fields: Tabler's classes on Django's own widgets."""

from django import forms, template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def control(field: BoundField) -> SafeString:
    """The field's widget with the class that its kind has in Tabler, besides its own classes."""
    widget = field.field.widget
    own = str(widget.attrs.get("class", "")).split()
    classes = dict.fromkeys([_class_of(widget), *own, *(["is-invalid"] if field.errors else [])])
    return field.as_widget(attrs={"class": " ".join(classes)})


@register.filter
def layout(field: BoundField) -> str:
    """How a field is laid out: ``group`` of choices, one ``check`` box, or one ``line``."""
    if field.use_fieldset:
        return "group"
    return "check" if isinstance(field.field.widget, forms.CheckboxInput) else "line"


@register.filter
def anchor(field: BoundField) -> str:
    """The id that a link to the field leads to: of a group, its first choice."""
    return field.id_for_label or f"{field.auto_id}_0"


def _class_of(widget: forms.Widget) -> str:
    if isinstance(widget, forms.CheckboxInput):
        return "form-check-input"
    if isinstance(widget, forms.Select):
        return "form-select"
    return "form-control"
