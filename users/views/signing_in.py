from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from users import signin
from users.forms import SignInForm
from users.redirecting import destination, wanted_page
from users.verifying import send_verification


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    wanted = wanted_page(request)
    if request.user.is_authenticated:
        return HttpResponseRedirect(destination(wanted))
    if request.method != "POST" and (page := signin.page_of_waiting(request)):
        return HttpResponseRedirect(page)
    form = SignInForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            signin.sign_in(request, **form.cleaned_data, next_page=wanted)
        except signin.WrongCredentials as refusal:
            form.add_error(None, str(refusal))
        except signin.AddressUnverified as refusal:
            send_verification(refusal.user, next_page=wanted)
            return render(request, "users/verify_sent.html", {"email": refusal.user.email})
        else:
            return HttpResponseRedirect(destination(wanted))
    context = {"form": form, "next": wanted, "has_ended": "ended" in request.GET}
    return render(request, "users/sign_in.html", context)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    if signin.sign_out(request):
        # A message opens a session: nobody opens one by asking for nothing.
        messages.success(request, _("You are signed out."))
    return redirect("users:sign_in")
