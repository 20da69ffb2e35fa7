from datetime import timedelta

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path
from django.utils import timezone

from accounts.access import Access, account_page
from accounts.models import Account
from accounts.permissions import ANY_MEMBER, Permission
from common.exceptions import DomainError
from common.scoping import all_accounts_scope
from common.storage import DocumentAltered, StorageUnavailable
from config.urls import handler400, handler403, handler404, handler500  # noqa: F401 - of these URLs
from config.urls import urlpatterns as real_urls
from invoices.models import Seller
from portal.errors import RefusalMiddleware
from tests.factories import make_seller
from tests.people import People, signed_in
from users.rate_limits import TooManyAttempts

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class NotToday(DomainError):
    """A refusal of which the pages know nothing."""


def refuse(request: HttpRequest) -> HttpResponse:
    raise NotToday("It is <b>Sunday</b>. Come back tomorrow.")


def archive_is_damaged(request: HttpRequest) -> HttpResponse:
    raise DocumentAltered("This document was altered after it was stored.")


def archive_is_away(request: HttpRequest) -> HttpResponse:
    raise StorageUnavailable("the bucket of a secret name does not answer")


def break_down(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a secret of the program")


@account_page(ANY_MEMBER)
def write_and_refuse(request: HttpRequest, access: Access) -> HttpResponse:
    make_seller("left-behind")
    raise NotToday("Not that one.")


@account_page(Permission.BILLING_CONTACT_MANAGE)
def change_billing(request: HttpRequest, access: Access) -> HttpResponse:
    return HttpResponse()


@account_page(Permission.ACCOUNT_CLOSE)
def close(request: HttpRequest, access: Access) -> HttpResponse:
    return HttpResponse()


def try_too_often(request: HttpRequest) -> HttpResponse:
    raise TooManyAttempts(timezone.now() + timedelta(minutes=3))


@account_page(ANY_MEMBER)
def reach_across(request: HttpRequest, access: Access) -> HttpResponse:
    with all_accounts_scope("a mistake"):
        return HttpResponse()


urlpatterns = [
    path("refuse/", refuse),
    path("damaged/", archive_is_damaged),
    path("away/", archive_is_away),
    path("break-down/", break_down),
    path("too-often/", try_too_often),
    path("a/<account:account_number>/write-and-refuse/", write_and_refuse),
    path("a/<account:account_number>/change-billing/", change_billing),
    path("a/<account:account_number>/close/", close),
    path("a/<account:account_number>/reach-across/", reach_across),
    *real_urls,
]


def quiet_client() -> Client:
    """A browser that gets the error page where the test client would raise."""
    return Client(raise_request_exception=False)


def test_a_refusal_is_told_in_its_own_words_as_text() -> None:
    answer = Client().get("/refuse/")
    assert answer.status_code == 409
    assert "It is &lt;b&gt;Sunday&lt;/b&gt;. Come back tomorrow." in answer.content.decode()


def test_a_refusal_within_an_account_stays_in_its_frame_and_leads_back(people: People) -> None:
    start = f"/a/{people.account.number}/"
    came_from = f"http://testserver{start}billing/invoices/"
    answer = signed_in(people.alice).get(
        f"{start}write-and-refuse/", headers={"Referer": came_from}
    )
    page = answer.content.decode()
    assert "Hartwell &amp; Sons" in page
    assert f'class="btn btn-primary" href="{came_from}"' in page


def test_the_way_back_from_a_refusal_never_leaves_the_site() -> None:
    page = Client().get("/refuse/", headers={"Referer": "https://evil.example/"}).content.decode()
    assert "evil.example" not in page
    assert 'class="btn btn-primary" href="/"' in page


def test_a_denied_page_says_which_right_is_missing_what_brings_it_and_who_grants_it(
    people: People,
) -> None:
    answer = signed_in(people.dora).get(f"/a/{people.account.number}/change-billing/")
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "You may not change the billing contact and who else gets invoices" in page
    assert "Alice Hartwell" in page
    assert 'href="mailto:alice@hartwell.example?subject=Access%20to%20Hartwell' in page
    assert "They would have to tick one of these for you: Full access, Billing." in page


def test_a_right_that_billing_has_not_while_it_is_reserved_is_the_owners_alone(
    people: People,
) -> None:
    """Row U4."""
    Account.objects.filter(pk=people.account.pk).update(billing_reserved_to_owner=True)
    answer = signed_in(people.bob).get(f"/a/{people.account.number}/change-billing/")
    assert answer.status_code == 403
    assert "Only the owner of the account may change the billing contact" in answer.content.decode()


def test_a_right_that_no_flag_brings_is_said_to_be_the_owners(people: People) -> None:
    page = signed_in(people.bob).get(f"/a/{people.account.number}/close/").content.decode()
    assert "Only the owner of the account may close the account." in page
    assert "alice@hartwell.example" in page


def test_too_many_attempts_says_when_to_try_again() -> None:
    answer = Client().get("/too-often/")
    assert answer.status_code == 429
    assert 170 < int(answer["Retry-After"]) <= 180
    assert "Try again in 3 minutes, at " in answer.content.decode()


def test_what_was_written_before_a_refusal_is_gone(people: People) -> None:
    address = f"/a/{people.account.number}/write-and-refuse/"
    assert signed_in(people.alice).get(address).status_code == 409
    assert not Seller.objects.filter(code="left-behind").exists()


def test_a_wrong_scope_is_an_error_of_the_program_and_no_refusal(people: People) -> None:
    browser = quiet_client()
    browser.force_login(people.alice)
    assert browser.get(f"/a/{people.account.number}/reach-across/").status_code == 500


def test_a_damaged_archive_is_an_error_that_the_operator_hears_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = Client().get("/damaged/")
    assert answer.status_code == 500
    assert "This document was altered after it was stored." in answer.content.decode()
    assert "/damaged/: This document was altered" in caplog.text


def test_an_archive_that_is_away_is_asked_again_later_and_the_operator_hears_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = Client().get("/away/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    page = answer.content.decode()
    assert "Documents cannot be reached at the moment. Try again in a minute." in page
    assert "secret" not in page
    assert "/away/: documents cannot be read: the bucket of a secret name" in caplog.text


def test_an_error_of_the_program_says_nothing_about_it() -> None:
    answer = quiet_client().get("/break-down/")
    assert answer.status_code == 500
    page = answer.content.decode()
    assert "Something went wrong on our side" in page
    assert "support@operator.example" in page
    assert "a secret of the program" not in page


def test_a_page_that_does_not_exist_says_so() -> None:
    answer = Client().get("/no/such/page")
    assert answer.status_code == 404
    assert "There is no such page" in answer.content.decode()


def test_what_an_account_has_not_is_told_to_its_members_in_its_frame(people: People) -> None:
    address = f"/a/{people.account.number}/billing/invoices/INV-777777/"
    own = signed_in(people.alice).get(address)
    assert own.status_code == 404
    assert "Hartwell &amp; Sons" in own.content.decode()
    foreign = signed_in(people.charlie).get(address)
    assert foreign.status_code == 404
    assert "Hartwell" not in foreign.content.decode()


def test_a_host_that_is_not_ours_is_not_served() -> None:
    answer = quiet_client().get("/sign-in/", HTTP_HOST="evil.example")
    assert answer.status_code == 400
    assert "evil.example" not in answer.content.decode()


@pytest.mark.parametrize("path", ["/accounts/?q=%00", "/sign-in/?next=%00", "/a/1%00/", "/%00"])
def test_a_nul_byte_in_an_address_is_refused_before_it_reaches_the_database(
    people: People, path: str
) -> None:
    answer = signed_in(people.alice).get(path)
    assert answer.status_code == 400
    assert "This request was not understood" in answer.content.decode()


def test_only_refusals_are_answered_here() -> None:
    middleware = RefusalMiddleware(lambda request: HttpResponse())
    assert middleware.process_exception(RequestFactory().get("/"), ValueError()) is None
