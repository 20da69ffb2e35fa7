"""Judges that are missing are told loudly, and are a failure where they were asked for."""

import logging
import os
from collections.abc import Callable

import pytest

from tests.conformance import judges
from tests.conformance.record import Record

_TABLES = pytest.StashKey[list[str]]()


@pytest.fixture
def show(request: pytest.FixtureRequest) -> Callable[[Record], None]:
    """Prints a record's table at the end of the session."""

    def later(record: Record) -> None:
        tables = request.config.stash.setdefault(_TABLES, [])
        tables += ["", request.node.name, *record.table(judges.versions())]

    return later


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in config.stash.get(_TABLES, []):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def quiet_library() -> None:
    """factur-x tells of each file that it reads."""
    logging.getLogger("factur-x").setLevel(logging.WARNING)


@pytest.fixture(scope="session")
def present_judges() -> None:
    why = ""
    try:
        judges.require_judges()
    except judges.JudgesMissing as missing:
        why = str(missing)
    if why and os.environ.get("CONFORMANCE"):
        pytest.fail(f"The judges are not there: {why}", pytrace=False)
    if why:
        first = why.splitlines()[0]
        pytest.skip(f"NO OUTSIDE TOOL HAS JUDGED THE DOCUMENTS, SINCE THEY ARE NOT THERE: {first}")
