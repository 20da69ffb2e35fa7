"""How the program hears what became of its mail. Read by ``config.settings`` alone."""

import re
from typing import Any, Final

import environ
from django.core.exceptions import ImproperlyConfigured

# Beside a plus, an id and a mac of 43 characters, in the 64 of a local part (RFC 5321).
_ADDRESS: Final = re.compile(r"[A-Za-z0-9._-]{1,20}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
# The email services that are understood, and the secret without which their reports are not heard.
SECRET_OF_SERVICE: Final = {
    "amazon_ses": "WEBHOOK_SECRET",
    "mailgun": "MAILGUN_WEBHOOK_SIGNING_KEY",
    "postmark": "WEBHOOK_SECRET",
}


def bounce_address(env: environ.Env) -> str:
    """Where returned mail goes, or nothing. Raises ImproperlyConfigured."""
    address = str(env.str("BOUNCE_ADDRESS", default=""))
    if address and not _ADDRESS.fullmatch(address):
        raise ImproperlyConfigured(
            "Set BOUNCE_ADDRESS to an address such as returns@billing.example, with no more than 20"
            " characters before the @."
        )
    return address


def bounce_mailbox(env: environ.Env, *, embedded: bool) -> str:
    """The mailbox that returned mail is read from, or nothing. Raises ImproperlyConfigured."""
    url = str(env.str("BOUNCE_MAILBOX_URL", default=""))
    if url and not (url.startswith("imaps://") or (embedded and url.startswith("imap://"))):
        raise ImproperlyConfigured("BOUNCE_MAILBOX_URL must start with imaps://.")
    if url and not bounce_address(env):
        raise ImproperlyConfigured("Set BOUNCE_ADDRESS: without it, no returned mail is believed.")
    return url


def webhook(env: environ.Env) -> tuple[str, dict[str, Any]]:
    """The email service whose reports are heard, or nothing; and what django-anymail must know.

    Raises ImproperlyConfigured where its secret is missing: it would be open to anybody.
    """
    service = str(env.str("MAIL_WEBHOOK_ESP", default=""))
    secrets = {
        "WEBHOOK_SECRET": env.str("ANYMAIL_WEBHOOK_SECRET", default=""),
        "MAILGUN_WEBHOOK_SIGNING_KEY": env.str("ANYMAIL_MAILGUN_WEBHOOK_SIGNING_KEY", default=""),
    }
    known: dict[str, Any] = {
        # Confirming asks Amazon with credentials of its own; it is done by hand, once.
        "AMAZON_SES_AUTO_CONFIRM_SNS_SUBSCRIPTIONS": False,
        **{name: secret for name, secret in secrets.items() if secret},
    }
    if not service:
        return "", known
    if service not in SECRET_OF_SERVICE:
        raise ImproperlyConfigured(
            f"Set MAIL_WEBHOOK_ESP to one of {', '.join(sorted(SECRET_OF_SERVICE))}."
        )
    if (needed := SECRET_OF_SERVICE[service]) not in known:
        raise ImproperlyConfigured(f"Set ANYMAIL_{needed}: {service} proves itself with it.")
    if needed == "WEBHOOK_SECRET" and not re.fullmatch(r"[^:]+:.{16,}", str(known[needed])):
        raise ImproperlyConfigured(
            "Set ANYMAIL_WEBHOOK_SECRET to user:password, the password of 16 characters or more."
        )
    return service, known
