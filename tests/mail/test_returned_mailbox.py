"""The mailbox of returned mail: read once, emptied of what was understood, the rest left."""

import io
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from common.scoping import all_accounts_scope
from mail import returned_mailbox
from mail.models import MailReport, OutgoingEmail
from mail.reading_returns import read_returned
from mail.return_path import return_path
from mail.returned_mailbox import MailboxPlace, MailboxUnreachable, Round, read_mailbox
from mail.tasks import read_returned_mail
from tests.mail import imap, returned
from tests.mail.imap import Mailbox
from tests.mail.steps import State, queue, stored

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Mailbox]:
    settings.BOUNCE_ADDRESS = "returns@billing.example"
    with imap.running_mailbox() as running:
        address = f"{quote(imap.USER, safe='')}:{quote(imap.PASSWORD, safe='')}"
        settings.BOUNCE_MAILBOX_URL = f"imap://{address}@127.0.0.1:{running.port}/INBOX"
        yield running


@pytest.fixture
def place(mailbox: Mailbox, settings: Settings) -> MailboxPlace:
    return MailboxPlace.of_url(settings.BOUNCE_MAILBOX_URL)


def sent(number: int = 1) -> UUID:
    (pk,) = queue(number)
    with all_accounts_scope("a test sends a message"):
        OutgoingEmail.objects.filter(pk=pk).update(state=State.SENT, sent_at=timezone.now())
    return pk


def test_returned_mail_is_read_and_deleted(mailbox: Mailbox, place: MailboxPlace) -> None:
    pk = sent()
    mailbox.put(returned.postfix(return_path(pk)))
    assert read_mailbox(place) == Round(taken=1)
    assert stored(pk).state == State.BOUNCED
    assert mailbox.messages == {}
    assert read_mailbox(place) == Round()


def test_what_is_no_report_stays_with_a_flag_and_is_not_read_again(
    mailbox: Mailbox, place: MailboxPlace
) -> None:
    pk = sent()
    mailbox.put(returned.vacation(return_path(pk)), b"\0rubbish", returned.postfix("x@y.example"))
    assert read_mailbox(place) == Round(left=3)
    assert list(mailbox.flags.values()) == [{"\\Flagged"}] * 3
    assert read_mailbox(place) == Round()
    assert len(mailbox.messages) == 3
    assert stored(pk).state == State.SENT


def test_message_that_cannot_be_read_holds_up_no_other(
    mailbox: Mailbox, place: MailboxPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [sent(number) for number in range(3)]
    poisoned = returned.postfix(return_path(keys[1]))
    mailbox.put(*(returned.postfix(return_path(pk)) for pk in keys))

    def read_unless_poisoned(content: bytes, **named: Any) -> Any:
        if content == poisoned:
            raise RecursionError("poison")
        return read_returned(content, **named)

    monkeypatch.setattr(returned_mailbox, "read_returned", read_unless_poisoned)
    assert read_mailbox(place) == Round(taken=2, left=1)
    assert [stored(pk).state for pk in keys] == [State.BOUNCED, State.SENT, State.BOUNCED]
    assert mailbox.messages == {2: poisoned}


def test_message_stays_while_the_database_is_away(
    mailbox: Mailbox, place: MailboxPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pk = sent()
    mailbox.put(returned.postfix(return_path(pk)))

    def away(report: object) -> None:
        raise OperationalError("the server closed the connection")

    with monkeypatch.context() as patched:
        patched.setattr(returned_mailbox, "take_report", away)
        with pytest.raises(OperationalError):
            read_mailbox(place)
    assert mailbox.flags == {1: set()}
    assert read_mailbox(place) == Round(taken=1)


@pytest.mark.parametrize("breaks_at", ["LOGIN", "UID SEARCH", "UID FETCH", "UID STORE", "EXPUNGE"])
def test_connection_that_breaks_loses_and_doubles_nothing(
    breaks_at: str, mailbox: Mailbox, place: MailboxPlace
) -> None:
    pk = sent()
    mailbox.put(returned.postfix(return_path(pk)))
    mailbox.breaks_at = breaks_at
    with pytest.raises(MailboxUnreachable):
        read_mailbox(place)
    mailbox.breaks_at = ""
    read_mailbox(place)
    assert stored(pk).state == State.BOUNCED
    with all_accounts_scope("a test counts"):
        assert MailReport.objects.count() == 1


@pytest.mark.parametrize("refused", ["SELECT", "UID STORE", "EXPUNGE"])
def test_what_the_server_refuses_is_no_reading(
    refused: str, mailbox: Mailbox, place: MailboxPlace
) -> None:
    mailbox.put(returned.postfix(return_path(sent())))
    mailbox.refuses = refused
    with pytest.raises(MailboxUnreachable, match="not now"):
        read_mailbox(place)


def test_what_is_marked_as_deleted_is_not_read_again(mailbox: Mailbox, place: MailboxPlace) -> None:
    mailbox.put(returned.postfix(return_path(sent())))
    mailbox.flags[1] = {"\\Deleted"}
    assert read_mailbox(place) == Round()


def test_no_more_is_fetched_of_a_message_than_is_read(
    mailbox: Mailbox, place: MailboxPlace
) -> None:
    mailbox.put(returned.postfix(return_path(sent())) + b"x" * 2_000_000)
    assert read_mailbox(place) == Round(taken=1)
    (fetched,) = [command for command in mailbox.commands if "FETCH" in command]
    assert fetched.endswith("<0.524288>)")


def test_round_ends_when_its_time_is_over(mailbox: Mailbox, place: MailboxPlace) -> None:
    mailbox.put(returned.postfix(return_path(sent())))
    assert read_mailbox(place, budget=timedelta()) == Round()
    assert len(mailbox.messages) == 1


def test_password_is_not_shown(settings: Settings, place: MailboxPlace) -> None:
    assert imap.PASSWORD not in repr(place)
    wrong = MailboxPlace.of_url(settings.BOUNCE_MAILBOX_URL.replace("word", "secret"))
    with pytest.raises(MailboxUnreachable) as told:
        read_mailbox(wrong)
    assert "secret" not in str(told.value)


def test_task_reads_the_mailbox_and_puts_up_with_one_that_is_away(
    mailbox: Mailbox, settings: Settings
) -> None:
    mailbox.put(returned.postfix(return_path(sent())))
    read_returned_mail()
    assert mailbox.messages == {}
    settings.BOUNCE_MAILBOX_URL = "imap://127.0.0.1:1/INBOX"
    read_returned_mail()
    settings.BOUNCE_MAILBOX_URL = ""
    read_returned_mail()


def test_address_of_a_mailbox_is_read_with_its_password() -> None:
    place = MailboxPlace.of_url("imaps://returns%40b.example:a%2Fb%3Ac@imap.example/Returned")
    assert (place.user, place.password) == ("returns@b.example", "a/b:c")
    assert (place.host, place.port, place.folder) == ("imap.example", 993, "Returned")
    assert place.is_encrypted


# --- The command ---------------------------------------------------------------------------------


def hand_over(monkeypatch: pytest.MonkeyPatch, content: bytes, *arguments: str) -> str:
    said = io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    call_command("read_returned_mail", "--stdin", *arguments, stdout=said, stderr=said)
    return said.getvalue()


def test_command_reads_the_mailbox(mailbox: Mailbox) -> None:
    mailbox.put(returned.postfix(return_path(sent())), b"rubbish")
    said = io.StringIO()
    call_command("read_returned_mail", stdout=said)
    assert said.getvalue() == "1 read, 1 left in the mailbox with a flag.\n"


def test_mail_server_hands_a_message_over(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    pk = sent()
    content = returned.postfix("undisclosed") + b"x" * 1_500_000
    assert hand_over(monkeypatch, content, "--delivered-to", return_path(pk)) == ""
    assert stored(pk).state == State.BOUNCED


def test_mail_server_is_told_of_what_is_no_report(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(CommandError) as refusal:
        hand_over(monkeypatch, b"rubbish")
    assert refusal.value.returncode == 65
    hand_over(monkeypatch, b"rubbish", "--keep", str(tmp_path / "kept"))
    (kept,) = (tmp_path / "kept").iterdir()
    assert kept.read_bytes() == b"rubbish"


def test_mail_server_tries_again_while_the_database_is_away(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(report: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(returned_mailbox, "take_report", away)
    with pytest.raises(CommandError) as refusal:
        hand_over(monkeypatch, returned.postfix(return_path(sent())))
    assert refusal.value.returncode == 75


def test_command_says_what_is_not_set(settings: Settings) -> None:
    with pytest.raises(CommandError, match="BOUNCE_ADDRESS"):
        call_command("read_returned_mail")
    settings.BOUNCE_ADDRESS = "returns@billing.example"
    with pytest.raises(CommandError, match="BOUNCE_MAILBOX_URL"):
        call_command("read_returned_mail")
