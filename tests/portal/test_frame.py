"""What stands around every page: the switcher, the person's menu, scripts and how heavy it is."""

import gzip
import json
import re

import pytest
from django.test import Client

from accounts.models import Account
from tests.factories import make_account, make_invoice, make_seller, make_user
from tests.people import People, signed_in
from tests.required_two_factor import signed_in_with
from tests.two_factor import two_factor_on
from tests.twofactor.resets import started
from users.models import User

pytestmark = pytest.mark.django_db

HEAVIEST_BYTES = 30_000


def top_bar(page: str) -> str:
    return page.partition('<header class="top-bar">')[2].partition("</header>")[0]


def test_pages_of_a_person_offer_their_accounts_too(people: People) -> None:
    """Row M2: on every page."""
    bar = top_bar(signed_in(people.alice).get("/accounts/").content.decode())
    assert f'href="/a/{people.account.number}/"' in bar
    assert "All my accounts" in bar
    assert 'href="/accounts/new/"' in bar
    assert "Account in use:" not in bar


def test_pages_that_refuse_have_the_switcher_too(people: People) -> None:
    answer = signed_in(people.dora).get(f"/a/{people.account.number}/billing/invoices/")
    assert answer.status_code == 403
    bar = top_bar(answer.content.decode())
    assert "Account in use:" in bar
    assert str(people.account.number) in bar


def test_another_persons_account_is_never_in_it(people: People) -> None:
    bar = top_bar(signed_in(people.alice).get("/no/such/page").content.decode())
    assert "Elsewhere Ltd" not in bar


def test_whoever_has_no_account_is_told_so_and_offered_one() -> None:
    bar = top_bar(signed_in(make_user()).get("/accounts/").content.decode())
    assert "You belong to no account yet." in bar
    assert 'href="/accounts/new/"' in bar


def test_staff_find_their_pages_in_the_menu_and_customers_do_not(
    people: People, staff: User
) -> None:
    assert 'href="/console/alarms/"' in top_bar(signed_in(staff).get("/accounts/").content.decode())
    assert "/console/" not in top_bar(signed_in(people.alice).get("/accounts/").content.decode())


def test_a_closed_account_says_on_each_page_that_it_can_only_be_read() -> None:
    """Decision 0081."""
    owner = make_user()
    account = make_account(owner=owner, status=Account.Status.CLOSED)
    for path in ("", "billing/invoices/", "settings/activity/"):
        page = signed_in(owner).get(f"/a/{account.number}/{path}").content.decode()
        assert "This account is closed." in page


def test_htmx_is_kept_within_the_content_security_policy() -> None:
    page = Client().get("/sign-in/").content.decode()
    found = re.search(r"name=\"htmx-config\" content='([^']*)'", page)
    assert found is not None
    told = json.loads(found.group(1))
    assert told["includeIndicatorStyles"] is told["allowEval"] is told["allowScriptTags"] is False
    assert told["selfRequestsOnly"] is True
    assert told["historyCacheSize"] == 0


def test_htmx_gets_the_content_alone_and_the_same_as_in_the_page(people: People) -> None:
    browser = signed_in(people.alice)
    address = f"/a/{people.account.number}/settings/activity/"
    whole = browser.get(address).content.decode()
    part = browser.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "top-bar" not in part
    assert 'class="sections"' in whole
    assert 'class="sections"' not in part
    assert _found(part) == _found(whole)


def test_a_full_page_weighs_less_than_thirty_kilobytes(people: People) -> None:
    seller = make_seller()
    for serial in range(12):
        make_invoice(people.account, seller=seller)
        make_account(owner=people.alice, name=f"Branch {serial}")
    browser = signed_in(people.alice)
    for path in ("", "billing/invoices/", "settings/activity/"):
        content = browser.get(f"/a/{people.account.number}/{path}").content
        assert len(gzip.compress(content)) < HEAVIEST_BYTES


def _found(page: str) -> str:
    return page.partition('<div id="found"')[2].partition("</main>")[0]


@pytest.mark.parametrize("page", ["/accounts/", "/profile/", "/a/{number}/", "/no/such/page"])
def test_whoever_loses_their_second_factor_soon_reads_it_on_every_page(
    people: People, staff: User, page: str
) -> None:
    """Decision 0153: whoever did not ask for it must learn of it, wherever they are."""
    address = page.format(number=people.account.number)
    words = "Our support staff were asked to remove your two-factor authentication."
    browser = signed_in_with(people.bob, two_factor_on(people.bob))
    assert words not in browser.get(address).content.decode()
    started(people.bob, by=staff)
    read = browser.get(address).content.decode()
    assert words in read and 'href="/profile/two-factor/"' in read
    assert words not in signed_in(people.alice).get(address).content.decode()


def test_the_page_on_which_a_reset_is_stopped_says_so_once(people: People, staff: User) -> None:
    started(people.bob, by=staff)
    read = signed_in(people.bob).get("/profile/two-factor/").content.decode()
    assert "Stop the reset" in read and "See it, or stop it" not in read
