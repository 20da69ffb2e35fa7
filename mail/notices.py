"""Messages of the panel to a person: three templates each, in the reader's language.

``templates/mail/<name>/`` holds ``subject.txt``, ``body.txt`` and ``body.html``.
"""

import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.template import Context, Engine
from django.template.loader import render_to_string
from django.utils import timezone, translation

from common.codes import zone_named
from mail.addresses import Mailbox
from mail.links import LinkTo
from mail.outbox import NewEmail, enqueue

# Random for each message, so that no text of a customer's can stand where a link will.
_MARKER_BYTES = 12


def send_notice(
    name: str,
    *,
    to: Mailbox,
    language: str,
    dedup_key: str,
    time_zone: str = "UTC",
    context: Mapping[str, Any] | None = None,
    account_id: int | None = None,
    link: LinkTo | None = None,
) -> UUID:
    """Queue the message ``name`` in the caller's transaction; returns its id.

    Dates and times stand in it as they are in ``time_zone``: where its reader lives.
    Templates have ``link`` for the address that will be put in when it is sent. Needs the scope of
    ``account_id`` when there is one. Raises mail.addresses.UnusableAddress.
    """
    marker = f"link-{secrets.token_hex(_MARKER_BYTES)}" if link else ""
    with translation.override(language), timezone.override(zone_named(time_zone)):
        subject, text, html = _written(
            name, {**(context or {}), "link": marker, "language": language}
        )
    return enqueue(
        NewEmail(
            kind=name,
            dedup_key=dedup_key,
            sender=Mailbox(settings.DEFAULT_FROM_EMAIL, settings.OPERATOR_NAME),
            reply_to=settings.OPERATOR_SUPPORT_EMAIL,
            recipient=to,
            subject=subject,
            text_body=text,
            html_body=html,
            account_id=account_id,
            link=link,
            link_marker=marker,
        )
    )


def _written(name: str, words: Mapping[str, Any]) -> tuple[str, str, str]:
    """Subject, text and HTML of the message, in the language and the time zone that are set."""
    all_words = {
        **words,
        "operator_name": settings.OPERATOR_NAME,
        "support_email": settings.OPERATOR_SUPPORT_EMAIL,
        "site_url": settings.SITE_URL,
    }
    subject = " ".join(_plain(f"mail/{name}/subject.txt", all_words).split())
    all_words["subject"] = subject
    text = _plain(f"mail/{name}/body.txt", all_words)
    return subject, text, render_to_string(f"mail/{name}/body.html", all_words)


def _plain(template: str, words: Mapping[str, Any]) -> str:
    """Text for people, not for browsers: an ampersand stays one."""
    engine = Engine.get_default()
    return engine.get_template(template).render(Context(dict(words), autoescape=False))
