"""The headers that protect are on what no page answers, too (30)."""

import pytest
from django.test import Client

from tests.security.headers import assert_protected

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/no/such/page", "/a/1/", "/static/nothing.css"])
def test_errors_carry_the_headers_too(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 404
    assert_protected(answer)


def test_so_do_requests_that_are_refused_before_any_view() -> None:
    answer = Client(raise_request_exception=False).get("/", HTTP_HOST="evil.example")
    assert answer.status_code == 400
    assert_protected(answer)


def test_and_static_files_which_may_be_kept() -> None:
    answer = Client().get("/static/counterfoil.css")
    assert answer.status_code == 200
    assert_protected(answer, stored=True)
    assert answer["Cache-Control"].startswith("max-age=")
    answer.close()
