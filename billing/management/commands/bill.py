from argparse import ArgumentParser
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from accounts.models import Account
from audit.recording import Actor
from backups.witness import reason_to_hold
from billing.billing_run import counts, due_day, start_run
from billing.models import BillingRun, BillingRunItem
from billing.order_numbers import waiting_in_words
from billing.preview import AccountPreview, preview_run
from billing.working import work_run
from common.counting import counted
from common.exceptions import DomainError
from common.money import in_figures
from common.scoping import all_accounts_scope
from invoices.drafting import DraftPlan
from invoices.models import Invoice


class Command(BaseCommand):
    help = "Turn due billing entries into drafts, and drafts into numbered documents."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--as-of",
            type=date.fromisoformat,
            default=None,
            metavar="DATE",
            help="bill what is due by this day (default: today); never back-dates a document",
        )
        parser.add_argument("--account", type=int, metavar="N", help="only this account number")
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be issued, write nothing"
        )
        parser.add_argument(
            "--approve", action="store_true", help="issue without waiting, whatever the limits"
        )

    def handle(self, **options: Any) -> None:
        as_of = options["as_of"] or due_day()
        account = self._account(options["account"])
        if options["dry_run"]:
            self._preview(as_of, account)
            return
        actor = Actor.at_terminal()
        try:
            run = start_run(
                as_of=as_of,
                actor=actor,
                only_account=account,
                approve_at_once=options["approve"],
            )
            run = work_run(run, self._progress)
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        self._report(run)

    def _account(self, number: int | None) -> Account | None:
        if number is None:
            return None
        try:
            return Account.objects.get(number=number)
        except Account.DoesNotExist as error:
            raise CommandError(f"There is no account {number}.") from error

    def _progress(self, by_state: dict[str, int]) -> None:
        if self.stderr.isatty():
            states = ", ".join(f"{state} {count:,}" for state, count in by_state.items())
            self.stderr.write(f"\r\033[K{states}", ending="")

    def _report(self, run: BillingRun) -> None:
        if self.stderr.isatty():
            self.stderr.write("")
        by_state = counts(run)
        held = reason_to_hold()
        with all_accounts_scope("reporting a billing run"):
            documents = Invoice.objects.filter(batch_id=run.pk)
            issued = documents.exclude(state=Invoice.State.DRAFT).count()
            drafts = documents.filter(state=Invoice.State.DRAFT).count()
            parked = list(
                run.items.filter(state=BillingRunItem.State.PARKED).select_related("account")[:50]
            )
        self.stdout.write(
            f"{str(run).capitalize()} ({run.pk}): {counted(sum(by_state.values()), 'account')}"
        )
        self.stdout.write(f"  issued {issued:,}, drafts {drafts:,}")
        if not by_state:
            self.stdout.write(f"  Nothing is due by {run.as_of}.")
        if run.state == BillingRun.State.WAITING:
            self.stdout.write(f"  The drafts wait for approval: {run.waiting_because}")
        elif run.state != BillingRun.State.FINISHED and not held:
            self.stdout.write("  Workers are still at it: see Billing runs in the admin.")
        self._tell_waiting_runs()
        for item in parked:
            self.stdout.write(f"  Account {item.account.number} is parked: {item.last_error}")
        if held:
            raise CommandError(f"Nothing is issued. {held}")
        if count := by_state.get(BillingRunItem.State.PARKED, 0):
            raise CommandError(f"{counted(count, 'account')} could not be billed.")

    def _tell_waiting_runs(self) -> None:
        """``--approve`` concerns a new run only; those that wait are approved by hand."""
        if waiting := BillingRun.objects.filter(state=BillingRun.State.WAITING).count():
            page = f"{settings.SITE_URL}{reverse('admin:billing_billingrun_changelist')}"
            runs = counted(waiting, "run waits", plural="runs wait")
            self.stdout.write(f"  {runs} for approval: {page}")

    def _preview(self, as_of: date, account: Account | None) -> None:
        totals: dict[str, _Sum] = {}
        refused = waiting = 0
        for preview in preview_run(as_of=as_of, only_account=account):
            refused += bool(preview.refusal)
            waiting += preview.waiting
            for line in _describe(preview):
                self.stdout.write(line)
            for plan in preview.plans:
                totals.setdefault(plan.currency, _Sum()).add(plan.signed_gross, plan.kind)
        for currency, found in sorted(totals.items()):
            self.stdout.write(f"Would issue {found.describe(currency)}")
        if not (totals or refused or waiting):
            self.stdout.write(f"Nothing is due by {as_of}.")
        if refused:
            raise CommandError(f"{counted(refused, 'account')} could not be billed.")


class _Sum:
    """What a dry run adds up for one currency."""

    def __init__(self) -> None:
        self.gross = Decimal(0)
        self.by_kind: dict[str, int] = {}

    def add(self, gross: Decimal, kind: str) -> None:
        self.gross += gross
        self.by_kind[kind] = self.by_kind.get(kind, 0) + 1

    def describe(self, currency: str) -> str:
        invoices = self.by_kind.get(Invoice.Kind.INVOICE, 0)
        credit_notes = self.by_kind.get(Invoice.Kind.CREDIT_NOTE, 0)
        return (
            f"{counted(invoices, 'invoice')} and {counted(credit_notes, 'credit note')},"
            f" together {in_figures(self.gross, currency=currency)} gross."
        )


def _describe(preview: AccountPreview) -> list[str]:
    account = preview.account
    if preview.refusal:
        return [f"{account.number} {account.name}: cannot be billed: {preview.refusal}"]
    lines = [f"{account.number} {account.name}: {_describe_plan(plan)}" for plan in preview.plans]
    if preview.waiting:
        lines.append(f"{account.number} {account.name}: {waiting_in_words(preview.waiting)}")
    for key, total in preview.totals().items():
        before = (preview.previous or {}).get(key)
        change = "first run" if before is None else _change(total - before, key.currency)
        lines.append(f"    against the previous run: {change}")
    return lines


def _describe_plan(plan: DraftPlan) -> str:
    net, tax, gross = (
        in_figures(amount, currency=plan.currency)
        for amount in (plan.totals.net, plan.totals.tax, plan.totals.gross)
    )
    order = f", order {plan.order_number}" if plan.order_number else ""
    lines = counted(len(plan.lines), "line")
    return f"{plan.kind.label.lower()}, {lines}, net {net}, tax {tax}, gross {gross}{order}"


def _change(amount: Decimal, currency: str) -> str:
    return f"{'+' if amount >= 0 else ''}{in_figures(amount, currency=currency)}"
