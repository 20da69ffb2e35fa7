from email.message import EmailMessage
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from mail.mailbox import keep
from portal.mailbox import PAGE_LENGTH

pytestmark = pytest.mark.django_db

HTML = (
    "<html><head><title>x</title></head><body onload=alert(1)><p>Dear <b>Ana</b></p></body></html>"
)


@pytest.fixture
def folder() -> Path:
    """The worker's own mailbox, empty."""
    found = settings.MAILBOX_DIR
    assert found is not None
    for file in found.glob("*"):
        file.unlink()
    return found


def letter(
    subject: str = "Invoice INV-000001", *, to: str = "ana@customer.example", html: str = HTML
) -> bytes:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "Northwind <billing@northwind.example>"
    message["To"] = to
    message.set_content(
        "Dear Ana,\nsee https://panel.example/a/100001/ <script>alert(1)</script>\n"
    )
    message.add_alternative(html, subtype="html")
    message.add_attachment(
        b"%PDF-1.7", maintype="application", subtype="pdf", filename="INV-000001.pdf"
    )
    return message.as_bytes()


def arrive(folder: Path, *, to: str = "ana@customer.example", subject: str = "Invoice") -> str:
    return keep(
        folder,
        sender="bounces@northwind.example",
        recipients=[to],
        content=letter(subject, to=to),
    )


def test_an_empty_mailbox_says_how_mail_gets_into_it(folder: Path) -> None:
    assert "No email has been sent yet" in Client().get("/mailbox/").content.decode()


def test_messages_are_listed_newest_first(folder: Path) -> None:
    arrive(folder, subject="First", to="ana@customer.example")
    arrive(folder, subject="Second <b>", to="ben@customer.example")
    page = Client().get("/mailbox/").content.decode()
    assert page.index("Second &lt;b&gt;") < page.index("First")
    for shown in ("ana@customer.example", "ben@customer.example", "bounces@northwind.example"):
        assert shown in page


def test_messages_to_one_address_are_found(folder: Path) -> None:
    arrive(folder, to="ana@customer.example")
    arrive(folder, to="ben@customer.example")
    page = Client().get("/mailbox/", {"to": "BEN@"}).content.decode()
    assert "ben@customer.example" in page
    assert "ana@customer.example" not in page
    nothing = Client().get("/mailbox/", {"to": "nobody@"}).content.decode()
    assert "No email has gone to “nobody@”." in nothing


def test_older_messages_are_on_the_next_page(folder: Path) -> None:
    keys = [arrive(folder, subject=f"Number {serial}") for serial in range(PAGE_LENGTH + 2)]
    first = Client().get("/mailbox/").content.decode()
    assert first.count('class="letter"') == PAGE_LENGTH
    oldest_shown = keys[2]
    assert f"?before={oldest_shown}" in first
    second = Client().get("/mailbox/", {"before": oldest_shown}).content.decode()
    assert second.count('class="letter"') == 2
    assert "?before=" not in second


def test_a_message_shows_its_headers_and_text(folder: Path) -> None:
    key = arrive(folder, subject="Invoice INV-000001")
    page = Client().get(f"/mailbox/{key}/").content.decode()
    assert "Northwind &lt;billing@northwind.example&gt;" in page
    assert 'href="https://panel.example/a/100001/"' in page
    assert "<script>alert" not in page


def test_its_html_is_shown_in_a_sandbox_that_runs_and_fetches_nothing(folder: Path) -> None:
    key = arrive(folder)
    page = Client().get(f"/mailbox/{key}/")
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.content.decode()
    assert "frame-src 'self'" in page["Content-Security-Policy"]
    html = Client().get(f"/mailbox/{key}/html")
    policy = html["Content-Security-Policy"]
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert html["X-Frame-Options"] == "SAMEORIGIN"
    assert "Dear <b>Ana</b>" in html.content.decode()


def test_attachments_are_handed_out_as_files(folder: Path) -> None:
    key = arrive(folder)
    answer = Client().get(f"/mailbox/{key}/attachments/0")
    assert answer.content == b"%PDF-1.7"
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'attachment; filename="INV-000001.pdf"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert Client().get(f"/mailbox/{key}/attachments/1").status_code == 404


@pytest.mark.parametrize("key", ["nothing", "..", "%2e%2e", "*", "..%2fsecrets"])
def test_a_key_that_names_no_message_finds_nothing(folder: Path, key: str) -> None:
    arrive(folder)
    for page in ("", "html", "attachments/0"):
        assert Client().get(f"/mailbox/{key}/{page}").status_code == 404
