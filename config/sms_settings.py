"""Which text messages the program sends. Read by ``config.settings`` alone."""

from decimal import Decimal, InvalidOperation
from typing import Final

import environ
from django.core.exceptions import ImproperlyConfigured
from phonenumbers import SUPPORTED_REGIONS

GATEWAYS: Final = ("mailbox", "twilio")
# Where a message costs little and fraud with its price is rare. An operator names their own.
_COUNTRIES: Final = [
    *("AT", "BE", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB"),
    *("IE", "IT", "LU", "NL", "NO", "PL", "PT", "SE"),
]


def sms_gateway(env: environ.Env, *, embedded: bool) -> str:
    """What sends text messages, or nothing. Raises ImproperlyConfigured."""
    gateway = str(env.str("SMS_GATEWAY", default="mailbox" if embedded else ""))
    if gateway and gateway not in GATEWAYS:
        raise ImproperlyConfigured(f"Set SMS_GATEWAY to one of {', '.join(GATEWAYS)}, or leave it.")
    if gateway == "mailbox" and not embedded:
        raise ImproperlyConfigured("SMS_GATEWAY=mailbox shows codes to everybody: embedded only.")
    if gateway == "twilio":
        names = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_SENDER")
        if missing := [name for name in names if not env.str(name, default="")]:
            raise ImproperlyConfigured(f"SMS_GATEWAY=twilio needs {', '.join(missing)}.")
    return gateway


def sms_countries(env: environ.Env) -> list[str]:
    """ISO 3166-1 alpha-2 codes. Raises ImproperlyConfigured."""
    codes = [str(code).strip().upper() for code in env.list("SMS_COUNTRIES", default=_COUNTRIES)]
    if unknown := [code for code in codes if code not in SUPPORTED_REGIONS]:
        raise ImproperlyConfigured(f"SMS_COUNTRIES has no countries: {', '.join(unknown)}.")
    return codes


def price(env: environ.Env, name: str, *, default: str) -> Decimal:
    """An amount of money that is no less than zero. Raises ImproperlyConfigured."""
    try:
        value = Decimal(str(env.str(name, default=default)))
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or value < 0:
        raise ImproperlyConfigured(f"Set {name} to an amount such as {default}.")
    return value
