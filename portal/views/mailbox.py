"""What an embedded installation has sent, to read without a mail program.

Open to whoever reaches the machine, as the mail catcher itself is: an invitation must be read by
somebody who has no user ID yet. These pages exist in embedded mode only.
"""

from pathlib import Path

from csp.constants import SELF
from csp.decorators import csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from mail.mailbox import caught_message
from portal.mailbox import PAGE_LENGTH, Letter, headings, open_letter

# A mail's own styles are inline. Nothing is fetched and nothing runs; links open in a new tab.
_HTML_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
    " style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)


@require_safe
def message_list(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("to", "")
    found = headings(_folder(), before=request.GET.get("before", ""), recipient=wanted)
    page = found[:PAGE_LENGTH]
    context = {
        "headings": page,
        "wanted": wanted,
        "older": page[-1].key if len(found) > PAGE_LENGTH else "",
    }
    return render(request, "portal/mailbox/list.html", context)


@require_safe
@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]
def message(request: HttpRequest, key: str) -> HttpResponse:
    return render(request, "portal/mailbox/message.html", {"letter": _letter(key)})


@require_safe
def message_html(request: HttpRequest, key: str) -> HttpResponse:
    """The HTML body alone, for a sandboxed frame."""
    html = _letter(key).html.replace("<head>", '<head><base target="_blank">', 1)
    headers = {"Content-Security-Policy": _HTML_POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return HttpResponse(html, headers=headers)


@require_safe
def attachment(request: HttpRequest, key: str, position: int) -> HttpResponse:
    attachments = _letter(key).attachments
    if position >= len(attachments):
        raise Http404
    found = attachments[position]
    response = HttpResponse(found.content, content_type=found.content_type)
    named = content_disposition_header(as_attachment=True, filename=found.filename)
    response["Content-Disposition"] = named or "attachment"
    return response


def _letter(key: str) -> Letter:
    found = caught_message(_folder(), key)
    if found is None:
        raise Http404
    return open_letter(found)


def _folder() -> Path:
    folder: Path | None = settings.MAILBOX_DIR
    if folder is None:
        raise Http404
    return folder
