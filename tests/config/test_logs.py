"""What refused requests leave in the log: a line, as the handler of the settings prints it."""

import logging
from collections.abc import Iterator
from io import StringIO

import pytest
from django.conf import settings as program_settings
from django.test import Client

from config.logs import BriefRefusals
from tests.people import People, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What a handler like that of the settings prints."""
    printed = StringIO()
    handler = logging.StreamHandler(printed)
    handler.addFilter(BriefRefusals())
    logging.getLogger().addHandler(handler)
    yield printed
    logging.getLogger().removeHandler(handler)


def test_the_settings_use_it() -> None:
    console = program_settings.LOGGING["handlers"]["console"]
    filters = [program_settings.LOGGING["filters"][name]["()"] for name in console["filters"]]
    assert filters == ["config.logs.BriefRefusals"]


def test_a_host_that_is_not_ours_is_told_in_a_line(log: StringIO) -> None:
    answer = Client(raise_request_exception=False).get("/sign-in/", HTTP_HOST="evil.example")
    assert answer.status_code == 400
    assert "evil.example" in log.getvalue()
    assert "Traceback" not in log.getvalue()


def test_so_are_a_nul_byte_and_a_page_that_is_not_for_everybody(
    log: StringIO, people: People
) -> None:
    assert Client(raise_request_exception=False).get("/accounts/?q=%00").status_code == 400
    assert signed_in(people.alice).get("/console/alarms/").status_code == 403
    assert "NUL byte" in log.getvalue()
    assert "/console/alarms/" in log.getvalue()
    assert "Traceback" not in log.getvalue()


def test_faults_of_the_program_keep_their_traceback(log: StringIO) -> None:
    try:
        int("not a number")
    except ValueError:
        logging.getLogger("django.request").exception("Internal Server Error")
    assert "Traceback" in log.getvalue()
