"""Who sells and who buys: how they are identified, where they are, how they are reached."""

from collections.abc import Iterator

from invoices.parties import Party, PostalAddress
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.einvoice.identifiers import is_vat_identifier
from invoices.rendering.einvoice.rules.broken import BrokenRule, broken, is_blank
from invoices.rendering.einvoice.rules.code_lists import CodeList, codes, tax_number_prefixes


def check_parties(document: InvoiceDocument) -> Iterator[BrokenRule]:
    """That both can be told, on any document."""
    seller = document.seller
    if is_blank(seller.name):
        yield from broken("The seller has no legal name: enter it under Sellers.", "BR-06")
    if is_blank(document.buyer.name):
        yield from broken(
            "The customer has no name: enter one among the account’s details.", "BR-07"
        )
    # A local tax number (BT-32) is none that a buyer's program finds a seller by.
    numbers = (seller.identifier, seller.registration_id)
    if not any(numbers) and not is_vat_identifier(seller.tax_number):
        yield from broken(
            "The seller has no VAT number, company number or other identifier on this document:"
            " enter a company number or an identifier under Sellers.",
            "BR-CO-26",
        )


def check_codes_of_parties(document: InvoiceDocument) -> Iterator[BrokenRule]:
    """What an e-invoice says in codes about both."""
    yield from _check_numbers_of_seller(document.seller)
    yield from _check_address_of_seller(document.seller)
    yield from _check_numbers_of_buyer(document.buyer)
    yield from _check_address_of_buyer(document.buyer)
    if document.deliver_to is not None:
        yield from _check_country_of_buyer(document.deliver_to)


def _check_numbers_of_seller(seller: Party) -> Iterator[BrokenRule]:
    number = seller.tax_number
    if is_vat_identifier(number) and number[:2] not in tax_number_prefixes():
        yield from broken(
            f"The seller’s VAT number “{number}” does not begin with the letters of a country,"
            " such as GB: correct it among the seller’s tax registrations.",
            "BR-CO-09",
        )
    if not _is_known(seller.identifier, seller.identifier_scheme, CodeList.PARTY_SCHEMES):
        yield from broken(
            f"“{seller.identifier_scheme}” is no ISO 6523 code of the seller’s identifier, such as"
            " 0088 for a GLN: correct or empty it under Sellers.",
            "BR-CL-10",
        )
    if not _is_known(seller.registration_id, seller.registration_scheme, CodeList.REGISTER_SCHEMES):
        yield from broken(
            f"“{seller.registration_scheme}” is no ISO 6523 code of the seller’s company register:"
            " correct or empty it under Sellers.",
            "BR-CL-11",
        )


def _check_address_of_seller(seller: Party) -> Iterator[BrokenRule]:
    country = seller.address.country
    if country not in codes(CodeList.COUNTRIES):
        yield from broken(
            f"“{country}” is no country code of ISO 3166-1: choose a country under Sellers.",
            "BR-CL-14",
        )
    address, scheme = seller.electronic_address, seller.electronic_address_scheme
    if address and not scheme:
        yield from broken(
            f"The electronic address “{address}” has no EAS code, such as 0088 for a GLN or EM for"
            " email: enter one under Sellers, or empty the address.",
            "BR-62",
        )
    elif not _is_known(address, scheme, CodeList.ADDRESS_SCHEMES):
        yield from broken(
            f"“{scheme}” is no EAS code of an electronic address, such as 0088 for a GLN or EM for"
            " email: correct it under Sellers.",
            "BR-CL-25",
        )


def _check_numbers_of_buyer(buyer: Party) -> Iterator[BrokenRule]:
    number = buyer.tax_number
    if number and number[:2] not in tax_number_prefixes():
        yield from broken(
            f"The customer’s tax number “{number}” does not begin with the letters of a country,"
            " such as GB: correct or empty it among the account’s details or those of the billing"
            " contact.",
            "BR-CO-09",
        )
    if not _is_known(buyer.identifier, buyer.identifier_scheme, CodeList.PARTY_SCHEMES):
        yield from broken(
            f"“{buyer.identifier_scheme}” is no ISO 6523 code of the customer’s identifier, such as"
            " 0088 for a GLN: correct or empty it among the account’s details.",
            "BR-CL-10",
        )
    if not _is_known(buyer.registration_id, buyer.registration_scheme, CodeList.REGISTER_SCHEMES):
        yield from broken(
            f"“{buyer.registration_scheme}” is no ISO 6523 code of the customer’s company register:"
            " correct or empty it among the account’s details.",
            "BR-CL-11",
        )


def _check_address_of_buyer(buyer: Party) -> Iterator[BrokenRule]:
    yield from _check_country_of_buyer(buyer.address)
    address, scheme = buyer.electronic_address, buyer.electronic_address_scheme
    if address and not scheme:
        yield from broken(
            f"The electronic address “{address}” has no EAS code, such as 0088 for a GLN or EM for"
            " email: enter one among the account’s details, or empty the address.",
            "BR-63",
        )
    elif not _is_known(address, scheme, CodeList.ADDRESS_SCHEMES):
        yield from broken(
            f"“{scheme}” is no EAS code of an electronic address, such as 0088 for a GLN or EM for"
            " email: correct it among the account’s details.",
            "BR-CL-25",
        )


def _check_country_of_buyer(address: PostalAddress) -> Iterator[BrokenRule]:
    """Of an address that invoices go to, or goods."""
    if address.country not in codes(CodeList.COUNTRIES):
        yield from broken(
            f"“{address.country}” is no country code of ISO 3166-1: choose a country among the"
            " account’s details.",
            "BR-CL-14",
        )


def _is_known(value: str, scheme: str, code_list: CodeList) -> bool:
    """A scheme without a value is not written, and most values need none."""
    return not (value and scheme) or scheme in codes(code_list)
