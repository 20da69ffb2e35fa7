"""Mail that did not arrive, for staff: found, sent again, its addresses freed (D4)."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db.models import F
from django.utils import timezone

from audit.models import AuditEvent
from common.claims import MAX_ATTEMPTS
from common.scoping import account_scope, all_accounts_scope
from console import deliveries
from console.deliveries import PAGE_LENGTH, How
from invoices.models import Delivery
from invoices.voiding import void_invoice
from mail.addresses import Mailbox
from mail.bounces import Report, take_report
from mail.models import MailReport, OutgoingEmail, SuppressedAddress
from mail.outbox import enqueue
from mail.suppressing import suppress
from tests.factories import OPERATOR, make_invoice, make_seller, make_user, store_pdf
from tests.mail.messages import new_email
from tests.people import Answer, People, signed_in
from users.models import User

pytestmark = pytest.mark.django_db

LIST = "/console/deliveries/"
SUPPRESSED = "/console/suppressed-addresses/"
REPORTS = "/console/mail-reports/"
ADDRESS = "recipient-1@example.com"


def undelivered(number: int = 1, *, account_id: int | None = None, **columns: Any) -> UUID:
    given = {"state": "failed", "last_error": f"550 no such user {number}"}
    with all_accounts_scope("a test sends mail"):
        pk = enqueue(new_email(number, account_id=account_id))
        OutgoingEmail.objects.filter(pk=pk).update(**given | columns)
    return pk


def returned(number: int = 1, **columns: Any) -> UUID:
    said: dict[str, Any] = {
        "state": "bounced",
        "sent_at": timezone.now(),
        "returned_at": timezone.now(),
        "returned_words": "552 over quota",
        "server_response": "250 queued as 7",
        "last_error": "",
    }
    return undelivered(number, **said | columns)


def state_of(pk: UUID) -> str:
    with all_accounts_scope("a test reads mail"):
        return str(OutgoingEmail.objects.get(pk=pk).state)


def shown(staff: User, address: str = LIST, **query: str) -> str:
    answer = signed_in(staff).get(address, query)
    assert answer.status_code == 200
    return answer.content.decode()


def press(user: User, pk: UUID) -> Answer:
    return signed_in(user).post(f"{LIST}{pk}/send-again/", follow=True)


def recorded() -> list[tuple[str, str, Any]]:
    with all_accounts_scope("a test reads the audit log"):
        events = AuditEvent.objects.filter(action__in=["email:retried", "address:released"])
        return list(events.values_list("action", F("subject"), "details"))


def staff_with(*codenames: str) -> User:
    user = make_user("helper@operator.example", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


# --- Finding -------------------------------------------------------------------------------------


def test_refused_parked_and_returned_mail_is_listed_with_what_was_said(staff: User) -> None:
    undelivered(1)
    undelivered(2, attempts=5, last_error="MemoryError")
    returned(3)
    undelivered(4, state="sent", sent_at=timezone.now())
    page = shown(staff)
    for words in ("550 no such user 1", "MemoryError", "552 over quota", "250 queued as 7"):
        assert words in page
    assert "recipient-4@" not in page


@pytest.mark.parametrize(("how", "number"), [("refused", 1), ("parked", 2), ("returned", 3)])
def test_one_kind_is_shown_alone(how: str, number: int, staff: User) -> None:
    undelivered(1)
    undelivered(2, attempts=5)
    returned(3)
    page = shown(staff, how=how)
    assert [n for n in (1, 2, 3) if f"recipient-{n}@example.com" in page] == [number]


def test_how_is_said_of_a_row_as_it_is_looked_for() -> None:
    """Once by the database, once of the row."""
    for number, attempts in enumerate((0, MAX_ATTEMPTS - 1, MAX_ATTEMPTS, MAX_ATTEMPTS + 1)):
        undelivered(number, attempts=attempts)
        returned(10 + number, attempts=attempts)
    found = {how: deliveries.undelivered("", how=how).rows for how in How}
    assert {each.how for how, rows in found.items() for each in rows if each.how != how} == set()
    assert [len(rows) for rows in found.values()] == [2, 2, 4]


def test_it_is_found_by_address_account_and_invoice_number(people: People, staff: User) -> None:
    invoice = make_invoice(people.account, seller=make_seller())
    store_pdf(invoice)
    with account_scope(people.account):
        (email_id,) = Delivery.objects.values_list("email_id", flat=True)
    undelivered(2)
    with all_accounts_scope("a test fails it"):
        OutgoingEmail.objects.filter(pk=email_id).update(state="failed", last_error="550")
    number = str(invoice.number)
    for wanted in (" Alice@Hartwell.example ", str(people.account.number), number.lower()):
        page = shown(staff, wanted=wanted)
        assert "alice@hartwell.example" in page
        assert number in page
        assert f'href="/console/accounts/{people.account.number}/"' in page
        assert "recipient-2@" not in page
    assert "Nothing found" in shown(staff, wanted="recipient")


def test_nothing_failed_is_said(staff: User) -> None:
    assert "Everything arrived" in shown(staff)


def test_pages_lead_to_each_other(staff: User) -> None:
    for number in range(2 * PAGE_LENGTH + 1):
        undelivered(number)
    browser = signed_in(staff)
    first = browser.get(LIST, {"how": "refused"})
    second = browser.get(f"{LIST}?{first.context['older']}")
    third = browser.get(f"{LIST}?{second.context['older']}")
    assert (first.context["newer"], third.context["older"]) == ("", "")
    back = browser.get(f"{LIST}?{third.context['newer']}")
    keys = [
        [row.email.pk for row in page.context["found"]] for page in (first, second, third, back)
    ]
    assert [len(page) for page in keys] == [PAGE_LENGTH, PAGE_LENGTH, 1, PAGE_LENGTH]
    assert keys[3] == keys[1]
    assert len({*keys[0], *keys[1], *keys[2]}) == 2 * PAGE_LENGTH + 1
    assert browser.get(f"{LIST}?{back.context['newer']}").context["newer"] == ""


@pytest.mark.parametrize("query", ["before=x", "after=1", f"before={UUID(int=0)}", "how=nonsense"])
def test_odd_questions_are_answered(query: str, staff: User) -> None:
    undelivered(1)
    assert signed_in(staff).get(f"{LIST}?{query}").status_code in (200, 404)
    assert signed_in(staff).get(f"{SUPPRESSED}?{query}").status_code in (200, 404)
    assert signed_in(staff).get(f"{REPORTS}?{query}").status_code in (200, 404)


# --- Sending again -------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [undelivered, returned])
def test_message_is_sent_again_once(make: Any, staff: User) -> None:
    pk = make()
    assert f"The message to {ADDRESS} is sent again." in press(staff, pk).content.decode()
    assert state_of(pk) == "queued"
    assert "has not failed" in press(staff, pk).content.decode()
    assert [action for action, _subject, _details in recorded()] == ["email:retried"]


def test_message_to_a_suppressed_address_is_not_sent_again(staff: User) -> None:
    pk = undelivered()
    suppress(ADDRESS, reason="asked for it", actor=OPERATOR)
    page = shown(staff)
    assert "Send again" not in page
    assert f"{SUPPRESSED}{SuppressedAddress.objects.get().pk}/lift/" in page
    assert "list of suppressed addresses" in press(staff, pk).content.decode()
    assert state_of(pk) == "failed"


def test_mail_of_a_void_document_has_no_button(people: People, staff: User) -> None:
    invoice = make_invoice(people.account, seller=make_seller())
    store_pdf(invoice)
    void_invoice(invoice, reason="made twice", actor=OPERATOR)
    with account_scope(people.account):
        pk = Delivery.objects.get(invoice=invoice).email_id
    assert pk is not None
    page = shown(staff)
    assert str(invoice.number) in page
    assert "Stopped: void" in page
    assert f"{LIST}{pk}/send-again/" not in page
    press(staff, pk)
    assert state_of(pk) == "failed"


def test_message_that_is_none_is_not_found(staff: User) -> None:
    assert press(staff, uuid4()).status_code == 404


# --- Suppressed addresses ------------------------------------------------------------------------


def test_suppressed_address_is_found_and_lifted_with_a_reason(staff: User) -> None:
    row = suppress(ADDRESS, reason="asked for it", actor=OPERATOR)
    suppress("other@example.com", reason="x", actor=OPERATOR)
    page = shown(staff, SUPPRESSED, q="Recipient-1@example.com")
    assert "asked for it" in page
    assert "other@example.com" not in page
    browser, there = signed_in(staff), f"{SUPPRESSED}{row.pk}/lift/"
    assert "asked for it" in browser.get(there).content.decode()
    assert "Enter why" in browser.post(there, {"why": " "}).content.decode()
    assert SuppressedAddress.objects.count() == 2
    answer = browser.post(there, {"why": "its reader called"}, follow=True)
    assert f"Mail goes to {ADDRESS} again." in answer.content.decode()
    [(action, subject, details)] = recorded()
    assert (action, subject) == ("address:released", f"address {ADDRESS}")
    assert (details["why"], details["reason"]) == ("its reader called", "asked for it")
    again = browser.post(there, {"why": "its reader called"}, follow=True)
    assert "It was lifted before" in again.content.decode()
    assert len(recorded()) == 1
    assert browser.get(there).status_code == 404


def test_suppressed_addresses_come_in_pages(staff: User) -> None:
    for number in range(PAGE_LENGTH + 1):
        suppress(f"r{number}@example.com", reason="x", actor=OPERATOR)
    browser = signed_in(staff)
    first = browser.get(SUPPRESSED)
    second = browser.get(f"{SUPPRESSED}?{first.context['older']}")
    assert [len(page.context["found"]) for page in (first, second)] == [PAGE_LENGTH, 1]
    assert browser.get(f"{SUPPRESSED}?{second.context['newer']}").context["newer"] == ""


# --- Reports -------------------------------------------------------------------------------------


def test_reports_about_no_message_are_shown(staff: User) -> None:
    take_report(
        Report(
            source="Mailgun",
            event_id="1",
            kind=MailReport.Kind.RETURNED,
            about="<newsletter@example.com>",
            recipient="reader@example.com",
            words="<script>550</script>",
        )
    )
    pk = undelivered(state="sent", sent_at=timezone.now())
    take_report(Report(source="Mailgun", event_id="2", kind=MailReport.Kind.RETURNED, email_id=pk))
    page = shown(staff, REPORTS)
    assert "reader@example.com" in page
    assert "&lt;script&gt;550" in page
    assert ADDRESS not in page


# --- Who may -------------------------------------------------------------------------------------


def test_staff_without_the_right_look_and_change_nothing() -> None:
    helper = staff_with()
    pk, row = undelivered(), suppress("other@example.com", reason="x", actor=OPERATOR)
    assert "Send again" not in shown(helper)
    assert "Lift" not in shown(helper, SUPPRESSED)
    assert press(helper, pk).status_code == 403
    there = f"{SUPPRESSED}{row.pk}/lift/"
    assert signed_in(helper).get(there).status_code == 403
    assert signed_in(helper).post(there, {"why": "x"}).status_code == 403
    assert state_of(pk) == "failed"
    assert SuppressedAddress.objects.count() == 1


def test_each_right_is_enough_for_its_own_act() -> None:
    helper = staff_with("change_outgoingemail", "delete_suppressedaddress")
    pk, row = undelivered(), suppress("other@example.com", reason="x", actor=OPERATOR)
    press(helper, pk)
    signed_in(helper).post(f"{SUPPRESSED}{row.pk}/lift/", {"why": "x"})
    assert state_of(pk) == "queued"
    assert not SuppressedAddress.objects.exists()


def test_address_is_found_and_stopped_however_its_domain_is_spelled(staff: User) -> None:
    with all_accounts_scope("a test sends mail"):
        pk = enqueue(new_email(recipient=Mailbox("v@münchen.example"), account_id=None))
        OutgoingEmail.objects.filter(pk=pk).update(state="failed")
    suppress("v@xn--mnchen-3ya.example", reason="x", actor=OPERATOR)
    for spelled in ("v@münchen.example", "V@XN--MNCHEN-3YA.example"):
        assert "v@münchen.example" in shown(staff, wanted=spelled)
        assert "v@xn--mnchen-3ya.example" in shown(staff, SUPPRESSED, q=spelled)
    assert b"while it is on the list of suppressed addresses" in press(staff, pk).content
    assert state_of(pk) == "failed"


def test_customers_see_nothing_of_it(people: People) -> None:
    pk = undelivered()
    for address in (LIST, SUPPRESSED, REPORTS):
        assert signed_in(people.alice).get(address).status_code == 403
    assert press(people.alice, pk).status_code == 403
    assert state_of(pk) == "failed"
