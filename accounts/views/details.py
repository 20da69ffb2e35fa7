from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import Access, account_page, render_page
from accounts.changing_contacts import contact_of
from accounts.contacts import overridden_by
from accounts.details import change_account, change_owners_names, lock_account
from accounts.forms.details import DetailsForm
from accounts.models import Contact
from accounts.permissions import Permission
from accounts.two_factor.words import about_policy
from audit.acting import actor_of
from users.models import User


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Permission.ACCOUNT_MANAGE)
def details(request: HttpRequest, access: Access) -> HttpResponse:
    """The owner alone gets here, so the names on the form are those of whoever asks."""
    account, owner = access.account, access.user
    if request.method == "POST":
        owner = User.objects.select_for_update(no_key=True).get(pk=owner.pk)
        account = lock_account(account)
        form = DetailsForm(request.POST, account=account, owner=owner)
        if form.is_valid():
            actor = actor_of(request)
            changed = change_account(account, values=form.account_values(), actor=actor)
            changed |= change_owners_names(owner, **form.owner_values(), actor=actor)
            said = _("Saved. New invoices show it.") if changed else _("Nothing was changed.")
            messages.success(request, said)
            return redirect("settings:details", account.number)
    else:
        form = DetailsForm(account=account, owner=owner)
    context = {
        "form": form,
        "owner": owner,
        "overridden": overridden_by(contact_of(access.account, Contact.Kind.BILLING)),
        **about_policy(access.account),
    }
    return render_page(request, access, "accounts/details/page.html", context)
