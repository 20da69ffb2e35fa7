"""Staff see whom messages go to, and why they do not leave, without whole numbers."""

from decimal import Decimal

import pytest
from django.urls import reverse

from tests.factories import make_user
from tests.people import signed_in
from tests.twofactor.gateways import GB
from twofactor.models import SmsMessage
from users.models import User

pytestmark = pytest.mark.django_db


def test_a_number_is_shown_by_its_range_and_its_end(staff: User) -> None:
    message = SmsMessage.objects.create(
        user=make_user("alice@hartwell.example"),
        number=GB,
        country="GB",
        price=Decimal("0.10"),
        state=SmsMessage.State.FAILED,
        gateway="twilio",
        error="21614 'To' number is not a valid mobile number",
    )
    browser = signed_in(staff)
    table = reverse("admin:twofactor_smsmessage_changelist")
    for page in (table, reverse("admin:twofactor_smsmessage_change", args=[message.pk])):
        shown = browser.get(page).content.decode()
        assert "+44740•••• 3456" in shown
        assert GB not in shown
        assert "21614" in shown
    found = browser.get(table, {"q": "alice@hartwell.example"}).content.decode()
    assert "+44740•••• 3456" in found
