"""Numbers are about people: they are kept for as long as they are of use."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models.functions import Now

from config.celery import app
from tests.factories import make_user
from tests.twofactor.gateways import FR, GB
from twofactor.models import SmsCode, SmsMessage, SmsPhone
from twofactor.sms import retention as sms_retention
from twofactor.sms.retention import forget_old_messages
from users.models import User

pytestmark = pytest.mark.django_db


def message(user: User, *, days: int) -> None:
    SmsMessage.objects.create(
        user=user,
        number=GB,
        country="GB",
        price=Decimal("0.10"),
        gateway="mailbox",
        created_at=Now() - timedelta(days=days),
    )


def test_messages_are_forgotten_after_ninety_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sms_retention, "_AT_ONCE", 2)
    user = make_user()
    for days in (0, 89, 91, 92, 400):
        message(user, days=days)
    assert forget_old_messages() == 3
    assert SmsMessage.objects.count() == 2
    assert forget_old_messages() == 0


def test_a_number_that_nobody_confirmed_is_forgotten_after_a_day() -> None:
    user, other = make_user(), make_user()
    long_ago = Now() - timedelta(hours=25)
    kept = SmsPhone.objects.create(user=user, number=GB, confirmed=True, created_at=long_ago)
    SmsPhone.objects.create(user=user, number=FR, confirmed=False, created_at=long_ago)
    fresh = SmsPhone.objects.create(user=other, number=FR, confirmed=False)
    for expired in (timedelta(hours=25), timedelta(hours=1)):
        SmsCode.objects.create(phone=kept, bound_to="x", code_hash="x", expires_at=Now() - expired)
    forget_old_messages()
    assert set(SmsPhone.objects.all()) == {kept, fresh}
    assert SmsCode.objects.count() == 1


def test_beat_asks_for_it() -> None:
    app.loader.import_default_modules()
    tasks = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert "twofactor.tasks.forget_old_text_messages" in tasks & set(app.tasks)
