"""The sections at the left: what one may open, where one is, and no link that leads nowhere."""

import pytest
from django.urls import reverse

from accounts.access import Access
from accounts.models import Membership
from accounts.permissions import Flag, permissions_of
from portal.navigation import OF_A_PERSON, OF_AN_ACCOUNT, sections_of_account, sections_of_person
from tests.factories import add_member, make_user
from tests.people import People, signed_in
from users.models import User

pytestmark = pytest.mark.django_db


def access_of(user: User, people: People) -> Access:
    membership = Membership.objects.select_related("account").get(user=user, account=people.account)
    permissions = permissions_of(
        is_owner=membership.is_owner, flags=membership.flags, billing_reserved=False
    )
    return Access(user, membership.account, membership, permissions)


def labels(user: User, people: People) -> list[str]:
    groups = sections_of_account(access_of(user, people), "/")
    return [str(link.label) for group in groups for link in group.links]


def test_everybody_is_shown_what_they_may_open(people: People) -> None:
    manager = make_user("mona@hartwell.example")
    add_member(people.account, manager, Flag.USER_MANAGEMENT)
    assert labels(people.dora, people) == ["Overview"]
    assert labels(people.bob, people) == ["Overview", "Invoices", "Contact details"]
    assert labels(manager, people) == ["Overview", "Users", "Security", "Activity"]
    assert labels(people.alice, people) == [
        "Overview",
        "Invoices",
        "Account details",
        "Contact details",
        "Users",
        "Security",
        "Ownership",
        "Activity",
    ]


def test_no_link_at_the_left_leads_to_a_refusal(people: People) -> None:
    for user in (people.alice, people.bob, people.dora):
        browser = signed_in(user)
        for group in sections_of_account(access_of(user, people), "/"):
            for link in group.links:
                assert browser.get(link.address).status_code == 200, link.address


@pytest.mark.parametrize("sections", [OF_AN_ACCOUNT, OF_A_PERSON])
def test_every_entry_has_its_page(sections: object) -> None:
    arguments = [100001] if sections is OF_AN_ACCOUNT else []
    chosen = OF_AN_ACCOUNT if sections is OF_AN_ACCOUNT else OF_A_PERSON
    for section in chosen:
        for entry in section.entries:
            assert reverse(entry.url_name, args=arguments)


def test_the_page_one_is_on_is_marked_and_so_is_the_section_it_lies_in(people: People) -> None:
    access = access_of(people.alice, people)
    start = f"/a/{people.account.number}/"

    def marked(path: str) -> list[tuple[str, str]]:
        groups = sections_of_account(access, path)
        links = [link for group in groups for link in group.links]
        return [(str(link.label), link.current) for link in links if link.current]

    assert marked(start) == [("Overview", "page")]
    assert marked(f"{start}billing/invoices/") == [("Invoices", "page")]
    assert marked(f"{start}billing/invoices/INV-1/") == [("Invoices", "true")]
    assert marked(f"{start}elsewhere/") == []


def test_a_persons_sections_stand_on_their_own_pages_only() -> None:
    assert sections_of_person("/accounts/")
    assert sections_of_person("/mailbox/") == []


def test_the_marked_link_is_told_to_assistive_programs(people: People) -> None:
    page = signed_in(people.alice).get(f"/a/{people.account.number}/billing/invoices/")
    # Twice: at the left of a wide page, and folded away on a narrow one.
    assert page.content.decode().count('aria-current="page"') == 2
