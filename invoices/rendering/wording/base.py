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
    view_credit_note: str
    reasons_heading: str
    stop: str
    corrects: str  # {number} {date}
    colon: str
    pay_by_transfer: str
    pay_by_debit: str  # {amount} {date}
    pay_by_debit_later: str  # {amount}
    nothing_to_pay: str
    sent_again: str  # {name}
    copy: str  # {name}
    copy_reason: str  # {name}
    copy_again_reason: str  # {name}
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
    delivery_date: str
    buyer_tax_number: str
    buyer_tax_registration: str
    buyer_registration: str
    buyer_phone: str
    preceding: str  # {number} {date}
    preceding_label: str

    # How much, by when, where to
    amount_due: str
    amount_credited: str
    due_by: str  # {date}
    nothing_due: str
    collected_on: str  # {date}
    terms_at_once: str
    terms_one_day: str
    terms_days: str  # {days}
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
    debit_notice: str  # {amount} {account} {date}
    debit_notice_without_account: str  # {amount} {date}
    scan_to_pay: str
    scan_to_pay_described: str  # {amount} {name} {account} {reference}
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
    buyer_item_id: str  # {value}
    standard_item_id: str  # {value}
    object_identifier: str  # {value}
    order_line: str  # {value}
    accounting_reference: str  # {value}
    carried_forward: str
    brought_forward: str

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
    delivered_to: str  # {address}
    contact: str  # {name}
    phone: str  # {value}
    tax_number: str  # {value}
    tax_registration: str  # {value}
    registration: str  # {value}
    trading_as: str  # {name}

    def unit(self, code: str, *, quantity: Decimal) -> str:
        """The word beside ``quantity``; a unit that has none stands for itself."""
        if abs(quantity) == 1 and code in self.single_units:
            return self.single_units[code]
        return self.units.get(code, code)
