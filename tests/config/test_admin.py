"""The operator's tables: one door for all, every account behind it, nothing frozen to edit."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission as ModelPermission
from django.test import Client
from django.urls import get_resolver, reverse

from accounts.checks import routes
from accounts.models import Membership
from accounts.permissions import Flag
from audit.actions import Action
from audit.models import AuditEvent
from billing.models import BillingRun
from common.scoping import account_scope, all_accounts_scope
from invoices.models import Document, Invoice, NumberSeries, Seller
from tests.admin_pages import act, form_of
from tests.factories import PASSWORD, make_account, make_invoice, make_seller, make_user, store_pdf
from tests.people import People, signed_in
from tests.security.headers import assert_protected
from users.models import User

pytestmark = pytest.mark.django_db

# Written by the program's own functions only.
FROZEN = {
    "audit.auditevent",
    "billing.billingentry",
    "billing.billingrun",
    "billing.billingrunitem",
    "invoices.delivery",
    "invoices.document",
    "invoices.invoice",
    "mail.heldbatch",
    "mail.outgoingemail",
    "twofactor.smsmessage",
}
EDITED = {
    "accounts.account",
    "accounts.contact",
    "accounts.membership",
    "auth.group",
    "invoices.numberseries",
    "invoices.seller",
    "mail.suppressedaddress",
    "taxes.taxrate",
    "taxes.taxregistration",
    "users.user",
}


def tables() -> dict[str, str]:
    """Each table's label with the name of its address."""
    return {
        model._meta.label_lower: f"admin:{model._meta.app_label}_{model._meta.model_name}"
        for model in admin.site._registry
    }


def events(action: Action) -> list[AuditEvent]:
    with all_accounts_scope("a test reads the audit log"):
        return list(AuditEvent.objects.filter(action=action))


def admin_addresses() -> list[str]:
    """Every address below /admin/, with something standing for each of its parts."""
    return [
        "/" + route.replace("^", "").split("(?P")[0].split("<")[0]
        for route, _ in routes(get_resolver())
        if route.startswith("admin/")
    ]


# --- The door -----------------------------------------------------------------------------------


def test_nobody_else_gets_in(people: People) -> None:
    assert len(admin_addresses()) > 50
    for address in {*admin_addresses()} - {"/admin/login/", "/admin/"}:
        nobody, owner = Client().get(address), signed_in(people.alice).get(address)
        assert nobody.status_code in {302, 404}, address
        assert owner.status_code in {302, 404}, address


def test_the_door_is_the_one_that_everybody_uses(people: People) -> None:
    first = Client().get("/admin/")
    assert first["Location"] == "/admin/login/?next=/admin/"
    assert Client().get(first["Location"])["Location"] == "/sign-in/?next=/admin/"
    assert Client().post("/admin/login/", {"username": "x", "password": "y"}).status_code == 302


def test_whoever_is_not_staff_is_told_so(people: People) -> None:
    answer = signed_in(people.alice).get("/admin/", follow=True)
    assert answer.status_code == 403
    assert "You may not open this page" in answer.content.decode()


def test_staff_who_were_struck_off_are_out_at_the_next_request(staff: User) -> None:
    browser = signed_in(staff)
    assert browser.get("/admin/").status_code == 200
    User.objects.filter(pk=staff.pk).update(is_staff=False, is_superuser=False)
    assert browser.get("/admin/").status_code == 302


@pytest.mark.parametrize("key", ["1/1", "1/x", "9999/1", "x/1", "1/018f3f2e-0000-7000-8000-0"])
def test_no_row_is_led_to_from_there(staff: User, key: str) -> None:
    assert signed_in(staff).get(f"/admin/r/{key}/").status_code == 404


def test_signing_out_there_is_signing_out(staff: User) -> None:
    browser = signed_in(staff)
    assert browser.get("/admin/logout/").status_code == 405
    assert browser.post("/admin/logout/")["Location"] == "/sign-in/"
    assert len(events(Action.USER_SIGNED_OUT)) == 1


# --- What is behind it --------------------------------------------------------------------------


def test_every_table_is_known_to_be_frozen_or_edited() -> None:
    assert set(tables()) == FROZEN | EDITED


def test_every_table_opens(staff: User, people: People) -> None:
    store_pdf(make_invoice(people.account, seller=make_seller()))
    browser = signed_in(staff)
    for name in tables().values():
        answer = browser.get(reverse(f"{name}_changelist"), {"q": "x"})
        assert answer.status_code == 200, name
        assert_protected(answer)


def test_staff_see_the_invoices_of_every_account(staff: User, people: People) -> None:
    seller = make_seller()
    ours = make_invoice(people.account, seller=seller)
    theirs = make_invoice(people.charlies_account, seller=seller)
    browser = signed_in(staff)
    page = browser.get("/admin/invoices/invoice/").content.decode()
    assert f">{ours.number}<" in page
    assert f">{theirs.number}<" in page
    detail = browser.get(f"/admin/invoices/invoice/{theirs.pk}/change/").content.decode()
    assert "Virtual server, 4 GB" in detail
    assert "charlie@elsewhere.example" in detail


@pytest.mark.parametrize("label", sorted(FROZEN))
def test_what_is_frozen_can_be_neither_added_nor_changed_nor_deleted(
    label: str, staff: User, people: People
) -> None:
    store_pdf(make_invoice(people.account, seller=make_seller()))
    browser = signed_in(staff)
    name = tables()[label]
    assert browser.get(reverse(f"{name}_add")).status_code == 403
    model = next(model for model in admin.site._registry if model._meta.label_lower == label)
    with all_accounts_scope("a test looks for any row"):
        row = model._default_manager.first()
    if row is not None:
        assert browser.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
        assert browser.post(reverse(f"{name}_delete", args=[row.pk])).status_code == 403


@pytest.mark.parametrize("label", ["accounts.account", "invoices.seller", "users.user"])
def test_what_invoices_refer_to_cannot_be_deleted(label: str, staff: User, people: People) -> None:
    make_seller()
    model = next(model for model in admin.site._registry if model._meta.label_lower == label)
    row = model._default_manager.earliest("pk")
    address = reverse(f"{tables()[label]}_delete", args=[row.pk])
    assert signed_in(staff).post(address, {"post": "yes"}).status_code == 403


def test_staff_do_only_what_their_groups_let_them(people: People) -> None:
    clerk = make_user("clerk@operator.example", is_staff=True)
    clerk.user_permissions.add(ModelPermission.objects.get(codename="view_account"))
    browser = signed_in(clerk)
    assert browser.get("/admin/accounts/account/").status_code == 200
    assert browser.get("/admin/invoices/seller/").status_code == 403


# --- Changes are audited ------------------------------------------------------------------------


def test_a_change_of_an_account_is_recorded_with_both_values(staff: User, people: People) -> None:
    browser = signed_in(staff)
    address = reverse("admin:accounts_account_change", args=[people.account.pk])
    answer = browser.post(address, {**form_of(browser, address), "name": "Hartwell & Daughters"})
    assert answer.status_code == 302
    [event] = events(Action.ACCOUNT_CHANGED)
    assert event.account_id == people.account.pk
    assert event.actor_user_id == staff.pk
    assert event.subject == f"account {people.account.number}"
    assert event.details == {"name": {"old": "Hartwell & Sons", "new": "Hartwell & Daughters"}}


def test_flags_are_ticked_and_recorded_and_ownership_is_not_theirs_to_tick(
    staff: User, people: People
) -> None:
    membership = Membership.objects.get(user=people.dora)
    browser = signed_in(staff)
    address = reverse("admin:accounts_membership_change", args=[membership.pk])
    sent = {"flags": [Flag.BILLING, Flag.SYSTEMS], "is_owner": "on", "receives_invoices": "on"}
    assert browser.post(address, sent).status_code == 302
    membership.refresh_from_db()
    assert membership.flags == ["billing", "systems"]
    assert membership.receives_invoices
    assert not membership.is_owner
    [event] = events(Action.MEMBERSHIP_CHANGED)
    assert event.account_id == people.account.pk
    assert event.details["flags"] == {"old": "", "new": "billing, systems"}


def test_a_new_user_id_is_made_in_its_normal_form_and_its_password_is_not_recorded(
    staff: User,
) -> None:
    password = "a long enough passphrase"
    sent = {
        "email": "New.Clerk@Operator.Example",
        "usable_password": "true",
        "password1": password,
        "password2": password,
    }
    answer = signed_in(staff).post(reverse("admin:users_user_add"), sent)
    assert answer.status_code == 302
    made = User.objects.get(email="new.clerk@operator.example")
    assert made.check_password(password)
    [event] = events(Action.USER_CREATED)
    assert password not in str(event.details)
    again = signed_in(staff).post(reverse("admin:users_user_add"), sent)
    assert "There is a user ID with this address already." in again.content.decode()


def test_a_change_of_what_a_group_may_do_is_recorded(staff: User) -> None:
    permission = ModelPermission.objects.get(codename="view_account")
    sent = {"name": "Clerks", "permissions": [permission.pk]}
    assert signed_in(staff).post(reverse("admin:auth_group_add"), sent).status_code == 302
    [event] = events(Action.GROUP_CHANGED)
    assert event.details["permissions"] == {"old": "", "new": str(permission)}


def test_staff_change_their_password_where_everybody_does(staff: User) -> None:
    """Security 6: with its brake, its audit and its mail; the tables change none themselves."""
    new = "another long passphrase"
    sent = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    browser = signed_in(staff)
    for answer in (
        browser.get("/admin/password_change/"),
        browser.post("/admin/password_change/", sent),
    ):
        assert (answer.status_code, answer["Location"]) == (302, "/profile/password/")
    staff.refresh_from_db()
    assert staff.check_password(PASSWORD)


def test_only_a_superuser_hands_on_powers(people: People) -> None:
    clerk = make_user("clerk@operator.example", is_staff=True)
    clerk.user_permissions.add(
        *ModelPermission.objects.filter(codename__in=["change_user", "view_user"])
    )
    browser = signed_in(clerk)
    address = reverse("admin:users_user_change", args=[clerk.pk])
    sent = {
        **form_of(browser, address),
        "is_superuser": "on",
        "is_staff": "on",
        "email": "x@y.example",
    }
    assert browser.post(address, sent).status_code == 302
    clerk.refresh_from_db()
    assert not clerk.is_superuser
    assert clerk.email == "clerk@operator.example"


def test_a_series_that_has_given_numbers_keeps_its_prefix(staff: User, people: People) -> None:
    invoice = make_invoice(people.account, seller=make_seller())
    browser = signed_in(staff)
    address = reverse("admin:invoices_numberseries_change", args=[invoice.series_id])
    assert browser.post(address, {"prefix": "X-", "last_sequence": "0"}).status_code == 302
    series = NumberSeries.objects.get(seller=invoice.seller, kind=invoice.kind)
    assert (series.prefix, series.last_sequence, series.is_current) == ("INV-", 1, False)


def test_a_seller_keeps_its_code(staff: User, people: People) -> None:
    seller = make_seller()
    browser = signed_in(staff)
    address = reverse("admin:invoices_seller_change", args=[seller.pk])
    answer = browser.post(address, {**form_of(browser, address), "code": "x", "city": "Bath"})
    assert answer.status_code == 302
    assert Seller.objects.filter(code="northwind", city="Bath").exists()
    assert len(events(Action.SELLER_CHANGED)) == 1


# --- Actions ------------------------------------------------------------------------------------


def test_a_waiting_run_is_approved_once(staff: User) -> None:
    run = BillingRun.objects.create(
        state=BillingRun.State.WAITING, as_of="2026-11-01", started_by="beat"
    )
    browser = signed_in(staff)
    assert "approved" in act(browser, "admin:billing_billingrun", "approve", run.pk)
    run.refresh_from_db()
    assert run.approved_by == staff.email
    assert "cannot be approved" in act(browser, "admin:billing_billingrun", "approve", run.pk)
    [event] = events(Action.BILLING_RUN_APPROVED)
    assert event.actor_user_id == staff.pk


def test_a_run_is_stopped_and_resumed(staff: User) -> None:
    run = BillingRun.objects.create(
        state=BillingRun.State.WAITING, as_of="2026-11-01", started_by="beat"
    )
    browser = signed_in(staff)
    act(browser, "admin:billing_billingrun", "stop", run.pk)
    run.refresh_from_db()
    assert run.state == BillingRun.State.STOPPED
    act(browser, "admin:billing_billingrun", "resume", run.pk)
    run.refresh_from_db()
    assert run.state == BillingRun.State.DRAFTING


def test_a_parked_document_is_rendered_again_and_no_other(staff: User, people: People) -> None:
    seller = make_seller()
    parked, _ = (make_invoice(people.account, seller=seller) for _ in range(2))
    with account_scope(people.account):
        Document.objects.filter(invoice=parked).update(
            state=Document.State.PARKED, attempts=5, last_error="ran out of time"
        )
        keys = list(Document.objects.values_list("pk", flat=True))
    page = act(signed_in(staff), "admin:invoices_document", "retry", *keys)
    assert "1 will be rendered again." in page
    assert "not parked" in page
    with account_scope(people.account):
        assert set(Document.objects.values_list("state", "attempts")) == {("pending", 0)}
    assert len(events(Action.DOCUMENT_RETRIED)) == 1


def test_whoever_may_only_look_is_offered_no_action(people: People) -> None:
    clerk = make_user("clerk@operator.example", is_staff=True)
    clerk.user_permissions.add(ModelPermission.objects.get(codename="view_billingrun"))
    run = BillingRun.objects.create(
        state=BillingRun.State.WAITING, as_of="2026-11-01", started_by="beat"
    )
    act(signed_in(clerk), "admin:billing_billingrun", "approve", run.pk)
    run.refresh_from_db()
    assert run.state == BillingRun.State.WAITING


def test_an_invoice_page_loads_whatever_it_holds(staff: User, people: People) -> None:
    account = make_account(name="<b>Bold</b>")
    invoice = make_invoice(account, seller=make_seller())
    page = signed_in(staff).get(f"/admin/invoices/invoice/{invoice.pk}/change/").content.decode()
    assert "<b>Bold</b>" not in page
    with all_accounts_scope("a test counts"):
        assert Invoice.objects.count() == 1
