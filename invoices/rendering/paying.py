"""What a document says about its payment: how much, by when, where to, or how it is collected."""

from collections.abc import Iterator
from dataclasses import dataclass

from stdnum import iso11649

from invoices.parties import PaymentMeans
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.formatting import Formats
from invoices.rendering.scan_to_pay import drawn, scan_to_pay_code
from invoices.rendering.sheet import Fact, Payment, ScanToPay
from invoices.rendering.wording import Wording

# UNTDID 4461.
_TRANSFER_CODES = frozenset({"30", "31", "42", "58"})
_DEBIT_CODES = frozenset({"49", "59"})
_CARD_CODES = frozenset({"48", "54", "55"})

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
            if means.code in _DEBIT_CODES and means.collection_date:
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
            yield Payment(self._heading(means), tuple(self._facts(means)), text)

    def scan_to_pay(self) -> ScanToPay | None:
        """The QR code of the first transfer that has one."""
        for means in self.document.payment_means:
            if code := scan_to_pay_code(self.document, means):
                drawing = drawn(code)
                description = self.words.scan_to_pay_described.format(
                    amount=self.formats.money(self.document.totals.due),
                    name=means.account_name or self.document.seller.name,
                    account=grouped(means.account_id),
                    reference=_reference(means),
                )
                return ScanToPay(drawing.size, drawing.path, description)
        return None

    def _is_collected(self) -> bool:
        return any(means.code in _DEBIT_CODES for means in self.document.payment_means)

    def _preceding(self) -> Iterator[str]:
        for invoice in self.document.preceding:
            day = self.formats.day(invoice.issue_date)
            yield self.words.preceding.format(number=invoice.number, date=day)

    def _heading(self, means: PaymentMeans) -> str:
        if means.code in _TRANSFER_CODES:
            return self.words.pay_by_transfer
        if means.code in _DEBIT_CODES:
            return self.words.pay_by_debit
        if means.code in _CARD_CODES:
            return self.words.pay_by_card
        return self.words.pay_otherwise

    def _debit_notice(self, means: PaymentMeans) -> str:
        """What the payer must be told before a direct debit: how much, when, from where."""
        day = means.collection_date or self.document.due_date
        if means.code not in _DEBIT_CODES or day is None:
            return ""
        amount, date = self.formats.money(self.document.totals.due), self.formats.day(day)
        if not means.debited_account:
            return self.words.debit_notice_without_account.format(amount=amount, date=date)
        ending = means.debited_account.replace(" ", "")[-_SHOWN_OF_AN_ACCOUNT:]
        return self.words.debit_notice.format(amount=amount, account=ending, date=date)

    def _facts(self, means: PaymentMeans) -> Iterator[Fact]:
        words = self.words
        is_iban = means.account_id[:2].isalpha()
        account_id = grouped(means.account_id) if is_iban else means.account_id
        found = (
            (words.account_name, means.account_name),
            (words.iban if is_iban else words.account_id, account_id),
            (words.bank_code, means.bank_code),
            (words.bic, means.bic),
            (words.bank_name, means.bank_name),
            (words.card, means.card_last4),
            (words.card_holder, means.card_holder),
            (words.mandate_reference, means.mandate_reference),
            (words.creditor_id, means.creditor_id),
            (words.payment_reference, _reference(means)),
        )
        yield from (Fact(label, value) for label, value in found if value)


def grouped(account: str) -> str:
    """An IBAN in groups of four, as banks print it."""
    compact = account.replace(" ", "")
    return " ".join(compact[start : start + 4] for start in range(0, len(compact), 4))


def _reference(means: PaymentMeans) -> str:
    """A creditor reference in groups of four (ISO 11649); anything else as it is."""
    if iso11649.is_valid(means.reference):
        return iso11649.format(means.reference)
    return means.reference
