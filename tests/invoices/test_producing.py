"""From an issued document to mail in a real server's hands: rendered, stored, sent."""

import errno
import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import IO

import pypdfium2
import pytest
from django.conf import settings as program_settings
from django.core.files.base import File
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Account, Membership
from audit.models import AuditEvent
from billing.billing_run import stop_run
from common import bell
from common.claims import BATCH_SIZE, MAX_ATTEMPTS
from common.scoping import account_scope, all_accounts_scope
from common.storage import read_document
from common.storage.filesystem import _write_through
from invoices import producing
from invoices.models import Delivery, Document, Invoice
from invoices.producing import render_due
from invoices.refusals import DocumentNotParked
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.pdf import render_pdf
from invoices.retrying import retry_document
from mail.models import OutgoingEmail
from mail.sending import send_due
from mail.transport import process_transport
from tests.common.s3_server import running_s3, s3_storage
from tests.factories import set_billing_contact
from tests.mail.sink import Sink, running_sink
from tests.scenes import (
    ACTOR,
    a_charge,
    a_seller,
    an_account,
    an_issued_invoice,
    bill,
    documents_of,
)
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def sink(settings: Settings) -> Iterator[Sink]:
    with running_sink() as running:
        settings.EMAIL_PORT = running.port
        yield running
        process_transport().close()


def send_all() -> None:
    send_due(process_transport())


def pdf_of(invoice: Invoice) -> bytes:
    with account_scope(invoice.account_id):
        document = Document.objects.get(invoice=invoice, kind=Document.Kind.PDF)
    return read_document(document.storage_key, sha256=document.sha256)


def text_of(pdf: bytes) -> str:
    return "\n".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf))


def states_by_recipient(invoice: Invoice) -> dict[str, str]:
    with account_scope(invoice.account_id):
        deliveries = Delivery.objects.filter(invoice=invoice)
        return dict(deliveries.values_list("address", "email__state"))


def body_of(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_an_issued_document_is_rendered_stored_and_sent_to_each_recipient(sink: Sink) -> None:
    seller, account = a_seller(), an_account("Ladle & Sons Ltd")
    set_billing_contact(account, email="ap@ladle.example", name="Ann Payer")
    bob = User.objects.create_user("bob@ladle.example", first_name="Bob")
    Membership.objects.create(account=account, user=bob, receives_invoices=True)
    issued = an_issued_invoice(account, seller)
    assert render_due()
    send_all()
    pdf = pdf_of(issued)
    text = text_of(pdf)
    number = issued.number or ""
    assert number in text
    assert "9.18" in text
    by_recipient = {message.recipient: message.message for message in sink.accepted}
    assert set(by_recipient) == {"ap@ladle.example", "bob@ladle.example"}
    for message in by_recipient.values():
        [attached] = message.iter_attachments()
        assert attached.get_content() == pdf
        assert attached.get_filename() == f"{issued.number}.pdf"
        assert number in message["Subject"]
        assert "£9.18" in message["Subject"]
        assert str(account.number) in message["Subject"]
    body = body_of(by_recipient["bob@ladle.example"], "plain")
    assert "are sent to you because" in body
    assert program_settings.SITE_URL not in body
    assert set(states_by_recipient(issued).values()) == {"sent"}


def test_a_document_is_rendered_and_mailed_once_however_often_workers_look(sink: Sink) -> None:
    issued = an_issued_invoice(an_account(), a_seller())
    for _ in range(3):
        render_due()
        send_all()
    assert len(sink.accepted) == 1
    assert list(states_by_recipient(issued).values()) == ["sent"]


def test_a_worker_killed_after_storing_the_bytes_leaves_nothing_twice(sink: Sink) -> None:
    """Its lease runs out; the next worker makes the same bytes and queues the mail once."""
    issued = an_issued_invoice(an_account(), a_seller())
    with pytest.raises(_Killed), pytest.MonkeyPatch.context() as patch:
        patch.setattr(producing, "queue_emails", _die)
        render_due()
    with all_accounts_scope("as time goes by"):
        assert OutgoingEmail.objects.count() == 0
        document = Document.objects.get(invoice=issued)
        assert (document.state, document.attempts) == ("rendering", 1)
        Document.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    render_due()
    send_all()
    assert len(sink.accepted) == 1


class _Killed(BaseException):
    """Ends the worker where it stands, past every ``except Exception``."""


def _die(*_: object) -> None:
    raise _Killed


def test_a_refused_recipient_is_seen_and_keeps_nobody_else_waiting(sink: Sink) -> None:
    account = an_account()
    set_billing_contact(account, email="first@ladle.example")
    for name in ("second", "third"):
        user = User.objects.create_user(f"{name}@ladle.example")
        Membership.objects.create(account=account, user=user, receives_invoices=True)
    sink.refuse("second@ladle.example")
    issued = an_issued_invoice(account, a_seller())
    render_due()
    send_all()
    assert {message.recipient for message in sink.accepted} == {
        "first@ladle.example",
        "third@ladle.example",
    }
    assert states_by_recipient(issued) == {
        "first@ladle.example": "sent",
        "second@ladle.example": "failed",
        "third@ladle.example": "sent",
    }


def test_a_document_that_cannot_be_rendered_is_parked_and_holds_up_nobody(
    sink: Sink, settings: Settings
) -> None:
    seller = a_seller()
    poisoned_seller = a_seller("poisoned", logo="missing.png")
    bad = an_issued_invoice(an_account(), poisoned_seller)
    good = an_issued_invoice(an_account(), seller)
    for _ in range(MAX_ATTEMPTS):
        render_due()
        with all_accounts_scope("as time goes by"):
            Document.objects.filter(state="pending").update(next_attempt_at=timezone.now())
    with all_accounts_scope("looking at what became of them"):
        states = dict(Document.objects.values_list("invoice", "state"))
        parked = Document.objects.get(invoice=bad)
        assert AuditEvent.objects.filter(action="document:parked").count() == 1
    assert states == {bad.pk: "parked", good.pk: "stored"}
    assert parked.attempts == MAX_ATTEMPTS
    assert "LogoMissing" in parked.last_error
    retry_document(parked, actor=ACTOR)
    with pytest.raises(DocumentNotParked):
        retry_document(parked, actor=ACTOR)


def let_time_pass() -> None:
    with all_accounts_scope("as time goes by"):
        Document.objects.filter(state="pending").update(next_attempt_at=timezone.now())


def states_and_attempts() -> Counter[tuple[str, int]]:
    with all_accounts_scope("looking at what became of them"):
        claimed = Document.objects.filter(kind=Document.Kind.PDF)
        return Counter(claimed.values_list("state", "attempts"))


@pytest.mark.parametrize(
    ("room", "rendered_each_round"), [(0, 0), (8192, 1)], ids=["no room", "room for small files"]
)
def test_a_full_disk_parks_nothing_and_rendering_resumes_when_it_is_freed(
    sink: Sink, room: int, rendered_each_round: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr("common.bell.ring", rung.append)
    seller = a_seller()
    for _ in range(BATCH_SIZE + 2):
        an_issued_invoice(an_account(), seller)
    rendered: list[InvoiceDocument] = []

    def counted(document: InvoiceDocument, *, einvoice: bytes | None = None) -> bytes:
        rendered.append(document)
        return render_pdf(document, einvoice=einvoice)

    def no_space(content: "File[bytes]", file: IO[bytes]) -> None:
        if content.size > room:
            raise OSError(errno.ENOSPC, "No space left on device")
        _write_through(content, file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("common.storage.filesystem._write_through", no_space)
        patch.setattr(producing, "render_pdf", counted)
        for rounds in range(1, MAX_ATTEMPTS + 2):
            rung.clear()
            assert render_due(budget=timedelta(seconds=60)), "there is nothing to do at once"
            assert rung == [], "no other worker is called"
            assert len(rendered) == rounds * rendered_each_round
            assert states_and_attempts() == {("pending", 0): BATCH_SIZE + 2}
            let_time_pass()
    assert render_due()
    assert bell.RENDER_DOCUMENTS in rung
    assert states_and_attempts() == {("stored", 0): BATCH_SIZE + 2}


def test_documents_in_a_bucket_survive_its_outage_and_reach_their_readers(
    sink: Sink, settings: Settings
) -> None:
    seller, account = a_seller(), an_account()
    with running_s3() as server:
        bucket = server.new_bucket()
        in_bucket = s3_storage(**bucket.options())
        settings.STORAGES = settings.STORAGES | {"documents": in_bucket}
        first = an_issued_invoice(account, seller)
        server.stop()
        assert render_due()
        assert states_and_attempts() == {("pending", 0): 1}

        server.start()
        let_time_pass()
        assert render_due()
        second = an_issued_invoice(account, seller)
        assert render_due()
        assert states_and_attempts() == {("stored", 0): 2}
        assert len([key for key in bucket.names() if key.endswith(".pdf")]) == 2

        server.stop()
        send_all()
        assert sink.accepted == []
        assert states_by_recipient(first) == states_by_recipient(second)
        assert set(states_by_recipient(first).values()) == {"queued"}

        server.start()
        with all_accounts_scope("as time goes by"):
            assert set(OutgoingEmail.objects.values_list("attempts", flat=True)) == {0}
            OutgoingEmail.objects.update(next_attempt_at=timezone.now())
        send_all()
        attached = {
            next(message.message.iter_attachments()).get_content() for message in sink.accepted
        }
        assert attached == {pdf_of(first), pdf_of(second)}


def test_a_document_that_takes_all_memory_is_counted_and_leaves_the_others_to_another_process(
    sink: Sink,
) -> None:
    seller = a_seller()
    runaway = an_issued_invoice(an_account("Runaway Ltd"), seller)
    for _ in range(2):
        an_issued_invoice(an_account(), seller)

    def devour(document: InvoiceDocument, *, einvoice: bytes | None = None) -> bytes:
        if document.buyer.name == "Runaway Ltd":
            raise MemoryError
        return render_pdf(document, einvoice=einvoice)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(producing, "render_pdf", devour)
        assert not render_due(), "another process is to be rung for"
        assert states_and_attempts() == {("pending", 1): 1, ("pending", 0): 2}
        assert render_due()
        assert states_and_attempts() == {("pending", 1): 1, ("stored", 0): 2}
        for _ in range(MAX_ATTEMPTS):
            let_time_pass()
            render_due()
    with account_scope(runaway.account_id):
        document = Document.objects.get(invoice=runaway)
    assert (document.state, document.attempts) == ("parked", MAX_ATTEMPTS)
    assert document.last_error.startswith("MemoryError")


def test_stopping_a_run_holds_the_mail_that_has_not_left(sink: Sink) -> None:
    seller, account = a_seller(), an_account()
    a_charge(account, seller)
    run = bill()
    stop_run(run, actor=ACTOR)
    render_due()
    send_all()
    [issued] = documents_of(account)
    assert sink.accepted == []
    assert list(states_by_recipient(issued).values()) == ["withheld"]


def test_a_void_document_is_mailed_to_nobody(sink: Sink) -> None:
    issued = an_issued_invoice(an_account(), a_seller())
    with account_scope(issued.account_id), transaction.atomic():
        Invoice.objects.filter(pk=issued.pk).update(
            state="void", voided_at=timezone.now(), void_reason="issued by mistake"
        )
    render_due()
    send_all()
    assert sink.accepted == []


HOSTILE = (
    '<script>alert(1)</script><img src="file:///etc/passwd">'
    '<link rel="attachment" href="file:///etc/passwd">{{ 7|add:7 }}{% debug %}'
)


def test_a_hostile_customer_name_is_literal_text_in_document_and_mail(sink: Sink) -> None:
    account = an_account()
    Account.objects.filter(pk=account.pk).update(name=HOSTILE)
    issued = an_issued_invoice(account, a_seller(), description="<b>{{ settings.SECRET_KEY }}</b>")
    render_due()
    send_all()
    pdf = pdf_of(issued)
    text = "".join(text_of(pdf).split())
    assert "".join(HOSTILE.split()) in text
    assert "<b>{{settings.SECRET_KEY}}</b>" in text
    attached = pypdfium2.PdfDocument(pdf)
    assert [attached.get_attachment(0).get_name()] == ["factur-x.xml"]
    assert attached.count_attachments() == 1
    assert b"root:" not in pdf
    [message] = sink.accepted
    html = body_of(message.message, "html")
    assert "<script" not in html


def test_the_mail_links_to_the_page_only_for_somebody_who_may_open_it(sink: Sink) -> None:
    """The owner falls in for a missing billing contact, and may look."""
    account = an_account()
    issued = an_issued_invoice(account, a_seller())
    render_due()
    send_all()
    [message] = sink.accepted
    page = f"{program_settings.SITE_URL}/a/{account.number}/billing/invoices/{issued.number}/"
    for kind in ("plain", "html"):
        assert page in body_of(message.message, kind)


def test_the_stored_bytes_have_the_hash_of_the_row(sink: Sink) -> None:
    issued = an_issued_invoice(an_account(), a_seller())
    render_due()
    with account_scope(issued.account_id):
        document = Document.objects.get(invoice=issued, kind=Document.Kind.PDF)
    pdf = pdf_of(issued)
    assert hashlib.sha256(pdf).hexdigest() == document.sha256
    assert (len(pdf), document.state) == (document.size, "stored")
