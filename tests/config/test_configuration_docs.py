"""docs/configuration.md and the code name the same variables of the environment."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "configuration.md"
READERS = (
    ROOT / "config" / "settings.py",
    ROOT / "config" / "document_settings.py",
    ROOT / "config" / "mail_settings.py",
    ROOT / "config" / "sms_settings.py",
    ROOT / "config" / "two_factor_settings.py",
    ROOT / "common" / "embedded" / "places.py",
)
READ = re.compile(
    r"""(?:env\.\w+\(|_required\(|_secret\(|environ\.get\(|price\(env,)\s*["']([A-Z0-9_]+)["']"""
)
NOT_THE_PROGRAMS = "## Read by `make`"


def variables_read() -> set[str]:
    return {name for file in READERS for name in READ.findall(file.read_text())}


def variables_in_the_tables() -> set[str]:
    of_the_program, mark, _ = DOCS.read_text().partition(NOT_THE_PROGRAMS)
    assert mark
    first_cells = re.findall(r"^\| (`[^|]+) \|", of_the_program, flags=re.MULTILINE)
    return {name for cell in first_cells for name in re.findall(r"`([A-Z0-9_]+)`", cell)}


def test_every_variable_that_is_read_is_in_the_docs() -> None:
    assert len(variables_read()) >= 30
    assert variables_read() - variables_in_the_tables() == set()


def test_every_variable_in_the_docs_is_read() -> None:
    assert variables_in_the_tables() - variables_read() == set()


def test_every_variable_of_the_example_for_production_is_in_the_docs() -> None:
    example = (ROOT / "config" / "production.env.example").read_text()
    named = set(re.findall(r"^#?\s*([A-Z0-9_]+)=", example, flags=re.MULTILINE))
    assert len(named) >= 8
    assert named - variables_in_the_tables() == set()
