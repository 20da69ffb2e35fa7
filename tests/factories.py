"""Rows for tests, made through the program's own functions wherever it has one.

Every function says what it needs and makes no more than that.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import count

from django.utils import timezone

from accounts.models import Account, Contact, Membership
from accounts.opening import NewAccount, open_accounts
from accounts.permissions import Flag
from audit.recording import Actor
from common.scoping import account_scope
from common.storage import store_document
from invoices.delivery import queue_emails
from invoices.documents import document_of
from invoices.drafting import Charge, plan_drafts, save_drafts
from invoices.freezing import read_customer
from invoices.issuing import issue_invoice
from invoices.models import Document, Invoice, NumberSeries, Seller
from invoices.models.sellers import DocumentKind
from invoices.taxation import load_tax_book
from taxes.models import TaxRegistration
from taxes.vocabulary import ProductCategory
from users.models import User

PASSWORD = "correct horse battery staple"
OPERATOR = Actor.system("a test")

_serial = count(1)


def make_user(email: str = "", *, password: str = PASSWORD, **fields: object) -> User:
    """A user ID whose address is verified."""
    fields.setdefault("email_verified_at", timezone.now())
    email = email or f"user-{next(_serial)}@people.example"
    return User.objects.create_user(email, password, **fields)


def make_staff(email: str = "staff@operator.example") -> User:
    return User.objects.create_superuser(email, PASSWORD, email_verified_at=timezone.now())


def make_account(
    *,
    owner: User | None = None,
    name: str = "Hartwell & Sons",
    country: str = "GB",
    currency: str = "GBP",
    locale: str = "en",
    **fields: object,
) -> Account:
    """An organisation's account; without ``owner`` somebody new owns it."""
    owner = owner or make_user()
    (account,) = open_accounts(
        [
            NewAccount(
                kind=Account.Kind.ORGANISATION,
                name=name,
                country=country,
                currency=currency,
                owner_email=owner.email,
                locale=locale,
                address_lines=("1 High Street",),
                city="Ludlow",
                postcode="SY8 1AA",
            )
        ],
        actor=OPERATOR,
    )
    if fields:
        Account.objects.filter(pk=account.pk).update(**fields)
        account.refresh_from_db()
    return account


def add_member(
    account: Account, user: User, *flags: Flag, receives_invoices: bool = False
) -> Membership:
    return Membership.objects.create(
        account=account, user=user, flags=list(flags), receives_invoices=receives_invoices
    )


def set_billing_contact(account: Account, *, email: str, **fields: object) -> Contact:
    with account_scope(account):
        return Contact.objects.create(
            account=account, kind=Contact.Kind.BILLING, email=email, **fields
        )


def make_seller(code: str = "northwind", *, prefix: str = "", **fields: object) -> Seller:
    """A British seller, registered for VAT there, with a series for invoices and for credits."""
    values: dict[str, object] = {
        "legal_name": "Northwind Hosting Ltd",
        "address_line_1": "20 Quay Street",
        "postcode": "BS1 4QA",
        "city": "Bristol",
        "country": "GB",
        "email": "billing@northwind.example",
        "timezone": "Europe/London",
        "accounting_currency": "GBP",
        "iban": "GB33BUKB20201555555555",
        "bank_account_name": "Northwind Hosting Ltd",
        **fields,
    }
    seller = Seller.objects.create(code=code, **values)
    for kind, letters in ((DocumentKind.INVOICE, "INV-"), (DocumentKind.CREDIT_NOTE, "CN-")):
        NumberSeries.objects.create(seller=seller, kind=kind, prefix=f"{prefix}{letters}")
    TaxRegistration.objects.create(
        seller_code=code,
        country=seller.country,
        number="GB823847609",
        valid_from=date(2000, 1, 1),
    )
    return seller


def charge(
    net: str = "100.00",
    *,
    description: str = "Virtual server, 4 GB",
    quantity: str = "1",
    category: ProductCategory = ProductCategory.SERVICE,
    tax_point: date = date(2026, 11, 1),
) -> Charge:
    """A charge of ``quantity`` at a unit price of ``net``."""
    return Charge(
        key=next(_serial),
        description=description,
        quantity=Decimal(quantity),
        unit_price=Decimal(net),
        product_category=category,
        tax_point=tax_point,
    )


def make_draft(
    account: Account, *, seller: Seller, charges: Sequence[Charge] = (), order_number: str = ""
) -> Invoice:
    with account_scope(account):
        customer = read_customer(account)
        taxes = load_tax_book().context(seller, details=customer.details, account=account)
        plans = plan_drafts(
            charges or [charge()],
            seller=seller,
            currency=account.currency,
            order_number=order_number,
            taxes=taxes,
        )
        save_drafts(plans, account=account, batch_id=None)
        return Invoice.objects.filter(account=account).latest("pk")


def make_invoice(
    account: Account, *, seller: Seller, charges: Sequence[Charge] = (), order_number: str = ""
) -> Invoice:
    """An issued invoice, or a credit note when the charges add up to less than zero."""
    draft = make_draft(account, seller=seller, charges=charges, order_number=order_number)
    return issue_invoice(draft, actor=OPERATOR)


def store_pdf(invoice: Invoice, content: bytes = b"%PDF-1.7 stands in for a document") -> Document:
    """Stored bytes and queued emails, as the render worker leaves them, without rendering."""
    stored = store_document(content, suffix=".pdf")
    with account_scope(invoice.account_id):
        document = Document.objects.get(invoice=invoice, kind=Document.Kind.PDF)
        document.state = Document.State.STORED
        document.storage_key, document.sha256 = stored.key, stored.sha256
        document.size, document.stored_at = stored.size, timezone.now()
        document.template_version = "test"
        document.save()
        read = Invoice.objects.select_related("account", "preceding", "seller").get(pk=invoice.pk)
        queue_emails(read, document_of(read), stored)
    return document
