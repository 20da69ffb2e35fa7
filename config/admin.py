"""Django's admin for the operator's staff: the rare tables that have no page of their own."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.template.response import SimpleTemplateResponse
from django.urls import URLPattern, URLResolver, reverse
from django.utils.translation import gettext_lazy as _

from common.scoping import all_accounts_scope
from console.access import has_second_factor
from twofactor.requirements import SecondFactorNeeded
from users.redirecting import is_here
from users.signin import sign_out

_OTHERS = ("django.", "django_otp.")

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class OperatorAdminSite(admin.AdminSite):
    site_header = _("Operator")
    site_title = _("Operator")
    index_title = _("Tables")

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Takes pages of our own packages only.

        What others bring along shows more than staff should see (the secrets of second factors) or
        changes things without a trace in the audit log (what groups may do).
        """
        if admin_class is not None and not admin_class.__module__.startswith(_OTHERS):
            super().register(model_or_iterable, admin_class, **options)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Without the address that leads from a row to its own page.

        No row has one, and Django's view answers keys of another form than the row's with an error.
        """
        return [each for each in super().get_urls() if getattr(each, "name", "") != "view_on_site"]

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Staff see the rows of every account; the page is rendered before the scope closes."""

        @wraps(view)
        def in_scope(*args: Any, **kwargs: Any) -> HttpResponseBase:
            with all_accounts_scope("the operator's staff look after every account"):
                response = view(*args, **kwargs)
                if isinstance(response, SimpleTemplateResponse):
                    response.render()
                return response

        return super().admin_view(cast("View", in_scope), cacheable)

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff who have shown a second factor in this session, asked on each request."""
        return super().has_permission(request) and has_second_factor(request)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseRedirect:
        """There is one way in for everybody, with its brake and its audit."""
        wanted = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        if request.user.is_authenticated and not self.has_permission(request):
            if not super().has_permission(request):
                raise PermissionDenied
            raise SecondFactorNeeded(wanted if is_here(wanted) else "")
        return redirect_to_login(wanted, settings.LOGIN_URL)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseRedirect:
        """And one page for a new password, with its brake, its audit and its mail."""
        return HttpResponseRedirect(resolve_url("users:password"))

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """And one way out."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        sign_out(request)
        return HttpResponseRedirect(resolve_url("users:sign_in"))
