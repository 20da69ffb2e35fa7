"""Django's admin for the operator's staff: the rare tables that have no page of their own."""

from collections.abc import Callable, Iterable
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
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from common.scoping import all_accounts_scope
from users.signin import sign_out

# Second factors belong to their owners: the page would show their secrets.
_NOT_OFFERED = {"otp_totp"}

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class OperatorAdminSite(admin.AdminSite):
    site_header = _("Operator")
    site_title = _("Operator")
    index_title = _("Tables")

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Leaves out tables that packages bring along and that are not for staff to see."""
        models = (
            model_or_iterable if isinstance(model_or_iterable, Iterable) else [model_or_iterable]
        )
        offered = [model for model in models if model._meta.app_label not in _NOT_OFFERED]
        super().register(offered, admin_class, **options)

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

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseRedirect:
        """There is one way in for everybody, with its brake and its audit."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        wanted = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        return redirect_to_login(wanted, settings.LOGIN_URL)

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """And one way out."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        sign_out(request)
        return HttpResponseRedirect(resolve_url("users:sign_in"))
