"""How it is paid."""

from collections.abc import Iterator

from invoices.rendering.document import InvoiceDocument
from invoices.rendering.einvoice.rules.broken import BrokenRule, broken, is_blank
from invoices.rendering.einvoice.rules.code_lists import CodeList, codes


def check_payment(document: InvoiceDocument) -> Iterator[BrokenRule]:
    for means in document.payment_means:
        if means.is_credit_transfer and is_blank(means.account_id):
            yield from broken(
                "It asks for a transfer without saying to which account: enter the IBAN or the"
                " account number under Sellers.",
                "BR-50",
                "BR-61",
            )


def check_codes_of_payment(document: InvoiceDocument) -> Iterator[BrokenRule]:
    for means in document.payment_means:
        if means.code not in codes(CodeList.PAYMENT_MEANS):
            yield from broken(
                f"“{means.code}” is no means of payment in UNTDID 4461: correct it under Sellers.",
                "BR-CL-16",
            )
