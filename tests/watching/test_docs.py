"""docs/watching.md says what each alarm means, under a heading of its own."""

import re
from pathlib import Path

from watching.alarms import KINDS, Code, Severity

DOCS = Path(__file__).resolve().parents[2] / "docs" / "watching.md"


def headings() -> list[str]:
    return re.findall(r"^### ([a-z-]+)$", DOCS.read_text(), flags=re.MULTILINE)


def test_every_alarm_has_its_heading_in_the_order_in_which_they_are_told() -> None:
    assert headings() == [*Code]
    assert [*KINDS] == [*Code]


def test_what_waits_for_a_person_is_marked_there_as_well() -> None:
    marked = re.findall(r"^### ([a-z-]+)\n\*Waits for a person\.\*", DOCS.read_text(), re.MULTILINE)
    attention = [code for code, kind in KINDS.items() if kind.severity is Severity.ATTENTION]
    assert sorted(marked) == sorted(attention)
