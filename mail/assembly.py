"""A message as the bytes that a mail server gets, the same for a row each time.

Nothing here reads a clock, a random number, a setting or the database: see docs/decisions on mail.
"""

import binascii
import re
from email.utils import format_datetime

from mail import headers
from mail.addresses import Mailbox, envelope_address
from mail.models import OutgoingEmail

_BASE64_COLUMNS = 76
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


def assemble(email: OutgoingEmail, *, encoded_attachment: bytes = b"") -> bytes:
    """The whole message, its lines ended by CRLF and none longer than SMTP allows.

    ``encoded_attachment`` is what ``encode_attachment`` made of the attached document; it must be
    given exactly when the row has one. Raises UnusableAddress.
    """
    if bool(encoded_attachment) != email.has_attachment:
        raise ValueError(f"email {email.pk} and the attachment given do not belong together")
    head = header_block(email)
    content_type, content = _readable(email)
    if not email.has_attachment:
        return b"".join((head, content_type, content))
    # "=_" can occur neither in quoted-printable nor in base64, so no content can end a part; the
    # digit keeps the outer boundary from being the beginning of the inner one (RFC 2046, 5.1.2).
    boundary = f"=_0{email.boundary}".encode()
    return b"".join(
        (
            head,
            b'Content-Type: multipart/mixed;\r\n boundary="',
            boundary,
            b'"\r\n\r\n--',
            boundary,
            b"\r\n",
            content_type,
            content,
            b"\r\n--",
            boundary,
            b"\r\n",
            _attachment_head(email),
            encoded_attachment,
            b"\r\n--",
            boundary,
            b"--\r\n",
        )
    )


def header_block(email: OutgoingEmail) -> bytes:
    """Every header but Content-Type; raises UnusableAddress, so it also proves a row sendable."""
    lines = [
        f"Message-ID: {email.message_id}",
        f"Date: {format_datetime(email.date)}",
        headers.mailbox("From", Mailbox(email.sender_address, email.sender_name)),
        headers.mailbox("To", Mailbox(email.recipient_address, email.recipient_name)),
        headers.unstructured("Subject", email.subject),
        "MIME-Version: 1.0",
        # RFC 3834: no vacation notice answers this. The second is Exchange's word for it; it asks
        # for no auto-replies but leaves non-delivery reports alone, which we want.
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: OOF, AutoReply",
    ]
    if email.reply_to:
        lines.append(headers.mailbox("Reply-To", Mailbox(email.reply_to)))
    lines += [headers.structured(name, value) for name, value in sorted(email.headers.items())]
    return ("\r\n".join(lines) + "\r\n").encode()


def encode_attachment(content: bytes) -> bytes:
    """Base64 in lines. Costs more than the rest of a message: do it once per document."""
    text = binascii.b2a_base64(content, newline=False)
    return b"\r\n".join(
        [text[start : start + _BASE64_COLUMNS] for start in range(0, len(text), _BASE64_COLUMNS)]
    )


def needs_smtputf8(email: OutgoingEmail) -> bool:
    """Whether an address of the message is one that only RFC 6531 servers take."""
    addresses = (email.sender_address, email.recipient_address, email.reply_to)
    return not all(envelope_address(address).isascii() for address in addresses if address)


def _readable(email: OutgoingEmail) -> tuple[bytes, bytes]:
    """Content-Type field, and the rest, of the part that people read."""
    text = _quoted_printable(email.text_body)
    if not email.html_body:
        return b"Content-Type: text/plain; charset=utf-8\r\n", text
    boundary = f"=_1{email.boundary}".encode()
    content_type = b'Content-Type: multipart/alternative;\r\n boundary="' + boundary + b'"\r\n'
    parts = (
        b"\r\n--",
        boundary,
        b"\r\nContent-Type: text/plain; charset=utf-8\r\n",
        text,
        b"\r\n--",
        boundary,
        b"\r\nContent-Type: text/html; charset=utf-8\r\n",
        _quoted_printable(email.html_body),
        b"\r\n--",
        boundary,
        b"--\r\n",
    )
    return content_type, b"".join(parts)


def _quoted_printable(text: str) -> bytes:
    """The rest of a part's header, and its body in lines of at most 76 columns."""
    lines = _LINE_BREAK.sub("\r\n", text).encode()
    if not lines.endswith(b"\r\n"):
        # Also what tells binascii to break lines with CRLF and not with LF alone.
        lines += b"\r\n"
    encoded = binascii.b2a_qp(lines, istext=True)
    return b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + encoded


def _attachment_head(email: OutgoingEmail) -> bytes:
    disposition = headers.parameter("filename", email.attachment_filename)
    return (
        f"Content-Type: {email.attachment_content_type}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment{disposition}\r\n\r\n"
    ).encode()
