"""A small business whose month is let out in parts, so that a database can be older than a part."""

from dataclasses import dataclass

from django.core.management import call_command

from accounts.models import Account
from backups import witness
from common.scoping import all_accounts_scope
from invoices.models import Document, Invoice, NumberSeries, Seller
from invoices.producing import render_due
from mail.models import OutgoingEmail
from mail.sending import send_due
from mail.transport import process_transport
from tests.scenes import a_charge, a_seller, an_account, bill, documents_of


@dataclass(frozen=True)
class Business:
    seller: Seller
    account: Account

    def issue(self) -> Invoice:
        """One more invoice; nothing of it has left."""
        a_charge(self.account, self.seller)
        bill()
        return documents_of(self.account)[-1]

    def let_out(self) -> Invoice:
        """One more invoice, rendered and mailed."""
        invoice = self.issue()
        work()
        return invoice


def a_business() -> Business:
    return Business(a_seller(), an_account())


def work() -> None:
    """What workers do when the bell rings."""
    render_due()
    send_due(process_transport())


def new_process() -> None:
    """The program is started again: what it knew of the storage is forgotten."""
    witness._answer.believed_until = 0
    witness._answer.counter = 0


def numbers() -> list[str]:
    with all_accounts_scope("a test"):
        issued = Invoice.objects.exclude(state=Invoice.State.DRAFT).order_by("series", "sequence")
        return [invoice.number or "" for invoice in issued]


def prefixes() -> dict[str, bool]:
    """Every series of invoices by its prefix, and whether it is current."""
    series = NumberSeries.objects.filter(kind="invoice").order_by("pk")
    return dict(series.values_list("prefix", "is_current"))


def states_of(model: type[Document] | type[OutgoingEmail]) -> list[str]:
    """States of rows that are claimed: a document's second file is stored with the first."""
    with all_accounts_scope("a test"):
        rows = model.objects.order_by("pk")
        if model is Document:
            rows = rows.filter(kind=Document.Kind.PDF)
        return list(rows.values_list("state", flat=True))


def acknowledge(*arguments: str) -> None:
    call_command("acknowledge_restore", "--note=a test", *arguments)
