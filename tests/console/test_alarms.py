"""The operator's page of alarms."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from mail.models import OutgoingEmail
from tests.mail.steps import queue as queue_mail
from tests.people import People, signed_in
from tests.watching.steps import MINUTE, change, give_sign_ago, hear_everybody
from users.models import User
from watching.models import SignOfLife
from watching.signs import BEAT, worker_of

pytestmark = pytest.mark.django_db

ADDRESS = "/console/alarms/"


def page(user: User) -> str:
    answer = signed_in(user).get(ADDRESS)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_says_so_when_nothing_is_wrong(staff: User) -> None:
    hear_everybody()
    shown = page(staff)
    assert "Nothing is wrong" in shown
    assert shown.count("Heard</span>") == 5


def test_an_alarm_says_what_since_when_and_what_to_do(staff: User) -> None:
    hear_everybody()
    give_sign_ago(4 * MINUTE, worker_of("mail"))
    shown = page(staff)
    assert "Nothing is wrong" not in shown
    assert "<title>Alarms (1) · Operator of the tests</title>" in shown
    assert "No worker of the queue “mail” has answered for 4 minutes." in shown
    assert "See whether a worker of this queue runs" in shown
    assert "for 4 minutes, since " in shown
    assert "Silent</span>" in shown


def test_each_kind_of_alarm_has_an_anchor_once_which_its_mail_leads_to(staff: User) -> None:
    hear_everybody()
    for queue in ("render", "mail"):
        give_sign_ago(4 * MINUTE, worker_of(queue))
    (pk,) = queue_mail(1)
    change(OutgoingEmail, pk, state=OutgoingEmail.State.FAILED)
    shown = page(staff)
    assert shown.count("has answered for 4 minutes.") == 2
    assert shown.count('id="worker-silent"') == 1
    assert shown.count('id="mail-failed"') == 1


def test_times_are_those_of_the_reader(staff: User) -> None:
    hear_everybody()
    SignOfLife.objects.filter(name=BEAT).update(heard_at="2026-03-01T12:00:00Z")
    assert "1 March 2026, 12:00" in page(staff)
    User.objects.filter(pk=staff.pk).update(timezone="Asia/Tokyo", language="de")
    assert "1 March 2026, 21:00" in page(staff)


def test_what_waits_for_staff_leads_to_its_rows(staff: User) -> None:
    hear_everybody()
    (pk,) = queue_mail(1)
    change(OutgoingEmail, pk, state=OutgoingEmail.State.FAILED)
    shown = page(staff)
    assert "Nothing is wrong" in shown
    assert "Waits for you" in shown
    rows = "/admin/mail/outgoingemail/?state__exact=failed"
    assert f'href="{rows}"' in shown
    assert "recipient-1@example.com" in signed_in(staff).get(rows).content.decode()


def test_a_part_that_was_never_heard_is_shown_as_such(staff: User) -> None:
    hear_everybody(but=worker_of("render"))
    assert "Never heard" in page(staff)


def test_what_others_wrote_is_shown_as_text(staff: User) -> None:
    hear_everybody()
    SignOfLife.objects.filter(name=BEAT).update(given_by="<script>alert(1)</script>")
    assert "&lt;script&gt;alert(1)" in page(staff)


def test_whoever_is_no_staff_is_told_so_and_sees_nothing_of_it(people: People) -> None:
    answer = signed_in(people.alice).get(ADDRESS)
    assert answer.status_code == 403
    assert "It is for the operator’s staff." in answer.content.decode()
    assert "Signs of life" not in answer.content.decode()


def test_staff_who_were_struck_off_are_out_at_the_next_request(staff: User) -> None:
    browser = signed_in(staff)
    assert browser.get(ADDRESS).status_code == 200
    User.objects.filter(pk=staff.pk).update(is_staff=False, is_superuser=False)
    assert browser.get(ADDRESS).status_code == 403


def test_nobody_signed_in_is_asked_to_and_brought_back() -> None:
    assert Client().get(ADDRESS)["Location"] == "/sign-in/?next=/console/alarms/"


@pytest.mark.parametrize("start", ["/admin/", "/accounts/"])
def test_staff_find_it_from_wherever_they_are(staff: User, start: str) -> None:
    assert f'href="{ADDRESS}"' in signed_in(staff).get(start).content.decode()
    assert reverse("console:alarms") == ADDRESS


def test_customers_are_not_led_there(people: People) -> None:
    assert ADDRESS not in signed_in(people.alice).get("/accounts/").content.decode()


def test_it_asks_the_database_as_often_whatever_it_finds(
    staff: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser = signed_in(staff)
    hear_everybody()
    with CaptureQueriesContext(connection) as before:
        browser.get(ADDRESS)
    for number in range(5):
        (pk,) = queue_mail(number)
        change(OutgoingEmail, pk, state=OutgoingEmail.State.FAILED)
    with django_assert_num_queries(len(before)):
        browser.get(ADDRESS)
