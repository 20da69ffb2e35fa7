"""What servers write when mail comes back, and whom they are believed."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from common.scoping import all_accounts_scope
from mail.addresses import Mailbox
from mail.bounces import take_report
from mail.models import MailReport
from mail.reading_returns import NoReport, read_returned
from mail.return_path import message_of, return_path
from mail.sending import send_due
from mail.transport import Transport
from tests.mail import returned
from tests.mail.sink import Sink
from tests.mail.steps import queue, stored

pytestmark = pytest.mark.django_db

Kind = MailReport.Kind
ADDRESS = "returns@billing.example"


@pytest.fixture(autouse=True)
def bounce_address(settings: Settings) -> None:
    settings.BOUNCE_ADDRESS = ADDRESS


@pytest.fixture
def pk() -> UUID:
    return queue(1)[0]


# --- The return path -----------------------------------------------------------------------------


def test_return_path_names_its_message_and_fits_into_a_local_part() -> None:
    pk = uuid4()
    path = return_path(pk)
    assert message_of(path) == message_of(path.upper()) == pk
    assert path.startswith("returns+")
    assert len(f"{'r' * 20}{path.partition('@')[0].removeprefix('returns')}") <= 64


def altered(path: str) -> list[str]:
    head, _plus, tag = path.partition("@")[0].partition("+")
    identity, _dash, mac = tag.partition("-")
    other = return_path(uuid4()).partition("@")[0].partition("+")[2]
    return [
        ADDRESS,
        f"{head}+{identity}@billing.example",
        f"{head}+{identity}-@billing.example",
        f"{head}+{identity}-{'a' * 16}@billing.example",
        # The mac of another message.
        f"{head}+{identity}-{other.partition('-')[2]}@billing.example",
        # The last letter of an id has spare bits.
        f"{head}+{identity[:-1]}{'b' if identity[-1] != 'b' else 'c'}-{mac}@billing.example",
        f"other+{tag}@billing.example",
        f"{head}+{tag}@elsewhere.example",
        f"{head}+{tag}x@billing.example",
        "",
        "+@",
    ]


def test_nobody_makes_a_return_path_of_their_own() -> None:
    pk = uuid4()
    assert [message_of(address) for address in altered(return_path(pk))] == [None] * 11


def test_former_keys_are_believed_for_a_while(settings: Settings) -> None:
    pk = uuid4()
    before = return_path(pk)
    settings.TOKEN_KEYS = ["a new key", *settings.TOKEN_KEYS]
    assert return_path(pk) != before
    assert message_of(before) == pk
    settings.TOKEN_KEYS = ["a new key"]
    assert message_of(before) is None


def test_envelope_alone_says_where_mail_is_returned_to(
    sink: Sink, transport: Transport, settings: Settings
) -> None:
    settings.BOUNCE_ADDRESS = ""
    queue(1)
    send_due(transport)
    settings.BOUNCE_ADDRESS = ADDRESS
    (second,) = queue(2)
    send_due(transport)
    plain, with_path = sink.accepted
    assert plain.sender == "billing@operator.example"
    assert message_of(with_path.sender) == second
    assert with_path.message["From"] == plain.message["From"]
    assert b"returns+" not in with_path.content


# --- Reports -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("write", "status", "words"),
    [
        (returned.postfix, "5.1.1", "User unknown in virtual mailbox table"),
        (returned.exim, "5.2.1", "550 5.2.1 The email account"),
        (returned.exchange, "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound"),
        (returned.gmail, "5.2.2", "inbox is out of storage space"),
        (returned.qmail, "5.1.1", "550 5.1.1 unknown user"),
    ],
)
def test_what_servers_write_is_understood(
    write: Callable[[str], bytes], status: str, words: str, pk: UUID
) -> None:
    read = read_returned(write(return_path(pk)))
    assert (read.kind, read.email_id, read.status) == (Kind.RETURNED, pk, status)
    assert words in read.words
    assert read.is_permanent


def test_time_is_the_reporting_servers(pk: UUID) -> None:
    read = read_returned(returned.postfix(return_path(pk)))
    assert read.happened_at == datetime(2026, 11, 20, 8, 30, 4, tzinfo=UTC)


def test_delay_is_no_return(pk: UUID) -> None:
    path = return_path(pk)
    read = read_returned(returned.postfix(path, status="4.4.1", action="delayed"))
    assert (read.kind, read.status) == (Kind.DELAYED, "4.4.1")


def test_what_was_given_up_after_days_is_not_permanent(pk: UUID) -> None:
    read = read_returned(returned.postfix(return_path(pk), status="4.4.7"))
    assert (read.kind, read.is_permanent) == (Kind.RETURNED, False)


def test_delivery_is_understood(pk: UUID) -> None:
    read = read_returned(returned.postfix(return_path(pk), status="2.0.0", action="delivered"))
    assert read.kind == Kind.DELIVERED


def test_worst_of_several_fields_counts(pk: UUID) -> None:
    fields = "Action: delayed\nStatus: 4.0.0\n\nAction: failed\nStatus: 5.1.1\n\nAction: relayed\n"
    read = read_returned(returned.dsn(return_path(pk), fields=fields))
    assert (read.kind, read.status) == (Kind.RETURNED, "5.1.1")


def test_complaint_is_found_by_the_return_path_in_its_fields(pk: UUID) -> None:
    content = returned.complaint("abuse@billing.example", mail_from=return_path(pk))
    assert read_returned(content).kind == Kind.COMPLAINT


@pytest.mark.parametrize("field", ["Delivered-To", "X-Original-To", "Envelope-To"])
def test_return_path_may_stand_where_the_server_wrote_it(field: str, pk: UUID) -> None:
    content = returned.postfix("undisclosed")
    content = f"{field}: {return_path(pk)}\r\n".encode() + content
    assert read_returned(content).email_id == pk


def test_return_path_may_be_told_by_the_server(pk: UUID) -> None:
    content = returned.postfix("undisclosed")
    assert read_returned(content, delivered_to=return_path(pk)).email_id == pk


def test_same_report_fetched_twice_has_one_name(pk: UUID) -> None:
    content = returned.postfix(return_path(pk))
    again = b"Received: from elsewhere\r\n" + content
    assert read_returned(content).event_id == read_returned(again).event_id
    other = content.replace(b"9B095B5ADSN@mx", b"7C000000DSN@mx")
    assert read_returned(other).event_id != read_returned(content).event_id


@pytest.mark.parametrize("sender", ["", "From:\r\n", "From: <>\r\n"])
def test_words_of_a_server_that_does_not_say_who_it_is_are_understood(
    sender: str, pk: UUID
) -> None:
    content = returned.qmail(return_path(pk))
    line = b"From: MAILER-DAEMON@mx.operator.example\r\n"
    assert content.startswith(line)
    read = read_returned(sender.encode() + content.removeprefix(line))
    assert (read.kind, read.status) == (Kind.RETURNED, "5.1.1")


def test_answer_without_a_sender_is_no_return(pk: UUID) -> None:
    content = f"To: {return_path(pk)}\r\nSubject: Re: Invoice 1\r\n\r\nThank you.\r\n"
    with pytest.raises(NoReport, match="an answer"):
        read_returned(content.encode())


def test_words_name_the_recipient_in_either_spelling() -> None:
    (pk,) = queue(1, recipient=Mailbox("v@münchen.example"))
    content = returned.qmail(return_path(pk), recipient="v@xn--mnchen-3ya.example")
    assert read_returned(content).kind == Kind.RETURNED


def test_only_the_first_groups_of_fields_are_read(pk: UUID) -> None:
    many = "Action: relayed\n\n" * 60
    with pytest.raises(NoReport):
        read_returned(returned.dsn(return_path(pk), fields=f"{many}Action: failed\n"))
    fields = f"Action: failed\nStatus: 5.1.1\n\n{many}"
    assert read_returned(returned.dsn(return_path(pk), fields=fields)).kind == Kind.RETURNED


def test_report_of_blank_lines_holds_up_nobody(pk: UUID) -> None:
    """The parser makes a message of each: as many as fit would take it seconds."""
    content = returned.dsn(return_path(pk), fields="Action: failed\n\n" + "a:b\n\n" * 70_000)
    started = time.process_time()
    assert read_returned(content).kind == Kind.RETURNED
    assert time.process_time() - started < 2


def test_words_are_looked_for_at_the_beginning_alone(pk: UUID) -> None:
    content = returned.qmail(return_path(pk))
    head, blank, body = content.partition(b"\r\n\r\n")
    with pytest.raises(NoReport):
        read_returned(head + blank + b"x" * 70_000 + b"\r\n" + body)
    assert read_returned(content + b"x" * 70_000).kind == Kind.RETURNED


@pytest.mark.parametrize(
    "written",
    [
        "Fri, 31 Dec 9999 23:59:59 -1200",
        "Sat, 1 Jan 0001 00:00:00 +1400",
        "Fri, 20 Nov 99999999999999999999 08:30:04 +0000",
        "Fri, 20 Nov 2026 08:30:04 +9999999999",
    ],
)
def test_year_that_no_calendar_has_holds_up_no_report(written: str, pk: UUID) -> None:
    """What can be kept of it, mail.bounces decides."""
    fields = f"Action: failed\nStatus: 5.1.1\nLast-Attempt-Date: {written}\n"
    assert take_report(read_returned(returned.dsn(return_path(pk), fields=fields)))
    with all_accounts_scope("a test reads a report"):
        assert MailReport.objects.get().happened_at is None


# --- What is not believed ------------------------------------------------------------------------


def test_forged_report_is_not_believed(pk: UUID) -> None:
    """Row D2: nobody stops another's mail, whatever they know of it."""
    message_id = stored(pk).message_id.encode()
    for address in (ADDRESS, *altered(return_path(pk))):
        content = returned.postfix(address or "x").replace(
            b"<0123456789abcdef0123456789abcdef@operator.example>", message_id
        )
        with pytest.raises(NoReport, match="return path"):
            read_returned(content)


def test_answer_of_a_machine_is_no_return(pk: UUID) -> None:
    with pytest.raises(NoReport, match="an answer"):
        read_returned(returned.vacation(return_path(pk)))


def test_words_about_another_address_are_not_believed(pk: UUID) -> None:
    content = returned.qmail(return_path(pk), recipient="somebody@else.example")
    with pytest.raises(NoReport):
        read_returned(content)


def test_words_about_a_message_that_is_not_known_are_not_believed() -> None:
    with pytest.raises(NoReport):
        read_returned(returned.qmail(return_path(uuid4())))


def test_report_within_the_returned_message_is_not_the_report(pk: UUID) -> None:
    """Somebody answers with our message, or any other, attached."""
    inner = returned.postfix("x@example.com").decode()
    content = (
        f"From: a@example.com\r\nTo: {return_path(pk)}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="out"\r\n\r\n'
        "--out\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n"
        f"--out\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--out--\r\n"
    ).encode()
    with pytest.raises(NoReport):
        read_returned(content.replace(returned.RECIPIENT.encode(), b"else@where.example"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 5000,
        b"\xff\xfe\x00garbage: \xff\r\n\r\n\xff",
        b"To: " + b"<a@b>," * 20_000 + b"\r\n\r\n",
        b"Content-Type: multipart/report; boundary=" + b"x" * 10_000 + b"\r\n\r\n--x",
        b"To: =?utf-8?b?//8=?=\r\nContent-Type: multipart/report\r\n\r\n",
        (b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n" * 200),
    ],
)
def test_rubbish_is_no_report(content: bytes) -> None:
    with pytest.raises(NoReport):
        read_returned(content)


def test_rubbish_in_a_genuine_report_is_put_up_with(pk: UUID) -> None:
    fields = "Action: failed\nStatus: \xff5.1\nDiagnostic-Code: \0\nLast-Attempt-Date: yesterday\n"
    read = read_returned(returned.dsn(return_path(pk), fields=fields))
    assert (read.kind, read.status, read.happened_at) == (Kind.RETURNED, "", None)


def test_long_report_is_read_as_far_as_it_matters(pk: UUID) -> None:
    content = returned.postfix(return_path(pk)) + b"x" * 3_000_000
    assert read_returned(content).kind == Kind.RETURNED
