import pytest
from django.conf import settings as program_settings
from django.core.files.storage import storages
from django.test import override_settings

from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from invoices.models import Document, Invoice
from tests.common.s3_server import s3_storage
from tests.factories import make_invoice, make_seller, store_pdf
from tests.invoices.files import store_xml
from tests.people import People, signed_in

pytestmark = pytest.mark.django_db

CONTENT = b"%PDF-1.7 the bytes that were stored"


@pytest.fixture
def invoice(people: People) -> Invoice:
    return make_invoice(people.account, seller=make_seller())


@pytest.fixture
def document(invoice: Invoice) -> Document:
    return store_pdf(invoice, CONTENT)


def address_of(invoice: Invoice) -> str:
    return f"/a/{invoice.account.number}/billing/invoices/{invoice.number}/pdf"


def xml_of(invoice: Invoice) -> str:
    return f"/a/{invoice.account.number}/billing/invoices/{invoice.number}/xml"


def test_the_stored_bytes_are_handed_out_as_a_file(
    people: People, invoice: Invoice, document: Document
) -> None:
    answer = signed_in(people.bob).get(address_of(invoice))
    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == f'attachment; filename="{invoice.number}.pdf"'
    assert answer["Content-Length"] == str(len(CONTENT))
    assert answer["Cache-Control"] == "no-store, private"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_it_is_also_shown_in_the_browsers_own_viewer(
    people: People, invoice: Invoice, document: Document
) -> None:
    answer = signed_in(people.bob).get(f"{address_of(invoice)}/view")
    assert answer.content == CONTENT
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == f'inline; filename="{invoice.number}.pdf"'
    assert answer["Cache-Control"] == "no-store, private"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_the_stored_xml_is_handed_out_as_a_file(people: People, invoice: Invoice) -> None:
    browser = signed_in(people.bob)
    assert browser.get(xml_of(invoice)).status_code == 404
    store_xml(invoice, b"<Invoice/>")
    answer = browser.get(xml_of(invoice))
    assert answer.content == b"<Invoice/>"
    assert answer["Content-Type"] == "application/xml"
    assert answer["Content-Disposition"] == f'attachment; filename="{invoice.number}.xml"'
    assert answer["Cache-Control"] == "no-store, private"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert signed_in(people.dora).get(xml_of(invoice)).status_code == 403
    assert signed_in(people.charlie).get(xml_of(invoice)).status_code == 404


def test_it_is_not_there_before_it_is_stored(people: People, invoice: Invoice) -> None:
    assert signed_in(people.alice).get(address_of(invoice)).status_code == 404


def test_who_may_have_it_is_asked_each_time(
    people: People, invoice: Invoice, document: Document
) -> None:
    assert signed_in(people.dora).get(address_of(invoice)).status_code == 403
    assert signed_in(people.charlie).get(address_of(invoice)).status_code == 404
    browser = signed_in(people.bob)
    assert browser.get(address_of(invoice)).status_code == 200
    people.bob.memberships.all().delete()
    assert browser.get(address_of(invoice)).status_code == 404


def test_altered_bytes_are_not_handed_out(
    people: People, invoice: Invoice, document: Document
) -> None:
    storage = storages["documents"]
    with open(storage.path(document.storage_key), "wb") as file:  # noqa: PTH123 - as a vandal would
        file.write(CONTENT + b" and more")
    answer = signed_in(people.alice).get(address_of(invoice))
    assert answer.status_code == 500
    assert b"and more" not in answer.content
    assert "altered" in answer.content.decode()


def test_a_missing_file_is_told(people: People, invoice: Invoice, document: Document) -> None:
    storages["documents"].delete(document.storage_key)
    answer = signed_in(people.alice).get(address_of(invoice))
    assert answer.status_code == 500
    assert "missing from the archive" in answer.content.decode()


def test_a_storage_that_is_away_is_nobodys_fault_and_asked_again_later(
    people: People, invoice: Invoice, document: Document
) -> None:
    nowhere = s3_storage(
        bucket_name="invoices",
        endpoint_url="http://127.0.0.1:9",
        access_key="a key",
        secret_key="a secret",
    )
    with override_settings(STORAGES=program_settings.STORAGES | {"documents": nowhere}):
        answer = signed_in(people.alice).get(address_of(invoice))
    assert answer.status_code == 503
    assert answer["Retry-After"] == "60"
    page = answer.content.decode()
    assert "Documents cannot be reached at the moment" in page
    assert "127.0.0.1" not in page
    assert signed_in(people.alice).get(address_of(invoice)).status_code == 200


def test_reading_changes_nothing(people: People, invoice: Invoice, document: Document) -> None:
    """ASVS 3.5.3: no GET changes the database."""
    browser = signed_in(people.alice)
    with all_accounts_scope("a test counts events"):
        before = AuditEvent.objects.count()
    browser.get(address_of(invoice))
    with all_accounts_scope("a test counts events"):
        assert AuditEvent.objects.count() == before
