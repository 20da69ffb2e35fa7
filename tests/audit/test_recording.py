import getpass
import os

import pytest

from audit.actions import Action
from audit.models import AuditEvent
from audit.recording import Actor, as_recorded, record
from common.scoping import all_accounts_scope


def test_whoever_runs_a_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "grace")
    assert Actor.at_terminal() == Actor.system("grace at the command line")


def test_a_number_stands_for_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert Actor.at_terminal().label == f"user {os.getuid()} at the command line"


@pytest.mark.django_db
def test_a_long_subject_is_cut_and_found_by_what_is_left_of_it() -> None:
    subject = "seller " + "x" * 300
    record(Action.SELLER_CHANGED, actor=Actor.system("a test"), subject=subject)
    with all_accounts_scope("a test reads the audit log"):
        event = AuditEvent.objects.get(subject=as_recorded(subject))
    assert event.subject == subject[:200]
