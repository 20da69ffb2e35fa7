"""Messages as bytes, read back with the standard library's parser."""

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mail.assembly import assemble, encode_attachment, header_block, needs_smtputf8
from mail.headers import one_line
from mail.models import OutgoingEmail
from tests.mail.messages import PDF, email_row, with_pdf

LONGEST_LINE = 998

# What people paste into forms: any text at all, halves of surrogate pairs included.
any_text = st.text(max_size=300)


def read(content: bytes) -> EmailMessage:
    parsed = message_from_bytes(content, policy=policy.SMTP)
    assert isinstance(parsed, EmailMessage)
    return parsed


def body(message: EmailMessage, kind: str) -> Any:
    part = message.get_body((kind,))
    assert part is not None
    return part.get_content().replace("\r\n", "\n")


def recipient_of(content: bytes) -> tuple[str, str]:
    """Name and address in To.

    Read with the older parser: in Python 3.11 the newer one leaves the space between two encoded
    words of a name (RFC 2047, 6.2 says to drop it).
    """
    field = message_from_bytes(content, policy=policy.compat32)["to"]
    name, address = parseaddr(field.replace("\r\n", ""))
    return str(make_header(decode_header(name))), address


def test_message_with_a_document_has_both_bodies_and_the_document_unchanged() -> None:
    message = read(assemble(with_pdf(), encoded_attachment=encode_attachment(PDF)))

    assert message.get_content_type() == "multipart/mixed"
    assert [part.get_content_type() for part in message.iter_parts()] == [
        "multipart/alternative",
        "application/pdf",
    ]
    assert body(message, "plain") == with_pdf().text_body
    assert body(message, "html") == with_pdf().html_body + "\n"
    (attachment,) = message.iter_attachments()
    assert attachment.get_content() == PDF
    assert attachment.get_filename() == "INV-000001.pdf"
    assert not any(part.defects for part in message.walk())


@pytest.mark.parametrize(
    ("html", "content_type"), [("<p>Hello</p>", "multipart/alternative"), ("", "text/plain")]
)
def test_message_without_a_document_has_no_empty_parts(html: str, content_type: str) -> None:
    message = read(assemble(email_row(html_body=html)))

    assert message.get_content_type() == content_type
    assert message.defects == []


def test_headers_say_who_when_and_that_no_person_wrote_it() -> None:
    message = read(
        assemble(email_row(reply_to="support@operator.example", headers={"References": "<a@b>"}))
    )

    assert message["from"] == "Sample Operator <billing@operator.example>"
    assert message["to"] == "Alice <alice@example.com>"
    assert message["reply-to"] == "support@operator.example"
    assert message["subject"] == "Invoice INV-000001"
    assert message["date"] == "Tue, 01 Dec 2026 09:30:15 +0000"
    assert message["message-id"] == "<7@operator.example>"
    assert message["references"] == "<a@b>"
    assert message["auto-submitted"] == "auto-generated"
    assert message["mime-version"] == "1.0"


def test_same_row_gives_the_same_bytes() -> None:
    encoded = encode_attachment(PDF)

    assert assemble(with_pdf(), encoded_attachment=encoded) == assemble(
        with_pdf(), encoded_attachment=encode_attachment(PDF)
    )


def test_bytes_are_those_of_the_first_release() -> None:
    """A copy sent after an upgrade must equal the one before it: change this only with a new row
    format, never for rows that exist."""
    row = with_pdf(recipient_name="Zoë", subject="Rechnung für Zoë", text_body="Grüße\n")

    content = assemble(row, encoded_attachment=encode_attachment(b"%PDF"))

    assert content.decode("ascii").split("\r\n") == [
        "Message-ID: <7@operator.example>",
        "Date: Tue, 01 Dec 2026 09:30:15 +0000",
        "From: Sample Operator <billing@operator.example>",
        "To: =?utf-8?b?Wm/Dqw==?= <alice@example.com>",
        "Subject: =?utf-8?b?UmVjaG51bmcgZsO8ciBab8Or?=",
        "MIME-Version: 1.0",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: OOF, AutoReply",
        "Content-Type: multipart/mixed;",
        ' boundary="=_0b0undary"',
        "",
        "--=_0b0undary",
        "Content-Type: multipart/alternative;",
        ' boundary="=_1b0undary"',
        "",
        "--=_1b0undary",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "Gr=C3=BC=C3=9Fe",
        "",
        "--=_1b0undary",
        "Content-Type: text/html; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "<p>Dear Alice,</p><p>please find your invoice attached.</p>",
        "",
        "--=_1b0undary--",
        "",
        "--=_0b0undary",
        "Content-Type: application/pdf",
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment;",
        ' filename="INV-000001.pdf"',
        "",
        "JVBERg==",
        "--=_0b0undary--",
        "",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "Žofie Nováková",
        "Ελληνική Εταιρεία Α.Ε.",
        "株式会社サンプル" * 12,
        "شركة المثال",
        'Smith, Jones & Partners "Ltd" <not@an.address>',
        "back\\slash",
        "=?utf-8?q?sneaky?=",
        "A" * 200,
        "👩‍👩‍👧‍👦 family office",
    ],
)
def test_names_and_subjects_of_any_script_come_back_as_they_were(name: str) -> None:
    content = assemble(email_row(recipient_name=name, subject=name))
    message = read(content)

    assert recipient_of(content) == (name, "alice@example.com")
    assert message["subject"] == name
    assert header_lines(content) and max(map(len, header_lines(content))) <= 78


@pytest.mark.parametrize(
    "text",
    [
        "Alice\r\nBcc: victim@example.com",
        "Alice\nSubject: another",
        "Alice\r\n\r\nA body of my own",
        "Alice\x00\x07\x1b[31m",
        "Alice\u2028Bcc: victim@example.com",
        "Alice\x85Bcc: victim@example.com",
    ],
)
def test_line_breaks_in_names_and_subjects_start_no_header(text: str) -> None:
    cleaned = one_line(text, most=250)
    plain = read(assemble(email_row()))

    content = assemble(email_row(recipient_name=cleaned, subject=cleaned))
    message = read(content)

    assert message.keys() == plain.keys()
    assert recipient_of(content)[1] == "alice@example.com"
    assert body(message, "plain") == body(plain, "plain")


def test_text_that_reverses_reading_direction_is_taken_out_of_headers() -> None:
    assert one_line("invoice\u202efdp.exe", most=250) == "invoicefdp.exe"


def test_text_too_long_for_a_header_is_cut_and_says_so() -> None:
    assert one_line("x" * 10_000, most=250) == "x" * 249 + "…"


@given(name=any_text, subject=any_text, filename=any_text)
@example(name="a b  c", subject=" " * 80 + "x", filename="é" * 150)
@example(name='"', subject="=?", filename='";\\')
def test_any_text_makes_one_message_to_one_recipient(
    name: str, subject: str, filename: str
) -> None:
    row = with_pdf(
        recipient_name=one_line(name, most=250),
        subject=one_line(subject, most=250),
        attachment_filename=one_line(filename, most=200) or "document.pdf",
    )
    content = assemble(row, encoded_attachment=encode_attachment(PDF))
    message = read(content)

    assert max(map(len, content.split(b"\r\n"))) <= LONGEST_LINE
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert content.isascii()
    assert recipient_of(content) == (row.recipient_name, "alice@example.com")
    assert message.keys().count("Subject") == 1
    (attachment,) = message.iter_attachments()
    assert attachment.get_content() == PDF


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=2000))
@example(text="." * 3)
@example(text="x" * 5000)
@example(text="trailing space ")
def test_any_body_comes_back_as_it_was(text: str) -> None:
    content = assemble(email_row(text_body=text, html_body=""))

    assert max(map(len, content.split(b"\r\n"))) <= 78
    assert body(read(content), "plain") == text + "\n"


def test_line_breaks_of_every_kind_are_line_breaks_in_a_body() -> None:
    content = assemble(email_row(text_body="one\ntwo\r\nthree\rfour", html_body=""))

    assert body(read(content), "plain") == "one\ntwo\nthree\nfour\n"


@pytest.mark.parametrize(
    "filename", ["Rechnung für März.pdf", "請求書.pdf", "é" * 150 + ".pdf", 'a "quoted" name.pdf']
)
def test_filename_of_any_script_comes_back_as_it_was(filename: str) -> None:
    row = with_pdf(attachment_filename=filename)
    (attachment,) = read(
        assemble(row, encoded_attachment=encode_attachment(PDF))
    ).iter_attachments()

    assert attachment.get_filename() == filename


def test_domain_beyond_ascii_is_written_in_ascii() -> None:
    row = email_row(recipient_address="info@münchen.example")

    assert read(assemble(row))["to"].addresses[0].domain == "xn--mnchen-3ya.example"
    assert not needs_smtputf8(row)


def test_only_a_local_part_beyond_ascii_makes_a_message_internationalised() -> None:
    row = email_row(recipient_address="用户@例子.example", recipient_name="")

    assert needs_smtputf8(row)
    assert "To: 用户@xn--fsqu00a.example".encode() in header_block(row)
    assert not needs_smtputf8(email_row())


@pytest.mark.parametrize(("row", "encoded"), [(email_row(), b"AAAA"), (with_pdf(), b"")])
def test_document_and_row_that_do_not_belong_together_are_a_mistake(
    row: OutgoingEmail, encoded: bytes
) -> None:
    with pytest.raises(ValueError, match="do not belong together"):
        assemble(row, encoded_attachment=encoded)


def header_lines(content: bytes) -> list[bytes]:
    return content.partition(b"\r\n\r\n")[0].split(b"\r\n")
