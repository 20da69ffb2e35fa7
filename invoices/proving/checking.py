"""What one document's rows must hold, whoever wrote them: number, hash, chain, sums, parties."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from common.money import ZERO, round_money
from invoices.models import Document, Invoice, InvoiceAllowance, InvoiceLine, NumberSeries
from invoices.parties import Party, PaymentMeans, PostalAddress, SnapshotInvalid
from invoices.proving.reading import Bundle
from invoices.sealing import UnknownVersion, content_hash, digests
from invoices.totals import TaxedAmount, TaxKey, line_net, total

# Columns of a document's totals, the rule of EN 16931 for each, and the name that totals give it.
_TOTALS = (
    ("line_total", "BR-CO-10", "lines"),
    ("allowance_total", "BR-CO-11", "allowances"),
    ("charge_total", "BR-CO-12", "charges"),
    ("net_total", "BR-CO-13", "net"),
    ("tax_total", "BR-CO-14", "tax"),
    ("gross_total", "BR-CO-15", "gross"),
    ("amount_due", "BR-CO-16", "due"),
)


_NUMBERED = frozenset({Invoice.State.ISSUED, Invoice.State.VOID})
# What money and credit notes have done to a document.
_SETTLED = ("credited", "allocated", "credit_applied", "written_off")


class Chain:
    """What the next document of a series must carry; told of each in the order of the numbers."""

    def __init__(self, series: NumberSeries) -> None:
        self._series = series
        self.count = 0
        self.sequence = 0
        self.hash = ""
        self.date: date | None = None

    def follow(self, bundle: Bundle) -> Iterator[str]:
        """What is wrong with the place of ``bundle`` in the series; it is then the newest."""
        invoice, series = bundle.invoice, self._series
        sequence = invoice.sequence or 0
        yield from self._counted(sequence)
        if invoice.number != series.number(sequence):
            yield f"its series spells this number {series.number(sequence)}"
        if (invoice.seller_id, invoice.kind) != (series.seller_id, series.kind):
            yield "its seller or kind is not that of its series"
        if invoice.previous_hash != self.hash:
            yield "it does not follow the document before it: the chain is broken here"
        if invoice.issue_date is None or (self.date and invoice.issue_date < self.date):
            yield f"its date, {invoice.issue_date}, is before {self.date}, that of the one before"
        self.count += 1
        self.sequence, self.hash = sequence, invoice.content_hash
        self.date = max(filter(None, (self.date, invoice.issue_date)), default=None)

    def end(self) -> Iterator[str]:
        """What is wrong with the series itself after its last document."""
        series = self._series
        if series.last_sequence != self.sequence:
            yield f"it counts to {series.last_sequence}; the last document is {self.sequence}"
        if series.last_hash != self.hash:
            yield "its newest hash is not that of its last document"
        if series.last_issue_date != self.date:
            yield f"its newest date is {series.last_issue_date}; its documents end {self.date}"

    def _counted(self, sequence: int) -> Iterator[str]:
        if sequence == self.sequence:
            yield "there are two documents with this number"
        elif sequence > self.sequence + 1:
            first, last = self._series.number(self.sequence + 1), self._series.number(sequence - 1)
            missing = first if first == last else f"{first} … {last}"
            yield f"before it {missing} is missing"


def content(bundle: Bundle) -> Iterator[str]:
    """Whether the rows give the hash that the document carries."""
    preceding = bundle.invoice.preceding
    try:
        hashed = content_hash(
            bundle.invoice,
            of_lists=digests(
                lines=bundle.lines,
                allowances=bundle.allowances,
                tax_lines=bundle.tax_lines,
                recipients=bundle.deliveries,
            ),
            preceding_number=preceding.number if preceding else None,
        )
    except UnknownVersion:
        version = bundle.invoice.content_version
        yield f"it was sealed in version {version}, which this release cannot read"
    except KeyError:
        yield "an allowance is on a line that is not there"
    else:
        if hashed != bundle.invoice.content_hash:
            yield "what it says is not what was sealed: its content hash differs"


def sums(bundle: Bundle) -> Iterator[str]:
    """Lines, totals and tax worked out anew, by BR-CO-10 to 17."""
    invoice = bundle.invoice
    for line in bundle.lines:
        net = _net(line, bundle.allowances, currency=invoice.currency)
        if net != line.net_amount:
            yield f"line {line.position} is {line.net_amount} and should be {net}"
    worked_out = total(
        [_taxed_line(line) for line in bundle.lines],
        currency=invoice.currency,
        allowances=_on_document(bundle, is_charge=False),
        charges=_on_document(bundle, is_charge=True),
        prepaid=invoice.prepaid_amount,
        rounding=invoice.rounding_amount,
    )
    for column, rule, name in _TOTALS:
        said, wanted = getattr(invoice, column), getattr(worked_out, name)
        if said != wanted:
            yield f"{column} is {said} and should be {wanted} ({rule})"
    taxed = {
        (each.tax.category, each.tax.rate): (each.taxable_amount, each.tax_amount)
        for each in worked_out.subtotals
    }
    told = {
        (row.category, row.rate): (row.taxable_amount, row.tax_amount) for row in bundle.tax_lines
    }
    for category, rate in sorted(taxed.keys() | told.keys()):
        if taxed.get((category, rate)) != told.get((category, rate)):
            yield f"tax of {category} {rate:f} % is not that of its lines (BR-CO-17)"
    yield from _accounting(invoice)


def settled(bundle: Bundle) -> Iterator[str]:
    """The row that says what money did to it, and the credit notes that name it."""
    invoice, settlement = bundle.invoice, bundle.settlement
    if settlement is None:
        yield "it has no settlement"
        return
    if settlement.total != invoice.gross_total:
        yield f"its settlement is of {settlement.total} and not of {invoice.gross_total}"
    done = sum((getattr(settlement, column) for column in _SETTLED), ZERO)
    if done > settlement.total:
        yield f"{done} of it are settled, more than {settlement.total}"
    if settlement.credited != bundle.credited:
        yield f"its settlement says {settlement.credited} credited, its notes {bundle.credited}"


def standing(bundle: Bundle) -> Iterator[str]:
    """A document with a place in the chain is issued or void."""
    if bundle.invoice.state not in _NUMBERED:
        yield f"its state is “{bundle.invoice.state}”, which there is not"


def mailed(bundle: Bundle) -> Iterator[str]:
    """Messages are queued in the transaction that stores the PDF, and stay with their reader."""
    stored = any(
        file.kind == Document.Kind.PDF and file.state == Document.State.STORED
        for file in bundle.files
    )
    if not stored or bundle.invoice.state == Invoice.State.VOID:
        return
    for delivery in bundle.deliveries:
        if delivery.email_id is None:
            yield f"it is stored, and no message to {delivery.address} is on record"


def preceded(bundle: Bundle) -> Iterator[str]:
    """The invoice that a credit note names."""
    invoice, preceding = bundle.invoice, bundle.invoice.preceding
    if invoice.preceding_id is None:
        return
    if preceding is None or preceding.state == Invoice.State.DRAFT:
        yield "the invoice that it names as preceding was never issued"
    elif (preceding.kind, preceding.account_id) != (Invoice.Kind.INVOICE, invoice.account_id):
        yield f"{preceding.number}, which it names, is no invoice of the same account"


def parties(bundle: Bundle) -> Iterator[str]:
    """Whether the parties, the place of delivery and the means of payment can be read."""
    invoice = bundle.invoice
    stored: list[tuple[str, Callable[[object], object], object]] = [
        ("its seller", Party.from_json, invoice.seller_party),
        ("its buyer", Party.from_json, invoice.buyer_party),
    ]
    if invoice.deliver_to:
        stored.append(("where it was delivered to", PostalAddress.from_json, invoice.deliver_to))
    means = invoice.payment_means or ()
    stored.extend(("how it is paid", PaymentMeans.from_json, each) for each in means)
    for name, read, value in stored:
        try:
            read(value)
        except (SnapshotInvalid, ValueError) as error:
            yield f"{name} cannot be read: {error}"


def voided(bundle: Bundle) -> Iterator[str]:
    """A void says why, and the log knows of it."""
    if bundle.invoice.state != Invoice.State.VOID:
        return
    issued_at, voided_at = bundle.invoice.issued_at, bundle.invoice.voided_at
    if issued_at and voided_at and voided_at < issued_at:
        yield "it was voided before it was issued"
    if not bundle.invoice.void_reason:
        yield "it is void and nothing says why"
    if not bundle.is_void_logged:
        yield "it is void and the log does not know who did it"


def _net(line: InvoiceLine, allowances: Sequence[InvoiceAllowance], *, currency: str) -> Decimal:
    mine = [each for each in allowances if each.line_id == line.pk]
    return line_net(
        quantity=line.quantity,
        unit_price=line.unit_price,
        base_quantity=line.price_base_quantity,
        allowances=sum((each.amount for each in mine if not each.is_charge), ZERO),
        charges=sum((each.amount for each in mine if each.is_charge), ZERO),
        currency=currency,
    )


def _taxed_line(line: InvoiceLine) -> TaxedAmount:
    return TaxedAmount(line.net_amount, TaxKey(line.tax_category, line.tax_rate))


def _on_document(bundle: Bundle, *, is_charge: bool) -> list[TaxedAmount]:
    return [
        TaxedAmount(each.amount, TaxKey(each.tax_category, each.tax_rate or ZERO))
        for each in bundle.allowances
        if each.line_id is None and each.is_charge == is_charge
    ]


def _accounting(invoice: Invoice) -> Iterator[str]:
    """BT-111, where the tax is also stated in another currency."""
    wanted: Decimal | None = None
    if invoice.accounting_currency != invoice.currency:
        if invoice.tax_total and invoice.exchange_rate is None:
            yield f"its tax is not stated in {invoice.accounting_currency}: there is no rate"
            return
        amount = invoice.tax_total * (invoice.exchange_rate or ZERO)
        wanted = round_money(amount, currency=invoice.accounting_currency)
    if invoice.tax_total_accounting != wanted:
        yield f"tax_total_accounting is {invoice.tax_total_accounting} and should be {wanted}"


CHECKS: tuple[Callable[[Bundle], Iterator[str]], ...] = (
    standing,
    content,
    sums,
    settled,
    mailed,
    preceded,
    parties,
    voided,
)
