"""Using the operator's admin as a browser would."""

from django.test import Client
from django.urls import reverse


def form_of(browser: Client, address: str) -> dict[str, str]:
    """What the page's form would send unchanged."""
    form = browser.get(address).context["adminform"].form
    return {
        name: value
        for name, value in form.initial.items()
        if name in form.fields and value is not None
    }


def refused(browser: Client, address: str, **changes: object) -> dict[str, str]:
    """Each field's first complaint when the form at ``address`` is sent with ``changes``."""
    answer = browser.post(address, {**form_of(browser, address), **changes})
    if answer.status_code == 302:
        return {}
    errors = answer.context["adminform"].form.errors
    return {field: str(complaints[0]) for field, complaints in errors.items()}


def act(browser: Client, name: str, action: str, *keys: object, **fields: str) -> str:
    """Choose an action for the rows with ``keys``; returns the page that follows."""
    sent = {"action": action, "_selected_action": [str(key) for key in keys], **fields}
    return browser.post(reverse(f"{name}_changelist"), sent, follow=True).content.decode()
