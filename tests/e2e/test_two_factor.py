"""Rows U5 and M9 with a phone that shares nothing with the program: oathtool and zbarimg."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.browser import assert_accessible
from tests.e2e.conftest import Visitor
from tests.e2e.second_factor import Phone, require_tools
from tests.e2e.site import Site
from tests.factories import PASSWORD

_RECOVERY_CODE = re.compile(r"^[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}$", re.MULTILINE)


def test_enrolling_and_signing_in_with_a_code_and_with_a_recovery_code(
    visitor_maker: Callable[..., Visitor], site: Site, tmp_path: Path
) -> None:
    """Row M9: set up, turned on as a step of its own, then asked for at every sign-in."""
    require_tools()
    page = visitor_maker().sign_in("fay@hartwell.example")
    page.goto(f"{site.url}/profile/two-factor/")
    expect(page.get_by_role("heading", name="Not on yet")).to_be_visible()
    assert_accessible(page)
    phone = _set_up_app(page, tmp_path)
    assert phone.account == "fay@hartwell.example"
    expect(page.get_by_role("heading", name="Not on yet")).to_be_visible()
    page.get_by_role("button", name="Turn on two-factor authentication").click()
    codes = _kept_codes(page)
    assert len(set(codes)) == 10
    site.mails.to("fay@hartwell.example", subject="is on")
    _sign_out(page)
    _enter_password(page, site, "fay@hartwell.example")
    expect(page.get_by_role("heading", name="Enter a code")).to_be_visible()
    assert_accessible(page)
    _half_signed_in_opens_nothing(page, site)
    page.goto(f"{site.url}/sign-in/code/")
    page.get_by_label("Code from your app").fill("000000")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Code from your app").fill(phone.code())
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).not_to_have_url(re.compile("/sign-in/"))
    _sign_out(page)
    _enter_password(page, site, "fay@hartwell.example")
    page.get_by_role("link", name="Use a recovery code").click()
    page.get_by_label("Recovery code").fill(codes[0].upper())
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).not_to_have_url(re.compile("/sign-in/"))
    site.mails.to("fay@hartwell.example", subject="recovery code")
    page.goto(f"{site.url}/profile/two-factor/")
    expect(page.get_by_role("main")).to_contain_text("9")


def test_an_account_starts_requiring_it_of_somebody_who_is_at_work_there(
    visitor_maker: Callable[..., Visitor], site: Site, tmp_path: Path
) -> None:
    """Row U5 and decision 7: asked to sign in again and enrol, and back where they were."""
    require_tools()
    account = f"{site.url}/a/{site.staged['requiring_account']}"
    owner = visitor_maker().sign_in("gwen@orchard.example")
    member = visitor_maker().sign_in("hal@orchard.example")
    invoices = f"{account}/billing/invoices/"
    member.goto(invoices)
    expect(member.get_by_role("heading", name="Invoices")).to_be_visible()
    _require(owner, account, tmp_path, site)
    member.reload()
    expect(member.get_by_role("heading", name=re.compile("requires two-factor"))).to_be_visible()
    assert_accessible(member)
    own = f"{site.url}/a/{site.staged['hals_account']}/"
    member.goto(own)
    expect(member.get_by_role("heading", name="Hal Price")).to_be_visible()
    member.goto(invoices)
    member.get_by_role("button", name="Sign in again and set it up").click()
    member.get_by_label("Email address").fill("hal@orchard.example")
    member.get_by_label("Password").fill(PASSWORD)
    member.get_by_role("button", name="Sign in", exact=True).click()
    _set_up_app(member, tmp_path)
    _kept_codes(member)
    expect(member).to_have_url(invoices)
    expect(member.get_by_role("heading", name="Invoices")).to_be_visible()


def _require(owner: Page, account: str, folder: Path, site: Site) -> None:
    """Whoever switches it on has it themselves."""
    owner.goto(f"{site.url}/profile/two-factor/")
    _set_up_app(owner, folder)
    owner.get_by_role("button", name="Turn on two-factor authentication").click()
    _kept_codes(owner)
    owner.goto(f"{account}/settings/security/")
    assert_accessible(owner)
    owner.get_by_role("main").get_by_role("link", name=re.compile("Require")).first.click()
    owner.get_by_label("At once").check()
    owner.get_by_role("button", name="Continue").click()
    expect(owner.get_by_role("main")).to_contain_text("Hal Price")
    assert_accessible(owner)
    owner.get_by_role("button", name="Require it").click()
    site.mails.to("hal@orchard.example", subject="two-factor")


def _set_up_app(page: Page, folder: Path) -> Phone:
    page.get_by_role("button", name="Set up an authenticator app").click()
    expect(page.get_by_role("heading", name="Set up an authenticator app")).to_be_visible()
    phone = Phone.scanning(page, folder)
    page.get_by_text("Type the key instead").click()
    typed = page.locator(".typed-key").inner_text().replace(" ", "")
    assert typed.upper() == phone.secret
    assert_accessible(page)
    page.get_by_label("Code from your app").fill(phone.code())
    page.get_by_role("button", name="Confirm the app").click()
    return phone


def _kept_codes(page: Page) -> list[str]:
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    assert_accessible(page)
    codes = _RECOVERY_CODE.findall(page.locator("#recovery-codes").inner_text())
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    kept = Path(download.value.path()).read_text()
    assert all(code in kept for code in codes)
    page.get_by_role("link", name=re.compile("I have kept them")).click()
    return codes


def _half_signed_in_opens_nothing(page: Page, site: Site) -> None:
    for address in ("/", "/profile/", "/accounts/", "/console/customers/", "/admin/"):
        page.goto(f"{site.url}{address}")
        expect(page).to_have_url(re.compile("/sign-in/"))


def _enter_password(page: Page, site: Site, email: str) -> None:
    page.goto(f"{site.url}/sign-in/")
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def _sign_out(page: Page) -> None:
    page.locator("summary", has_text="Signed in as").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
