"""The retail month from file to mailbox, with real processes: what the benchmark and its test run.

Needs Django set up on the same database that ``Meter.environment`` leads the programs to.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from email import policy
from email.parser import BytesHeaderParser
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, Count, F, Max, Min, QuerySet, Sum, When
from django.utils import timezone
from redis import Redis

from accounts.models import Account, Contact, Membership
from benchmarks._installation import ROOT
from benchmarks._processes import Cost, Meter, cpu_seconds
from common import bell
from common.scoping import all_accounts_scope
from invoices.models import Delivery, Document, Invoice, NumberSeries, Seller
from mail.models import OutgoingEmail
from taxes.models import TaxRegistration
from tests.mail.sink import Sink
from users.models import User

MAPPING = ROOT / "benchmarks" / "online-retail.toml"
SELLER = "wholesaler"
# Every tenth account has two designated recipients, every twenty-fifth a billing contact.
_DESIGNATED_EVERY = 10
_CONTACT_EVERY = 25
# As many as a worker on this machine starts.
_RENDERERS = os.cpu_count() or 1
_SECONDS_A_LOOK = 0.5
# Without news for this long something is stuck, and the run ends with what it waits for.
_PATIENCE_SECONDS = 180.0


class PipelineStuck(Exception):
    """Documents or messages stopped moving before all of them were through."""


@dataclass(frozen=True, slots=True)
class Books:
    """What the database holds in the end; credit notes count as negative amounts."""

    entries: int
    accounts: int
    invoices: int
    credit_notes: int
    net: Decimal
    taxed_documents: int
    taxed_net: Decimal
    tax: Decimal
    export_documents: int
    export_net: Decimal
    series: dict[str, tuple[int, int, int]]  # documents, first and last number, by prefix
    stored: int
    recipients: Counter[str]

    @property
    def documents(self) -> int:
        return self.invoices + self.credit_notes

    @property
    def numbers_have_no_gap(self) -> bool:
        return all(
            count == 0 or (first, last) == (1, count) for count, first, last in self.series.values()
        )


@dataclass(frozen=True, slots=True)
class Month:
    """What one run did: what the import said, the books, the mail, and what each step cost."""

    said: str
    books: Books
    accepted: Counter[tuple[str, str]]
    costs: dict[str, Cost]
    # Processor seconds of rendering alone; None when it was not asked for.
    bare_cpu: float | None

    @property
    def accepted_by_recipient(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for (recipient, _), copies in self.accepted.items():
            found[recipient] += copies
        return found

    @property
    def most_copies(self) -> int:
        return max(self.accepted.values(), default=0)


def run_month(
    file: Path, *, meter: Meter, sink: Sink, say: Callable[[str], None], compare: bool = True
) -> Month:
    """Import ``file``, bill it, render and deliver every document.

    ``compare`` renders each document again, bare, in as many processes at once as the worker has:
    half of them before and half after the pipeline, so that neither a machine that slows down nor
    processes that share a core favour either.
    """
    manage = [sys.executable, str(ROOT / "manage.py")]
    _make_seller()
    costs: dict[str, Cost] = {}
    say("importing")
    said, costs["import"] = meter.run(
        "import",
        [
            *(*manage, "import_charges", str(file), "--mapping", str(MAPPING), "--seller", SELLER),
            *("--create-accounts", "--accept-valid", "--quiet"),
        ],
    )
    _appoint_recipients()
    say("billing")
    _, costs["draft and issue"] = meter.run("bill", [*manage, "bill", "--approve"])
    bare_cpu = _render_bare(meter, half=0, say=say) if compare else None
    say("rendering and delivering")
    costs |= _render_and_deliver(meter)
    if bare_cpu is not None:
        bare_cpu += _render_bare(meter, half=1, say=say)
    return Month(said, _books(), _accepted(sink), costs, bare_cpu)


# --- Before ---------------------------------------------------------------------------------------


def _make_seller() -> None:
    """A British wholesaler of 2010, registered for tax at home."""
    seller = Seller.objects.create(
        code=SELLER,
        legal_name="Cornmarket Wholesale Ltd",
        address_line_1="5 Cornmarket",
        postcode="OX1 9ZZ",
        city="Oxford",
        country="GB",
        email="billing@cornmarket.example",
        timezone="Europe/London",
        accounting_currency="GBP",
        iban="GB33BUKB20201555555555",
        bank_account_name="Cornmarket Wholesale Ltd",
    )
    for kind, prefix in ((Invoice.Kind.INVOICE, "CW-"), (Invoice.Kind.CREDIT_NOTE, "CWC-")):
        NumberSeries.objects.create(seller=seller, kind=kind, prefix=prefix)
    TaxRegistration.objects.create(
        seller_code=SELLER, country="GB", number="GB123456727", valid_from=date(2009, 1, 1)
    )


def _appoint_recipients() -> None:
    accounts = list(Account.objects.order_by("number"))
    with all_accounts_scope("recipients for a benchmark's accounts"):
        for account in accounts[::_DESIGNATED_EVERY]:
            for place in ("buyer", "books"):
                user = User.objects.create(
                    email=f"{place}@customer-{account.external_reference}.example",
                    email_verified_at=timezone.now(),
                )
                Membership.objects.create(account=account, user=user, receives_invoices=True)
        Contact.objects.bulk_create(
            Contact(
                account=account,
                kind=Contact.Kind.BILLING,
                email=f"payable@customer-{account.external_reference}.example",
            )
            for account in accounts[::_CONTACT_EVERY]
        )


# --- Rendering and delivering ---------------------------------------------------------------------


def _render_and_deliver(meter: Meter) -> dict[str, Cost]:
    """Both at once, by workers as an operator runs them. Their start is not counted."""
    # Billing has rung for them. Losing that is allowed, and keeps them idle until all are ready.
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.flushdb()
    with _worker(meter, "render") as render, _worker(meter, "mail") as mail, _beat(meter):
        wall, postgres = time.monotonic(), meter.postgres_cpu()
        render_before, mail_before = cpu_seconds(render), cpu_seconds(mail)
        with transaction.atomic():
            bell.ring(bell.RENDER_DOCUMENTS)
        _wait_until_delivered()
        wall = time.monotonic() - wall
        postgres = meter.postgres_cpu() - postgres
        # PostgreSQL serves both at once; its time is told with the first.
        return {
            "render": Cost(wall, cpu_seconds(render) - render_before, postgres),
            "deliver": Cost(wall, cpu_seconds(mail) - mail_before, 0.0),
        }


def _worker(meter: Meter, queue: str) -> AbstractContextManager[int]:
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel=INFO"]
    return meter.running(
        f"{queue} worker",
        [*command, "-Q", queue, "-n", f"{queue}@%h", "-c", str(_RENDERERS), "--without-mingle"],
        ready=r"ready\.",
    )


def _beat(meter: Meter) -> AbstractContextManager[int]:
    command = [sys.executable, "-m", "celery", "-A", "config", "beat", "--loglevel=INFO"]
    return meter.running(
        "beat",
        [*command, "--pidfile=", f"--schedule={meter.log / 'beat'}"],
        ready=r"beat: Starting",
    )


def _wait_until_delivered() -> None:
    """Raises PipelineStuck when nothing moves any more."""
    seen: tuple[dict[str, int], dict[str, int]] | None = None
    moved_at = time.monotonic()
    while True:
        now = _states()
        documents, emails = now
        if set(documents) <= {Document.State.STORED} and set(emails) <= {OutgoingEmail.State.SENT}:
            return
        if now != seen:
            seen, moved_at = now, time.monotonic()
        elif time.monotonic() - moved_at > _PATIENCE_SECONDS:
            raise PipelineStuck(f"documents {documents}, emails {emails}")
        time.sleep(_SECONDS_A_LOOK)


def _states() -> tuple[dict[str, int], dict[str, int]]:
    with all_accounts_scope("a benchmark waits for its documents"):
        return _by_state(Document.objects.all()), _by_state(OutgoingEmail.objects.all())


def _by_state(rows: "QuerySet[Document] | QuerySet[OutgoingEmail]") -> dict[str, int]:
    return dict(rows.values_list("state").annotate(Count("pk")).order_by())


def _render_bare(meter: Meter, *, half: int, say: Callable[[str], None]) -> float:
    """Processor seconds of nothing but ``render_pdf`` for every second document."""
    say(f"rendering bare, half {half + 1} of 2")
    parts = range(half, 2 * _RENDERERS, 2)
    program = [sys.executable, "-m", "benchmarks._bare_render"]
    with ThreadPoolExecutor(_RENDERERS) as together:
        runs = [
            together.submit(
                meter.run, f"bare render {part + 1}", [*program, str(part), str(2 * _RENDERERS)]
            )
            for part in parts
        ]
        return sum(float(json.loads(run.result()[0])["cpu"]) for run in runs)


# --- After ----------------------------------------------------------------------------------------


def _books() -> Books:
    with all_accounts_scope("a benchmark adds up what it did"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT account_id) FROM billing_billingentry")
        entries, accounts = cursor.fetchone()
        issued = Invoice.objects.filter(state=Invoice.State.ISSUED)
        taxed = issued.filter(tax_lines__category="S")
        exported = issued.filter(tax_lines__category="G")
        return Books(
            entries=entries,
            accounts=accounts,
            invoices=issued.filter(kind=Invoice.Kind.INVOICE).count(),
            credit_notes=issued.filter(kind=Invoice.Kind.CREDIT_NOTE).count(),
            net=_signed(issued, "net_total"),
            taxed_documents=taxed.distinct().count(),
            taxed_net=_signed(taxed, "net_total"),
            tax=_signed(issued, "tax_total"),
            export_documents=exported.distinct().count(),
            export_net=_signed(exported, "net_total"),
            series=_series(),
            stored=Document.objects.filter(
                kind=Document.Kind.PDF, state=Document.State.STORED
            ).count(),
            recipients=Counter(Delivery.objects.values_list("address", flat=True)),
        )


def _series() -> dict[str, tuple[int, int, int]]:
    found = NumberSeries.objects.annotate(
        documents=Count("invoice"), first=Min("invoice__sequence"), last=Max("invoice__sequence")
    )
    return {one.prefix: (one.documents, one.first or 0, one.last or 0) for one in found}


def _signed(documents: "QuerySet[Invoice]", column: str) -> Decimal:
    found = documents.aggregate(
        sum=Sum(Case(When(kind=Invoice.Kind.CREDIT_NOTE, then=-F(column)), default=F(column)))
    )["sum"]
    return Decimal(found or 0)


def _accepted(sink: Sink) -> Counter[tuple[str, str]]:
    """How often the mail server accepted each message for each recipient."""
    parser = BytesHeaderParser(policy=policy.SMTP)
    return Counter(
        (one.recipient, str(parser.parsebytes(one.content)["Message-ID"])) for one in sink.accepted
    )
