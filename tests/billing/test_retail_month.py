"""A month of a real wholesaler, from CSV to mailboxes, with real workers.

What benchmarks/retail_month.py does, at a tenth of the accounts. What must come of it is added up
from the file by other means.
"""

import io
import os
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from accounts.models import Account
from benchmarks._installation import ROOT, postgres_pid_of
from benchmarks._ledger import Expected, expect, retail_file, take_a_share
from benchmarks._processes import Meter, Peaks
from benchmarks._retail import MAPPING, run_month
from benchmarks._retail_report import facts, table
from billing.models import BillingEntry
from common.embedded.places import Places
from common.scoping import all_accounts_scope
from taxes.models import TaxRate
from taxes.starting_table import add_missing_rates
from tests.mail.sink import Sink, running_sink
from tests.scenes import a_seller

FILE, IS_REAL = retail_file()
REAL = pytest.mark.skipif(
    not IS_REAL,
    reason="THE REAL RETAIL MONTH WAS NOT FOUND (COUNTERFOIL_RETAIL_DATA): our own sample stood in",
)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_tenth_of_the_month_goes_from_file_to_mailbox_without_a_cent_or_a_message_lost(
    tmp_path: Path,
) -> None:
    # A test with real transactions ends with a flush, which takes the shipped rates along.
    add_missing_rates(TaxRate)
    file = take_a_share(FILE, tmp_path / "share.csv", one_in=10) if IS_REAL else FILE
    peaks = Peaks()
    with running_sink() as sink, peaks.looking():
        meter = meter_for(sink, peaks, log=tmp_path)
        month = run_month(file, meter=meter, sink=sink, say=print, compare=False)
    expected = expect(file)
    print(*table(month, expected, peaks), sep="\n")
    assert [fact for fact in facts(month, expected, peaks) if not fact.holds] == []
    assert expected.credit_notes > 0
    assert expected.export_documents > 0
    assert len(month.books.recipients) > month.books.documents


def meter_for(sink: Sink, peaks: Peaks, *, log: Path) -> Meter:
    """Programs on this test's own database and Redis, sending to ``sink``."""
    return Meter(
        environment={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "EMAIL_PORT": str(sink.port),
        },
        folder=ROOT,
        log=log,
        postgres=postgres_pid_of(Places(settings.VAR_DIR)),
        peaks=peaks,
    )


@pytest.mark.django_db
def test_the_whole_month_comes_in_and_again_adds_nothing() -> None:
    a_seller()
    expected = expect(FILE)
    assert f"  {expected.taken:,} taken, for {expected.accounts:,} accounts" in take(FILE)
    said = take(FILE)
    assert "  0 taken\n" in said
    assert f"  {expected.taken:,} were taken before" in said
    assert f"  {expected.without_account:,} refused:\n" in said
    assert f"    {expected.without_account:,} name no account" in said
    with all_accounts_scope("a test counts what was taken"):
        assert BillingEntry.objects.count() == expected.taken


@REAL
def test_the_real_month_adds_up_to_what_is_known_of_it() -> None:
    assert expect(FILE) == Expected(
        rows=42_481,
        without_account=15_631,
        taken=26_850,
        accounts=948,
        invoices=881,
        credit_notes=67,
        net=Decimal("554604.02"),
        taxed_documents=936,
        taxed_net=Decimal("539953.93"),
        tax=Decimal("94492.25"),
        export_documents=12,
        export_net=Decimal("14650.09"),
    )


@REAL
@pytest.mark.django_db
def test_the_real_month_opens_each_account_where_its_first_row_says() -> None:
    a_seller()
    assert "net of tax GBP 554,604.02" in take(FILE)
    countries = dict(Account.objects.values_list("external_reference", "country"))
    assert countries["12370"] == "CY"  # Cyprus first, Austria later
    assert sum(country == "IE" for country in countries.values()) > 0
    assert {"GB", "IE", "GG", "JP"} <= set(countries.values())


def take(file: Path) -> str:
    out = io.StringIO()
    call_command(
        "import_charges",
        *(str(file), "--mapping", str(MAPPING), "--create-accounts", "--accept-valid", "--quiet"),
        stdout=out,
        stderr=io.StringIO(),
        skip_checks=True,
    )
    return out.getvalue()
