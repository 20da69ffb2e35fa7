"""The judge of the tests of faults can tell: what is broken by hand is found."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import LiteralString

import pytest

from tests.reliability.charges import ChargeRow, Scene, charges_for
from tests.reliability.installation import Installation, own_installation
from tests.reliability.invariants import Witness, check_invariants
from tests.reliability.waiting import wait_until_quiet

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Finished:
    """An installation whose work is done, to be broken and mended again."""

    installation: Installation
    scene: Scene
    charges: list[ChargeRow]
    seen: dict[str, str]

    def judge(self) -> str:
        """What does not hold; empty when all does."""
        witness = Witness(self.installation, seen=dict(self.seen))
        try:
            check_invariants(
                self.installation, scene=self.scene, charges=self.charges, witness=witness
            )
        except AssertionError as violations:
            return str(violations)
        return ""

    @contextmanager
    def broken(self, table: LiteralString, change: LiteralString) -> Iterator[None]:
        """With ``change`` done to the table, past all triggers, until the end of the block."""
        past_triggers: LiteralString = "SET session_replication_role = replica;"
        self.installation.sql(f"CREATE TABLE as_it_was AS TABLE {table}; {past_triggers} {change}")
        try:
            yield
        finally:
            self.installation.sql(
                f"{past_triggers} DELETE FROM {table};"
                f" INSERT INTO {table} SELECT * FROM as_it_was; DROP TABLE as_it_was"
            )


@pytest.fixture(scope="module")
def finished(template: Path) -> Iterator[Finished]:
    with own_installation(template) as installation:
        scene = installation.stage(12)
        charges = charges_for(scene)
        installation.take(charges)
        installation.bill()
        with installation.programs(default=0):
            wait_until_quiet(installation, timeout=60)
        witness = Witness(installation)
        witness.look()
        yield Finished(installation, scene, charges, witness.seen)


def test_nothing_is_found_where_nothing_is_broken(finished: Finished) -> None:
    assert finished.judge() == ""


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        (
            "billing_billingentry",
            "UPDATE billing_billingentry SET invoice_line_id = NULL WHERE id = 1",
            "was not billed",
        ),
        (
            "billing_billingentry",
            "UPDATE billing_billingentry SET quantity = 7 WHERE id = 1",
            "is billed with other figures",
        ),
        (
            "billing_billingentry",
            "DELETE FROM billing_billingentry WHERE id = 1",
            "line 1 of INV-000001 has 0 charges",
        ),
        (
            "invoices_invoiceline",
            "UPDATE invoices_invoiceline SET net_amount = net_amount + 0.01 WHERE id = 1",
            "INV-000001, line 1: ",
        ),
        (
            "invoices_invoiceline",
            "INSERT INTO invoices_invoiceline SELECT (jsonb_populate_record(line,"
            ' \'{"id": 1000, "position": 9}\')).* FROM invoices_invoiceline line WHERE id = 1',
            "R-C00001-0 of 237.56 is billed as [Decimal('237.5600'), Decimal('237.5600')]",
        ),
        (
            "invoices_invoicetaxline",
            "UPDATE invoices_invoicetaxline SET tax_amount = tax_amount - 0.01 WHERE rate > 0",
            "INV-000001: tax ",
        ),
        (
            "invoices_invoice",
            "UPDATE invoices_invoice SET tax_total = tax_total + 1, gross_total = gross_total + 1,"
            " amount_due = amount_due + 1"
            " WHERE number = 'INV-000002'",
            "INV-000002: net, tax, gross ",
        ),
        (
            "invoices_invoice",
            "UPDATE invoices_invoice SET sequence = 12 WHERE number = 'INV-000003'",
            "series INV- counts to 11 and has 1…2, 4…12",
        ),
        (
            "invoices_invoice",
            "UPDATE invoices_invoice SET number = 'INV-3' WHERE number = 'INV-000003'",
            "INV-3 should be INV-000003",
        ),
        (
            "invoices_invoice",
            "UPDATE invoices_invoice SET content_hash = repeat('0', 64)"
            " WHERE number = 'INV-000003'",
            "INV-000004 does not follow the document before it in the chain",
        ),
        (
            "invoices_numberseries",
            "UPDATE invoices_numberseries SET last_hash = repeat('0', 64) WHERE prefix = 'INV-'",
            "series INV- does not end with its newest document",
        ),
        (
            "invoices_invoice",
            "UPDATE invoices_invoice SET notes = 'mended' WHERE number = 'INV-000001'",
            "document INV-000001 has changed",
        ),
        (
            "invoices_delivery",
            "DELETE FROM invoices_delivery WHERE address = 'books@c00002.example'",
            "recipient books@c00002.example of INV-000002 is gone",
        ),
        (
            "invoices_document",
            "UPDATE invoices_document SET sha256 = repeat('0', 64) WHERE invoice_id = 1",
            "is not what its row says",
        ),
        (
            "invoices_document",
            "UPDATE invoices_document SET state = 'parked', last_error = 'Broken: on purpose'"
            " WHERE invoice_id = 1 AND kind = 'pdf'",
            "INV-000001 is parked: Broken: on purpose",
        ),
        (
            "invoices_invoice",
            "UPDATE invoices_invoice SET gross_total = 1234.56, net_total = 1234.56, tax_total = 0,"
            " line_total = 1234.56, amount_due = 1234.56"
            " WHERE number = 'INV-000001'",
            "the PDF of INV-000001 does not say 1,234.56",
        ),
        (
            "mail_outgoingemail",
            "DELETE FROM mail_outgoingemail WHERE recipient_address = 'books@c00001.example'",
            "INV-000001 to books@c00001.example: no message was made",
        ),
        (
            "mail_outgoingemail",
            "UPDATE mail_outgoingemail SET state = 'failed'"
            ", server_response = '' WHERE recipient_address = 'books@c00001.example'",
            "INV-000001 to books@c00001.example is failed and nothing says why",
        ),
        (
            "mail_outgoingemail",
            "UPDATE mail_outgoingemail SET attachment_sha256 = repeat('0', 64)"
            " WHERE recipient_address = 'books@c00001.example'",
            "to books@c00001.example does not carry its document",
        ),
        (
            "mail_outgoingemail",
            "UPDATE mail_outgoingemail SET state = 'queued'"
            ", next_attempt_at = now() - interval '5 minutes'"
            " WHERE recipient_address = 'books@c00001.example'",
            "of C00001 is queued, 0:05:00",
        ),
    ],
)
def test_broken_rows_are_found(
    finished: Finished, table: LiteralString, change: LiteralString, said: str
) -> None:
    with finished.broken(table, change):
        assert said in finished.judge()


def test_broken_mail_is_found(finished: Finished) -> None:
    copies = finished.installation.mailbox.copies
    first = copies.pop(0)
    assert f"to {first.recipient} is marked as sent, but no server has it" in finished.judge()
    copies += [first, first]
    assert "1 second copies for 0 kills of mail workers" in finished.judge()
    copies[-1] = replace(first, sha256="0" * 64)
    assert "2 copies that differ" in finished.judge()
    copies.pop()


def test_broken_files_are_found(finished: Finished) -> None:
    folder = finished.installation.documents
    file = next(path for path in folder.rglob("*.pdf"))
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    assert f"{file.name} is not what its row says" in finished.judge()
    file.unlink()
    assert f"{file.name} is missing" in finished.judge()
    file.write_bytes(content)
    stray = folder / "stray.pdf"
    stray.write_bytes(content)
    assert "stray.pdf belongs to no document" in finished.judge()
    passing = stray.rename(folder / ".writing-stray")
    assert "1 passing files for 0 kills" in finished.judge()
    passing.unlink()


def test_charge_that_was_never_billed_or_never_handed_in_is_found(finished: Finished) -> None:
    first, *others = finished.charges
    finished.charges[:] = others
    assert f"nobody handed in {first.reference}" in finished.judge()
    finished.charges[:] = [replace(first, reference="lost"), first, *others]
    assert f"lost of {first.net} is billed as nothing" in finished.judge()
    finished.charges[:] = [first, *others]
