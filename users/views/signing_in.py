from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from users import signin
from users.forms import SignInForm


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    destination = _destination(request)
    if request.user.is_authenticated:
        return HttpResponseRedirect(destination)
    form = SignInForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            signin.sign_in(request, **form.cleaned_data)
        except signin.WrongCredentials as refusal:
            form.add_error(None, str(refusal))
        else:
            return HttpResponseRedirect(destination)
    return render(request, "users/sign_in.html", {"form": form, "next": _wanted(request)})


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    signin.sign_out(request)
    return redirect("users:sign_in")


def _destination(request: HttpRequest) -> str:
    return _wanted(request) or resolve_url("portal:home")


def _wanted(request: HttpRequest) -> str:
    """The page that ``next`` names, or the empty string unless it is a path on this site."""
    wanted = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
    is_here = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=True)
    return wanted if is_here else ""
