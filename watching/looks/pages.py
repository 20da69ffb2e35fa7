"""Where staff find the rows that an alarm speaks of."""

from urllib.parse import urlencode

from django.db.models import Model
from django.urls import reverse


def table_page(model: type[Model], **filters: str) -> str:
    """The admin's list of ``model``, such as ``table_page(Document, state__exact="parked")``."""
    options = model._meta
    page = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
    return f"{page}?{urlencode(filters)}" if filters else page
