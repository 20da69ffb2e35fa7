"""What a document says and in which words: from an InvoiceDocument to the texts of a Sheet.

All choices of wording, format and order are made here, so that they can be tested without a page
and templates hold no logic.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from invoices.parties import Party, PaymentMeans
from invoices.rendering.document import (
    AccountingTax,
    Adjustment,
    DocumentLine,
    InvoiceDocument,
    TaxBreakdown,
)
from invoices.rendering.formatting import Formats, find_locale, formats_for
from invoices.rendering.sheet import (
    Fact,
    Payment,
    Row,
    Sheet,
    WideColumns,
    fits_the_foot,
    is_amount_long,
)
from invoices.rendering.wording import LANGUAGES, Wording, wording_for

# UNTDID 4461.
_TRANSFER_CODES = frozenset({"30", "31", "42", "58"})
_DEBIT_CODES = frozenset({"49", "59"})
_CARD_CODES = frozenset({"48", "54", "55"})


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
        amount = self.formats.money(document.totals.due)
        rows = tuple(map(self._row, document.lines))
        return Sheet(
            language=str(self.formats.locale).replace("_", "-"),
            title=title,
            heading=heading,
            seller_name=seller.trading_name or seller.name,
            sender_line=" · ".join((seller.name, *self.formats.address_lines(seller.address)[:-1])),
            buyer_name=document.buyer.name,
            buyer_address="\n".join(self._buyer_address()),
            buyer_details="\n".join(self._buyer_details()),
            facts=tuple(self._facts()),
            amount_label=words.amount_credited if document.is_credit_note else words.amount_due,
            amount=amount,
            is_amount_long=is_amount_long(amount),
            due=self._due(),
            payments=tuple(self._payments()),
            rows=rows,
            wide=WideColumns.for_rows(rows),
            totals=tuple(self._totals()),
            notes=tuple(self._notes()),
            footer=tuple(filter(fits_the_foot, self._seller_columns())),
            words=words,
            column_net=words.net_amount.format(currency=document.currency),
            created=document.issue_date.isoformat() if document.issue_date else "",
            logo=seller.logo,
            colour=seller.colour,
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

    def _buyer_details(self) -> Iterator[str]:
        buyer = self.document.buyer
        if buyer.phone:
            yield self.words.phone.format(value=buyer.phone)
        yield from self._registrations(buyer)

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
        document, words = self.document, self.words
        number = words.credit_note_number if document.is_credit_note else words.number
        period = document.period
        found = (
            (number, document.number),
            (words.issue_date, document.issue_date and self.formats.day(document.issue_date)),
            (
                words.tax_point_date,
                document.tax_point_date and self.formats.day(document.tax_point_date),
            ),
            (words.service_period, period and self.formats.period(period.start, period.last_day)),
            (words.account_number, document.account_number),
            (words.order_number, document.order_number),
            (words.buyer_reference, document.buyer_reference),
            (words.contract_number, document.contract_number),
            (words.project_number, document.project_number),
        )
        yield from (Fact(label, value) for label, value in found if value)

    # How it is paid

    def _due(self) -> str:
        document = self.document
        if document.is_credit_note:
            return ""
        if document.totals.due <= 0:
            return self.words.nothing_due
        if document.due_date is None:
            return ""
        return self.words.due_by.format(date=self.formats.day(document.due_date))

    def _payments(self) -> Iterator[Payment]:
        if self.document.is_credit_note:
            if self.document.preceding:
                yield Payment(self.words.preceding_label, (), "\n".join(self._preceding()))
            return
        if self.document.totals.due <= 0:
            return
        for means in self.document.payment_means:
            yield Payment(self._payment_heading(means), tuple(self._pay_facts(means)), means.text)

    def _preceding(self) -> Iterator[str]:
        for invoice in self.document.preceding:
            day = self.formats.day(invoice.issue_date)
            yield self.words.preceding.format(number=invoice.number, date=day)

    def _payment_heading(self, means: PaymentMeans) -> str:
        if means.code in _TRANSFER_CODES:
            return self.words.pay_by_transfer
        if means.code in _DEBIT_CODES:
            return self.words.pay_by_debit
        if means.code in _CARD_CODES:
            return self.words.pay_by_card
        return self.words.pay_otherwise

    def _pay_facts(self, means: PaymentMeans) -> Iterator[Fact]:
        words = self.words
        is_iban = means.account_id[:2].isalpha()
        day = means.collection_date and self.formats.day(means.collection_date)
        found = (
            (words.collection_date, day),
            (words.account_name, means.account_name),
            (words.iban if is_iban else words.account_id, _grouped(means.account_id, is_iban)),
            (words.bank_code, means.bank_code),
            (words.bic, means.bic),
            (words.bank_name, means.bank_name),
            (words.card, means.card_last4),
            (words.card_holder, means.card_holder),
            (words.debited_account, _grouped(means.debited_account, True)),
            (words.mandate_reference, means.mandate_reference),
            (words.creditor_id, means.creditor_id),
            (words.payment_reference, means.reference),
        )
        yield from (Fact(label, value) for label, value in found if value)

    # Lines and totals

    def _row(self, line: DocumentLine) -> Row:
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
        )

    def _details(self, line: DocumentLine) -> Iterator[str]:
        period = line.period
        facts = (
            self.words.item_id.format(item_id=line.item_id) if line.item_id else "",
            self.formats.period(period.start, period.last_day) if period else "",
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

    def _notes(self) -> Iterator[str]:
        document = self.document
        yield from dict.fromkeys(
            part.exemption_text for part in document.tax_breakdown if part.exemption_text
        )
        if document.accounting_tax is not None:
            yield self._accounting_tax(document.accounting_tax)
        yield from document.notes
        if document.payment_terms:
            yield document.payment_terms
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


def _grouped(account: str, is_iban: bool) -> str:
    """An IBAN in groups of four, as banks print it; other account numbers as they are."""
    if not is_iban:
        return account
    compact = account.replace(" ", "")
    return " ".join(compact[start : start + 4] for start in range(0, len(compact), 4))
