"""A database put back to a former state, as by a snapshot: what it refuses, and how it goes on."""

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from backups.models import Setback
from backups.refusals import DatabaseBehind
from backups.setbacks import open_setback
from billing.billing_run import approve_run, start_run
from billing.models import BillingRun, BillingRunItem
from billing.working import work_runs
from common.scoping import all_accounts_scope
from invoices.crediting import credit_invoice
from invoices.issuing import issue_invoice
from invoices.models import Document, Invoice, NumberSeries
from invoices.numbering import PrefixUnusable, start_series
from invoices.producing import render_due
from invoices.retrying import retry_document
from mail.models import OutgoingEmail
from mail.outbox import retry
from tests.backups.databases import copy, set_back
from tests.backups.scenes import (
    Business,
    a_business,
    acknowledge,
    new_process,
    numbers,
    prefixes,
    states_of,
    work,
)
from tests.factories import OPERATOR, make_draft
from tests.mail.sink import Sink
from tests.scenes import A_DAY, a_charge

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def snapshot(own_database: str) -> str:
    """The name of a copy that a test makes and puts back."""
    return f"{own_database}_snapshot"


@pytest.fixture
def behind(own_database: str, snapshot: str, sink: Sink) -> Business:
    """One invoice is known; a second one was in hand, and then out with a third one, unknown here.

    The database was put back without a command of ours.
    """
    business = a_business()
    business.let_out()
    business.issue()
    copy(own_database, snapshot)
    work()
    business.let_out()
    assert len(sink.accepted) == 3
    set_back(own_database, snapshot)
    new_process()
    return business


# --- What it refuses ----------------------------------------------------------------------------


def test_nothing_is_rendered_and_no_mail_leaves(behind: Business, sink: Sink) -> None:
    work()
    assert states_of(Document) == ["stored", "pending"]
    assert len(sink.accepted) == 3
    assert open_setback() is not None


def test_mail_that_waits_does_not_leave(own_database: str, snapshot: str, sink: Sink) -> None:
    """The snapshot was made between rendering and sending: the mail would be sent again."""
    business = a_business()
    business.issue()
    render_due()
    copy(own_database, snapshot)
    work()
    set_back(own_database, snapshot)
    new_process()
    work()
    assert len(sink.accepted) == 1
    assert states_of(OutgoingEmail) == ["queued"]


def test_no_draft_is_issued_and_no_invoice_credited(behind: Business) -> None:
    draft = make_draft(behind.account, seller=behind.seller)
    with pytest.raises(DatabaseBehind, match="INV-000003"):
        issue_invoice(draft, actor=OPERATOR)
    with all_accounts_scope("a test"):
        known = Invoice.objects.get(number="INV-000001")
    with pytest.raises(DatabaseBehind):
        credit_invoice(known, actor=OPERATOR)
    assert numbers() == ["INV-000001", "INV-000002"]


def test_a_billing_run_drafts_and_leaves_what_is_approved(
    behind: Business, capsys: pytest.CaptureFixture[str]
) -> None:
    a_charge(behind.account, behind.seller)
    with pytest.raises(CommandError, match=r"Nothing is issued\. This database is older than"):
        call_command("bill", "--approve", f"--as-of={A_DAY}")
    assert "Workers are still at it" not in capsys.readouterr().out
    with all_accounts_scope("a test"):
        [item] = BillingRunItem.objects.filter(run=BillingRun.objects.latest("created_at"))
    assert (item.state, item.attempts) == ("approved", 0)
    assert numbers() == ["INV-000001", "INV-000002"]


def test_workers_leave_what_is_approved_uncounted(behind: Business) -> None:
    """Also one that found out in the middle of its round."""
    a_charge(behind.account, behind.seller)
    run = start_run(as_of=A_DAY, actor=OPERATOR)
    work_runs()
    approve_run(BillingRun.objects.get(pk=run.pk), actor=OPERATOR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("billing.working.witness.reason_to_hold", lambda: "")
        assert not work_runs()
    with all_accounts_scope("a test"):
        [item] = run.items.all()
    assert (item.state, item.attempts) == ("approved", 0)


# --- Acknowledging ------------------------------------------------------------------------------


def test_what_is_lost_is_shown_and_nothing_changed_until_somebody_decides(
    behind: Business, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="say why with --note"):
        call_command("acknowledge_restore")
    said = capsys.readouterr().out
    assert "INV-: numbers up to INV-000003 are out, up to INV-000002 are known here" in said
    # Those of the second and the third invoice, two files each.
    assert "Documents in the archive that no row here refers to: 4." in said
    assert "Not rendered here, and may have been mailed: 1 document." in said
    with pytest.raises(CommandError, match="Say what becomes of INV-"):
        acknowledge()
    with pytest.raises(CommandError, match="CN-: there is no current series"):
        acknowledge("--next=INV-=INV-B-", "--next=CN-=CN-B-")
    with pytest.raises(CommandError, match="prefix"):
        acknowledge("--next=INV-=inv b")
    assert open_setback() is not None
    assert prefixes() == {"INV-": True}


def test_work_goes_on_under_the_series_that_follows(
    behind: Business, sink: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    acknowledge("--next=INV-=INV-B-")
    said = capsys.readouterr().out
    assert "INV-B- follows INV-." in said
    assert "bill --dry-run" in said
    assert open_setback() is None
    assert prefixes() == {"INV-": False, "INV-B-": True}

    invoice = behind.let_out()

    assert invoice.number == "INV-B-000001"
    assert numbers() == ["INV-000001", "INV-000002", "INV-B-000001"]
    assert len(sink.accepted) == 4
    call_command("acknowledge_restore")
    assert "nothing to acknowledge" in capsys.readouterr().out


def test_who_acknowledged_is_audited(behind: Business) -> None:
    acknowledge("--next=INV-=INV-B-")
    with all_accounts_scope("a test"):
        [event] = AuditEvent.objects.filter(action="database:restore_acknowledged")
    assert event.actor_label.endswith("at the command line")
    assert event.details["followed"] == {"INV-": "INV-B-"}
    setback = Setback.objects.get()
    assert (setback.acknowledged_by, setback.note) == (event.actor_label, "a test")


def test_numbers_are_given_again_only_if_somebody_says_so(behind: Business) -> None:
    acknowledge("--reuse-numbers")
    assert behind.let_out().number == "INV-000003"


def test_what_may_have_been_mailed_waits_for_staff(
    behind: Business, sink: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    acknowledge("--next=INV-=INV-B-")
    assert "1 document is not rendered" in capsys.readouterr().out
    work()
    assert states_of(Document) == ["stored", "parked"]
    assert len(sink.accepted) == 3
    with all_accounts_scope("a test"):
        parked = Document.objects.get(state="parked")
    retry_document(parked, actor=OPERATOR)
    work()
    assert states_of(Document) == ["stored", "stored"]
    assert len(sink.accepted) == 4


def test_mail_that_may_have_been_sent_fails_visibly_and_can_be_sent_again(
    own_database: str, snapshot: str, sink: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    business = a_business()
    business.issue()
    render_due()
    copy(own_database, snapshot)
    work()
    set_back(own_database, snapshot)
    new_process()
    call_command("acknowledge_restore", "--note=a test", "--reuse-numbers")
    assert "1 message is not sent" in capsys.readouterr().out
    work()
    assert len(sink.accepted) == 1
    with all_accounts_scope("a test"):
        failed = OutgoingEmail.objects.get(state="failed")
        assert AuditEvent.objects.filter(action="email:failed").count() == 1
        retry(failed, actor=OPERATOR)
    work()
    first, second = sink.accepted
    assert first.content == second.content


def test_mail_goes_at_once_if_the_operator_says_so(behind: Business, sink: Sink) -> None:
    acknowledge("--next=INV-=INV-B-", "--send-mail")
    work()
    assert states_of(Document) == ["stored", "stored"]
    assert len(sink.accepted) == 4


def test_a_run_that_was_moving_is_stopped(behind: Business) -> None:
    a_charge(behind.account, behind.seller)
    run = start_run(as_of=A_DAY, actor=OPERATOR, approve_at_once=True)
    work_runs()
    assert BillingRun.objects.get(pk=run.pk).state == "issuing"
    acknowledge("--next=INV-=INV-B-")
    work_runs()
    assert BillingRun.objects.get(pk=run.pk).state == "stopped"
    assert numbers() == ["INV-000001", "INV-000002"]


def test_the_first_run_afterwards_waits_whatever_the_limits(behind: Business) -> None:
    behind.seller.approval_total_limit = 1_000
    behind.seller.approval_count_limit = 100
    behind.seller.approval_change_limit = 100
    behind.seller.save()
    acknowledge("--next=INV-=INV-B-")
    for is_first in (True, False):
        a_charge(behind.account, behind.seller)
        run = start_run(as_of=A_DAY, actor=OPERATOR)
        work_runs()
        run = BillingRun.objects.get(pk=run.pk)
        assert ("charges of documents that were lost" in run.waiting_because) == is_first
        if is_first:
            approve_run(run, actor=OPERATOR)
            work_runs()


# --- More than once -----------------------------------------------------------------------------


def test_a_prefix_that_only_the_future_knew_is_never_given_again(
    own_database: str, snapshot: str, sink: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new year's series was started and used after the snapshot."""
    business = a_business()
    business.let_out()
    copy(own_database, snapshot)
    start_series(NumberSeries.objects.get(prefix="INV-"), prefix="INV-27-", actor=OPERATOR)
    assert business.let_out().number == "INV-27-000001"
    set_back(own_database, snapshot)
    new_process()

    acknowledge()

    said = capsys.readouterr().out
    assert "INV-27-: numbers up to INV-27-000001 are out, the series is not known here" in said
    # The former series has lost nothing, and goes on.
    assert prefixes() == {"INV-": True, "INV-27-": False}
    with pytest.raises(PrefixUnusable):
        start_series(NumberSeries.objects.get(prefix="INV-"), prefix="INV-27-", actor=OPERATOR)


def test_the_same_snapshot_restored_twice_knows_what_was_out_before_the_first_time(
    own_database: str, snapshot: str, sink: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    """The newest word about INV- is then from a database that had lost its last numbers."""
    business = a_business()
    business.let_out()
    copy(own_database, snapshot)
    again = f"{own_database}_again"
    copy(own_database, again)
    business.let_out()
    set_back(own_database, snapshot)
    new_process()
    acknowledge("--next=INV-=INV-B-")
    assert business.let_out().number == "INV-B-000001"
    set_back(own_database, again)
    new_process()

    with pytest.raises(CommandError, match="Say what becomes of INV-"):
        acknowledge()
    said = capsys.readouterr().out
    assert "INV-: numbers up to INV-000002 are out, up to INV-000001 are known here" in said
    assert "INV-B-: numbers up to INV-B-000001 are out, the series is not known here" in said
    with pytest.raises(CommandError, match="INV-B-"):
        acknowledge("--next=INV-=INV-B-")

    acknowledge("--next=INV-=INV-C-")
    assert business.let_out().number == "INV-C-000001"


def test_declaring_it_holds_work_back_at_once_and_decides_nothing(own_database: str) -> None:
    with pytest.raises(CommandError, match="say why with --note"):
        call_command("acknowledge_restore", "--declare")
    setback = open_setback()
    assert setback is not None
    assert setback.source == Setback.Source.DECLARED


def test_a_set_back_that_nothing_shows_can_be_declared(own_database: str, sink: Sink) -> None:
    """Database and documents were put back together, as with a whole machine."""
    business = a_business()
    business.let_out()
    with pytest.raises(CommandError, match="Say what becomes of CN-, INV-"):
        acknowledge("--declare")
    with pytest.raises(DatabaseBehind, match="was restored or set back"):
        issue_invoice(make_draft(business.account, seller=business.seller), actor=OPERATOR)
    acknowledge("--next=INV-=INV-B-", "--reuse-numbers")
    new_process()
    assert business.let_out().number == "INV-B-000001"
