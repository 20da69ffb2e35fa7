"""What refused requests leave in the log: a line, as the handler of the settings prints it."""

import logging
from collections.abc import Iterator
from io import StringIO

import pytest
from django.conf import settings as program_settings
from django.test import Client

import config.wsgi  # noqa: F401 - what the server loads
from config.logs import BriefRefusals, MaskedLinks
from tests.people import People, signed_in

pytestmark = pytest.mark.django_db

TOKEN = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4"


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What a handler like that of the settings prints."""
    printed = StringIO()
    handler = logging.StreamHandler(printed)
    handler.addFilter(BriefRefusals())
    handler.addFilter(MaskedLinks())
    logging.getLogger().addHandler(handler)
    yield printed
    logging.getLogger().removeHandler(handler)


def test_the_settings_use_it() -> None:
    console = program_settings.LOGGING["handlers"]["console"]
    filters = [program_settings.LOGGING["filters"][name]["()"] for name in console["filters"]]
    assert filters == ["config.logs.BriefRefusals", "config.logs.MaskedLinks"]


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


@pytest.mark.parametrize(
    "page", ["password-reset", "sign-up", "verify", "email-change", "email-change/undo"]
)
def test_a_links_token_is_in_no_line(log: StringIO, db: None, page: str) -> None:
    """Security 13: a link that opens nothing is logged as not found, with its address."""
    address = f"/{page}/link/9a1b7c1e-7a51-4d0c-93a3-4e1f7a1f0b11/{TOKEN}/?utm=x"
    Client().get(address)
    logging.getLogger("gunicorn.access").info("%(r)s %(s)s", {"r": f"GET {address}", "s": "404"})
    assert TOKEN not in log.getvalue()
    assert f"/{page}/link/9a1b7c1e-7a51-4d0c-93a3-4e1f7a1f0b11/•••/" in log.getvalue()


def test_gunicorns_access_log_hides_it_too() -> None:
    """It has handlers of its own, so the filter stands on the logger."""
    filters = logging.getLogger("gunicorn.access").filters
    assert any(isinstance(each, MaskedLinks) for each in filters)


def test_a_line_whose_words_and_values_do_not_fit_breaks_nothing() -> None:
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "%d of %d", ("one",), None)
    assert MaskedLinks().filter(record)
