"""An address is one, however its domain is spelled: nobody sends past a limit or a stop."""

import pytest
from django.utils import timezone

from common.scoping import account_scope
from invoices.models import FurtherDelivery, Invoice
from invoices.sending_again import (
    PER_DOCUMENT,
    AddressRefused,
    AddressSuppressed,
    OnItsWayAlready,
    SentTooOften,
    send_again,
)
from mail.models import OutgoingEmail
from mail.suppressing import suppress
from tests.factories import OPERATOR, make_invoice, make_seller, set_billing_contact, store_pdf
from tests.people import People, signed_in

pytestmark = pytest.mark.django_db

IN_UNICODE, IN_ASCII = "books@münchen.example", "books@xn--mnchen-3ya.example"
BOTH_WAYS = pytest.mark.parametrize(
    ("one", "other"), [(IN_UNICODE, IN_ASCII), (IN_ASCII, IN_UNICODE)]
)


def sent_invoice(people: People) -> Invoice:
    invoice = make_invoice(people.account, seller=make_seller())
    store_pdf(invoice)
    all_are_sent(people)
    return invoice


def all_are_sent(people: People) -> None:
    with account_scope(people.account):
        OutgoingEmail.objects.filter(account_id=people.account.pk).update(
            state="sent", sent_at=timezone.now()
        )


def again(people: People, invoice: Invoice, address: str) -> FurtherDelivery:
    with account_scope(people.account):
        return send_again(invoice, address=address, asked_by=people.bob, actor=OPERATOR)


@BOTH_WAYS
def test_stopped_address_is_refused_by_its_other_spelling(
    one: str, other: str, people: People
) -> None:
    invoice = sent_invoice(people)
    suppress(one, reason="asked for it", actor=OPERATOR)
    with pytest.raises(AddressRefused):
        again(people, invoice, other)


@BOTH_WAYS
def test_own_address_is_named_as_the_account_has_it(one: str, other: str, people: People) -> None:
    set_billing_contact(people.account, email=one)
    invoice = sent_invoice(people)
    suppress(other, reason="asked for it", actor=OPERATOR)
    with pytest.raises(AddressSuppressed, match=one):
        again(people, invoice, other)


@BOTH_WAYS
def test_the_invoices_page_says_why_its_address_gets_nothing(
    one: str, other: str, people: People
) -> None:
    set_billing_contact(people.account, email=one)
    invoice = sent_invoice(people)
    suppress(other, reason="asked for it", actor=OPERATOR)
    there = f"/a/{people.account.number}/billing/invoices/{invoice.number}/"
    assert "Our support team stopped it." in signed_in(people.bob).get(there).content.decode()


@BOTH_WAYS
def test_what_is_on_its_way_is_not_sent_again_by_the_other_spelling(
    one: str, other: str, people: People
) -> None:
    invoice = sent_invoice(people)
    again(people, invoice, one)
    with pytest.raises(OnItsWayAlready):
        again(people, invoice, other)


def test_recipient_is_known_by_the_other_spelling(people: People) -> None:
    set_billing_contact(people.account, email=IN_UNICODE)
    invoice = sent_invoice(people)
    further = again(people, invoice, IN_ASCII)
    with account_scope(people.account):
        # As to a recipient: with a link into the panel, and in the name of the first message.
        assert "In-Reply-To" in OutgoingEmail.objects.get(pk=further.email_id).headers


def test_limit_of_a_document_counts_both_spellings(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = sent_invoice(people)
    monkeypatch.setattr("invoices.sending_again._refuse_under_way", lambda *_: None)
    for number in range(PER_DOCUMENT.most):
        again(people, invoice, (IN_UNICODE, IN_ASCII)[number % 2])
    for spelled in (IN_UNICODE, IN_ASCII):
        with pytest.raises(SentTooOften):
            again(people, invoice, spelled)
