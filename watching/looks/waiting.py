"""What waits for a person: given up on, refused, held back, or to be approved."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Min, OuterRef

from billing.models import BillingRun, BillingRunItem
from common.counting import counted
from invoices.models import Document, Invoice
from mail.models import HeldBatch, OutgoingEmail
from watching.alarms import Alarm, Code, in_words
from watching.looks.pages import table_page

# A run that nobody has approved for as long was forgotten: a weekend fits in.
APPROVAL_LIMIT = timedelta(days=3)
HELD_LIMIT = timedelta(days=3)
# A refused address is everyday business; after this it is history.
FAILED_MAIL_IS_NEWS = timedelta(days=14)


def parked_accounts(at: datetime) -> Iterator[Alarm]:
    """Accounts that a billing run gave up on, unless a later run has billed what was due.

    One whose drafts are still there counts whatever came later: their charges are consumed, and no
    other run finds them.
    """
    billed_later = BillingRunItem.objects.filter(
        account=OuterRef("account"),
        pk__gt=OuterRef("pk"),
        state__in=(
            BillingRunItem.State.DRAFTED,
            *(BillingRunItem.State.APPROVED, BillingRunItem.State.ISSUING),
            BillingRunItem.State.ISSUED,
        ),
    )
    drafts = Invoice.objects.filter(
        batch_id=OuterRef("run"), account=OuterRef("account"), state=Invoice.State.DRAFT
    )
    parked = BillingRunItem.objects.filter(state=BillingRunItem.State.PARKED)
    found = parked.exclude(Exists(billed_later) & ~Exists(drafts)).aggregate(
        count=Count("account", distinct=True), since=Min("next_attempt_at")
    )
    if found["count"]:
        yield Alarm(
            code=Code.ACCOUNTS_PARKED,
            says=f"{counted(found['count'], 'account')} could not be billed.",
            since=found["since"],
            count=found["count"],
            page=table_page(BillingRunItem, state__exact=BillingRunItem.State.PARKED),
        )


def parked_documents(at: datetime) -> Iterator[Alarm]:
    parked = Document.objects.filter(state=Document.State.PARKED)
    found = parked.aggregate(count=Count("pk"), since=Min("created_at"))
    if found["count"]:
        yield Alarm(
            code=Code.DOCUMENTS_PARKED,
            says=f"{counted(found['count'], 'issued document')} could not be rendered and sent.",
            since=found["since"],
            count=found["count"],
            page=table_page(Document, state__exact=Document.State.PARKED),
        )


def failed_mail(at: datetime) -> Iterator[Alarm]:
    failed = OutgoingEmail.objects.filter(
        # Both states, as the index has them.
        state__in=(OutgoingEmail.State.FAILED, OutgoingEmail.State.BOUNCED),
        created_at__gt=at - FAILED_MAIL_IS_NEWS,
    )
    found = failed.aggregate(count=Count("pk"), since=Min("created_at"))
    if found["count"]:
        yield Alarm(
            code=Code.MAIL_FAILED,
            says=f"{counted(found['count'], 'message was', plural='messages were')} refused or"
            " given up on.",
            since=found["since"],
            count=found["count"],
            page=table_page(OutgoingEmail, state__exact=OutgoingEmail.State.FAILED),
        )


def held_mail(at: datetime) -> Iterator[Alarm]:
    """Mail of runs that were stopped long ago. One without mail is over and done with."""
    # One by one: together, the database would read the whole table of messages instead.
    withheld = OutgoingEmail.objects.filter(state=OutgoingEmail.State.WITHHELD)
    held = HeldBatch.objects.filter(held_since__lt=at - HELD_LIMIT).order_by("held_since")
    runs = [batch for batch in held if withheld.filter(batch_id=batch.batch_id).exists()]
    if runs:
        yield Alarm(
            code=Code.MAIL_HELD,
            says=f"Mail of {counted(len(runs), 'stopped billing run')}"
            f" has been held back for more than {in_words(HELD_LIMIT)}.",
            since=runs[0].held_since,
            count=len(runs),
            page=table_page(BillingRun, state__exact=BillingRun.State.STOPPED),
        )


def stopped_runs(at: datetime) -> Iterator[Alarm]:
    """Runs that somebody stopped, or acknowledging a setback, before every account was through."""
    left_over = BillingRunItem.objects.filter(
        run=OuterRef("pk"), state=BillingRunItem.State.STOPPED
    )
    stopped = BillingRun.objects.filter(Exists(left_over), state=BillingRun.State.STOPPED)
    found = stopped.aggregate(count=Count("pk"), since=Min("created_at"))
    if found["count"]:
        yield Alarm(
            code=Code.RUN_STOPPED,
            says=f"{counted(found['count'], 'billing run was', plural='billing runs were')}"
            " stopped before every account was billed.",
            since=found["since"],
            count=found["count"],
            page=table_page(BillingRun, state__exact=BillingRun.State.STOPPED),
        )


def waiting_runs(at: datetime) -> Iterator[Alarm]:
    """Runs whose drafts nobody has approved: to be done, and after some days an alarm."""
    waiting = BillingRun.objects.filter(state=BillingRun.State.WAITING)
    for code, runs in (
        (Code.RUN_FORGOTTEN, waiting.filter(created_at__lt=at - APPROVAL_LIMIT)),
        (Code.RUN_WAITING, waiting.filter(created_at__gte=at - APPROVAL_LIMIT)),
    ):
        found = runs.aggregate(count=Count("pk"), since=Min("created_at"))
        if found["count"]:
            yield Alarm(
                code=code,
                says=f"{counted(found['count'], 'billing run waits', plural='billing runs wait')}"
                " for approval.",
                since=found["since"],
                count=found["count"],
                page=table_page(BillingRun, state__exact=BillingRun.State.WAITING),
            )
