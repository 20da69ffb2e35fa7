"""A document whose layout never ends, in front of others that wait for the same process."""

import pytest

from common.scoping import all_accounts_scope
from invoices import producing
from invoices.models import Document
from invoices.producing import render_due
from invoices.rendering import pdf
from invoices.rendering.document import InvoiceDocument
from tests.scenes import a_seller, an_account, an_issued_invoice

pytestmark = pytest.mark.django_db


def test_it_is_given_up_for_now_and_the_next_document_follows_in_the_same_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seller = a_seller()
    endless, fine = (an_issued_invoice(an_account(name), seller) for name in ("Endless", "Fine"))
    really_rendered = pdf.render_pdf

    def render(document: InvoiceDocument, *, einvoice: bytes | None = None) -> bytes:
        while document.number == endless.number:
            pass
        return really_rendered(document, einvoice=einvoice)

    monkeypatch.setattr(producing, "render_pdf", render)
    monkeypatch.setattr(producing, "_PROCESSOR_SECONDS", 1)
    render_due()
    with all_accounts_scope("what became of them"):
        given_up = Document.objects.get(invoice=endless)
        assert (given_up.state, given_up.attempts) == ("pending", 1)
        assert given_up.last_error.startswith("RenderedTooLong: it was given up after 1.05 s")
        assert set(Document.objects.filter(invoice=fine).values_list("state", flat=True)) == {
            "stored"
        }
