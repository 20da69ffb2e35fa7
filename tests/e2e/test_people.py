"""From signing up to leaving, with the mails that really left: rows Z1, Z2, Z3, M2, M3, M4."""

import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.browser import assert_accessible
from tests.e2e.conftest import Visitor
from tests.e2e.site import Site

PASSWORD = "many quiet rivers run north"
# From opening the mail's link to the first page, by somebody who types at a machine's speed: what
# is left of a minute is for reading and typing.
MOST_SECONDS_FOR_A_MACHINE = 10


def test_from_signing_up_to_a_colleague_who_joins_switches_and_leaves(
    visitor_maker: Callable[..., Visitor], site: Site
) -> None:
    account = _sign_up(visitor_maker().page, site)
    owner = visitor_maker().sign_in("erin@harbour.example", password=PASSWORD)
    expect(owner.get_by_role("heading", name="Harbour Works")).to_be_visible()
    _invite(owner, site, account)
    colleague = visitor_maker().page
    _accept(colleague, site, account)
    _have_an_account_of_ones_own(colleague, site)
    _choose_switch_and_leave(colleague, site, account)
    assert "has left" in str(site.mails.to("erin@harbour.example", subject="has left")["Subject"])


def test_an_expired_invitation_is_sent_again_and_accepted(
    visitor_maker: Callable[..., Visitor], site: Site
) -> None:
    """Row Z3."""
    owner = visitor_maker().sign_in("alice@hartwell.example")
    owner.goto(f"{site.account}/settings/users/add/")
    owner.get_by_label("Email address").fill("finn@quay.example")
    owner.get_by_role("button", name="Add user").click()
    expect(owner.get_by_role("main")).to_contain_text("finn@quay.example")
    old_link = site.mails.link_to("finn@quay.example")
    site.installation.sql(
        "UPDATE accounts_invitation SET expires_at = now() - interval '1 second'"
        " WHERE email = 'finn@quay.example'"
    )
    invited = visitor_maker().page
    invited.goto(old_link)
    expect(invited.get_by_role("heading", name="This invitation has expired")).to_be_visible()
    expect(invited.get_by_role("main")).to_contain_text("Alice Hartwell")
    assert_accessible(invited)
    owner.reload()
    row = owner.get_by_role("row").filter(has_text="finn@quay.example")
    expect(row).to_contain_text("Expired")
    row.get_by_role("button", name="Send again").click()
    new_link = site.mails.link_to("finn@quay.example")
    invited.goto(old_link)
    expect(invited.get_by_role("heading", name="This link does not work")).to_be_visible()
    invited.goto(new_link)
    _fill_in_the_one_form(invited, first_name="Finn")
    expect(invited.get_by_role("heading", name="Hartwell & Sons")).to_be_visible()


def _sign_up(page: Page, site: Site) -> str:
    """The path of the account that comes of it; the browser is signed out again."""
    page.goto(f"{site.url}/sign-up/")
    page.get_by_label("Email address").fill("erin@harbour.example")
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    page.goto(site.mails.link_to("erin@harbour.example"))
    expect(page.get_by_role("heading", name="Finish signing up")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("First name").fill("Erin")
    page.get_by_label("Last name").fill("Walsh")
    organisation = page.get_by_label("Organisation", exact=True)
    expect(organisation).to_be_hidden()
    page.get_by_label("For an organisation").check()
    organisation.fill("Harbour Works")
    page.get_by_label("Country").select_option("IE")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Harbour Works")).to_be_visible()
    account = page.url.removeprefix(site.url)
    page.locator("summary", has_text="Signed in as").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    return account


def _invite(owner: Page, site: Site, account: str) -> None:
    owner.goto(f"{site.url}{account}settings/users/")
    owner.get_by_role("link", name="Add user").first.click()
    owner.get_by_label("Email address").fill("gus@harbour.example")
    owner.get_by_role("checkbox", name="Billing").check()
    assert_accessible(owner)
    owner.get_by_role("button", name="Add user").click()
    expect(owner.get_by_role("main")).to_contain_text("gus@harbour.example")


def _accept(page: Page, site: Site, account: str) -> None:
    link = site.mails.link_to("gus@harbour.example")
    began = time.monotonic()
    page.goto(link)
    # The token has left the address, which now names nobody.
    expect(page).to_have_url(f"{site.url}/invitation/")
    _fill_in_the_one_form(page, first_name="Gus")
    expect(page).to_have_url(f"{site.url}{account}")
    expect(page.get_by_role("heading", name="Harbour Works")).to_be_visible()
    assert time.monotonic() - began < MOST_SECONDS_FOR_A_MACHINE
    site.mails.to("erin@harbour.example", subject="accepted")


def _fill_in_the_one_form(page: Page, *, first_name: str) -> None:
    page.get_by_label("First name").fill(first_name)
    page.get_by_label("Last name").fill("Okafor")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create user ID and accept").click()


def _have_an_account_of_ones_own(page: Page, site: Site) -> None:
    """Row M3."""
    page.locator("summary", has_text="Account in use").click()
    page.get_by_role("link", name="New customer account").click()
    page.get_by_label("Person", exact=True).check()
    page.get_by_label("Name", exact=True).fill("Gus Okafor")
    page.get_by_label("Country").select_option("IE")
    page.get_by_role("button", name="Open the account").click()
    expect(page.get_by_role("heading", name="Gus Okafor")).to_be_visible()


def _choose_switch_and_leave(page: Page, site: Site, account: str) -> None:
    """Row M2: the chooser when there are several, the panel top right, and the way out."""
    page.goto(f"{site.url}/")
    expect(page.get_by_role("heading", name="My accounts")).to_be_visible()
    page.get_by_role("link", name="Gus Okafor").click()
    page.locator("summary", has_text="Account in use").click()
    page.get_by_role("link", name="Harbour Works").click()
    expect(page).to_have_url(f"{site.url}{account}")
    page.goto(f"{site.url}{account}settings/leave/")
    assert_accessible(page)
    page.get_by_role("button", name="Leave the account").click()
    expect(page.get_by_role("main")).to_contain_text("left")
    gone = page.goto(f"{site.url}{account}")
    assert gone is not None
    assert gone.status == 404
