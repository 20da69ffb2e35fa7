"""Bringing every secret under the present key, so that a former one can be taken away."""

import logging

from django.db import transaction

from twofactor.models import AuthenticatorApp
from twofactor.sealing import SecretUnreadable, sealed_anew

logger = logging.getLogger(__name__)


def renew_secrets() -> tuple[int, int]:
    """Encrypt all anew; returns how many there were, and how many of them no key opens.

    Each by itself, under a lock: people go on signing in meanwhile.
    """
    renewed = unreadable = 0
    for pk in AuthenticatorApp.objects.order_by("pk").values_list("pk", flat=True):
        try:
            renewed += _renew(pk)
        except SecretUnreadable:
            unreadable += 1
            logger.exception("the secret of authenticator app %s cannot be read", pk)
    return renewed, unreadable


def _renew(pk: int) -> bool:
    with transaction.atomic():
        app = AuthenticatorApp.objects.select_for_update().filter(pk=pk).first()
        if app is None:
            return False
        app.encrypted_secret = sealed_anew(app.encrypted_secret)
        app.save(update_fields=["encrypted_secret"])
    return True
