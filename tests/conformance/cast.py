"""Who sells and who buys in the generated documents, and the texts that are hard to set."""

from dataclasses import dataclass, replace

from invoices.parties import Party, PostalAddress
from tests.invoices.companies import FERRIS_AND_RUIZ, NORDLICHT, NORTHWIND


@dataclass(frozen=True, slots=True)
class Vendor:
    """A seller with the rates of its country, the standard one first."""

    party: Party
    accounting_currency: str
    rates: tuple[str, ...]


GERMAN = Vendor(
    replace(
        NORDLICHT,
        trading_name="Nordlicht",
        contact_name="Jörg Weiß",
        identifier="4012345000009",
        identifier_scheme="0088",
        electronic_address="rechnung@nordlicht.example",
        electronic_address_scheme="EM",
    ),
    "EUR",
    ("19", "7"),
)
FRENCH = Vendor(
    Party(
        name="Hébergement Lumière SAS",
        address=PostalAddress(
            lines=("14 rue de l’Écluse",), postcode="69002", city="Lyon", country="FR"
        ),
        phone="+33 4 72 55 01 23",
        email="factures@lumiere.example",
        tax_number="FR83404833048",
        registration_id="404833048",
        registration_scheme="0002",
        legal_information="SAS au capital de 40 000 €, RCS Lyon 404 833 048",
    ),
    "EUR",
    ("20", "5.5", "10"),
)
IRISH = Vendor(
    Party(
        name="Quayside Systems Limited",
        address=PostalAddress(
            lines=("4 Sir John Rogerson’s Quay",),
            postcode="D02 X285",
            city="Dublin",
            country="IE",
        ),
        phone="+353 1 555 0123",
        email="billing@quayside.example",
        tax_number="IE6433435F",
        registration_id="123456",
    ),
    "EUR",
    ("23", "13.5"),
)
BRITISH = Vendor(replace(NORTHWIND, tax_number="GB823847609"), "GBP", ("20", "5"))

BUYERS = {
    "DE": Party(
        name="Ärzte- & Apothekerbedarf Müller KG",
        contact_name="Ana Ruiz",
        address=PostalAddress(
            lines=("Hauptstraße 3", "Hinterhaus"), postcode="80331", city="München", country="DE"
        ),
        phone="+49 89 5550199",
        email="buchhaltung@mueller.example",
    ),
    "FR": Party(
        name="Café de l’Œuvre SARL",
        address=PostalAddress(
            lines=("3 place Bellecour",), postcode="69002", city="Lyon", country="FR"
        ),
        tax_number="FR40303265045",
        registration_id="303265045",
        registration_scheme="0002",
    ),
    "IE": Party(
        name="Aoife Ní Bhriain",
        address=PostalAddress(lines=("1 Shop Street",), city="Galway", country="IE"),
        email="aoife@nibhriain.example",
    ),
    "GB": replace(FERRIS_AND_RUIZ, tax_number="GB434031494"),
    "AT": Party(
        name="Wiener Werkstätten GmbH",
        address=PostalAddress(lines=("Ring 1",), postcode="1010", city="Wien", country="AT"),
        tax_number="ATU13585627",
    ),
    "JP": Party(
        name="Sakura Trading K.K.",
        address=PostalAddress(
            lines=("1-1 Marunouchi",),
            postcode="100-0005",
            city="Chiyoda-ku",
            subdivision="Tokyo",
            country="JP",
        ),
        registration_id="0100-01-000001",
    ),
    "CH": Party(
        name="Zürcher Uhren AG",
        address=PostalAddress(
            lines=("Bahnhofstrasse 1",), postcode="8001", city="Zürich", country="CH"
        ),
    ),
}

# A name in each script that documents are set in.
NAMES = (
    "Ελληνικά Τηλεπικοινωνίες Α.Ε.",
    "ООО «Северное сияние»",
    "株式会社さくら商事",
    "北京联合贸易有限公司",
    "한국전자 주식회사",
    "บริษัท สยามการค้า จำกัด",
    "दिल्ली व्यापार मंडल",
    "חברת אור בעם",
    "شركة النور للتجارة",
    "Öğüt İnşaat Şti. — Łódź, Đorđe & Þórður",
)


def in_script(party: Party, number: int) -> Party:
    return replace(party, name=NAMES[number % len(NAMES)], contact_name="Ångström Ñuñez")


def longest(party: Party) -> Party:
    """As long as the columns that these come from allow."""
    return replace(
        party,
        name=_words("Gesellschaft für Wertpapierdienstleistungen ", 250),
        contact_name=_words("Maximiliane von Hohenlohe-Waldenburg ", 250),
        address=replace(
            party.address,
            lines=tuple(_words(f"Donaudampfschifffahrtsstraße {n} ", 200) for n in (1, 2, 3)),
            city=_words("Llanfairpwllgwyngyll ", 100),
        ),
        phone="+49 40 555 0123 4567 8901 2345 ext. 1234",
    )


def _words(text: str, length: int) -> str:
    return (text * (length // len(text) + 1))[:length].strip()


def long_text(length: int) -> str:
    return _words("Migration of the archive including all attachments, ", length)
