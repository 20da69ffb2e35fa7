import pytest

from audit.actions import Action
from audit.wording import Kind, actions_of, kind_choices, sentence_for, worded_actions


def test_every_action_has_a_sentence() -> None:
    assert set(Action) - worded_actions() == set()


def test_every_action_is_of_one_kind_that_can_be_chosen() -> None:
    listed = [action for kind in Kind for action in actions_of(kind)]
    assert sorted(listed) == sorted(Action)
    assert [kind for kind, _ in kind_choices()] == list(Kind)


@pytest.mark.parametrize("action", list(Action))
def test_every_sentence_can_be_written_whatever_its_subject(action: Action) -> None:
    for subject in ("invoice INV-000001", "", "100%s of %(nothing)s"):
        assert sentence_for(action, subject)


def test_a_sentence_names_what_it_is_about_without_its_kind() -> None:
    assert sentence_for(Action.INVOICE_ISSUED, "invoice INV-000001") == "Issued invoice INV-000001"


def test_a_document_sent_once_more_says_to_whom() -> None:
    details = {"recipient": "accountant@books.example"}
    said = sentence_for(Action.INVOICE_SENT_AGAIN, "invoice INV-000001", details=details)
    assert said == "Sent INV-000001 to accountant@books.example"


def test_an_action_of_a_newer_release_stands_for_itself() -> None:
    assert sentence_for("moon:landed", "moon 1") == "moon:landed"
