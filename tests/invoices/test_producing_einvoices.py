"""What an issued document becomes: a PDF with its e-invoice in it, and the same as UBL."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import facturx
import pypdfium2
import pytest
from django.db import transaction
from django.utils import timezone
from facturx import parse_ubl_cii_xml

from audit.models import AuditEvent
from common.claims import MAX_ATTEMPTS, each_due
from common.scoping import account_scope, all_accounts_scope
from common.storage import StorageUnavailable, StoredDocument, read_document, store_document
from invoices import producing
from invoices.archive import referred_documents, unreferred_documents
from invoices.models import Document, Invoice
from invoices.producing import render_due
from invoices.rendering.einvoice.asking import VALIDATOR, ValidatorFailed
from invoices.rendering.einvoice.checking import EInvoiceInvalid, Objection
from invoices.rendering.einvoice.writing import WRITER
from invoices.retrying import retry_document
from mail.models import OutgoingEmail
from tests.scenes import ACTOR, a_seller, an_account, an_issued_invoice

pytestmark = pytest.mark.django_db


def files_of(invoice: Invoice) -> dict[str, Document]:
    with account_scope(invoice.account_id):
        return {file.kind: file for file in Document.objects.filter(invoice=invoice)}


def bytes_of(file: Document) -> bytes:
    return read_document(file.storage_key, sha256=file.sha256)


def emails() -> int:
    with all_accounts_scope("what was queued"):
        return OutgoingEmail.objects.count()


def test_a_document_is_stored_as_pdf_with_its_einvoice_and_as_ubl() -> None:
    issued = an_issued_invoice(an_account("Ladle & Sons Ltd"), a_seller())
    assert render_due()
    files = files_of(issued)
    assert {kind: file.state for kind, file in files.items()} == {"pdf": "stored", "ubl": "stored"}
    name, embedded = facturx.get_xml_from_pdf(bytes_of(files["pdf"]), check_xsd=True)
    assert name == "factur-x.xml"
    ubl = bytes_of(files["ubl"])
    for read in (parse_ubl_cii_xml(embedded), parse_ubl_cii_xml(ubl)):
        assert read["BT-1"] == issued.number
        assert read["BT-2"] == issued.issue_date
        assert Decimal(read["BT-112"]) == issued.gross_total
        assert read["BG-7"]["name"] == "Ladle & Sons Ltd"
    assert files["ubl"].template_version == WRITER
    assert (files["ubl"].size, files["ubl"].sha256) == (len(ubl), hashlib.sha256(ubl).hexdigest())
    assert emails() == 1


def test_the_archive_refers_to_both_files_and_nothing_else_lies_there() -> None:
    issued = an_issued_invoice(an_account(), a_seller())
    render_due()
    with all_accounts_scope("what the archive holds"):
        referred = {document.key for document in referred_documents()}
        assert not referred & set(unreferred_documents())
    assert referred == {file.storage_key for file in files_of(issued).values()}
    assert {key.rpartition(".")[2] for key in referred} == {"pdf", "xml"}


def test_a_currency_with_three_decimals_gives_a_pdf_and_no_einvoice() -> None:
    issued = an_issued_invoice(an_account(), a_seller(accounting_currency="KWD"), currency="KWD")
    assert render_due()
    files = files_of(issued)
    assert list(files) == ["pdf"]
    assert files["pdf"].state == "stored"
    assert pypdfium2.PdfDocument(bytes_of(files["pdf"])).count_attachments() == 0
    assert emails() == 1


BROKEN = EInvoiceInvalid((Objection("BR-CO-26", "the seller must be identified"),))


@pytest.mark.parametrize("check", ["check_cii", "check_ubl"])
def test_an_einvoice_that_breaks_a_rule_parks_its_document_at_once(
    check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[str] = []
    monkeypatch.setattr(producing, "store_document", lambda *_, suffix: stored.append(suffix))
    monkeypatch.setattr(producing, check, raising(BROKEN))
    issued = an_issued_invoice(an_account(), a_seller())
    assert render_due()
    [parked] = files_of(issued).values()
    assert (parked.kind, parked.state, parked.attempts) == ("pdf", "parked", 1)
    assert "BR-CO-26: the seller must be identified" in parked.last_error
    assert (stored, emails()) == ([], 0)
    with all_accounts_scope("what is recorded"):
        assert AuditEvent.objects.filter(action="document:parked").count() == 1


def raising(error: Exception) -> Callable[..., Any]:
    def check(*_: object, **__: object) -> None:
        raise error

    return check


def test_a_parked_document_that_is_tried_again_is_finished() -> None:
    issued = an_issued_invoice(an_account(), a_seller())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(producing, "check_cii", raising(BROKEN))
        render_due()
    retry_document(files_of(issued)["pdf"], actor=ACTOR)
    render_due()
    assert {file.state for file in files_of(issued).values()} == {"stored"}
    assert (len(files_of(issued)), emails()) == (2, 1)


def test_a_validator_without_a_verdict_is_tried_again_and_passes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may have ended by accident."""
    monkeypatch.setattr(VALIDATOR, "report_on", raising(ValidatorFailed("gone")))
    issued = an_issued_invoice(an_account(), a_seller())
    for attempt in range(1, MAX_ATTEMPTS + 1):
        render_due()
        assert files_of(issued)["pdf"].attempts == attempt
        let_time_pass()
    [parked] = files_of(issued).values()
    assert (parked.state, emails()) == ("parked", 0)
    assert "NoVerdict: FACTUR-X_EN16931.xslt: gone" in parked.last_error


def let_time_pass() -> None:
    with all_accounts_scope("as time goes by"):
        Document.objects.filter(state="pending").update(next_attempt_at=timezone.now())


def test_a_document_voided_meanwhile_has_its_files_and_no_mail() -> None:
    issued = an_issued_invoice(an_account(), a_seller())

    def void_then_store(content: bytes, *, suffix: str) -> StoredDocument:
        if suffix == ".xml":
            void(issued)
        return store_document(content, suffix=suffix)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(producing, "store_document", void_then_store)
        render_due()
    assert {file.state for file in files_of(issued).values()} == {"stored"}
    assert emails() == 0


def void(invoice: Invoice) -> None:
    with account_scope(invoice.account_id), transaction.atomic():
        Invoice.objects.filter(pk=invoice.pk).update(
            state="void", voided_at=timezone.now(), void_reason="issued by mistake"
        )


def test_whoever_lost_the_lease_leaves_no_row_and_the_next_makes_the_same_files() -> None:
    issued = an_issued_invoice(an_account(), a_seller())
    keys: list[str] = []

    def store_slowly(content: bytes, *, suffix: str) -> StoredDocument:
        stored = store_document(content, suffix=suffix)
        keys.append(stored.key)
        with all_accounts_scope("the lease runs out meanwhile"):
            Document.objects.filter(invoice=issued).update(
                lease_token=None, leased_until=None, state="pending"
            )
        return stored

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(producing, "store_document", store_slowly)
        patch.setattr(producing, "each_due", once(each_due))
        render_due(budget=timedelta(seconds=60))
    assert list(files_of(issued)) == ["pdf"]
    assert emails() == 0
    render_due()
    assert sorted(file.storage_key for file in files_of(issued).values()) == sorted(keys)
    assert emails() == 1


def once(claims: Callable[..., Any]) -> Callable[..., Any]:
    """The first that is due, and no more in this round."""

    def first(*args: Any, **options: Any) -> Any:
        yield next(claims(*args, **options))

    return first


def test_an_outage_between_the_two_files_leaves_the_document_waiting() -> None:
    issued = an_issued_invoice(an_account(), a_seller())

    def full_after_the_first(content: bytes, *, suffix: str) -> StoredDocument:
        if suffix == ".xml":
            raise StorageUnavailable("No space left on device")
        return store_document(content, suffix=suffix)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(producing, "store_document", full_after_the_first)
        render_due()
    [waiting] = files_of(issued).values()
    assert (waiting.state, waiting.attempts, emails()) == ("pending", 0, 0)
    let_time_pass()
    render_due()
    assert {file.state for file in files_of(issued).values()} == {"stored"}


def test_a_death_before_the_commit_leaves_neither_row_nor_mail() -> None:
    issued = an_issued_invoice(an_account(), a_seller())
    with pytest.raises(_Killed), pytest.MonkeyPatch.context() as patch:
        patch.setattr(producing, "queue_emails", raising_killed)
        render_due()
    assert {file.kind: file.state for file in files_of(issued).values()} == {"pdf": "rendering"}
    with all_accounts_scope("as time goes by"):
        Document.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    render_due()
    assert {file.state for file in files_of(issued).values()} == {"stored"}
    assert (len(files_of(issued)), emails()) == (2, 1)


class _Killed(BaseException):
    """Ends the worker where it stands, past every ``except Exception``."""


def raising_killed(*_: object) -> None:
    raise _Killed


def test_the_ubl_row_is_never_work_for_anybody() -> None:
    an_issued_invoice(an_account(), a_seller())
    render_due()
    with all_accounts_scope("what is left to do"):
        assert not Document.objects.exclude(state="stored").exists()
    assert render_due()
    assert emails() == 1
