"""A user ID that is disabled is out at the next request, wherever it has sessions."""

import pytest
from django.test import Client

from tests.factories import make_staff
from tests.people import People, sign_in, signed_in
from users.models import User

pytestmark = pytest.mark.django_db


def disable(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("page", ["/accounts/", "/a/{number}/", "/a/{number}/billing/invoices/"])
def test_a_session_of_a_disabled_user_opens_no_page(people: People, page: str) -> None:
    browsers = [signed_in(people.bob), signed_in(people.bob)]
    address = page.format(number=people.account.number)
    assert [browser.get(address).status_code for browser in browsers] == [200, 200]
    disable(people.bob)
    for browser in browsers:
        answer = browser.get(address)
        assert answer.status_code == 302
        assert answer["Location"] == f"/sign-in/?next={address}&ended=1"
        assert "Your session has ended" in browser.get(answer["Location"]).content.decode()


@pytest.mark.parametrize("page", ["/admin/", "/console/alarms/"])
def test_nor_one_of_staff(page: str) -> None:
    staff = make_staff()
    browser = signed_in(staff)
    assert browser.get(page).status_code == 200
    disable(staff)
    assert browser.get(page).status_code == 302


def test_nor_does_the_password_open_another(people: People) -> None:
    disable(people.bob)
    answer = sign_in(Client(), people.bob.email)
    assert answer.status_code == 200
    assert "do not belong together" in answer.content.decode()
