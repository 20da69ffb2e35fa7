"""A form acts on the link that its page showed, whatever was opened after it."""

from uuid import uuid4

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.test import RequestFactory

from common.link_session import FIELD, drop, keep, kept


def sent(session: dict[str, object], **fields: str) -> HttpRequest:
    request = RequestFactory().post("/invitation/accept/", fields)
    request.session = _Session(session)
    return request


class _Session(SessionBase):
    """Held in memory."""

    def __init__(self, held: dict[str, object]) -> None:
        super().__init__()
        self._session_cache = held


def test_the_newest_link_of_a_purpose_is_kept_and_others_stay() -> None:
    session: dict[str, object] = {}
    first, second, other = uuid4(), uuid4(), uuid4()
    keep(sent(session), "invitation", first, "a")
    keep(sent(session), "password_reset", other, "b")
    keep(sent(session), "invitation", second, "c")
    assert kept(sent(session), "invitation") == (second, "c")
    assert kept(sent(session), "password_reset") == (other, "b")
    drop(sent(session), "invitation")
    assert kept(sent(session), "invitation") is None


def test_a_form_that_was_made_for_another_link_is_not_taken_for_this_one() -> None:
    session: dict[str, object] = {}
    shown, opened_since = uuid4(), uuid4()
    keep(sent(session), "invitation", shown, "a")
    assert kept(sent(session, **{FIELD: str(shown)}), "invitation") == (shown, "a")
    keep(sent(session), "invitation", opened_since, "b")
    assert kept(sent(session, **{FIELD: str(shown)}), "invitation") is None
