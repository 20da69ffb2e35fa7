import pytest

from accounts.models import Account
from tests.factories import add_member, make_account, make_invoice, make_seller, make_user
from tests.invitations import invited
from tests.people import People, signed_in

pytestmark = pytest.mark.django_db


def test_it_names_the_account_and_what_one_may_do(people: People) -> None:
    page = signed_in(people.bob).get(f"/a/{people.account.number}/").content.decode()
    assert "Hartwell &amp; Sons" in page
    assert f"Account {people.account.number}" in page
    assert "Your access: Billing" in page
    assert f"<title>Overview · Hartwell &amp; Sons {people.account.number} ·" in page


def test_it_shows_the_latest_invoices_to_whoever_may_see_them(people: People) -> None:
    seller = make_seller()
    numbers = [make_invoice(people.account, seller=seller).number for _ in range(6)]
    page = signed_in(people.bob).get(f"/a/{people.account.number}/").content.decode()
    assert [number for number in numbers if f">{number}<" in page] == numbers[1:]


def test_a_member_without_flags_reads_what_is_closed_and_who_could_open_it(people: People) -> None:
    invoice = make_invoice(people.account, seller=make_seller())
    page = signed_in(people.dora).get(f"/a/{people.account.number}/").content.decode()
    assert "Your access: No access" in page
    assert "You may not open any page of this account yet" in page
    assert "Alice Hartwell" in page
    assert str(invoice.number) not in page
    assert "/billing/invoices/" not in page


def test_the_account_in_use_and_the_others_stand_in_the_switcher(people: People) -> None:
    """Row M2."""
    other = make_account(owner=people.alice, name="Avenue Ltd")
    page = signed_in(people.alice).get(f"/a/{other.number}/").content.decode()
    switcher = page[page.index('class="menu-sheet"') : page.index("All my accounts")]
    assert f'href="/a/{people.account.number}/"' in switcher
    assert f'href="/a/{other.number}/"' not in switcher


def test_a_name_is_text_whatever_is_in_it(people: People) -> None:
    user = make_user()
    account = make_account(owner=user, name="<script>alert(1)</script> {{ 7|add:7 }} & Co")
    add_member(account, people.dora)
    page = signed_in(user).get(f"/a/{account.number}/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7|add:7 }} &amp; Co" in page


def test_an_invitation_to_another_account_and_a_missing_address_are_matters(people: People) -> None:
    """Somebody with one account does not see the page of all of them, where invitations are."""
    invited(people.charlies_account, by=people.charlie, email=people.alice.email)
    Account.objects.filter(pk=people.account.pk).update(address_line_1="", city="", postcode="")
    page = signed_in(people.alice).get(f"/a/{people.account.number}/").content.decode()
    assert "You are invited to the account Elsewhere Ltd." in page
    assert "Invoices have no postal address yet." in page
    assert "no postal address" not in (
        signed_in(people.bob).get(f"/a/{people.account.number}/").content.decode()
    )
