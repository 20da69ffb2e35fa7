"""A real month of a wholesaler, through the real pipeline, before every judge (U3).

``RETAIL=1`` takes the whole month, ``RETAIL=10`` every tenth customer; ``ALL=1`` the whole as well.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks._ledger import expect, retail_file, take_a_share
from benchmarks._processes import Peaks
from benchmarks._retail import run_month
from common.scoping import all_accounts_scope
from common.storage import read_document
from invoices.documents import document_of
from invoices.models import Document, Invoice
from taxes.models import TaxRate
from taxes.starting_table import add_missing_rates
from tests.billing.test_retail_month import meter_for
from tests.conformance.judging import Paper, judge
from tests.conformance.record import Record
from tests.conformance.rows import facts_of_rows
from tests.mail.sink import running_sink

FILE, IS_REAL = retail_file()
ONE_IN = int(os.environ.get("RETAIL") or ("1" if os.environ.get("ALL") else "0"))


@pytest.mark.slow
@pytest.mark.skipif(not ONE_IN, reason="the retail month: make conformance RETAIL=1 (or ALL=1)")
@pytest.mark.skipif(
    not IS_REAL,
    reason="THE REAL RETAIL MONTH WAS NOT FOUND (COUNTERFOIL_RETAIL_DATA), SO NOBODY HAS JUDGED IT",
)
@pytest.mark.django_db(transaction=True)
def test_every_document_of_the_retail_month_passes_every_judge(
    present_judges: None, tmp_path: Path, show: Callable[[Record], None]
) -> None:
    # A test with real transactions ends with a flush, which takes the shipped rates along.
    add_missing_rates(TaxRate)
    file = FILE
    if ONE_IN > 1:
        file = take_a_share(FILE, tmp_path / "share.csv", one_in=ONE_IN)
    peaks = Peaks()
    with running_sink() as sink, peaks.looking():
        meter = meter_for(sink, peaks, log=tmp_path)
        run_month(file, meter=meter, sink=sink, say=print, compare=False)
    folder = tmp_path / "documents"
    folder.mkdir()
    # In pounds: no document can have a code to scan.
    record = judge(stored_papers(), folder, look_for_codes=False)
    show(record)
    expected = expect(file)
    documents = expected.invoices + expected.credit_notes
    assert record.files["veraPDF, PDF/A-3a"] == documents
    assert record.files["Mustang, Factur-X and UBL"] == 2 * documents
    assert record.refusals == [], record.worst()


def stored_papers() -> Iterator[Paper]:
    """Each document as it lies in the archive, with what its rows say."""
    with all_accounts_scope("the judges read every document"):
        numbers = list(Invoice.objects.order_by("number").values_list("pk", flat=True))
        for pk in numbers:
            invoice = Invoice.objects.select_related("account", "preceding").get(pk=pk)
            files = {
                stored.kind: read_document(stored.storage_key, sha256=stored.sha256)
                for stored in Document.objects.filter(account=invoice.account_id, invoice=invoice)
            }
            yield Paper(
                str(invoice.number),
                document_of(invoice),
                files[Document.Kind.PDF],
                files[Document.Kind.UBL],
                facts_of_rows(invoice),
            )
