"""What every language must have a word for. A missing one is an error of the type checker.

Placeholders in braces stand for text that is already formatted for the locale.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MailWording:
    """The mails that carry a document."""

    invoice_subject: str  # {number} {seller} {amount} {due_date} {account}
    invoice_subject_without_date: str
    credit_note_subject: str
    greeting: str  # {name}
    greeting_nobody: str
    invoice_attached: str  # {number} {seller}
    credit_note_attached: str  # {number} {seller}
    number: str
    due_date: str
    credit_amount: str
    view: str
    reasons_heading: str
    stop: str
    questions: str  # {operator} {address}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A document's headings, labels and sentences in one language."""

    language: str  # ISO 639
    mail: MailWording
    units: Mapping[str, str]  # UNECE Recommendation 20 code to the word beside a quantity
    single_units: Mapping[str, str]  # where the word beside a one is another

    # What it is
    invoice: str
    credit_note: str
    draft_invoice: str
    draft_credit_note: str
    draft_mark: str
    page: str  # CSS: {page} and {pages} become counters
    title: str  # {heading} {number}

    # Whom and what it concerns
    bill_to: str
    number: str
    credit_note_number: str
    issue_date: str
    tax_point_date: str
    service_period: str
    account_number: str
    buyer_reference: str
    order_number: str
    contract_number: str
    project_number: str
    preceding: str  # {number} {date}
    preceding_label: str

    # How much, by when, where to
    amount_due: str
    amount_credited: str
    due_by: str  # {date}
    nothing_due: str
    pay_by_transfer: str
    pay_by_debit: str
    pay_by_card: str
    pay_otherwise: str
    account_name: str
    iban: str
    account_id: str
    bic: str
    bank_name: str
    bank_code: str
    payment_reference: str
    collection_date: str
    debited_account: str
    mandate_reference: str
    creditor_id: str
    card: str
    card_holder: str

    # Lines
    position: str
    description: str
    quantity: str
    unit_price: str
    price_base: str  # {quantity}
    tax: str
    net_amount: str  # {currency}
    item_id: str  # {item_id}

    # Totals
    sum_of_lines: str
    net_total: str
    tax_on: str  # {rate} {taxable}
    tax_categories: Mapping[str, str]  # UNTDID 5305 code to words; {taxable}
    gross_total: str
    prepaid: str
    rounding: str
    accounting_tax: str  # {amount} {rate} {currency} {foreign} {date}

    # Notes and parties
    contact: str  # {name}
    phone: str  # {value}
    tax_number: str  # {value}
    tax_registration: str  # {value}
    registration: str  # {value}
    trading_as: str  # {name}

    def unit(self, code: str, *, quantity: Decimal) -> str:
        """The word beside ``quantity``; a unit that has none stands for itself."""
        if quantity == 1 and code in self.single_units:
            return self.single_units[code]
        return self.units.get(code, code)
