"""Whether a document would be a valid e-invoice, asked before it has a number."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from common.exceptions import DomainError
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.einvoice.rules.broken import BrokenRule, Check
from invoices.rendering.einvoice.rules.lines import check_codes_of_lines, check_lines
from invoices.rendering.einvoice.rules.money import (
    check_currencies,
    check_decimals,
    check_sums,
)
from invoices.rendering.einvoice.rules.parties import check_codes_of_parties, check_parties
from invoices.rendering.einvoice.rules.payment import check_codes_of_payment, check_payment
from invoices.rendering.einvoice.rules.taxes import check_taxes
from invoices.rendering.einvoice.terms import has_einvoice

_OF_EVERY_DOCUMENT: Final[tuple[Check, ...]] = (
    check_parties,
    check_lines,
    check_decimals,
    check_taxes,
    check_payment,
)
_OF_AN_EINVOICE: Final[tuple[Check, ...]] = (
    check_codes_of_parties,
    check_currencies,
    check_sums,
    check_codes_of_lines,
    check_codes_of_payment,
)
# Beyond these a message says how many more there are.
_MOST_FAULTS_SAID: Final = 10


class WouldBeInvalid(DomainError):
    """Business rules of EN 16931 refuse the document; it must not get a number."""


def broken_rules(document: InvoiceDocument) -> tuple[BrokenRule, ...]:
    """Every rule that ``document`` breaks, each fault once.

    Reads nothing but its argument. What no document of ours can break is not checked:
    docs/business-rules.md says why not, rule by rule. One that is a PDF and nothing else may have
    codes that no program knows.
    """
    checks = _OF_EVERY_DOCUMENT
    if has_einvoice(document):
        checks += _OF_AN_EINVOICE
    return tuple(dict.fromkeys(found for check in checks for found in check(document)))


def require_sound(document: InvoiceDocument) -> None:
    """Raise WouldBeInvalid with all that is wrong with ``document``, for staff."""
    if not (found := broken_rules(document)):
        return
    customer, account = document.buyer.name, document.account_number
    refusal = (
        f"The credit note to {customer}, account {account}, cannot be issued."
        if document.is_credit_note
        else f"The invoice to {customer}, account {account}, cannot be issued."
    )
    raise WouldBeInvalid(f"{refusal} {_in_words(found)}")


def _in_words(found: Iterable[BrokenRule]) -> str:
    """``… under Sellers (BR-CO-26).`` Each fault once, with all the rules that it breaks."""
    rules: dict[str, list[str]] = defaultdict(list)
    for each in found:
        rules[each.words].append(each.rule)
    said = [
        f"{words.rstrip('.')} ({', '.join(names)})."
        for words, names in list(rules.items())[:_MOST_FAULTS_SAID]
    ]
    if more := len(rules) - len(said):
        said.append("There is 1 more fault." if more == 1 else f"There are {more} more faults.")
    return " ".join(said)
