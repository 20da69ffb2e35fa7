"""Who sells and who buys: how they are identified, where they are, how they are reached."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from invoices.parties import Party, PostalAddress
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.einvoice.identifiers import is_vat_identifier
from invoices.rendering.einvoice.rules.broken import BrokenRule, broken, is_blank
from invoices.rendering.einvoice.rules.code_lists import CodeList, codes, tax_number_prefixes


def check_parties(document: InvoiceDocument) -> Iterator[BrokenRule]:
    """That both can be told, on any document."""
    seller = document.seller
    if is_blank(seller.name):
        yield from broken(_("The seller has no legal name: enter it under Sellers."), "BR-06")
    if is_blank(document.buyer.name):
        yield from broken(
            _("The customer has no name: enter one among the account’s details."), "BR-07"
        )
    # A local tax number (BT-32) is none that a buyer's program finds a seller by.
    numbers = (seller.identifier, seller.registration_id)
    if not any(numbers) and not is_vat_identifier(seller.tax_number):
        yield from broken(
            _(
                "The seller has no VAT number, company number or other identifier on this"
                " document: enter a company number or an identifier under Sellers."
            ),
            "BR-CO-26",
        )


def check_codes_of_parties(document: InvoiceDocument) -> Iterator[BrokenRule]:
    """What an e-invoice says in codes about both."""
    yield from _check_seller(document.seller)
    yield from _check_buyer(document.buyer)
    if document.deliver_to is not None:
        yield from _check_address(document.deliver_to, where=_("among the account’s details"))


def _check_seller(seller: Party) -> Iterator[BrokenRule]:
    number = seller.tax_number
    if is_vat_identifier(number) and number[:2] not in tax_number_prefixes():
        yield from broken(
            _(
                "The seller’s VAT number “%(number)s” does not begin with the letters of a"
                " country, such as GB: correct it among the seller’s tax registrations."
            )
            % {"number": number},
            "BR-CO-09",
        )
    if not _is_known(seller.identifier, seller.identifier_scheme, CodeList.PARTY_SCHEMES):
        yield from broken(
            _(
                "“%(scheme)s” is no ISO 6523 code of the seller’s identifier, such as 0088 for"
                " a GLN: correct or empty it under Sellers."
            )
            % {"scheme": seller.identifier_scheme},
            "BR-CL-10",
        )
    if not _is_known(seller.registration_id, seller.registration_scheme, CodeList.REGISTER_SCHEMES):
        yield from broken(
            _(
                "“%(scheme)s” is no ISO 6523 code of the seller’s company register: correct or"
                " empty it under Sellers."
            )
            % {"scheme": seller.registration_scheme},
            "BR-CL-11",
        )
    where = _("under Sellers")
    yield from _check_address(seller.address, where=where)
    yield from _check_electronic_address(seller, where=where, rule="BR-62")


def _check_buyer(buyer: Party) -> Iterator[BrokenRule]:
    where = _("among the account’s details")
    if buyer.tax_number and buyer.tax_number[:2] not in tax_number_prefixes():
        yield from broken(
            _(
                "The customer’s tax number “%(number)s” does not begin with the letters of a"
                " country, such as GB: correct or empty it %(where)s or those of the billing"
                " contact."
            )
            % {"number": buyer.tax_number, "where": where},
            "BR-CO-09",
        )
    if not _is_known(buyer.identifier, buyer.identifier_scheme, CodeList.PARTY_SCHEMES):
        yield from broken(
            _(
                "“%(scheme)s” is no ISO 6523 code of the customer’s identifier, such as 0088"
                " for a GLN: correct or empty it %(where)s."
            )
            % {"scheme": buyer.identifier_scheme, "where": where},
            "BR-CL-10",
        )
    if not _is_known(buyer.registration_id, buyer.registration_scheme, CodeList.REGISTER_SCHEMES):
        yield from broken(
            _(
                "“%(scheme)s” is no ISO 6523 code of the customer’s company register: correct"
                " or empty it %(where)s."
            )
            % {"scheme": buyer.registration_scheme, "where": where},
            "BR-CL-11",
        )
    yield from _check_address(buyer.address, where=where)
    yield from _check_electronic_address(buyer, where=where, rule="BR-63")


def _check_address(address: PostalAddress, *, where: str) -> Iterator[BrokenRule]:
    if address.country not in codes(CodeList.COUNTRIES):
        yield from broken(
            _("“%(country)s” is no country code of ISO 3166-1: choose a country %(where)s.")
            % {"country": address.country, "where": where},
            "BR-CL-14",
        )


def _check_electronic_address(party: Party, *, where: str, rule: str) -> Iterator[BrokenRule]:
    """``rule`` asks for a scheme; none is needed where there is no address."""
    address, scheme = party.electronic_address, party.electronic_address_scheme
    if address and not scheme:
        yield from broken(
            _(
                "The electronic address “%(address)s” has no EAS code, such as 0088 for a GLN or"
                " EM for email: enter one %(where)s, or empty the address."
            )
            % {"address": address, "where": where},
            rule,
        )
    elif not _is_known(address, scheme, CodeList.ADDRESS_SCHEMES):
        yield from broken(
            _(
                "“%(scheme)s” is no EAS code of an electronic address, such as 0088 for a GLN or"
                " EM for email: correct it %(where)s."
            )
            % {"scheme": scheme, "where": where},
            "BR-CL-25",
        )


def _is_known(value: str, scheme: str, code_list: CodeList) -> bool:
    """A scheme without a value is not written, and most values need none."""
    return not (value and scheme) or scheme in codes(code_list)
