"""M8: a noted head finds every later change, even one that a superuser made consistent."""

import io
import json
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.storage import store_document
from invoices.models import Invoice, NumberSeries, Seller
from invoices.proving.ranges import Gathered, Within
from invoices.voiding import void_invoice
from tests.factories import make_invoice, store_pdf
from tests.invoices.forging import reseal, run, without_guards
from tests.scenes import ACTOR, a_seller, an_account

transactional = pytest.mark.django_db(transaction=True)


class Case:
    """Documents of one series, and heads as they were noted in a file, oldest first."""

    def __init__(self, folder: Path) -> None:
        self.seller: Seller = a_seller()
        self.account = an_account()
        self.issued: list[Invoice] = []
        self.noted = folder / "heads"
        self.lines: list[str] = []

    def issue(self, number: int = 1, *, stored: bool = True) -> None:
        for _ in range(number):
            invoice = make_invoice(self.account, seller=self.seller)
            self.issued.append(invoice)
            if stored:
                self.store(invoice)

    def store(self, invoice: Invoice) -> None:
        store_pdf(invoice, f"%PDF of {invoice.number}".encode())

    def note(self) -> None:
        told = io.StringIO()
        call_command("verify_invoices", "--head", stdout=told)
        head, line = told.getvalue().splitlines()
        self.lines.append(line)
        with self.noted.open("a") as file:
            file.write(f"{head}\n{line}\n")

    def series(self) -> NumberSeries:
        return NumberSeries.objects.get(prefix="INV-")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Three documents, noted; two more, noted."""
    case = Case(tmp_path)
    case.issue(3)
    case.note()
    case.issue(2)
    case.note()
    return case


def verify(*arguments: object) -> str:
    told = io.StringIO()
    call_command("verify_invoices", *map(str, arguments), stdout=told, stderr=io.StringIO())
    return told.getvalue()


def findings(*arguments: object, code: int = 1) -> str:
    told = io.StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("verify_invoices", *map(str, arguments), stdout=told, stderr=io.StringIO())
    assert refused.value.returncode == code
    return f"{told.getvalue()}{refused.value}"


# --- Forgeries that fit ---------------------------------------------------------------------------


def change_an_amount(case: Case) -> None:
    """Of the second document: 100.00 becomes 10.00, with everything that follows from it."""
    second = case.issued[1].pk
    run("UPDATE invoices_invoiceline SET unit_price=10, net_amount=10 WHERE invoice_id=%s", second)
    run(
        "UPDATE invoices_invoicetaxline SET taxable_amount=10, tax_amount=2 WHERE invoice_id=%s",
        second,
    )
    run(
        "UPDATE invoices_invoice SET line_total=10, net_total=10, tax_total=2, gross_total=12,"
        " amount_due=12 WHERE id=%s",
        second,
    )
    run("UPDATE invoices_settlement SET total=12 WHERE invoice_id=%s", second)
    reseal(case.series())


def replace_a_file(case: Case) -> None:
    stored = store_document(b"%PDF of another amount", suffix=".pdf")
    columns = (stored.key, stored.sha256, stored.size, case.issued[1].pk)
    run(
        "UPDATE invoices_document SET storage_key=%s, sha256=%s, size=%s WHERE invoice_id=%s",
        *columns,
    )
    run(
        "UPDATE mail_outgoingemail SET attachment_key=%s, attachment_sha256=%s WHERE id IN"
        " (SELECT email_id FROM invoices_delivery WHERE invoice_id=%s)",
        stored.key,
        stored.sha256,
        case.issued[1].pk,
    )


def delete_the_last(case: Case) -> None:
    last = case.issued[-1].pk
    for table in ("delivery", "document", "settlement", "invoicetaxline", "invoiceline"):
        run(f"DELETE FROM invoices_{table} WHERE invoice_id = %s", last)
    run("DELETE FROM invoices_invoice WHERE id = %s", last)
    reseal(case.series())


def void_silently(case: Case) -> None:
    """As if it had been before the heads, with an event in the log."""
    first = case.issued[0]
    run(
        "UPDATE invoices_invoice SET state='void', void_reason='x',"
        " voided_at = issued_at WHERE id=%s",
        first.pk,
    )
    run(
        "INSERT INTO audit_auditevent (id, happened_at, account_id, action, actor_kind,"
        " actor_label, subject, details) VALUES (gen_random_uuid(), %s, %s, 'invoice:voided',"
        " 'user', 'x', %s, '{}')",
        first.issued_at,
        first.account_id,
        f"invoice {first.number}",
    )


def give_to_another_account(case: Case) -> None:
    """The content hash says who was invoiced and not whose account it is."""
    other, second = an_account().pk, case.issued[1].pk
    run(
        "UPDATE mail_outgoingemail SET account_id=%s WHERE id IN"
        " (SELECT email_id FROM invoices_delivery WHERE invoice_id=%s)",
        other,
        second,
    )
    for table in ("delivery", "document", "settlement", "invoicetaxline", "invoiceline"):
        run(f"UPDATE invoices_{table} SET account_id=%s WHERE invoice_id=%s", other, second)
    run("UPDATE invoices_invoice SET account_id=%s WHERE id=%s", other, second)


@transactional
@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (change_an_amount, "INV-: one or more of INV-000001 … INV-000003 is not what it was"),
        (replace_a_file, "INV-: one or more of INV-000001 … INV-000003 is not what it was"),
        (delete_the_last, "INV-: it counts to 4, and counted to 5 of "),
        (give_to_another_account, "INV-: one or more of INV-000001 … INV-000003 is not what it"),
    ],
)
def test_a_consistent_forgery_fools_the_check_alone_and_no_head(
    case: Case, forge: Callable[[Case], None], said: str
) -> None:
    with without_guards():
        forge(case)
    # Everything fits: whoever holds the owner role can make it fit. This is what heads are for.
    assert "nothing differs" in verify()
    assert said in findings("--against", case.noted)


@transactional
def test_a_silent_void_that_is_dated_back_is_found(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To every check of the rows it is a void like others; that it was none is in the head."""
    # No time at all: a head's own is cut to whole seconds, and the case was issued in that second.
    monkeypatch.setattr("invoices.proving.comparing._VOIDING_TAKES", timedelta(seconds=-1))
    with without_guards():
        void_silently(case)
    assert "nothing differs" in verify()
    told = findings("--against", case.noted)
    assert "INV-000001: it says that it was voided " in told
    assert "note: INV-000001" not in told


@transactional
def test_a_document_that_is_no_longer_void_is_named(case: Case) -> None:
    case.issue(1, stored=False)
    void_invoice(case.issued[-1], reason="made twice", actor=ACTOR)
    case.note()
    with without_guards():
        run("UPDATE invoices_invoice SET state='issued', voided_at=NULL, void_reason=''")
    assert "INV-000006 was void" in findings("--against", case.noted)


@transactional
def test_a_void_that_the_log_does_not_know_is_found_without_a_head(case: Case) -> None:
    with without_guards():
        run("UPDATE invoices_invoice SET state='void', void_reason='x', voided_at=now()")
    assert "INV-000001: it is void and the log does not know who did it" in findings()


# --- Between which two ----------------------------------------------------------------------------


@transactional
def test_several_heads_say_where_the_change_lies_and_when_it_was_made(case: Case) -> None:
    with without_guards():
        run("UPDATE invoices_invoice SET notes='x' WHERE id=%s", case.issued[3].pk)
        reseal(case.series())
    case.note()
    told = findings("--against", case.noted)
    assert "one or more of INV-000004 … INV-000005 is not what it was" in told
    assert ", and agrees with that of " in told
    assert re.search(r"It was changed between \S+ \S+ UTC and before ", told)


@transactional
def test_a_series_that_is_gone_is_named(case: Case) -> None:
    with without_guards():
        run("UPDATE invoices_numberseries SET prefix='NEW-' WHERE prefix='INV-'")
        run("UPDATE invoices_invoice SET number=replace(number, 'INV-', 'NEW-')")
        reseal(NumberSeries.objects.get(prefix="NEW-"))
    assert "INV-: this series is gone" in findings("--no-files", "--against", case.noted)


# --- What is no change ----------------------------------------------------------------------------


@transactional
def test_what_rightly_came_later_is_told_and_is_no_change(case: Case) -> None:
    case.issue(1, stored=False)
    case.note()
    case.issue(2)
    case.store(case.issued[5])
    void_invoice(case.issued[6], reason="made twice", actor=ACTOR)
    told = verify("--against", case.noted)
    assert "note: INV-: 5 further documents since" in told
    assert "note: INV-000007: voided" in told
    assert told.endswith("8 documents in 2 series, 8 files, 3 heads: nothing differs.\n")


@transactional
def test_a_file_that_was_still_to_come_is_covered_by_the_next_head(case: Case) -> None:
    case.issue(1, stored=False)
    case.note()
    case.store(case.issued[5])
    case.note()
    with without_guards():
        stored = store_document(b"%PDF another", suffix=".pdf")
        run(
            "UPDATE invoices_document SET storage_key=%s, sha256=%s, size=%s WHERE invoice_id=%s",
            stored.key,
            stored.sha256,
            stored.size,
            case.issued[5].pk,
        )
        run("UPDATE invoices_delivery SET email_id=NULL WHERE invoice_id=%s", case.issued[5].pk)
    told = findings("--against", case.noted)
    assert "a file that was stored or a document that was voided is not what it was" in told


@transactional
def test_a_stored_file_that_is_no_longer_known_is_named(case: Case) -> None:
    with without_guards():
        run(
            "UPDATE invoices_document SET state='pending', sha256='', storage_key=''"
            " WHERE invoice_id=%s",
            case.issued[1].pk,
        )
        run("UPDATE invoices_delivery SET email_id=NULL WHERE invoice_id=%s", case.issued[1].pk)
    assert "INV-000002 had a stored PDF" in findings("--against", case.noted)


# --- Heads themselves -----------------------------------------------------------------------------


@transactional
def test_the_line_is_short_and_is_that_of_its_head(case: Case) -> None:
    head, line = case.noted.read_text().splitlines()[:2]
    assert len(line) < 100
    assert line.split()[-1] == json.loads(head)["sha256"]
    assert re.fullmatch(r"counterfoil \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [0-9a-f]{64}", line)


@transactional
def test_heads_are_found_in_a_mail_and_on_standard_input(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = f"Subject: heads\n\n> {case.noted.read_text()}\nRegards"
    monkeypatch.setattr(sys, "stdin", io.StringIO(mail))
    assert "2 heads: nothing differs" in verify("--against", "-")


@transactional
def test_a_head_that_was_forged_does_not_fit_the_line_that_was_published(case: Case) -> None:
    published = case.noted.with_name("newspaper")
    published.write_text(f"… {case.lines[0]} …")
    with without_guards():
        change_an_amount(case)
    case.noted.write_text("")
    case.note()
    assert "nothing differs" in verify("--against", case.noted)
    told = findings("--against", case.noted, "--against", published)
    assert "no head that was given has this hash" in told


@transactional
def test_a_head_that_was_altered_is_told(case: Case) -> None:
    case.noted.write_text(case.noted.read_text().replace('"last_sequence":3', '"last_sequence":2'))
    told = findings("--against", case.noted)
    assert "the head in line 1: cannot be used: its own hash does not fit" in told


@transactional
@pytest.mark.parametrize(
    "arguments", [["--head", "--no-files"], ["--against", "/dev/null"], ["--series", "XYZ-"]]
)
def test_a_wrong_call_is_told_apart(case: Case, arguments: list[str]) -> None:
    findings(*arguments, code=2)


@transactional
def test_a_head_takes_as_many_statements_for_many_documents(case: Case) -> None:
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            case.note()
        counts.append(len(captured))
        case.issue(10)
    assert counts[0] == counts[1]


@transactional
def test_a_head_says_how_far_a_series_has_counted_and_what_is_to_come(case: Case) -> None:
    (head, *_) = case.noted.read_text().splitlines()
    (series,) = json.loads(head)["series"]
    assert (series["prefix"], series["last_sequence"]) == ("INV-", 3)
    assert (series["without_pdf"], series["without_ubl"]) == ([], [[1, 3]])


# --- Ranges ---------------------------------------------------------------------------------------


def test_numbers_are_kept_as_runs_and_found_again() -> None:
    gathered = Gathered()
    for number in (1, 2, 3, 7, 9, 10):
        gathered.add(number)
    assert gathered.ranges() == ((1, 3), (7, 7), (9, 10))
    within = Within(gathered.ranges())
    assert [number for number in range(12) if number in within] == [1, 2, 3, 7, 9, 10]
