from django.core.checks import CheckMessage, run_checks
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.urls.resolvers import RoutePattern
from django.views.decorators.http import require_safe

from accounts.access import Access, account_page
from accounts.checks import problems
from accounts.permissions import ANY_MEMBER

import config.urls  # noqa: F401, isort: skip - registers the converter that routes below name


@account_page(ANY_MEMBER)
def declared(request: HttpRequest, access: Access) -> HttpResponse:
    return HttpResponse()


def undeclared(request: HttpRequest, account_number: int) -> HttpResponse:
    return HttpResponse()


def found_in(*urls: URLPattern | URLResolver) -> list[str | None]:
    messages: list[CheckMessage] = problems(URLResolver(RoutePattern(""), list(urls)))
    return [message.id for message in messages]


def test_the_program_itself_declares_every_permission() -> None:
    assert [m for m in run_checks() if (m.id or "").startswith("accounts.")] == []


def test_an_account_page_without_a_permission_is_found() -> None:
    assert found_in(path("a/<account:account_number>/", undeclared)) == ["accounts.E001"]


def test_it_is_found_however_deep_it_is_included() -> None:
    inner = [path("billing/", include([path("new/", undeclared)]))]
    assert found_in(path("a/<account:account_number>/", include(inner))) == ["accounts.E001"]


def test_an_account_page_with_its_permission_is_right() -> None:
    assert found_in(path("a/<account:account_number>/", declared)) == []


def test_a_decorator_around_it_does_not_hide_the_permission() -> None:
    assert found_in(path("a/<account:account_number>/", require_safe(declared))) == []


def test_an_account_page_outside_the_accounts_is_found() -> None:
    assert found_in(path("b/<account:account_number>/", declared)) == ["accounts.E002"]
