"""The account to pay to and what to quote, as documents and their mails print them."""

from collections.abc import Iterator

from stdnum import iso11649

from invoices.parties import PaymentMeans
from invoices.rendering.sheet import Fact
from invoices.rendering.wording import Wording

_GROUP = 4


def facts_of(means: PaymentMeans, words: Wording) -> Iterator[Fact]:
    """All that is known of ``means``, by its label."""
    # An IBAN starts with its country's letters.
    is_iban = means.account_id[:2].isalpha()
    found = (
        (words.account_name, means.account_name),
        (
            words.iban if is_iban else words.account_id,
            account_in_groups(means.account_id) if is_iban else means.account_id,
        ),
        (words.bank_code, means.bank_code),
        (words.bic, means.bic),
        (words.bank_name, means.bank_name),
        (words.card, means.card_last4),
        (words.card_holder, means.card_holder),
        (words.mandate_reference, means.mandate_reference),
        (words.creditor_id, means.creditor_id),
        (words.payment_reference, reference_in_groups(means.reference)),
    )
    yield from (Fact(label, value) for label, value in found if value)


def account_in_groups(iban: str) -> str:
    """As banks print it."""
    compact = iban.replace(" ", "")
    return " ".join(compact[start : start + _GROUP] for start in range(0, len(compact), _GROUP))


def reference_in_groups(reference: str) -> str:
    """A creditor reference as ISO 11649 prints it; any other as it is."""
    if iso11649.is_valid(reference):
        return iso11649.format(reference)
    return reference
