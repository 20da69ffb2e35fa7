"""Signing in, the overview, an invoice and switching accounts, as people do it."""

from collections.abc import Callable

from playwright.sync_api import Route, expect

from tests.e2e.browser import assert_accessible
from tests.e2e.conftest import Visitor
from tests.e2e.site import Site


def test_the_owner_signs_in_chooses_an_account_reads_an_invoice_and_switches(
    visitor: Visitor, site: Site
) -> None:
    """Rows M2 and U1."""
    page = visitor.sign_in("alice@hartwell.example")
    expect(page.get_by_role("heading", name="My accounts")).to_be_visible()
    page.get_by_role("link", name="Hartwell & Sons").click()
    expect(page.get_by_role("heading", name="Hartwell & Sons")).to_be_visible()
    page.get_by_role("link", name=site.staged["invoice"]).first.click()
    expect(page.get_by_role("heading", name=site.staged["invoice"])).to_be_visible()
    page.locator("summary", has_text="Account in use").click()
    page.get_by_role("link", name="Avenue Ltd").click()
    expect(page.get_by_role("heading", name="Avenue Ltd")).to_be_visible()
    expect(page).to_have_url(f"{site.url}/a/{site.staged['second_account']}/")


def test_a_member_without_the_right_reads_which_it_is_and_who_can_grant_it(
    visitor: Visitor, site: Site
) -> None:
    page = visitor.sign_in("dora@hartwell.example")
    page.goto(f"{site.account}/billing/invoices/")
    expect(page.get_by_role("heading", name="You may not see invoices")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Alice Hartwell")
    assert_accessible(page)


def test_the_menus_open_and_close_by_keyboard(visitor: Visitor, site: Site) -> None:
    page = visitor.sign_in("bob@hartwell.example")
    page.goto(f"{site.account}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    switcher = page.locator("summary", has_text="Account in use")
    switcher.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="All my accounts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="All my accounts")).to_be_hidden()
    expect(switcher).to_be_focused()


def test_the_second_of_two_clicks_sends_nothing(visitor: Visitor, site: Site) -> None:
    page = visitor.sign_in("bob@hartwell.example")
    page.goto(f"{site.url}/profile/")
    held: list[Route] = []

    def hold(route: Route) -> None:
        """The first one is answered only after the second click."""
        if route.request.method == "POST":
            held.append(route)
        else:
            route.continue_()

    page.route("**/profile/", hold)
    save = page.get_by_role("button", name="Save")
    save.evaluate("button => { button.click(); setTimeout(() => button.click(), 300); }")
    page.wait_for_timeout(1000)
    assert len(held) == 1
    held[0].continue_()
    expect(page.get_by_role("main")).to_contain_text("Nothing was changed.")


def test_the_colours_that_a_reader_chose_stay(visitor: Visitor, site: Site) -> None:
    page = visitor.sign_in("bob@hartwell.example")
    page.locator("summary", has_text="Signed in as").click()
    page.get_by_label("Dark").check()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_on_a_phone_the_sections_fold_away(visitor: Visitor, site: Site) -> None:
    page = visitor.sign_in("alice@hartwell.example")
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{site.account}/")
    page.locator("summary", has_text="Overview").click()
    page.get_by_role("link", name="Activity", exact=True).click()
    expect(page.get_by_role("heading", name="Activity")).to_be_visible()


def test_activity_is_narrowed_without_loading_the_page_anew(visitor: Visitor, site: Site) -> None:
    page = visitor.sign_in("alice@hartwell.example")
    page.goto(f"{site.account}/settings/activity/")
    page.evaluate("window.sameDocument = true")
    page.get_by_label("What").select_option(label="Billing")
    expect(page.get_by_role("table")).not_to_contain_text("Opened the account")
    assert page.evaluate("window.sameDocument")
    assert "kind=billing" in page.url


def test_an_exchange_after_signing_out_elsewhere_leads_to_the_sign_in_page(
    visitor: Visitor, site: Site
) -> None:
    page = visitor.sign_in("alice@hartwell.example")
    page.goto(f"{site.account}/settings/activity/")
    page.context.clear_cookies()
    page.get_by_label("What").select_option(label="Billing")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_everything_works_without_scripts(
    visitor_maker: Callable[..., Visitor], site: Site
) -> None:
    page = visitor_maker(java_script_enabled=False).sign_in("alice@hartwell.example")
    page.goto(f"{site.account}/settings/activity/")
    page.get_by_label("What").select_option(label="Billing")
    page.get_by_role("button", name="Show").click()
    assert "kind=billing" in page.url
    page.locator("summary", has_text="Account in use").click()
    page.get_by_role("link", name="Avenue Ltd").click()
    expect(page.get_by_role("heading", name="Avenue Ltd")).to_be_visible()
