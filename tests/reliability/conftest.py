"""Installations for tests of faults, and the ends of their logs where one fails."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.reliability.installation import Installation, make_template, own_installation


@pytest.fixture(scope="session")
def template() -> Path:
    """A migrated data folder, which goes with the session's other servers."""
    # Not the folder of this worker alone: all share one.
    return make_template(Path(settings.VAR_DIR) / "fault-template")


@pytest.fixture
def installation(template: Path) -> Iterator[Installation]:
    with own_installation(template) as installation:
        yield installation


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    installation = getattr(item, "funcargs", {}).get("installation")
    if report.failed and report.when == "call" and isinstance(installation, Installation):
        report.sections += [(f"end of {name}", said) for name, said in installation.tails()]
    return report
