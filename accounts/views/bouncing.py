"""Mail to an address that came back, started again by whoever looks after who gets invoices."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import Access, account_page
from accounts.bouncing import (
    TRIES_A_DAY,
    AddressNotStopped,
    NoAddressOfThisAccount,
    NotTriedAgain,
    try_again,
)
from accounts.permissions import Permission
from audit.acting import actor_of
from users.rate_limits import TooManyAttempts


@require_POST
@account_page(Permission.BILLING_CONTACT_MANAGE)
def try_address_again(request: HttpRequest, access: Access) -> HttpResponse:
    """Named in the form and not in the URL: an address would stand in logs."""
    try:
        address = try_again(
            access.account, address=request.POST.get("address", ""), actor=actor_of(request)
        )
    except NoAddressOfThisAccount as refusal:
        raise Http404 from refusal
    except AddressNotStopped as refusal:
        messages.info(request, str(refusal))
    except NotTriedAgain as refusal:
        messages.warning(request, str(refusal))
    except TooManyAttempts:
        said = _("This address was tried %(most)s times within a day. Try it again tomorrow.")
        messages.warning(request, said % {"most": TRIES_A_DAY})
    else:
        said = _("The next invoice is sent to %(address)s again.")
        messages.success(request, said % {"address": address})
    return redirect("settings:contacts", access.account.number)
