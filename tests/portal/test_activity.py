"""The activity page: who did what, when, from where, with old and new values."""

import csv
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account, Contact, Membership
from accounts.permissions import Flag
from audit.actions import Action
from audit.models import AuditEvent
from audit.recording import Actor, record
from common.scoping import account_scope
from common.spreadsheets import neutral
from portal.activity import PAGE_LENGTH
from portal.activity_words import NAMES
from tests.factories import add_member, make_user
from tests.people import Answer, People, signed_in
from users.models import User

pytestmark = pytest.mark.django_db

NO_SUCH_EVENT = "00000000-0000-4000-8000-000000000000"


def happened(
    account: Account,
    action: Action = Action.ACCOUNT_CHANGED,
    *,
    by: User | None = None,
    at: datetime | None = None,
    **written: object,
) -> None:
    """One event by ``by``, or by the program."""
    person = Actor.person(by, remote_address="203.0.113.7") if by else Actor.system("a test")
    with account_scope(account):
        record(action, actor=person, account_id=account.pk, **written)  # type: ignore[arg-type]
        if at:
            newest = AuditEvent.objects.filter(account_id=account.pk).latest("happened_at")
            AuditEvent.objects.bulk_create(
                [
                    AuditEvent(
                        account_id=account.pk,
                        happened_at=at,
                        action=newest.action,
                        actor_kind=newest.actor_kind,
                        actor_user_id=newest.actor_user_id,
                        actor_label=newest.actor_label,
                        subject=f"{newest.subject} then",
                    )
                ],
                ignore_conflicts=True,
            )


def page_for(people: People, query: str = "", *, user: User | None = None) -> Answer:
    browser = signed_in(user or people.alice)
    return browser.get(f"/a/{people.account.number}/settings/activity/{query}")


def test_it_says_who_did_what_from_where_with_old_and_new_values(people: People) -> None:
    happened(
        people.account,
        Action.MEMBERSHIP_CHANGED,
        by=people.bob,
        subject="membership dora@hartwell.example",
        details={"from": {"flags": []}, "to": {"flags": ["billing", "systems"]}},
    )
    page = page_for(people).content.decode()
    assert "Changed what a user may do" in page
    assert "dora@hartwell.example" in page
    assert "Bob Ferris (bob@hartwell.example)" in page
    assert "from 203.0.113.7" in page
    assert "Access:" in page
    assert "<del>No access</del>" in page
    assert "<ins>Billing, Systems</ins>" in page


def test_values_recorded_for_each_field_are_shown_too(people: People) -> None:
    details = {"order_number": {"old": "", "new": "PO-7"}, "reason": "asked by phone"}
    happened(people.account, by=people.alice, subject="account 1", details=details)
    page = page_for(people).content.decode()
    assert "Order number:" in page
    assert "<del>–</del>" in page
    assert "<ins>PO-7</ins>" in page
    assert "asked by phone" in page


def test_amounts_are_written_as_the_reader_writes_them(people: People) -> None:
    details = {"total": "1250.5500", "currency": "GBP"}
    happened(people.account, Action.INVOICE_ISSUED, subject="invoice INV-1", details=details)
    assert "£1,250.55" in page_for(people).content.decode()


def test_when_a_reset_happens_is_a_time_and_its_key_is_left_out(people: People) -> None:
    details = {"reset": NO_SUCH_EVENT, "due_at": "2026-11-23T13:27:10+00:00"}
    happened(people.account, Action.TWO_FACTOR_RESET_CONFIRMED, details=details)
    page = page_for(people).content.decode()
    assert "Happens on:" in page and "2026" in page
    assert NO_SUCH_EVENT not in page and "2026-11-23T13:27:10" not in page


def test_values_are_text_whatever_is_in_them(people: People) -> None:
    happened(people.account, by=people.alice, details={"from": "<b>", "to": "<script>"})
    page = page_for(people).content.decode()
    assert "<del>&lt;b&gt;</del>" in page
    assert "<script>" not in page.partition("<body>")[2]


def test_staff_are_shown_as_the_operators_and_the_program_as_its_system(
    people: People, staff: User
) -> None:
    happened(people.account, by=staff)
    page = page_for(people).content.decode()
    assert "Operator of the tests’s staff" in page
    assert "Operator of the tests’s system" in page
    assert staff.email not in page
    assert "203.0.113.7" not in page


@pytest.mark.parametrize("person", ["bob@", "Ferris", "bob ferris"])
def test_it_can_be_narrowed_to_a_person(people: People, person: str) -> None:
    happened(people.account, by=people.bob, subject="of bob")
    happened(people.account, by=people.alice, subject="of alice")
    page = page_for(people, f"?person={person}").content.decode()
    assert "Bob Ferris (" in page
    assert "Alice Hartwell (" not in page


def test_staff_are_not_found_by_their_address(people: People, staff: User) -> None:
    happened(people.account, by=staff)
    page = page_for(people, f"?person={staff.email[:5]}").content.decode()
    assert "Nothing that was done fits" in page


def test_it_can_be_narrowed_to_a_kind(people: People) -> None:
    happened(people.account, Action.INVOICE_ISSUED, subject="invoice INV-000007")
    page = page_for(people, "?kind=billing").content.decode()
    assert "Issued invoice INV-000007" in page
    assert "Opened the account" not in page


def test_days_are_those_of_the_reader(people: People) -> None:
    people.alice.timezone = "Asia/Tokyo"
    people.alice.save(update_fields=["timezone"])
    # Already the second of March in Tokyo.
    happened(
        people.account, by=people.alice, subject="x early", at=datetime(2026, 3, 1, 16, tzinfo=UTC)
    )
    assert "early then" in page_for(people, "?since=2026-03-02&until=2026-03-02").content.decode()
    nothing = page_for(people, "?since=2026-03-01&until=2026-03-01").content.decode()
    assert "early then" not in nothing
    assert "Nothing that was done fits" in nothing


@pytest.mark.parametrize("query", ["?since=yesterday", "?kind=moon", "?until=2026-99-01"])
def test_a_choice_that_is_not_understood_is_told_and_closes_no_page(
    people: People, query: str
) -> None:
    answer = page_for(people, query)
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()


@pytest.mark.parametrize(
    "query", ["?before=7", f"?before={NO_SUCH_EVENT}", f"?after={NO_SUCH_EVENT}"]
)
def test_a_page_that_there_is_not_is_not_found(people: People, query: str) -> None:
    assert page_for(people, query).status_code == 404


def test_older_events_are_on_the_next_page_and_every_one_is_on_one(people: People) -> None:
    for serial in range(PAGE_LENGTH + 5):
        happened(people.account, by=people.alice, subject=f"event no-{serial:02}")
    first = page_for(people).content.decode()
    query = first.partition('rel="next" href="')[2].partition('"')[0]
    second = page_for(people, query).content.decode()
    for serial in range(PAGE_LENGTH + 5):
        assert (f"no-{serial:02}" in first) != (f"no-{serial:02}" in second)
    back = second.partition('rel="prev" href="')[2].partition('"')[0]
    assert f"no-{PAGE_LENGTH + 4:02}" in page_for(people, back).content.decode()


def test_one_event_of_another_account_is_on_no_page(people: People) -> None:
    happened(people.charlies_account, by=people.charlie, subject="account secret")
    assert "secret" not in page_for(people).content.decode()
    with account_scope(people.charlies_account):
        foreign = AuditEvent.objects.filter(account_id=people.charlies_account.pk).first()
    assert foreign is not None
    assert page_for(people, f"?before={foreign.pk}").status_code == 404


def test_it_asks_the_database_as_often_for_many_events_as_for_few(
    people: People, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser = signed_in(people.alice)
    address = f"/a/{people.account.number}/settings/activity/"
    happened(people.account, by=people.bob)
    browser.get(address)
    with CaptureQueriesContext(connection) as few:
        browser.get(address)
    for user in (people.alice, people.bob, people.dora):
        for _ in range(15):
            happened(people.account, by=user)
    with django_assert_num_queries(len(few)):
        browser.get(address)


def test_the_file_holds_what_the_page_shows(people: People) -> None:
    happened(
        people.account,
        by=people.bob,
        subject="contact billing",
        details={"from": {"name": "=1+1"}, "to": {"name": "Ana"}},
    )
    answer = signed_in(people.alice).get(
        f"/a/{people.account.number}/settings/activity/csv?person=bob@"
    )
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert f'filename="activity-{people.account.number}.csv"' in answer["Content-Disposition"]
    rows = list(csv.reader(StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == ["Time", "Who", "IP address", "What", "About", "Changes"]
    assert len(rows) == 2
    assert rows[1][1:3] == ["Bob Ferris (bob@hartwell.example)", "203.0.113.7"]
    assert rows[1][5] == "Name: =1+1 → Ana"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_taken_for_a_formula(start: str) -> None:
    assert neutral(f"{start}cmd") == f"'{start}cmd"
    assert neutral(f"x{start}") == f"x{start}"


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
@pytest.mark.parametrize("split", [";", "\t", "\n", "\r\n"])
def test_nor_is_what_a_spreadsheet_splits_off(split: str, start: str) -> None:
    assert neutral(f"a{split}{start}cmd{split}b") == f"a{split}'{start}cmd{split}b"
    assert neutral(f"{start}1{split}{start}2") == f"'{start}1{split}'{start}2"
    assert neutral(f"a{split}b{start}c") == f"a{split}b{start}c"


def test_a_name_that_is_a_formula_is_text_in_the_file(people: People) -> None:
    people.bob.first_name = '=HYPERLINK("x")'
    people.bob.save(update_fields=["first_name"])
    happened(people.account, by=people.bob)
    path = f"/a/{people.account.number}/settings/activity/csv?person=bob@"
    content = signed_in(people.alice).get(path).content.decode("utf-8-sig")
    assert list(csv.reader(StringIO(content)))[1][1].startswith("'=HYPERLINK")


def test_managers_of_users_may_read_it_and_full_access_may_not(people: People) -> None:
    """Decision 0078."""
    manager, full = make_user("mona@hartwell.example"), make_user("finn@hartwell.example")
    add_member(people.account, manager, Flag.USER_MANAGEMENT)
    add_member(people.account, full, Flag.FULL_ACCESS, Flag.BILLING)
    assert page_for(people, user=manager).status_code == 200
    assert page_for(people, user=full).status_code == 403
    assert page_for(people, user=people.dora).status_code == 403
    assert page_for(people, user=people.charlie).status_code == 404


@pytest.mark.parametrize("model", [Account, Contact, Membership])
def test_every_column_that_can_change_has_a_name(model: type[Model]) -> None:
    columns = {field.name for field in model._meta.fields if field.editable}
    assert columns - NAMES.keys() <= {"id"}
