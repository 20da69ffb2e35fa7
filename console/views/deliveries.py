"""Mail that did not arrive, addresses that get none, and reports about messages of nobody's."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.acting import actor_of
from console import deliveries
from console.access import staff_page
from console.deliveries import AddressSuppressed, How
from console.forms import DeliveryFilterForm, LiftForm
from mail.models import SuppressedAddress
from mail.outbox import EmailNotFailed
from mail.suppressing import release

SEND_AGAIN = "mail.change_outgoingemail"
LIFT = "mail.delete_suppressedaddress"
_LONGEST_QUERY = 254


@require_safe
@staff_page()
def undelivered(request: HttpRequest) -> HttpResponse:
    form = DeliveryFilterForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {"wanted": "", "how": ""}
    found = deliveries.undelivered(
        asked["wanted"],
        how=How(asked["how"]) if asked["how"] else None,
        before=_key(request, "before"),
        after=_key(request, "after"),
    )
    kept = {name: value for name, value in asked.items() if value}
    context = {
        "form": form,
        "found": found.rows,
        "is_filtered": bool(kept),
        "newer": _query(kept, "after", found.newer),
        "older": _query(kept, "before", found.older),
    }
    return render(request, "console/deliveries.html", context)


@require_POST
@staff_page(permission=SEND_AGAIN)
def send_again(request: HttpRequest, email_id: UUID) -> HttpResponse:
    try:
        email = deliveries.send_again(email_id, actor=actor_of(request))
    except AddressSuppressed as refusal:
        messages.warning(request, str(refusal))
    except EmailNotFailed as refusal:
        messages.info(request, str(refusal))
    else:
        if email is None:
            raise Http404
        messages.success(request, f"The message to {email.recipient_address} is sent again.")
    return redirect("console:deliveries")


@require_safe
@staff_page()
def suppressed(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").strip()[:_LONGEST_QUERY]
    found = deliveries.suppressed_addresses(
        wanted, before=_number(request, "before"), after=_number(request, "after")
    )
    kept = {"q": wanted} if wanted else {}
    context = {
        "wanted": wanted,
        "found": found.rows,
        "newer": _query(kept, "after", found.newer),
        "older": _query(kept, "before", found.older),
    }
    return render(request, "console/suppressed.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(permission=LIFT)
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    row = SuppressedAddress.objects.filter(pk=pk).first()
    if row is None:
        if request.method != "POST":
            raise Http404
        messages.info(request, "It was lifted before. Nothing was changed.")
        return redirect("console:suppressed")
    form = LiftForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        release(row, actor=actor_of(request), why=form.cleaned_data["why"])
        messages.success(
            request,
            f"Mail goes to {row.address} again. What failed meanwhile is on the list of mail that"
            " did not arrive, and is sent again from there.",
        )
        return redirect("console:suppressed")
    return render(request, "console/lift.html", {"row": row, "form": form})


@require_safe
@staff_page()
def reports(request: HttpRequest) -> HttpResponse:
    found = deliveries.reports_about_no_message(
        before=_key(request, "before"), after=_key(request, "after")
    )
    context = {
        "found": found.rows,
        "newer": _query({}, "after", found.newer),
        "older": _query({}, "before", found.older),
    }
    return render(request, "console/mail_reports.html", context)


def _key(request: HttpRequest, name: str) -> UUID | None:
    """The row that a page is asked for beside; 404 for what names none."""
    text = request.GET.get(name, "")
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise Http404 from error


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > deliveries.LONGEST_NUMBER:
        raise Http404
    return int(text)


def _query(kept: dict[str, str], name: str, place: str) -> str:
    return urlencode({**kept, name: place}) if place else ""
