"""Decision 0153: how long a reset waits is the operator's to say, and never less than a day."""

from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.celery import app
from config.environment import Environment
from config.two_factor_settings import reset_delay


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", timedelta(hours=72)), ("24", timedelta(hours=24)), ("168", timedelta(days=7))],
)
def test_a_reset_waits_for_as_many_hours_as_are_set(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: timedelta
) -> None:
    monkeypatch.setenv("TWO_FACTOR_RESET_DELAY", text)
    assert reset_delay(Environment()) == expected


@pytest.mark.parametrize("text", ["23", "0", "-72", "soon", "24.5", "9" * 30])
def test_less_than_a_day_and_nonsense_are_refused(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("TWO_FACTOR_RESET_DELAY", text)
    with pytest.raises(ImproperlyConfigured, match="24 or more"):
        reset_delay(Environment())


def test_the_scheduler_asks_for_resets_that_are_due() -> None:
    asked_for = [entry["task"] for entry in app.conf.beat_schedule.values()]
    app.loader.import_default_modules()
    assert "twofactor.tasks.look_after_two_factor_resets" in asked_for
    assert "twofactor.tasks.look_after_two_factor_resets" in app.tasks
