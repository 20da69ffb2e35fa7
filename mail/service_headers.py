"""What an email service must find in a message to name it in its reports."""

from uuid import UUID

from django.conf import settings

# Postmark gives messages an id of its own, and gives fields of this name back as metadata.
_POSTMARK_KEY = "message"


def headers_for_service(pk: UUID) -> dict[str, str]:
    """Further header fields of a new message, for the service that settings name."""
    if settings.MAIL_WEBHOOK_ESP == "postmark":
        return {f"X-PM-Metadata-{_POSTMARK_KEY}": pk.hex}
    return {}


def message_in_metadata(metadata: object) -> UUID | None:
    """The message that a service's metadata names, if it names one."""
    named = metadata.get(_POSTMARK_KEY) if isinstance(metadata, dict) else None
    if not isinstance(named, str):
        return None
    try:
        return UUID(hex=named)
    except ValueError:
        return None
