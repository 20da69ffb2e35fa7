"""Documents of different kinds as a customer would get them: for pictures, and to look over all."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from invoices.freezing import creditor_reference
from invoices.parties import PaymentMeans
from invoices.rendering.document import (
    AccountingTax,
    Adjustment,
    DocumentLine,
    InvoiceDocument,
    Period,
    Preceding,
    TaxBreakdown,
)
from tests.invoices.companies import (
    DEBIT,
    FERRIS_AND_RUIZ,
    KONTOR_ELBE,
    LIFFEY_PRINT,
    NORDLICHT,
    NORTHWIND,
    PALM_TRADING,
    TO_NORDLICHT,
    TO_NORTHWIND,
    TO_VENT_DU_NORD,
    TROIS_RIVIERES,
    VENT_DU_NORD,
)
from tests.invoices.documents import a_credit_note, a_document, a_draft, a_line

# A name of its own: pictures are kept by name as long as a process lives.
LOGO = "northwind-with-name.png"
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
ISSUED = date(2026, 11, 30)
NOTHING = Decimal(0)

_GERMAN_WARES = (
    ("Virtueller Server, 4 Kerne, 8 GB", "VPS-4-8", "2", "MON", "24.90"),
    ("Überwachung, 50 Prüfungen", "MON-50", "1", "MON", "19.00"),
    ("Domain kontor-elbe.example", "DOM", "1", "ANN", "11.25"),
    ("Datensicherung", "BACK-1", "1840", "E34", "0.0325"),
    ("Einsatz außerhalb der Bürozeiten", "SUP-OOH", "1.5", "HUR", "85.00"),
)
_FRENCH_WARES = (
    ("Serveur virtuel, 4 cœurs, 8 Go", "VPS-4-8", "3", "MON", "24.90"),
    ("Surveillance, 50 contrôles", "MON-50", "1", "MON", "19.00"),
    ("Guide de l’administrateur, broché", "LIV-7", "2", "C62", "32.00"),
    ("Formation à distance", "FORM", "1", "DAY", "480.00"),
)
_ENGLISH_WARES = (
    ("Virtual server, 4 cores, 8 GB", "VPS-4-8", "2", "MON", "24.90"),
    ("Monitoring, 50 checks", "MON-50", "1", "MON", "19.00"),
    ("Domain name ferris-ruiz.example", "DOM", "1", "ANN", "11.25"),
    ("Backup storage", "BACK-1", "1840", "E34", "0.0325"),
    ("Support call outside office hours", "SUP-OOH", "1.5", "HUR", "85.00"),
)
_GERMAN_RATE, _BRITISH_RATE = Decimal(19), Decimal(20)


def sample_documents() -> dict[str, InvoiceDocument]:
    """Each kind by a name that can be a file's."""
    return {
        "invoice": _british(number="INV-2026-000123"),
        "rechnung": _german(number="RE-2026-000123"),
        "facture-several-rates": _french(number="FA-2026-000045"),
        "reverse-charge": _reverse_charge(),
        "export": _export(),
        "rechnungskorrektur": _german_correction(),
        "direct-debit": _german(number="RE-2026-000124", locale="en-GB", payment_means=(DEBIT,)),
        "allowances-and-prepaid": _allowances(),
        "foreign-currency": _foreign_currency(),
        "draft": _draft(),
        "long": _long(),
    }


def _lines(
    wares: Sequence[tuple[str, str, str, str, str]], rate: Decimal, **overrides: Any
) -> list[DocumentLine]:
    return [
        a_line(
            position,
            **{
                "description": description,
                "item_id": item_id,
                "quantity": Decimal(quantity),
                "unit_code": unit,
                "unit_price": Decimal(price),
                "tax_rate": rate,
                "period": NOVEMBER if unit == "MON" else None,
                **overrides,
            },
        )
        for position, (description, item_id, quantity, unit, price) in enumerate(wares, start=1)
    ]


def _issued(
    lines: Sequence[DocumentLine], *, number: str, means: PaymentMeans, **overrides: Any
) -> InvoiceDocument:
    is_sepa = means.code == "58"
    reference = creditor_reference(number) if is_sepa else number
    return a_document(
        lines,
        **{
            "number": number,
            "issue_date": ISSUED,
            "due_date": ISSUED + timedelta(days=14),
            "payment_terms": "",
            "period": NOVEMBER,
            "payment_means": (replace(means, reference=reference),),
            **overrides,
        },
    )


def _british(*, number: str, **overrides: Any) -> InvoiceDocument:
    lines = overrides.pop("lines", None) or _lines(_ENGLISH_WARES, _BRITISH_RATE)
    parties = {"seller": replace(NORTHWIND, logo=LOGO), "buyer": FERRIS_AND_RUIZ}
    return _issued(lines, number=number, means=TO_NORTHWIND, **{**parties, **overrides})


def _german(*, number: str, **overrides: Any) -> InvoiceDocument:
    lines = overrides.pop("lines", None) or _lines(_GERMAN_WARES, _GERMAN_RATE)
    usual = {"seller": NORDLICHT, "buyer": KONTOR_ELBE, "currency": "EUR", "locale": "de"}
    return _issued(lines, number=number, means=TO_NORDLICHT, **{**usual, **overrides})


def _french(*, number: str) -> InvoiceDocument:
    rates = ("20", "20", "5.5", "0")
    lines = [
        replace(
            line,
            tax_rate=Decimal(rate),
            tax_category="S" if rate != "0" else "E",
            period=line.period,
        )
        for line, rate in zip(_lines(_FRENCH_WARES, NOTHING), rates, strict=True)
    ]
    return _issued(
        lines,
        number=number,
        means=TO_VENT_DU_NORD,
        seller=VENT_DU_NORD,
        buyer=TROIS_RIVIERES,
        currency="EUR",
        locale="fr",
        notes=(
            "Formation exonérée de TVA, art. 261-4-4° a du CGI.",
            "Pénalités de retard : trois fois le taux d’intérêt légal. Indemnité forfaitaire pour"
            " frais de recouvrement : 40 €. Pas d’escompte.",
        ),
    )


def _untaxed(category: str, words: str, **overrides: Any) -> InvoiceDocument:
    lines = _lines(_ENGLISH_WARES[:4], NOTHING, tax_category=category)
    net = sum((line.net for line in lines), start=NOTHING)
    breakdown = (TaxBreakdown(category, NOTHING, net, NOTHING, words),)
    return _german(**{"lines": lines, "tax_breakdown": breakdown, "locale": "en-GB", **overrides})


def _reverse_charge() -> InvoiceDocument:
    return _untaxed(
        "AE",
        "Reverse charge: the customer accounts for VAT (Art. 196 of Directive 2006/112/EC).",
        number="RE-2026-000125",
        buyer=LIFFEY_PRINT,
        seller=replace(NORDLICHT, colour=""),
    )


def _export() -> InvoiceDocument:
    return _untaxed(
        "G",
        "Tax-free export (§ 4 No. 1 (a) of the German VAT Act).",
        number="RE-2026-000126",
        buyer=PALM_TRADING,
        currency="USD",
        deliver_to=PALM_TRADING.address,
        delivery_date=date(2026, 11, 20),
        payment_means=(replace(TO_NORDLICHT, code="30", reference="RE-2026-000126"),),
    )


def _german_correction() -> InvoiceDocument:
    return a_credit_note(
        _lines(_GERMAN_WARES[:2], _GERMAN_RATE),
        number="RK-2026-000007",
        issue_date=date(2026, 12, 3),
        period=NOVEMBER,
        seller=NORDLICHT,
        buyer=KONTOR_ELBE,
        currency="EUR",
        locale="de",
        preceding=(Preceding("RE-2026-000123", ISSUED),),
    )


def _allowances() -> InvoiceDocument:
    lines = _lines(_ENGLISH_WARES, _BRITISH_RATE)
    lines[0] = replace(
        lines[0],
        adjustments=(Adjustment(False, Decimal("2.49"), "Loyalty", Decimal(5)),),
        net=lines[0].net - Decimal("2.49"),
    )
    lines[1] = replace(lines[1], note="Moved from the smaller plan on 12 November")
    lines[2] = replace(
        lines[2],
        description="Domain name, cancelled",
        quantity=Decimal(-1),
        net=-lines[2].net,
        buyer_item_id="4711",
    )
    return _british(
        number="INV-2026-000124",
        lines=lines,
        adjustments=(
            Adjustment(False, Decimal("10.00"), "Volume", Decimal(5), None, "S", _BRITISH_RATE),
            Adjustment(True, Decimal("5.00"), "Courier", None, None, "S", _BRITISH_RATE),
        ),
        prepaid=Decimal("50.00"),
        buyer_reference="Cost centre 88-120",
        contract_number="C-2024-17",
    )


def _foreign_currency() -> InvoiceDocument:
    document = _british(number="INV-2026-000125", buyer=LIFFEY_PRINT, currency="USD")
    tax = round(document.totals.tax * Decimal("0.7938"), 2)
    rate_date = date(2026, 11, 27)
    return replace(document, accounting_tax=AccountingTax("GBP", tax, Decimal("0.7938"), rate_date))


def _draft() -> InvoiceDocument:
    return a_draft(
        _lines(_GERMAN_WARES, _GERMAN_RATE),
        seller=NORDLICHT,
        buyer=KONTOR_ELBE,
        currency="EUR",
        locale="de",
        period=NOVEMBER,
        payment_terms="",
        payment_means=(TO_NORDLICHT,),
    )


def _long() -> InvoiceDocument:
    wares = [_GERMAN_WARES[number % len(_GERMAN_WARES)] for number in range(60)]
    return _german(number="RE-2026-000127", lines=_lines(wares, _GERMAN_RATE))
