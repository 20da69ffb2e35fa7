"""The document of a case. Figures come from ``invoices.totals``, as those of real ones do."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial

from django.utils import translation
from stdnum.iso7064 import mod_97_10

from common.money import ZERO, round_money
from invoices import totals
from invoices.parties import Party, PaymentMeans
from invoices.rendering.document import (
    AccountingTax,
    Adjustment,
    DocumentKind,
    DocumentLine,
    DocumentState,
    InvoiceDocument,
    Period,
    Preceding,
    TaxBreakdown,
    Totals,
)
from taxes.vocabulary import Exemption
from tests.conformance import cast
from tests.conformance.cases import Case, Feature, Kind, Means, Tax

_ISSUED = date(2026, 11, 22)
_OCTOBER = Period(date(2026, 10, 1), date(2026, 10, 31))
_RATES_OF_EXCHANGE = {"EUR": Decimal("0.8645"), "GBP": Decimal("0.00519")}


def document_for(case: Case) -> InvoiceDocument:
    vendor = _vendor(case)
    lines = tuple(_lines(case, vendor))
    adjustments = tuple(_adjustments(case, lines))
    summed = _summed(case, lines, adjustments)
    is_invoice = case.kind is Kind.INVOICE
    number = f"{'RE' if is_invoice else 'GS'}-2026-{case.number:06d}"
    buyer = _buyer(case)
    crosses = case.tax in (Tax.INTRA_COMMUNITY, Tax.EXPORT) or case.has(Feature.DELIVERY)
    with_references = case.has(Feature.REFERENCES)
    return InvoiceDocument(
        kind=DocumentKind.INVOICE if is_invoice else DocumentKind.CREDIT_NOTE,
        state=DocumentState.ISSUED,
        number=number,
        issue_date=_ISSUED,
        due_date=date(2026, 12, 6) if is_invoice else None,
        tax_point_date=date(2026, 11, 20) if case.has(Feature.DELIVERY) else None,
        delivery_date=date(2026, 11, 19) if crosses else None,
        deliver_to=replace(buyer.address, lines=("Dock 7",)) if crosses else None,
        period=_OCTOBER if _has_period(case) else None,
        seller=_seller_for(case, vendor),
        buyer=buyer,
        account_number="100042",
        currency=case.currency,
        locale=case.language,
        lines=lines,
        adjustments=adjustments,
        tax_breakdown=_breakdown(summed),
        totals=_printed(summed),
        accounting_tax=_accounting_tax(case, vendor, summed.tax),
        payment_means=_means(case, vendor.party, number),
        preceding=_preceding(case),
        notes=tuple(_notes(case)),
        order_number="PO-7781" if with_references or case.number % 2 else "",
        buyer_reference="04011000-12345-03" if with_references else "",
        contract_number="V-2026/17" if with_references else "",
        project_number="Süd-West 4" if with_references else "",
    )


def _vendor(case: Case) -> cast.Vendor:
    """A seller who can make such a supply: none in the United Kingdom sells within the Union."""
    if case.tax is Tax.SMALL_BUSINESS:
        return cast.FRENCH if case.language == "fr" else cast.GERMAN
    if case.currency == "GBP" and case.tax is not Tax.INTRA_COMMUNITY:
        return cast.BRITISH
    if case.tax is Tax.ZERO:
        return cast.IRISH
    return {"de": cast.GERMAN, "fr": cast.FRENCH}.get(case.language, cast.IRISH)


def _seller_for(case: Case, vendor: cast.Vendor) -> Party:
    party = vendor.party
    if case.tax in (Tax.OUTSIDE, Tax.SMALL_BUSINESS):
        registered = party.tax_registration or "813/0815/0815"
        is_small = case.tax is Tax.SMALL_BUSINESS
        party = replace(party, tax_number="", tax_registration=registered if is_small else "")
    if case.has(Feature.LONGEST_TEXTS):
        party = replace(party, legal_information=cast.long_text(500), contact_name="Ada " * 20)
    return party


def _buyer(case: Case) -> Party:
    country = {
        Tax.REVERSE_CHARGE: "AT",
        Tax.INTRA_COMMUNITY: "AT",
        Tax.EXPORT: "JP" if case.number % 2 else "CH",
        Tax.OUTSIDE: "JP",
    }.get(case.tax) or {"de": "DE", "fr": "FR"}.get(case.language, "GB")
    buyer = cast.BUYERS[country]
    if case.has(Feature.SCRIPTS):
        buyer = cast.in_script(buyer, case.number)
    if case.has(Feature.LONGEST_TEXTS):
        buyer = cast.longest(buyer)
    if case.has(Feature.REFERENCES):
        buyer = replace(
            buyer,
            electronic_address="buyer@books.example",
            electronic_address_scheme="EM",
            identifier="4006381333931",
            identifier_scheme="0088",
        )
    return buyer


def _has_period(case: Case) -> bool:
    return case.kind is Kind.CREDIT_OF_PERIOD or case.has(Feature.PERIODS)


def _preceding(case: Case) -> tuple[Preceding, ...]:
    if case.kind is not Kind.CREDIT_OF_INVOICE:
        return ()
    return (Preceding("RE-2026-000017", date(2026, 10, 31)),)


def _notes(case: Case) -> Iterator[str]:
    if case.has(Feature.NOTES):
        yield "Thank you for your order – we are glad to have you."
        yield "Lieferung frei Haus; Gefahrübergang nach §\u202f447 BGB < Versand > & „Abholung“."
        yield "Escompte pour paiement anticipé : néant."
    if case.has(Feature.LONGEST_TEXTS):
        yield cast.long_text(1000)


# --- Lines ----------------------------------------------------------------------------------------

_Ware = tuple[str, str, str, str, str, str]
_WARES: tuple[_Ware, ...] = (
    ("Virtual server, 4 cores, 8 GB", "VPS-4-8", "1", "MON", "24.90", "1"),
    ("Backup storage", "BACK-1", "137.25", "E34", "0.0325", "1"),
    ("Messages", "SMS", "12500", "C62", "1.75", "100"),
    ("Support call outside office hours", "SUP", "1.5", "HUR", "85", "1"),
    ("Domain name exämple.com", "DOM", "3", "C62", "11.25", "1"),
)
_LINES = 3
_LONG_TABLE = 120


def _lines(case: Case, vendor: cast.Vendor) -> Iterator[DocumentLine]:
    count = _LONG_TABLE if case.has(Feature.LONG_TABLE) else _LINES
    for position in range(1, count + 1):
        yield _line(position, case, vendor, _WARES[(position + case.number) % len(_WARES)])
    if case.has(Feature.NEGATIVE_LINE):
        back = ("Taken back: half a month not used", "VPS-4-8", "-0.5", "MON", "24.90", "1")
        yield _line(count + 1, case, vendor, back)


def _line(position: int, case: Case, vendor: cast.Vendor, ware: _Ware) -> DocumentLine:
    description, item, quantity, unit, price, base = ware
    category, rate = _taxed(position, case, vendor)
    adjustments = tuple(_line_adjustments(position, case))
    net = totals.line_net(
        quantity=Decimal(quantity),
        unit_price=Decimal(price),
        base_quantity=Decimal(base),
        currency=case.currency,
        allowances=sum((a.amount for a in adjustments if not a.is_charge), ZERO),
        charges=sum((a.amount for a in adjustments if a.is_charge), ZERO),
    )
    line = DocumentLine(
        position=position,
        description=description,
        item_id=item,
        quantity=Decimal(quantity),
        unit_code=unit,
        unit_price=Decimal(price),
        price_base_quantity=Decimal(base),
        net=net,
        tax_category=category,
        tax_rate=rate,
        adjustments=adjustments,
    )
    return _told_more(line, case)


def _told_more(line: DocumentLine, case: Case) -> DocumentLine:
    if case.has(Feature.PERIODS):
        line = replace(line, period=_OCTOBER)
    if case.has(Feature.NOTES):
        line = replace(line, note="Ordered by telephone; delivered on Monday.")
    if case.has(Feature.SCRIPTS):
        name = cast.NAMES[(case.number + line.position) % len(cast.NAMES)]
        line = replace(line, description=f"{line.description} / {name}")
    if case.has(Feature.LONGEST_TEXTS):
        line = replace(line, description=cast.long_text(500), note=cast.long_text(1000))
    if case.has(Feature.REFERENCES):
        line = replace(
            line,
            buyer_item_id="77-4711",
            standard_item_id="4006381333931",
            standard_item_scheme="0160",
            object_identifier="SN-0001",
            order_line_reference=str(line.position),
            accounting_reference="4400/210",
        )
    return line


def _taxed(position: int, case: Case, vendor: cast.Vendor) -> tuple[str, Decimal]:
    if case.tax is Tax.STANDARD:
        return "S", Decimal(vendor.rates[0])
    if case.tax is Tax.SEVERAL:
        rates = (*vendor.rates, None) if vendor in (cast.BRITISH, cast.IRISH) else vendor.rates
        rate = rates[position % len(rates)]
        return ("Z", ZERO) if rate is None else ("S", Decimal(rate))
    return str(case.tax), ZERO


# --- Allowances and charges -----------------------------------------------------------------------


def _line_adjustments(position: int, case: Case) -> Iterator[Adjustment]:
    if case.has(Feature.ALLOWANCES) and position == 1:
        base = round_money(Decimal(20), currency=case.currency)
        amount = round_money(base / 10, currency=case.currency)
        yield Adjustment(False, amount, "Loyalty discount", Decimal(10), base, reason_code="95")
        yield Adjustment(True, round_money(Decimal("3.50"), currency=case.currency), "Set-up")


def _adjustments(case: Case, lines: Sequence[DocumentLine]) -> Iterator[Adjustment]:
    if not case.has(Feature.ALLOWANCES):
        return
    first = lines[0]
    base = first.net
    allowance = round_money(base * Decimal("2.5") / 100, currency=case.currency)
    yield Adjustment(
        *(False, allowance, "Discount for the volume", Decimal("2.5"), base),
        tax_category=first.tax_category,
        tax_rate=first.tax_rate,
        reason_code="95",
    )
    yield Adjustment(
        True,
        round_money(Decimal("4.90"), currency=case.currency),
        "Freight",
        tax_category=first.tax_category,
        tax_rate=first.tax_rate,
        reason_code="FC",
    )


# --- Figures --------------------------------------------------------------------------------------

_EXEMPTIONS = {
    "AE": Exemption.REVERSE_CHARGE,
    "K": Exemption.INTRA_COMMUNITY,
    "O": Exemption.CUSTOMER_ACCOUNTS,
}


def _summed(
    case: Case, lines: Sequence[DocumentLine], adjustments: Sequence[Adjustment]
) -> totals.Totals:
    def amount(net: Decimal, category: str, rate: Decimal) -> totals.TaxedAmount:
        why = _exemption(category, case)
        with translation.override(case.language):
            reason = str(why.label) if why else ""
        code = why.code if why else ""
        return totals.TaxedAmount(net, totals.TaxKey(category, rate), code, reason)

    amounts = [amount(line.net, line.tax_category, line.tax_rate) for line in lines]
    extra = [(a.is_charge, amount(a.amount, a.tax_category, a.tax_rate)) for a in adjustments]
    allowances = [taxed for is_charge, taxed in extra if not is_charge]
    charges = [taxed for is_charge, taxed in extra if is_charge]
    sum_up = partial(
        totals.total, amounts, currency=case.currency, allowances=allowances, charges=charges
    )
    plain = sum_up()
    prepaid, rounding = ZERO, ZERO
    if case.has(Feature.PREPAID_FULLY):
        prepaid = plain.gross
    elif case.has(Feature.PREPAID_PARTLY):
        prepaid = round_money(plain.gross / 3, currency=case.currency)
    if case.has(Feature.ROUNDING):
        due = plain.gross - prepaid
        rounding = (due * 20).quantize(Decimal(1)) / 20 - due
    return sum_up(prepaid=prepaid, rounding=rounding)


def _exemption(category: str, case: Case) -> Exemption | None:
    if category == "E":
        is_french = case.language == "fr"
        return Exemption.SMALL_BUSINESS_FR if is_french else Exemption.SMALL_BUSINESS
    if category == "G":
        return Exemption.EXPORT if case.currency == "GBP" else Exemption.EXPORT_FROM_EU
    return _EXEMPTIONS.get(category)


def _breakdown(summed: totals.Totals) -> tuple[TaxBreakdown, ...]:
    return tuple(
        TaxBreakdown(
            part.tax.category,
            part.tax.rate,
            part.taxable_amount,
            part.tax_amount,
            part.exemption_reason,
            part.exemption_code,
        )
        for part in summed.subtotals
    )


def _printed(summed: totals.Totals) -> Totals:
    names = ("lines", "net", "tax", "gross", "due", "allowances", "charges", "prepaid", "rounding")
    return Totals(**{name: getattr(summed, name) for name in names})


def _accounting_tax(case: Case, vendor: cast.Vendor, tax: Decimal) -> AccountingTax | None:
    currency = vendor.accounting_currency
    if currency == case.currency or not tax:
        return None
    rate = _RATES_OF_EXCHANGE[currency]
    return AccountingTax(
        currency, round_money(tax * rate, currency=currency), rate, date(2026, 11, 20)
    )


# --- How it is paid -------------------------------------------------------------------------------


def _means(case: Case, seller: Party, number: str) -> tuple[PaymentMeans, ...]:
    if case.means is Means.SEPA_TRANSFER:
        reference = _creditor_reference(case) if case.number % 2 else number
        return (
            PaymentMeans(
                code="58",
                account_name=seller.name,
                account_id="DE02120300000000202051",
                bic="BYLADEM1001",
                bank_name="Deutsche Kreditbank",
                reference=reference,
            ),
        )
    if case.means is Means.OTHER_TRANSFER:
        return (
            PaymentMeans(
                code="30",
                account_name=seller.name,
                account_id="31926819",
                bank_code="60-16-13",
                bank_name="Harbour Bank",
                reference=number,
            ),
        )
    if case.means is Means.SEPA_DEBIT:
        return (
            PaymentMeans(
                code="59",
                mandate_reference="M-2026-0042",
                creditor_id="DE98ZZZ09999999999",
                debited_account="AT611904300234573201",
                collection_date=date(2026, 12, 6),
                reference=number,
            ),
        )
    if case.means is Means.CARD:
        return (PaymentMeans(code="48", card_last4="4242", card_holder="Ana Ruiz"),)
    return ()


def _creditor_reference(case: Case) -> str:
    """ISO 11649."""
    body = f"{case.number:06d}"
    return f"RF{mod_97_10.calc_check_digits(body + 'RF')}{body}"
