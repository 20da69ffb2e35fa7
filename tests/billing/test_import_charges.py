"""`manage.py import_charges`: checked whole, taken once, every refused row by its line."""

import csv
import gzip
import hashlib
import io
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account, Membership
from audit.models import AuditEvent
from billing.charges import staging
from billing.charges.checking import Refused
from billing.charges.fields import Reason, Refusal
from billing.charges.new_accounts import owner_address
from billing.models import BillingEntry
from common.scoping import all_accounts_scope
from tests.scenes import a_seller, an_account

pytestmark = pytest.mark.django_db

SAMPLE = Path(__file__).parents[1] / "fixtures" / "retail-sample.csv"
MAPPING = Path(__file__).parents[2] / "benchmarks" / "online-retail.toml"
HEADER = "account,description,quantity,unit_price,currency,date,product_category\n"


@dataclass(frozen=True)
class Said:
    """What the command wrote, and its refusal if it ended with one."""

    out: str
    err: str
    refusal: str

    @property
    def refused_lines(self) -> list[str]:
        return [line for line in self.out.splitlines() if line.startswith("line")]


Importer = Callable[..., Said]


@pytest.fixture
def take(tmp_path: Path) -> Importer:
    """Import text (under our header) or bytes (as they are) with the given options."""

    def run(content: str | bytes, *options: str) -> Said:
        file = tmp_path / "charges.csv"
        file.write_bytes(content if isinstance(content, bytes) else (HEADER + content).encode())
        return command(str(file), *options)

    return run


def command(*arguments: str) -> Said:
    out, err, refusal = io.StringIO(), io.StringIO(), ""
    try:
        call_command("import_charges", *arguments, stdout=out, stderr=err, skip_checks=True)
    except CommandError as error:
        refusal = str(error)
    return Said(out.getvalue(), err.getvalue(), refusal)


def entries(**filters: object) -> list[BillingEntry]:
    with all_accounts_scope("a test looks at what was taken"):
        return list(BillingEntry.objects.filter(**filters).order_by("pk"))


def charge(account: Account | str, **cells: str) -> str:
    """A good row of ``account``, with ``cells`` instead."""
    name = account if isinstance(account, str) else str(account.number)
    row = {
        "account": name,
        "description": "Virtual server",
        "quantity": "2",
        "unit_price": "9.90",
        "currency": "GBP",
        "date": "2026-01-31",
        "product_category": "service",
        **cells,
    }
    return ",".join(row.values()) + "\n"


# --- Taking ---------------------------------------------------------------------------------------


def test_charges_become_entries_in_the_order_of_the_file(take: Importer) -> None:
    seller, account = a_seller(), an_account()
    said = take(charge(account, description="first") + charge(account, description="second"))
    first, second = entries()
    assert (first.description, second.description) == ("first", "second")
    assert first.account_id == account.pk
    assert first.seller_id == seller.pk
    assert (first.quantity, first.unit_price) == (Decimal(2), Decimal("9.9"))
    assert first.tax_point == first.due_on == date(2026, 1, 31)
    assert (first.unit_code, first.price_base_quantity) == ("C62", 1)
    assert "2 taken, for 1 account; net of tax GBP 39.60" in said.out
    assert said.refusal == ""


def test_an_account_is_named_by_its_number_or_by_its_external_reference(take: Importer) -> None:
    a_seller()
    account = an_account(external_reference="K-17")
    take(charge(account) + charge("K-17", description="other"))
    assert [entry.account_id for entry in entries()] == [account.pk, account.pk]


def test_a_name_that_fits_two_accounts_is_refused_unless_the_mapping_says_which(
    take: Importer, tmp_path: Path
) -> None:
    a_seller()
    numbered = an_account()
    referred = an_account(external_reference=str(numbered.number))
    said = take(charge(numbered))
    assert "one account's number and another's reference" in said.out
    mapping = tmp_path / "mapping.toml"
    for by, account in (("number", numbered), ("reference", referred)):
        mapping.write_text(f'[file]\naccounts_by = "{by}"\n')
        take(charge(numbered, description=by), "--mapping", str(mapping))
        assert [entry.account_id for entry in entries(description=by)] == [account.pk]


def test_with_several_sellers_the_file_must_say_which(take: Importer) -> None:
    a_seller("north")
    south = a_seller("south")
    account = an_account()
    assert "nothing says what is seller" in take(charge(account)).refusal
    take(charge(account), "--seller", "south")
    assert [entry.seller_id for entry in entries()] == [south.pk]


def test_without_any_seller_it_says_so(take: Importer) -> None:
    assert "there is no seller yet" in take(charge("1")).refusal


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_is_taken_like_a_file(monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    a_seller()
    content = (HEADER + charge(an_account())).encode()
    stdin = io.TextIOWrapper(io.BytesIO(gzip.compress(content) if packed else content))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert "standard input: 1 row\n  1 taken" in command("-").out


def test_options_map_columns_and_give_defaults(tmp_path: Path) -> None:
    a_seller()
    account = an_account()
    file = tmp_path / "other.csv"
    file.write_text(f"Konto;Text;Menge;Preis;Tag;Notiz\n{account.number};Server;1;5;2026-02-01;x\n")
    said = command(
        str(file),
        *("--delimiter", ";", "--currency", "eur", "--default", "product_category=service"),
        *("--map", "account=Konto", "--map", "description=Text", "--map", "quantity=Menge"),
        *("--map", "unit_price=Preis", "--map", "date=Tag"),
    )
    assert [(entry.description, entry.currency) for entry in entries()] == [("Server", "EUR")]
    assert "Columns not used: Notiz." in said.err


# --- Once, and all of them ------------------------------------------------------------------------


def test_the_same_file_again_adds_nothing_and_says_so(take: Importer) -> None:
    a_seller()
    rows = charge(an_account()) + charge(an_account())
    take(rows)
    said = take(rows)
    assert len(entries()) == 2
    assert "0 taken" in said.out
    assert "2 were taken before" in said.out
    assert said.refusal == ""


def test_identical_lines_of_one_file_all_count_and_a_longer_export_adds_the_new(
    take: Importer,
) -> None:
    a_seller()
    account = an_account()
    take(charge(account) * 3)
    assert len(entries()) == 3
    said = take(charge(account, description="new") + charge(account) * 5)
    assert len(entries(description="Virtual server")) == 5
    assert "3 taken" in said.out
    assert "3 were taken before" in said.out


def test_a_charge_keeps_its_identity_whichever_name_of_the_account_the_file_uses(
    take: Importer,
) -> None:
    a_seller()
    account = an_account(external_reference="K-17")
    take(charge(account))
    assert "1 was taken before" in take(charge("K-17")).out
    assert len(entries()) == 1


def test_a_charge_taken_before_that_says_something_else_now_is_refused(take: Importer) -> None:
    a_seller()
    account = an_account()
    take(charge(account))
    said = take(charge(account, product_category="goods"))
    assert said.refused_lines == [
        "line 2: was taken before with another product_category:"
        " charge the difference, with a charge id of its own"
    ]


def test_a_charge_id_is_taken_once_whatever_else_the_row_says(take: Importer) -> None:
    a_seller()
    account, other = an_account(), an_account()
    header = HEADER.strip() + ",charge_id\n"

    def row(account: Account, **cells: str) -> str:
        return charge(account, **{"charge_id": "7", **cells})

    take((header + row(account) + row(account, charge_id="8")).encode())
    assert len(entries()) == 2
    again = take((header + row(account)).encode())
    assert "1 was taken before" in again.out
    moved = take((header + row(other, unit_price="1.00")).encode())
    assert "was taken before with another account, unit_price" in moved.out
    twice = take((header + row(account, charge_id="9") * 2).encode())
    assert "line 3: uses the charge id 9 again, which line 2 has" in twice.out
    assert len(entries()) == 2
    elsewhere = take((header + row(account)).encode(), "--source", "till")
    assert "1 taken" in elsewhere.out


# --- Refusing -------------------------------------------------------------------------------------


def test_one_refused_row_and_nothing_is_taken(take: Importer) -> None:
    a_seller()
    account = an_account()
    said = take(charge(account) + charge(account, quantity="many"))
    assert entries() == []
    assert said.refused_lines == ["line 3: the quantity “many” is no plain number"]
    assert "1 have no usable quantity" in said.out
    assert "1 would be taken" in said.out
    assert "take the good ones with --accept-valid" in said.refusal


def test_good_rows_are_taken_if_that_is_what_was_asked_for(take: Importer) -> None:
    a_seller()
    account = an_account()
    said = take(charge(account) + charge(account, unit_price="-1"), "--accept-valid")
    assert len(entries()) == 1
    assert said.refusal == ""
    assert "1 refused:" in said.out


def test_an_unknown_account_comes_before_every_other_fault_but_a_missing_one(
    take: Importer,
) -> None:
    a_seller()
    said = take(charge("", quantity="?") + charge("999999", quantity="?") + charge("999999"))
    assert said.refused_lines == [
        "line 2: names no account",
        "lines 3-4: there is no account 999999",
    ]
    assert "2 name an account that does not exist" in said.out


def test_lines_are_those_of_the_file_with_blank_lines_and_line_breaks_counted(
    take: Importer,
) -> None:
    a_seller()
    good = charge(an_account(), description='"two\nlines"')
    said = take("\n\n" + good + good + charge("", description="x") + charge(""))
    assert said.refused_lines == ["lines 8-9: names no account"]


def test_refused_rows_are_written_to_a_file_that_can_be_mended_and_imported(
    take: Importer, tmp_path: Path
) -> None:
    a_seller()
    account = an_account()
    refused = tmp_path / "refused.csv"
    take(
        charge(account) + charge(account, quantity="one") + charge("", description='"a ""b"""'),
        *("--accept-valid", "--refused", str(refused)),
    )
    with refused.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["refused_line"] for row in rows] == ["3", "4"]
    assert [row["description"] for row in rows] == ["Virtual server", 'a "b"']
    mended = refused.read_text().replace("one", "1")
    said = take(mended.encode(), "--accept-valid", "--refused", str(refused))
    assert "1 taken" in said.out
    assert sorted(entry.quantity for entry in entries()) == [1, 2]


def test_bytes_that_are_no_utf8_refuse_their_row_and_go_back_as_they_came(
    take: Importer, tmp_path: Path
) -> None:
    a_seller()
    account, refused = an_account(), tmp_path / "refused.csv"
    latin = (HEADER + charge(account, description="Gerät") + charge(account)).encode("latin-1")
    said = take(latin, "--accept-valid", "--refused", str(refused))
    assert said.refused_lines == ["line 2: holds bytes that are not UTF-8"]
    assert "Gerät".encode("latin-1") in refused.read_bytes()
    take(latin, "--encoding", "latin-1")
    assert [entry.description for entry in entries()] == ["Virtual server", "Gerät"]


def test_texts_reach_the_database_as_they_are_written(take: Importer) -> None:
    a_seller()
    awkward = r"C:\temp\new \N \. 100% <b>{{ x }}</b> 'q' 茶 ☃"
    take(charge(an_account(), description=f'"{awkward}"'))
    assert [entry.description for entry in entries()] == [awkward]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty: not even a header"),
        (b"\xff\xfea\x00", "is UTF-16"),
        (b"account;quantity\n", "look divided by semicolons"),
        (b'account,"quantity\n', "opened on line 1 and never closed"),
    ],
)
def test_a_file_of_the_wrong_form_is_refused_as_a_whole(
    take: Importer, content: bytes, said: str
) -> None:
    a_seller()
    refusal = take(content, "--accept-valid").refusal
    assert said in refusal
    assert "Nothing was taken." in refusal


def test_a_damaged_archive_leaves_nothing_behind(take: Importer) -> None:
    a_seller()
    account = an_account()
    rows = HEADER + "".join(charge(account, description=f"d{n}") for n in range(9000))
    said = take(gzip.compress(rows.encode())[:-100], "--accept-valid")
    assert re.search(r"it ends after line \d{4}\.", said.refusal)
    assert entries() == []


def test_a_dry_run_says_what_would_be_and_writes_nothing(take: Importer) -> None:
    a_seller()
    rows = charge(an_account()) + charge("")
    said = take(rows, "--dry-run")
    assert "1 would be taken" in said.out
    assert "Nothing would be taken" in said.refusal
    assert entries() == []
    assert not AuditEvent.objects.filter(action="charges:imported").exists()


def test_quiet_leaves_the_sum_alone(take: Importer) -> None:
    a_seller()
    said = take(charge(""), "--quiet")
    assert said.refused_lines == []
    assert said.err == ""
    assert "1 name no account" in said.out


# --- Accounts that are missing --------------------------------------------------------------------

WITH_COUNTRY = HEADER.strip() + ",country,account_name\n"


def test_missing_accounts_are_opened_with_an_owner_at_a_reserved_domain(take: Importer) -> None:
    a_seller()
    rows = charge("17850", country="de", account_name="Müller GmbH")
    rows += charge("17850", country="AT", account_name="") + charge(
        "17851", country="FR", account_name=""
    )
    said = take((WITH_COUNTRY + rows).encode(), "--create-accounts")
    assert "3 taken, for 2 accounts, 2 of them opened" in said.out
    first = Account.objects.get(external_reference="17850")
    assert (first.name, first.country, first.currency) == ("Müller GmbH", "DE", "GBP")
    assert (first.kind, first.tax_number) == ("organisation", "")
    owner = Membership.objects.get(account=first, is_owner=True).user
    assert owner.email == "owner@customer-17850.example"
    assert not owner.has_usable_password()
    assert Account.objects.get(external_reference="17851").name == "Customer 17851"
    again = take((WITH_COUNTRY + rows).encode(), "--create-accounts")
    assert "3 were taken before" in again.out
    assert Account.objects.count() == 2


def test_the_first_row_with_a_country_decides_and_without_one_no_account_is_opened(
    take: Importer,
) -> None:
    a_seller()
    rows = charge("A", country="Unspecified", account_name="")
    rows += charge("A", country="NO", account_name="") + charge("A", country="SE", account_name="")
    rows += charge("B", country="Unspecified", account_name="")
    rows += charge("C", country="", account_name="")
    said = take((WITH_COUNTRY + rows).encode(), "--create-accounts", "--accept-valid")
    assert Account.objects.get().country == "NO"
    assert len(entries()) == 3
    assert "line 5: the country “Unspecified” is not known" in said.out
    assert "line 6: names no country, which a new account needs" in said.out


def test_an_account_with_refused_rows_alone_is_not_opened(take: Importer) -> None:
    a_seller()
    row = charge("A", quantity="?", country="NO", account_name="")
    take((WITH_COUNTRY + row).encode(), "--create-accounts", "--accept-valid")
    assert not Account.objects.exists()


def test_owners_of_different_references_have_different_addresses() -> None:
    assert owner_address("17850") == "owner@customer-17850.example"
    odd = ["A/B", "a b", "ab", "AB", "ab-", "é", "x" * 100, "x" * 99]
    addresses = [owner_address(reference) for reference in odd]
    assert len(set(addresses)) == len(odd)
    assert all(re.fullmatch(r"owner@[a-z0-9-]{1,63}\.example", one) for one in addresses)


# --- The record, and others at the same time ------------------------------------------------------


def test_an_import_is_recorded_with_the_hash_of_the_file(take: Importer, tmp_path: Path) -> None:
    a_seller()
    take(charge(an_account()) + charge(""), "--accept-valid")
    with all_accounts_scope("a test reads the record"):
        event = AuditEvent.objects.get(action="charges:imported")
    assert event.subject == "charges.csv"
    assert event.details == {
        "sha256": hashlib.sha256((tmp_path / "charges.csv").read_bytes()).hexdigest(),
        "source": "",
        "rows": 2,
        "refused": {"no_account": 1},
        "taken": 1,
        "taken_before": 0,
        "accounts": 1,
        "opened": 0,
        "net": {"GBP": "19.80"},
    }


def test_the_cost_in_queries_does_not_grow_with_the_file(
    take: Importer, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    a_seller()
    account = an_account()
    rows = "".join(charge(account, description=f"d{n}") for n in range(3000))
    with django_assert_max_num_queries(40):
        take(rows + charge("") * 3000, "--accept-valid")
    assert len(entries()) == 3000


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_one_file_at_once_take_it_once(tmp_path: Path) -> None:
    a_seller()
    account = an_account()
    file = tmp_path / "charges.csv"
    file.write_text(HEADER + "".join(charge(account, description=f"d{n}") * 2 for n in range(500)))
    said: list[Said] = []

    def importing() -> None:
        said.append(command(str(file)))
        connections.close_all()

    threads = [threading.Thread(target=importing) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(entries()) == 1000
    assert [one.refusal for one in said] == [""] * 4
    assert sum("1,000 taken" in one.out for one in said) == 1
    assert sum("1,000 were taken before" in one.out for one in said) == 3


# --- A month of a wholesaler ----------------------------------------------------------------------


def test_the_retail_sample_comes_in_as_another_reading_of_it_says() -> None:
    a_seller()
    said = command(
        str(SAMPLE), "--mapping", str(MAPPING), "--create-accounts", "--accept-valid", "--quiet"
    )
    with SAMPLE.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    named = [row for row in rows if row["CustomerID"]]
    taken = entries()
    assert len(taken) == len(named) == 354
    assert f"{len(rows) - len(named)} name no account" in said.out
    assert [entry.item_id for entry in taken] == [row["StockCode"] for row in named]
    assert [entry.source_reference for entry in taken] == [row["InvoiceNo"] for row in named]
    assert {entry.order_number for entry in taken} == {""}
    assert "net of tax GBP 8,263.17" in said.out
    countries = dict(Account.objects.values_list("external_reference", "country"))
    first: dict[str, str] = {}
    for row in named:
        first.setdefault(row["CustomerID"].removesuffix(".0"), row["Country"])
    codes = {"EIRE": "IE", "Channel Islands": "GG", "United Kingdom": "GB", "Germany": "DE"}
    assert countries.keys() == first.keys()
    for reference, country in first.items():
        assert countries[reference] == codes.get(country, countries[reference])


def test_a_row_that_is_no_csv_is_refused_alone_whatever_the_delimiter(take: Importer) -> None:
    a_seller()
    good = charge(an_account())
    content = (HEADER + good).replace(",", "\t") + '"abc"x\t1\n'
    said = take(content.encode(), "--delimiter", "\t", "--accept-valid")
    assert said.refused_lines == ["line 3: is no CSV ('\\t' expected after '\"')"]
    assert len(entries()) == 1


def test_text_reaches_the_staging_table_as_it_is() -> None:
    said = "a tab\t, a line\r\n, a backslash \\ and \\N"
    row = staging.StagedRow(Refused(7, "K\\1", Reason.UNREADABLE, said), ["\t", "\\"])
    with transaction.atomic():
        staging.stage([row], source="")
        assert list(staging.refusals()) == [
            Refusal(7, Reason.UNREADABLE, said, ("\t", "\\")),
        ]


def test_a_charge_id_that_does_not_fit_is_not_said_to_be_used_again(take: Importer) -> None:
    a_seller()
    header = HEADER.strip() + ",charge_id\n"
    said = take((header + charge(an_account(), charge_id="7" * 101)).encode())
    assert "1 have a charge id that does not fit or is used again" in said.out


def test_whoever_took_a_file_is_on_record(take: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "grace")
    a_seller()
    take(charge(an_account()))
    with all_accounts_scope("a test reads the audit log"):
        event = AuditEvent.objects.get(action="charges:imported")
    assert event.actor_label == "grace at the command line"


def test_charges_are_out_of_reach_without_a_scope(take: Importer) -> None:
    a_seller()
    take(charge(an_account()))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM billing_billingentry")
        assert cursor.fetchone() == (0,)
