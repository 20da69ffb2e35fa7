"""Row U2: Account Details, the owner's alone, shown by new invoices and never by issued ones."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account
from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import account_scope, all_accounts_scope
from invoices.models import Invoice
from tests.factories import make_invoice, make_seller, set_billing_contact
from tests.people import People, signed_in
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(people: People) -> str:
    return reverse("settings:details", args=[people.account.number])


@pytest.fixture
def browser(people: People) -> Client:
    return signed_in(people.alice)


def form_on(browser: Client, page: str) -> dict[str, Any]:
    """What a browser would send of the page as it is shown."""
    form = browser.get(page).context["form"]
    sent = {field.html_name: field.value() for field in form}
    return {name: value for name, value in sent.items() if value not in (None, False)}


def errors_of(answer: Any) -> dict[str, list[str]]:
    return {name: list(errors) for name, errors in answer.context["form"].errors.items()}


def reloaded(account: Account) -> Account:
    return Account.objects.get(pk=account.pk)


def events(account: Account, action: Action) -> list[AuditEvent]:
    with all_accounts_scope("test"):
        return list(AuditEvent.objects.filter(action=action, account_id=account.pk))


@pytest.mark.parametrize("name", ["bob", "dora"])
def test_nobody_but_the_owner_sees_or_changes_details(people: People, page: str, name: str) -> None:
    member = signed_in(getattr(people, name))
    assert member.get(page).status_code == 403
    assert member.post(page, {"name": "Taken"}).status_code == 403
    assert reloaded(people.account).name == "Hartwell & Sons"
    assert events(people.account, Action.ACCOUNT_CHANGED) == []


def test_a_stranger_is_told_nothing(people: People, page: str) -> None:
    assert signed_in(people.charlie).get(page).status_code == 404


def test_what_the_owner_changes_is_saved_and_logged_with_old_and_new(
    people: People, browser: Client, page: str
) -> None:
    sent = form_on(browser, page) | {
        "name": "Hartwell Group",
        "tax_number": "gb 980 7806 84",
        "timezone": "Europe/London",
        "billing_reserved_to_owner": "on",
    }
    answer = browser.post(page, sent, follow=True)
    assert "Saved. New invoices show it." in answer.content.decode()
    account = reloaded(people.account)
    assert (account.name, account.tax_number) == ("Hartwell Group", "GB980780684")
    assert account.billing_reserved_to_owner
    [event] = events(people.account, Action.ACCOUNT_CHANGED)
    assert event.actor_label == people.alice.email
    assert event.details["name"] == {"old": "Hartwell & Sons", "new": "Hartwell Group"}
    assert event.details["tax_number"] == {"old": "", "new": "GB980780684"}


def test_names_are_the_owners_own_profile(people: People, browser: Client, page: str) -> None:
    browser.post(page, form_on(browser, page) | {"first_name": "Alicia"})
    assert User.objects.get(pk=people.alice.pk).first_name == "Alicia"
    with all_accounts_scope("test"):
        [event] = AuditEvent.objects.filter(action=Action.USER_PROFILE_CHANGED)
    assert event.details == {"from": {"first_name": "Alice"}, "to": {"first_name": "Alicia"}}
    assert "all accounts that you own show these" in browser.get(page).content.decode()


def test_saving_what_is_there_changes_nothing(people: People, browser: Client, page: str) -> None:
    answer = browser.post(page, form_on(browser, page), follow=True)
    assert "Nothing was changed." in answer.content.decode()
    assert events(people.account, Action.ACCOUNT_CHANGED) == []


def test_a_confirmed_tax_number_loses_its_confirmation_with_another_number(
    people: People, browser: Client, page: str
) -> None:
    Account.objects.filter(pk=people.account.pk).update(
        tax_number="GB980780684", tax_number_status="valid"
    )
    browser.post(page, form_on(browser, page) | {"tax_number": ""})
    assert reloaded(people.account).tax_number_status == "unchecked"


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("tax_number", "GB1", "This is no tax number of this country (United Kingdom)"),
        ("phone", "call me", "Enter a phone number with its country code"),
        ("postcode", "12345", "Postcode looks like"),
        ("city", "", "“Town or city” is missing."),
        ("name", "", "Enter a name for the account."),
        ("name", "x" * 251, "at most 250 characters"),
        ("name", "Hartwell\r\nBcc: x@y.example", "Leave out line breaks"),
        ("name", "Hartwell <b>", "Leave out line breaks"),
        ("first_name", "", "Enter your first name."),
        ("last_name", "Hartwell>", "Leave out line breaks"),
        ("timezone", "Mars/Olympus", "Choose one from the list."),
        ("country", "XX", "Choose a country from the list."),
    ],
)
def test_a_mistake_is_named_at_its_field_and_nothing_typed_is_lost(
    people: People, page: str, field: str, typed: str, said: str
) -> None:
    browser = signed_in(people.alice)
    answer = browser.post(page, form_on(browser, page) | {"company": "Kept Ltd", field: typed})
    found = errors_of(answer)
    assert list(found) == [field]
    assert said in found[field][0]
    assert "Kept Ltd" in answer.content.decode()
    assert reloaded(people.account).company == ""


def test_a_phone_number_is_kept_in_its_international_form(
    people: People, browser: Client, page: str
) -> None:
    browser.post(page, form_on(browser, page) | {"phone": "020 7946 0018"})
    assert reloaded(people.account).phone == "+44 20 7946 0018"


def test_a_name_is_one_line_wherever_it_is_shown_or_sent(
    people: People, browser: Client, page: str
) -> None:
    browser.post(page, form_on(browser, page) | {"company": "Evil\r\nBcc: x@y.example\u2028Ltd"})
    assert reloaded(people.account).company == "Evil Bcc: x@y.example Ltd"


def test_an_address_is_asked_for_in_the_words_and_order_of_its_country(
    people: People, browser: Client, page: str
) -> None:
    browser.post(
        page,
        form_on(browser, page)
        | {"country": "US", "postcode": "95014", "city": "Cupertino", "subdivision": "CA"},
    )
    labels = [field.label for field in browser.get(page).context["form"].account_fields()]
    assert labels.index("City") < labels.index("State") < labels.index("ZIP code")


def test_an_address_on_file_that_its_country_would_not_have_keeps_nobody_from_saving(
    people: People, browser: Client, page: str
) -> None:
    Account.objects.filter(pk=people.account.pk).update(postcode="SY8 1ZZ1", phone="ext. 12")
    browser.post(page, form_on(browser, page) | {"company": "Hartwell Ltd"})
    assert reloaded(people.account).company == "Hartwell Ltd"


def test_two_people_who_edit_at_once_do_not_overwrite_each_other(
    people: People, browser: Client, page: str
) -> None:
    stale = form_on(browser, page) | {"company": "Typed Ltd"}
    Account.objects.filter(pk=people.account.pk).update(name="Meanwhile Ltd")
    answer = browser.post(page, stale)
    [said] = errors_of(answer)["__all__"]
    assert "Name of the account: Meanwhile Ltd" in said
    assert (reloaded(people.account).company, reloaded(people.account).name) == (
        "",
        "Meanwhile Ltd",
    )
    again = stale | {"seen": answer.context["form"]["seen"].value()}
    assert browser.post(page, again).status_code == 302
    assert reloaded(people.account).company == "Typed Ltd"


def test_fields_that_the_form_has_not_are_left_alone(
    people: People, browser: Client, page: str
) -> None:
    extra = {"number": "100999", "status": "closed", "currency": "USD", "kind": "personal"}
    browser.post(page, form_on(browser, page) | extra | {"company": "Hartwell Ltd"})
    account = reloaded(people.account)
    assert (account.number, account.status, account.currency) == (
        people.account.number,
        "active",
        "GBP",
    )


def test_issued_invoices_never_show_the_change_and_new_ones_do(
    people: People, browser: Client, page: str
) -> None:
    seller = make_seller()
    before = make_invoice(people.account, seller=seller)
    browser.post(page, form_on(browser, page) | {"company": "Hartwell Group Ltd"})
    after = make_invoice(reloaded(people.account), seller=seller)
    with account_scope(people.account):
        issued = Invoice.objects.get(pk=before.pk)
    assert issued.buyer_party is not None
    assert issued.buyer_party["name"] == "Hartwell & Sons"
    assert after.buyer_party is not None
    assert after.buyer_party["name"] == "Hartwell Group Ltd"


def test_the_page_says_what_the_billing_contact_replaces(
    people: People, browser: Client, page: str
) -> None:
    assert "the billing contact replaces" not in browser.get(page).content.decode()
    set_billing_contact(people.account, email="pay@hartwell.example", phone="+44 1584 1")
    shown = browser.get(page).content.decode()
    assert "the billing contact replaces these: phone, email address." in shown


def test_a_closed_account_is_not_changed(people: People, browser: Client, page: str) -> None:
    sent = form_on(browser, page) | {"company": "Late Ltd"}
    Account.objects.filter(pk=people.account.pk).update(status="closed")
    assert browser.post(page, sent).status_code == 409
    assert reloaded(people.account).company == ""


def test_time_zones_are_in_the_readers_language_and_the_one_on_file_stays(
    people: People, browser: Client, page: str
) -> None:
    Account.objects.filter(pk=people.account.pk).update(timezone="Etc/GMT+5")
    User.objects.filter(pk=people.alice.pk).update(language="de")
    assert "Kopenhagen" in browser.get(page).content.decode()
    browser.post(page, form_on(browser, page) | {"name": "Hartwell Group"})
    account = reloaded(people.account)
    assert (account.name, account.timezone) == ("Hartwell Group", "Etc/GMT+5")
