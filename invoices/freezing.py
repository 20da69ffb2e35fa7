"""Copies of both parties and of the means of payment, as the document will say for ever."""

from collections.abc import Sequence
from dataclasses import dataclass

from stdnum.iso7064 import mod_97_10

from accounts.addressing import read_addressing
from accounts.contacts import BillingDetails
from accounts.models import Account
from accounts.recipients import Recipient
from invoices.models import Invoice, InvoiceLine, Seller
from invoices.parties import (
    CREDIT_TRANSFER,
    SEPA_CREDIT_TRANSFER,
    Party,
    PaymentMeans,
    PostalAddress,
)
from taxes.vocabulary import TaxCategory, TaxGroup

# ISO 11649: "RF", two check digits, and this many letters and digits at most.
_LONGEST_CREDITOR_REFERENCE = 21

_LEAVES_THE_TERRITORY = frozenset({TaxCategory.INTRA_COMMUNITY, TaxCategory.EXPORT})


@dataclass(frozen=True, slots=True)
class Customer:
    """What issuing needs to know of an account, read in three statements."""

    account: Account
    details: BillingDetails
    recipients: tuple[Recipient, ...]


def read_customer(account: Account) -> Customer:
    """The account's billing details and recipients at this moment. Needs its scope.

    Raises accounts.contacts.NoBillingAddress.
    """
    addressing = read_addressing(account)
    return Customer(account, addressing.details, addressing.recipients)


def seller_party(seller: Seller, *, tax_group: str, tax_number: str) -> Party:
    """BG-4. Outside the scope of tax the VAT identifier may not stand on it (BR-O-02).

    A local tax registration (BT-32) may, and in Germany must (UStG § 14).
    """
    in_scope = tax_group != TaxGroup.OUTSIDE_SCOPE
    return Party(
        name=seller.legal_name,
        trading_name=seller.trading_name,
        address=PostalAddress(
            country=seller.country,
            lines=tuple(
                line
                for line in (seller.address_line_1, seller.address_line_2, seller.address_line_3)
                if line
            ),
            postcode=seller.postcode,
            city=seller.city,
            subdivision=seller.subdivision,
        ),
        contact_name=seller.contact_name,
        phone=seller.phone,
        email=seller.email,
        website=seller.website,
        tax_number=tax_number if in_scope else "",
        tax_registration=seller.tax_registration,
        registration_id=seller.registration_id,
        registration_scheme=seller.registration_scheme,
        identifier=seller.identifier,
        identifier_scheme=seller.identifier_scheme,
        electronic_address=seller.electronic_address,
        electronic_address_scheme=seller.electronic_address_scheme,
        legal_information=seller.legal_information,
        logo=seller.logo,
        colour=seller.colour,
    )


def buyer_party(customer: Customer, *, tax_group: str) -> Party:
    """BG-7, from the billing details; the person is the contact where a company is invoiced."""
    details, account = customer.details, customer.account
    return Party(
        name=details.company or details.name,
        contact_name=details.name if details.company else "",
        address=PostalAddress(
            country=details.country,
            lines=details.address_lines,
            postcode=details.postcode,
            city=details.city,
            subdivision=details.subdivision,
        ),
        phone=details.phone,
        email=details.email,
        tax_number=details.tax_number if tax_group != TaxGroup.OUTSIDE_SCOPE else "",
        registration_id=account.registration_id,
        registration_scheme=account.registration_scheme,
        electronic_address=account.electronic_address,
        electronic_address_scheme=account.electronic_address_scheme,
    )


def deliver_to(account: Account, lines: Sequence[InvoiceLine]) -> dict[str, object] | None:
    """BG-15: where goods went that leave the seller's tax territory (BR-IC-12); else nothing.

    The account's own address: the billing contact says who pays, not where things go.
    """
    if not any(line.tax_category in _LEAVES_THE_TERRITORY for line in lines):
        return None
    return PostalAddress(
        country=account.country,
        lines=tuple(
            line
            for line in (account.address_line_1, account.address_line_2, account.address_line_3)
            if line
        ),
        postcode=account.postcode,
        city=account.city,
        subdivision=account.subdivision,
    ).to_json()


def payment_means(seller: Seller, invoice: Invoice) -> tuple[PaymentMeans, ...]:
    """BG-16: a transfer to the seller's account, with a reference made of the document's number.

    Nothing for a credit note or a document with nothing to pay, nor for a seller without a bank
    account.
    """
    account_id = seller.iban or seller.bank_account
    if invoice.kind != Invoice.Kind.INVOICE or invoice.amount_due <= 0 or not account_id:
        return ()
    is_sepa = bool(seller.iban) and invoice.currency == "EUR"
    number = invoice.number or ""
    return (
        PaymentMeans(
            code=SEPA_CREDIT_TRANSFER if is_sepa else CREDIT_TRANSFER,
            reference=(creditor_reference(number) if is_sepa else "") or number,
            account_id=account_id,
            account_name=seller.bank_account_name or seller.legal_name,
            bic=seller.bic,
            bank_name=seller.bank_name,
        ),
    )


def creditor_reference(number: str) -> str:
    """``number`` as an ISO 11649 reference, which banks check and pass on; "" if it does not fit.

    Its hyphens go: INV-2026-000123 becomes RF98INV2026000123.
    """
    body = number.replace("-", "")
    if not body or len(body) > _LONGEST_CREDITOR_REFERENCE:
        return ""
    return f"RF{mod_97_10.calc_check_digits(f'{body}RF')}{body}"
