from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import Access, account_page, render_page
from accounts.closing import (
    AccountCannotClose,
    AccountClosedAlready,
    close_account,
    preview_closing,
)
from accounts.forms.closing import ClosingForm
from accounts.permissions import Permission
from audit.acting import actor_of
from users.confirming import confirmed_recently


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Permission.ACCOUNT_CLOSE, open_when_closed=True)
@confirmed_recently
def close(request: HttpRequest, access: Access) -> HttpResponse:
    if access.is_read_only:
        messages.info(request, str(AccountClosedAlready()))
        return redirect("account:overview", access.account.number)
    form = ClosingForm(request.POST or None, account=access.account)
    if request.method == "POST" and form.is_valid() and _close(request, access):
        return redirect("account:overview", access.account.number)
    context = {"form": form, "closing": preview_closing(access.account)}
    return render_page(request, access, "accounts/closing/page.html", context)


def _close(request: HttpRequest, access: Access) -> bool:
    """False when the page is to be shown again, which lists what stands in the way."""
    try:
        close_account(access.account, closed_by=access.user, actor=actor_of(request))
    except AccountClosedAlready as refusal:
        messages.info(request, str(refusal))
    except AccountCannotClose:
        return False
    else:
        messages.success(request, _("The account is closed. It can be read, but not changed."))
    return True
