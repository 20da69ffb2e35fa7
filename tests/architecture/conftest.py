import pytest

from invoices.models import Invoice
from tests.scenes import a_seller, an_account, an_issued_invoice


@pytest.fixture
def two_invoices() -> tuple[Invoice, Invoice]:
    seller = a_seller()
    return (
        an_issued_invoice(an_account(), seller),
        an_issued_invoice(an_account(), seller),
    )
