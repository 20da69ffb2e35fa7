"""What a document says and in which words: from an InvoiceDocument to the texts of a Sheet.

All choices of wording, format and order are made here, so that they can be tested without a page
and templates hold no logic.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from invoices.parties import Party
from invoices.rendering.colours import readable
from invoices.rendering.document import (
    ZERO,
    AccountingTax,
    Adjustment,
    DocumentLine,
    InvoiceDocument,
    TaxBreakdown,
)
from invoices.rendering.formatting import Formats, find_locale, formats_for
from invoices.rendering.paying import PaymentWriter
from invoices.rendering.sheet import (
    Fact,
    Row,
    Sheet,
    WideColumns,
    amount_size,
    fits_the_foot,
    fits_the_panel,
)
from invoices.rendering.wording import LANGUAGES, Wording, wording_for


def lay_out(document: InvoiceDocument) -> Sheet:
    """All texts of ``document`` in the language of its locale (English if there are no words)."""
    return _Writer.for_document(document).sheet()


@dataclass(frozen=True)
class _Writer:
    """One document with the words and formats that it is written in."""

    document: InvoiceDocument
    words: Wording
    formats: Formats

    @classmethod
    def for_document(cls, document: InvoiceDocument) -> "_Writer":
        locale = find_locale(document.locale, languages=LANGUAGES)
        formats = formats_for(locale, currency=document.currency)
        return cls(document, wording_for(locale.language), formats)

    def sheet(self) -> Sheet:
        document, words = self.document, self.words
        heading = self._heading()
        title = words.title.format(heading=heading, number=document.number).strip()
        seller = document.seller
        paying = PaymentWriter(document, words, self.formats)
        amount = self.formats.money(document.totals.due)
        scan = paying.scan_to_pay()
        terms = paying.terms()
        rows = tuple(self._rows())
        return Sheet(
            language=str(self.formats.locale).replace("_", "-"),
            title=title,
            heading=heading,
            seller_name=seller.trading_name or seller.name,
            sender_line=" · ".join((seller.name, *self.formats.address_lines(seller.address)[:-1])),
            buyer_name=document.buyer.name,
            buyer_address="\n".join(self._buyer_address()),
            facts=tuple(self._facts()),
            amount_label=words.amount_credited if document.is_credit_note else words.amount_due,
            amount=amount,
            amount_size=amount_size(amount, has_neighbour=scan is not None),
            due=paying.due(),
            terms=terms if fits_the_panel(terms) else "",
            payments=tuple(paying.payments()),
            scan_to_pay=scan,
            rows=rows,
            wide=WideColumns.for_rows(rows),
            totals=tuple(self._totals()),
            notes=tuple(self._notes(terms)),
            footer=tuple(filter(fits_the_foot, self._seller_columns())),
            words=words,
            column_net=words.net_amount.format(currency=document.currency),
            created=document.issue_date.isoformat() if document.issue_date else "",
            logo=seller.logo,
            colour=readable(seller.colour) if seller.colour else "",
            is_draft=document.is_draft,
        )

    def _heading(self) -> str:
        words = self.words
        if self.document.is_draft:
            return words.draft_credit_note if self.document.is_credit_note else words.draft_invoice
        return words.credit_note if self.document.is_credit_note else words.invoice

    # The parties

    def _buyer_address(self) -> Iterator[str]:
        buyer = self.document.buyer
        if buyer.trading_name:
            yield self.words.trading_as.format(name=buyer.trading_name)
        if buyer.contact_name:
            yield self.words.contact.format(name=buyer.contact_name)
        yield from self.formats.address_lines(buyer.address)

    def _registrations(self, party: Party) -> Iterator[str]:
        if party.tax_number:
            yield self.words.tax_number.format(value=party.tax_number)
        if party.tax_registration:
            yield self.words.tax_registration.format(value=party.tax_registration)
        if party.registration_id:
            yield self.words.registration.format(value=party.registration_id)

    def _seller_columns(self) -> Iterator[str]:
        """Who sells: name and address, how to reach them, registrations and what law wants told."""
        seller = self.document.seller
        trading = seller.trading_name
        address = ", ".join(self.formats.address_lines(seller.address))
        phone = self.words.phone.format(value=seller.phone) if seller.phone else ""
        columns = (
            (seller.name, trading if trading != seller.name else "", address),
            (seller.contact_name, phone, seller.email, seller.website),
            (*self._registrations(seller), seller.legal_information),
        )
        yield from filter(None, ("\n".join(filter(None, column)) for column in columns))

    # What it concerns

    def _facts(self) -> Iterator[Fact]:
        document, words, day = self.document, self.words, self.formats.day
        number = words.credit_note_number if document.is_credit_note else words.number
        period, buyer = document.period, document.buyer
        found = (
            (number, document.number),
            (words.issue_date, document.issue_date and day(document.issue_date)),
            (words.tax_point_date, document.tax_point_date and day(document.tax_point_date)),
            (words.service_period, period and self.formats.period(period.start, period.last_day)),
            (words.delivery_date, document.delivery_date and day(document.delivery_date)),
            (words.order_number, document.order_number),
            (words.buyer_reference, document.buyer_reference),
            (words.account_number, document.account_number),
            (words.contract_number, document.contract_number),
            (words.project_number, document.project_number),
            (words.buyer_tax_number, buyer.tax_number),
            (words.buyer_tax_registration, buyer.tax_registration),
            (words.buyer_registration, buyer.registration_id),
            (words.buyer_phone, buyer.phone),
        )
        sought = {number, words.order_number}
        for label, value in found:
            if value:
                yield Fact(label, value, is_sought=label in sought)

    # Lines and totals

    def _rows(self) -> Iterator[Row]:
        carried = ZERO
        for line in self.document.lines:
            carried += line.net
            yield self._row(line, carried=carried)

    def _row(self, line: DocumentLine, *, carried: Decimal) -> Row:
        words = self.words
        unit = words.unit(line.unit_code, quantity=line.quantity)
        quantity = self.formats.quantity(line.quantity)
        base = line.price_base_quantity
        return Row(
            position=str(line.position),
            description=line.description,
            details="\n".join(self._details(line)),
            quantity=f"{quantity} {unit}" if unit else quantity,
            unit_price=self.formats.unit_price(line.unit_price),
            price_base=(
                "" if base == 1 else words.price_base.format(quantity=self.formats.quantity(base))
            ),
            tax=self.formats.percent(line.tax_rate) if line.tax_category != "O" else "",
            net=self.formats.amount(line.net),
            carried=self.formats.money(carried),
        )

    def _details(self, line: DocumentLine) -> Iterator[str]:
        words, period = self.words, line.period
        facts = (
            words.item_id.format(item_id=line.item_id) if line.item_id else "",
            self.formats.period(period.start, period.last_day) if period else "",
            *(
                sentence.format(value=value)
                for sentence, value in (
                    (words.buyer_item_id, line.buyer_item_id),
                    (words.standard_item_id, line.standard_item_id),
                    (words.object_identifier, line.object_identifier),
                    (words.order_line, line.order_line_reference),
                    (words.accounting_reference, line.accounting_reference),
                )
                if value
            ),
        )
        if first := " · ".join(filter(None, facts)):
            yield first
        if line.note:
            yield line.note
        for adjustment in line.adjustments:
            yield f"{self._reason(adjustment)}: {self._signed(adjustment)}"

    def _reason(self, adjustment: Adjustment) -> str:
        reason = adjustment.reason or adjustment.reason_code
        if adjustment.percentage is None:
            return reason
        return f"{reason} ({self.formats.percent(adjustment.percentage)})"

    def _signed(self, adjustment: Adjustment) -> str:
        amount = adjustment.amount if adjustment.is_charge else -adjustment.amount
        return self.formats.money(amount)

    def _totals(self) -> Iterator[Fact]:
        document, words, money = self.document, self.words, self.formats.money
        totals = document.totals
        if document.adjustments:
            yield Fact(words.sum_of_lines, money(totals.lines))
            for adjustment in document.adjustments:
                yield Fact(self._reason(adjustment), self._signed(adjustment))
        yield Fact(words.net_total, money(totals.net))
        for part in document.tax_breakdown:
            yield Fact(self._tax_label(part), money(part.tax))
        is_last = not (totals.prepaid or totals.rounding)
        if not is_last:
            yield Fact(words.gross_total, money(totals.gross))
            if totals.prepaid:
                yield Fact(words.prepaid, money(-totals.prepaid))
            if totals.rounding:
                yield Fact(words.rounding, money(totals.rounding))
        due = words.amount_credited if document.is_credit_note else words.amount_due
        yield Fact(words.gross_total if is_last else due, money(totals.due), is_total=True)

    def _tax_label(self, part: TaxBreakdown) -> str:
        taxable = self.formats.money(part.taxable)
        if (sentence := self.words.tax_categories.get(part.category)) is not None:
            return sentence.format(taxable=taxable)
        return self.words.tax_on.format(rate=self.formats.percent(part.rate), taxable=taxable)

    # Notes

    def _notes(self, terms: str) -> Iterator[str]:
        document = self.document
        yield from dict.fromkeys(
            part.exemption_text for part in document.tax_breakdown if part.exemption_text
        )
        if document.accounting_tax is not None:
            yield self._accounting_tax(document.accounting_tax)
        if document.deliver_to is not None:
            address = ", ".join(self.formats.address_lines(document.deliver_to))
            yield self.words.delivered_to.format(address=address)
        yield from document.notes
        if not fits_the_panel(terms):
            yield terms
        yield from (text for text in self._seller_columns() if not fits_the_foot(text))

    def _accounting_tax(self, tax: AccountingTax) -> str:
        formats = formats_for(self.formats.locale, currency=tax.currency)
        return self.words.accounting_tax.format(
            amount=formats.money(tax.tax),
            rate=formats.quantity(tax.exchange_rate),
            currency=tax.currency,
            foreign=self.document.currency,
            date=formats.short_day(tax.rate_date),
        )
