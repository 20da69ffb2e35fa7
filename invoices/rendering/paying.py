"""What a document says about its payment: how much, by when, where to, or how it is collected."""

from collections.abc import Iterator
from dataclasses import dataclass

from invoices.parties import PaymentMeans
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.formatting import Formats
from invoices.rendering.payment_facts import account_in_groups, facts_of, reference_in_groups
from invoices.rendering.scan_to_pay import drawn, scan_to_pay_code
from invoices.rendering.sheet import Payment, ScanToPay
from invoices.rendering.wording import Wording

_SHOWN_OF_AN_ACCOUNT = 4


@dataclass(frozen=True)
class PaymentWriter:
    """The payment of one document in the words and formats that it is written in."""

    document: InvoiceDocument
    words: Wording
    formats: Formats

    def due(self) -> str:
        """When money moves, in bold under the amount."""
        document = self.document
        if document.is_credit_note:
            return ""
        if document.totals.due <= 0:
            return self.words.nothing_due
        for means in document.payment_means:
            if means.is_debit and means.collection_date:
                day = self.formats.day(means.collection_date)
                return self.words.collected_on.format(date=day)
        if document.due_date is None:
            return ""
        return self.words.due_by.format(date=self.formats.day(document.due_date))

    def terms(self) -> str:
        """BT-20, or else in how many days from the issue date it is due."""
        document, words = self.document, self.words
        if document.payment_terms or document.is_credit_note or document.totals.due <= 0:
            return document.payment_terms
        if document.due_date is None or document.issue_date is None or self._is_collected():
            return ""
        days = (document.due_date - document.issue_date).days
        if days <= 0:
            return words.terms_at_once
        return words.terms_one_day if days == 1 else words.terms_days.format(days=days)

    def payments(self) -> Iterator[Payment]:
        if self.document.is_credit_note:
            if self.document.preceding:
                yield Payment(self.words.preceding_label, (), "\n".join(self._preceding()))
            return
        if self.document.totals.due <= 0:
            return
        for means in self.document.payment_means:
            text = "\n".join(filter(None, (self._debit_notice(means), means.text)))
            yield Payment(self._heading(means), tuple(facts_of(means, self.words)), text)

    def scan_to_pay(self) -> ScanToPay | None:
        """The QR code of the first transfer that has one."""
        for means in self.document.payment_means:
            if code := scan_to_pay_code(self.document, means):
                drawing = drawn(code)
                description = self.words.scan_to_pay_described.format(
                    amount=self.formats.money(self.document.totals.due),
                    name=means.account_name or self.document.seller.name,
                    account=account_in_groups(means.account_id),
                    reference=reference_in_groups(means.reference),
                )
                return ScanToPay(drawing.size, drawing.path, description)
        return None

    def _is_collected(self) -> bool:
        return any(means.is_debit for means in self.document.payment_means)

    def _preceding(self) -> Iterator[str]:
        for invoice in self.document.preceding:
            day = self.formats.day(invoice.issue_date)
            yield self.words.preceding.format(number=invoice.number, date=day)

    def _heading(self, means: PaymentMeans) -> str:
        if means.is_transfer:
            return self.words.pay_by_transfer
        if means.is_debit:
            return self.words.pay_by_debit
        if means.is_card:
            return self.words.pay_by_card
        return self.words.pay_otherwise

    def _debit_notice(self, means: PaymentMeans) -> str:
        """What the payer must be told before a direct debit: how much, when, from where."""
        day = means.collection_date or self.document.due_date
        if not means.is_debit or day is None:
            return ""
        amount, date = self.formats.money(self.document.totals.due), self.formats.day(day)
        if not means.debited_account:
            return self.words.debit_notice_without_account.format(amount=amount, date=date)
        ending = means.debited_account.replace(" ", "")[-_SHOWN_OF_AN_ACCOUNT:]
        return self.words.debit_notice.format(amount=amount, account=ending, date=date)
