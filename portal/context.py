"""What every page's frame shows besides its own content."""

from django.conf import settings
from django.http import HttpRequest


def operator(request: HttpRequest | None = None) -> dict[str, object]:
    """Names of the operator; ``is_embedded`` says that this is an installation for trying out."""
    return {
        "operator_name": settings.OPERATOR_NAME,
        "support_email": settings.OPERATOR_SUPPORT_EMAIL,
        "is_embedded": settings.EMBEDDED,
    }
