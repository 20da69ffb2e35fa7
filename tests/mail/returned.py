"""Messages as servers write them when mail comes back, to whatever return path a test gives.

The fields are those of RFC 3464; the words around them are as each program has them.
"""

from email.message import Message
from email.parser import BytesParser

RECIPIENT = "recipient-1@example.com"
_BOUNDARY = "9B095B5ADSN"

_ORIGINAL = f"""\
From: Sample Operator <billing@operator.example>
To: {RECIPIENT}
Subject: Invoice 1
Message-ID: <0123456789abcdef0123456789abcdef@operator.example>
"""


def dsn(
    to: str,
    *,
    fields: str,
    sender: str = "MAILER-DAEMON@mx.operator.example (Mail Delivery System)",
    headers: str = "",
    words: str = "This is the mail system at host mx.operator.example.",
    message_id: str = "<20261120083000.9B095B5ADSN@mx.operator.example>",
) -> bytes:
    """A report in three parts; ``fields`` are those of its recipient."""
    return _lines(
        f"""\
From: {sender}
To: {to}
Subject: Undelivered Mail Returned to Sender
Date: Fri, 20 Nov 2026 08:30:05 +0000 (UTC)
Auto-Submitted: auto-replied
MIME-Version: 1.0
Message-ID: {message_id}
{headers}Content-Type: multipart/report; report-type=delivery-status;
\tboundary="{_BOUNDARY}"

This is a MIME-encapsulated message.

--{_BOUNDARY}
Content-Type: text/plain; charset=utf-8

{words}

--{_BOUNDARY}
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.operator.example
Arrival-Date: Fri, 20 Nov 2026 08:29:59 +0000 (UTC)

{fields}
--{_BOUNDARY}
Content-Type: message/rfc822

{_ORIGINAL}
--{_BOUNDARY}--
"""
    )


def postfix(to: str, *, status: str = "5.1.1", action: str = "failed") -> bytes:
    return dsn(
        to,
        fields=f"""\
Final-Recipient: rfc822; {RECIPIENT}
Original-Recipient: rfc822;{RECIPIENT}
Action: {action}
Status: {status}
Remote-MTA: dns; mail.example.com
Diagnostic-Code: smtp; 550 {status} <{RECIPIENT}>: Recipient address rejected:
    User unknown in virtual mailbox table
Last-Attempt-Date: Fri, 20 Nov 2026 08:30:04 +0000 (UTC)
""",
    )


def exim(to: str) -> bytes:
    """Its status says nothing; the answer that it quotes does."""
    return dsn(
        to,
        sender="Mail Delivery System <Mailer-Daemon@mx.operator.example>",
        headers=f"X-Failed-Recipients: {RECIPIENT}\n",
        fields=f"""\
Action: failed
Final-Recipient: rfc822;{RECIPIENT}
Status: 5.0.0
Remote-MTA: dns; mail.example.com
Diagnostic-Code: smtp; 550 5.2.1 The email account that you tried to reach is disabled.
""",
    )


def exchange(to: str) -> bytes:
    return dsn(
        to,
        sender="postmaster@example.com",
        headers="X-MS-Exchange-Message-Is-Ndr: 1\n",
        fields=f"""\
Final-Recipient: rfc822;{RECIPIENT}
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found
X-Display-Name: recipient-1
""",
    )


def gmail(to: str) -> bytes:
    return dsn(
        to,
        sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        headers=f"X-Failed-Recipients: {RECIPIENT}\n",
        fields=f"""\
Final-Recipient: rfc822; {RECIPIENT}
Action: failed
Status: 5.2.2
Remote-MTA: dns; gmail-smtp-in.l.google.com. (142.250.27.26, the server for the domain.)
Diagnostic-Code: smtp; 552-5.2.2 The recipient's inbox is out of storage space. For more
 552-5.2.2 information, go to https://support.google.com/mail/?p=OverQuotaPerm
Last-Attempt-Date: Fri, 20 Nov 2026 00:30:05 -0800 (PST)
""",
    )


def qmail(to: str, *, recipient: str = RECIPIENT) -> bytes:
    """No report after the RFC: words, which flufl.bounce knows."""
    return _lines(
        f"""\
From: MAILER-DAEMON@mx.operator.example
To: {to}
Subject: failure notice
Message-ID: <qmail-1@mx.operator.example>

Hi. This is the qmail-send program at mx.operator.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{recipient}>:
192.0.2.7 does not like recipient.
Remote host said: 550 5.1.1 unknown user
Giving up on 192.0.2.7.

--- Below this line is a copy of the message.

{_ORIGINAL}
"""
    )


def vacation(to: str) -> bytes:
    return _lines(
        f"""\
From: Recipient <{RECIPIENT}>
To: {to}
Subject: Away until Monday: Invoice 1
Auto-Submitted: auto-replied
Precedence: bulk
Message-ID: <away@example.com>
Content-Type: text/plain; charset=utf-8

I am away until Monday. Your message to {RECIPIENT} was not read.
"""
    )


def complaint(to: str, *, mail_from: str) -> bytes:
    """A complaint after RFC 5965, which names the return path in its fields."""
    return _lines(
        f"""\
From: feedback@service.example
To: {to}
Subject: Email Feedback Report
Message-ID: <complaint@service.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="{_BOUNDARY}"

--{_BOUNDARY}
Content-Type: text/plain

This is an email abuse report.

--{_BOUNDARY}
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Service/1.0
Version: 1
Original-Mail-From: <{mail_from}>
Arrival-Date: Fri, 20 Nov 2026 08:31:00 +0000

--{_BOUNDARY}
Content-Type: message/rfc822

{_ORIGINAL}
--{_BOUNDARY}--
"""
    )


def parsed(content: bytes) -> Message:
    return BytesParser().parsebytes(content)


def _lines(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()
