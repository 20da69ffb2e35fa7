"""Who sells and who buys in documents of tests, and where sellers are paid."""

from datetime import date

from invoices.parties import Party, PaymentMeans, PostalAddress

NORTHWIND = Party(
    name="Northwind Hosting Ltd",
    address=PostalAddress(
        lines=("Unit 4, Mill Lane",), postcode="LS1 4AP", city="Leeds", country="GB"
    ),
    phone="+44 113 496 0000",
    email="billing@northwind.example",
    website="northwind.example",
    tax_number="GB123456789",
    registration_id="04512345",
    legal_information="Registered in England and Wales",
    colour="#0b5d57",
)
NORDLICHT = Party(
    name="Nordlicht Hosting GmbH",
    address=PostalAddress(lines=("Mühlenweg 4",), postcode="20095", city="Hamburg", country="DE"),
    phone="+49 40 5555 0100",
    email="rechnung@nordlicht.example",
    website="nordlicht.example",
    tax_number="DE136695976",
    tax_registration="22/815/08154",
    registration_id="HRB 123456",
    legal_information="Amtsgericht Hamburg\nGeschäftsführerin: Ana Ruiz",
    colour="#1d4ed8",
)
VENT_DU_NORD = Party(
    name="Vent du Nord SAS",
    address=PostalAddress(
        lines=("14, rue de la République",), postcode="69002", city="Lyon", country="FR"
    ),
    phone="+33 4 72 00 00 00",
    email="factures@ventdunord.example",
    tax_number="FR83404833048",
    registration_id="404 833 048 RCS Lyon",
    legal_information="Capital de 10 000 €",
    colour="#f5d90a",
)
FERRIS_AND_RUIZ = Party(
    name="Ferris & Ruiz Trading Ltd",
    contact_name="Ana Ruiz",
    address=PostalAddress(
        lines=("12 Harbour Street", "Second floor"),
        postcode="BS1 5TY",
        city="Bristol",
        country="GB",
    ),
    phone="+44 117 496 0123",
    tax_number="GB987654321",
)
KONTOR_ELBE = Party(
    name="Kontor für Wohnkultur Elbe GmbH & Co. KG",
    contact_name="Jörg Weißmüller",
    address=PostalAddress(
        lines=("Große Elbstraße 128", "3. Obergeschoss"),
        postcode="22767",
        city="Hamburg",
        country="DE",
    ),
    phone="+49 40 5555 0199",
    tax_number="DE811569869",
)
TROIS_RIVIERES = Party(
    name="Librairie des Trois Rivières SARL",
    contact_name="Chloé Lefèvre",
    address=PostalAddress(
        lines=("3 place du Marché",), postcode="31000", city="Toulouse", country="FR"
    ),
    phone="+33 5 61 00 00 00",
    tax_number="FR40303265045",
)
LIFFEY_PRINT = Party(
    name="Liffey Print & Packaging Ltd",
    contact_name="Aoife Byrne",
    address=PostalAddress(
        lines=("Unit 9, Dock Road",), postcode="D02 X285", city="Dublin 2", country="IE"
    ),
    phone="+353 1 496 0000",
    tax_number="IE6388047V",
)
PALM_TRADING = Party(
    name="شركة النخيل للتجارة",
    contact_name="ليلى حداد",
    address=PostalAddress(lines=("شارع الشيخ زايد ١٢",), city="دبي", country="AE"),
    phone="+971 4 000 0000",
)
TO_NORTHWIND = PaymentMeans(
    code="30",
    account_name="Northwind Hosting Ltd",
    account_id="GB33BUKB20201555555555",
    bic="BUKBGB22XXX",
    bank_name="Harbour Bank",
)
TO_NORDLICHT = PaymentMeans(
    code="58",
    account_name="Nordlicht Hosting GmbH",
    account_id="DE89370400440532013000",
    bic="COBADEFFXXX",
    bank_name="Kontorbank",
)
TO_VENT_DU_NORD = PaymentMeans(
    code="58",
    account_name="Vent du Nord SAS",
    account_id="FR7630006000011234567890189",
    bic="AGRIFRPP882",
    bank_name="Banque du Rhône",
)
DEBIT = PaymentMeans(
    code="59",
    collection_date=date(2026, 12, 14),
    mandate_reference="MND-100042-1",
    creditor_id="DE98ZZZ09999999999",
    debited_account="DE75512108001245122051",
)
