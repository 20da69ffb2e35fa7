"""Staff void an invoice with a reason, after they have seen what follows, or see why not."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from common.scoping import account_scope
from invoices.crediting import credit_invoice
from invoices.models import Invoice
from tests.factories import make_draft, make_invoice, make_user, store_pdf
from tests.people import signed_in
from tests.scenes import ACTOR, a_seller, an_account
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(staff: User) -> Client:
    return signed_in(staff)


@pytest.fixture
def invoice() -> Invoice:
    issued = make_invoice(an_account(), seller=a_seller())
    store_pdf(issued)
    return issued


def page_of(invoice: Invoice) -> str:
    return reverse("admin:invoices_invoice_void", args=[invoice.pk])


def state_of(invoice: Invoice) -> str:
    with account_scope(invoice.account_id):
        return Invoice.objects.get(pk=invoice.pk).state


def test_the_page_of_an_issued_invoice_leads_there(browser: Client, invoice: Invoice) -> None:
    answer = browser.get(reverse("admin:invoices_invoice_change", args=[invoice.pk]))
    assert page_of(invoice) in answer.content.decode()


def test_the_page_of_a_draft_does_not(browser: Client) -> None:
    draft = make_draft(an_account(), seller=a_seller())
    answer = browser.get(reverse("admin:invoices_invoice_change", args=[draft.pk]))
    assert page_of(draft) not in answer.content.decode()


def test_the_page_says_what_follows_and_changes_nothing(browser: Client, invoice: Invoice) -> None:
    with CaptureQueriesContext(connection) as asked:
        answer = browser.get(page_of(invoice)).content.decode()
    assert not [query for query in asked if "FOR NO KEY UPDATE" in query["sql"]]
    assert "INV-000001 keeps its number and all that it says" in answer
    assert "1 email that waits is never sent." in answer
    assert state_of(invoice) == Invoice.State.ISSUED


def test_a_reason_voids_it(browser: Client, invoice: Invoice) -> None:
    answer = browser.post(page_of(invoice), {"reason": "Made twice."}, follow=True)
    assert "INV-000001 is void." in answer.content.decode()
    assert state_of(invoice) == Invoice.State.VOID


def test_without_a_reason_nothing_happens(browser: Client, invoice: Invoice) -> None:
    answer = browser.post(page_of(invoice), {"reason": " "})
    assert "This field is required." in answer.content.decode()
    assert state_of(invoice) == Invoice.State.ISSUED


def test_why_it_cannot_be_voided_is_said_before_anybody_tries(
    browser: Client, invoice: Invoice
) -> None:
    credit_invoice(invoice, actor=ACTOR)
    answer = browser.get(page_of(invoice)).content.decode()
    assert "INV-000001 has been credited: void the credit note first." in answer
    assert "<textarea" not in answer


def test_a_second_click_says_that_it_is_void_already(browser: Client, invoice: Invoice) -> None:
    browser.post(page_of(invoice), {"reason": "Made twice."})
    answer = browser.post(page_of(invoice), {"reason": "Made twice."})
    assert "INV-000001 is void already." in answer.content.decode()


def test_staff_who_may_only_look_do_not_void(invoice: Invoice) -> None:
    looking = make_user("looking@operator.example", is_staff=True)
    looking.user_permissions.add(Permission.objects.get(codename="view_invoice"))
    browser = signed_in(looking)
    assert browser.get(page_of(invoice)).status_code == 403
    assert browser.post(page_of(invoice), {"reason": "x"}).status_code == 403
    assert state_of(invoice) == Invoice.State.ISSUED


def test_a_document_that_is_not_there_is_not_found(browser: Client) -> None:
    assert browser.get(reverse("admin:invoices_invoice_void", args=[987_654])).status_code == 404
