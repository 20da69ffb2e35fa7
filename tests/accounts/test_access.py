from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.test import Client, RequestFactory

from accounts.access import (
    Access,
    AccountNotFound,
    PermissionMissing,
    SignInRequired,
    account_page,
)
from accounts.granting import who_can_grant
from accounts.models import Membership
from accounts.permissions import ANY_MEMBER, Flag, Permission
from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope, current_scope
from tests.factories import add_member, make_user
from tests.people import Answer, People, signed_in
from users.models import User

pytestmark = pytest.mark.django_db


def invoices_of(people: People) -> str:
    return f"/a/{people.account.number}/billing/invoices/"


def denials() -> list[AuditEvent]:
    with all_accounts_scope("a test reads the audit log"):
        return list(AuditEvent.objects.filter(action=Action.ACCESS_DENIED))


def asked_by(user: User | AnonymousUser) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = user
    return request


@account_page(ANY_MEMBER)
def whole_page(request: HttpRequest, access: Access) -> HttpResponse:
    return HttpResponse(current_scope())


@account_page(Permission.INVOICES_VIEW)
def page_with_permission(request: HttpRequest, access: Access) -> HttpResponse:
    return HttpResponse("in")


# --- Who gets in --------------------------------------------------------------------------------


def test_nobody_signed_in_is_asked_to_sign_in(people: People) -> None:
    with pytest.raises(SignInRequired):
        whole_page(asked_by(AnonymousUser()), account_number=people.account.number)


def test_sign_in_leads_back_to_the_page_that_was_asked_for(people: People) -> None:
    answer = Client().get(f"{invoices_of(people)}?number=INV-1")
    assert answer.status_code == 302
    assert answer["Location"] == (
        f"/sign-in/?next=/a/{people.account.number}/billing/invoices/%3Fnumber%3DINV-1"
    )


@pytest.mark.parametrize("name", ["alice", "bob", "dora"])
def test_any_member_opens_a_page_for_any_member(people: People, name: str) -> None:
    answer = whole_page(asked_by(getattr(people, name)), account_number=people.account.number)
    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_owner_and_holder_of_a_flag_have_its_permission(people: People, name: str) -> None:
    answer = page_with_permission(
        asked_by(getattr(people, name)), account_number=people.account.number
    )
    assert answer.content == b"in"


def test_a_member_without_the_flag_lacks_its_permission(people: People) -> None:
    with pytest.raises(PermissionMissing) as refused:
        page_with_permission(asked_by(people.dora), account_number=people.account.number)
    assert refused.value.permission == Permission.INVOICES_VIEW


def test_a_stranger_finds_no_account(people: People) -> None:
    with pytest.raises(AccountNotFound):
        whole_page(asked_by(people.charlie), account_number=people.account.number)


def test_an_account_of_somebody_else_looks_like_none_at_all(people: People) -> None:
    browser = signed_in(people.charlie)
    foreign = browser.get(invoices_of(people))
    unknown = browser.get("/a/987654/billing/invoices/")
    assert foreign.status_code == unknown.status_code == 404
    assert without_form_tokens(foreign) == without_form_tokens(unknown)


def test_an_account_has_one_address_only(people: People) -> None:
    number = people.account.number
    browser = signed_in(people.alice)
    assert browser.get(f"/a/{number}/").status_code == 200
    assert browser.get(f"/a/0{number}/").status_code == 404
    assert browser.get(f"/a/{'9' * 30}/").status_code == 404


# --- What is asked anew on each request ---------------------------------------------------------


def test_a_flag_taken_away_closes_the_page_at_the_next_request(people: People) -> None:
    browser = signed_in(people.bob)
    assert browser.get(invoices_of(people)).status_code == 200
    Membership.objects.filter(user=people.bob, account=people.account).update(flags=[])
    assert browser.get(invoices_of(people)).status_code == 403


def test_a_membership_taken_away_closes_the_account_at_the_next_request(people: People) -> None:
    browser = signed_in(people.bob)
    assert browser.get(invoices_of(people)).status_code == 200
    Membership.objects.filter(user=people.bob, account=people.account).delete()
    assert browser.get(invoices_of(people)).status_code == 404


def test_a_disabled_user_is_out_at_the_next_request(people: People) -> None:
    browser = signed_in(people.bob)
    User.objects.filter(pk=people.bob.pk).update(is_active=False)
    assert browser.get(invoices_of(people)).status_code == 302


# --- The page that says no ----------------------------------------------------------------------


def granting(people: People) -> list[User]:
    found = who_can_grant(people.account, Permission.INVOICES_VIEW)
    return [membership.user for membership in found]


def test_denied_page_names_the_permission_and_who_can_grant_it(people: People) -> None:
    page = signed_in(people.dora).get(invoices_of(people)).content.decode()
    assert "You may not see invoices." in page
    assert "Alice Hartwell" in page
    assert "mailto:alice@hartwell.example" in page
    assert "bob@hartwell.example" not in page


def test_a_manager_of_users_grants_only_what_they_hold(people: People) -> None:
    with_invoices = make_user("erin@hartwell.example")
    without = make_user("frank@hartwell.example")
    add_member(people.account, with_invoices, Flag.USER_MANAGEMENT, Flag.BILLING)
    add_member(people.account, without, Flag.USER_MANAGEMENT)
    assert granting(people) == [people.alice, with_invoices]


def test_nobody_who_is_disabled_is_offered_to_ask(people: People) -> None:
    manager = make_user("erin@hartwell.example", is_active=False)
    add_member(people.account, manager, Flag.USER_MANAGEMENT, Flag.BILLING)
    assert granting(people) == [people.alice]


def test_a_manager_is_not_called_the_owner_while_the_owner_is_disabled(people: People) -> None:
    manager = make_user("erin@hartwell.example")
    add_member(people.account, manager, Flag.USER_MANAGEMENT, Flag.BILLING)
    User.objects.filter(pk=people.alice.pk).update(is_active=False)
    assert granting(people) == [manager]
    page = signed_in(people.dora).get(invoices_of(people)).content.decode()
    assert "erin@hartwell.example" in page
    assert "(owner)" not in page
    details = signed_in(people.dora).get(f"/a/{people.account.number}/settings/details/")
    assert details.status_code == 403
    assert "erin@hartwell.example" not in details.content.decode()


def test_where_nobody_can_grant_it_the_support_team_is_named(people: People) -> None:
    User.objects.filter(pk=people.alice.pk).update(is_active=False)
    page = signed_in(people.dora).get(invoices_of(people)).content.decode()
    assert "is granted by" not in page
    assert "Write to our support team." in page


# --- The audit of refusals ----------------------------------------------------------------------


def test_a_missing_permission_is_audited_in_the_account(people: People) -> None:
    signed_in(people.dora).get(invoices_of(people))
    [event] = denials()
    assert event.account_id == people.account.pk
    assert event.actor_user_id == people.dora.pk
    assert event.remote_address == "127.0.0.1"
    assert event.details == {
        "permission": "invoices:view",
        "method": "GET",
        "path": invoices_of(people),
    }


def test_a_stranger_is_audited_without_the_account(people: People) -> None:
    signed_in(people.charlie).get(invoices_of(people))
    [event] = denials()
    assert event.account_id is None
    assert event.actor_user_id == people.charlie.pk
    assert event.subject == f"account {people.account.number}"


# --- The scope around the view ------------------------------------------------------------------


def test_the_view_runs_in_the_scope_of_its_account_and_leaves_none_behind(people: People) -> None:
    answer = whole_page(asked_by(people.alice), account_number=people.account.number)
    assert answer.content.decode() == str(people.account.pk)
    assert current_scope() == ""


def lazy(request: HttpRequest, access: Access) -> HttpResponse:
    return TemplateResponse(request, "errors/404.html")


def streamed(request: HttpRequest, access: Access) -> Any:
    return StreamingHttpResponse(iter([b"rows read after the scope has closed"]))


@pytest.mark.parametrize("view", [lazy, streamed])
def test_what_would_be_rendered_outside_the_scope_is_refused(
    people: People, view: Callable[..., HttpResponse]
) -> None:
    page = account_page(ANY_MEMBER)(view)
    with pytest.raises(TypeError, match="finished response"):
        page(asked_by(people.alice), account_number=people.account.number)


def without_form_tokens(answer: Answer) -> str:
    """The page less its CSRF tokens, which differ from page to page."""
    lines = answer.content.decode().splitlines()
    return "\n".join(line for line in lines if "csrfmiddlewaretoken" not in line)
