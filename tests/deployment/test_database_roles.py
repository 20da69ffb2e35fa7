"""scripts/create_database_roles.sh refuses before it asks the server. What it makes is proven by
the services that run on it (test_compose_as_processes.py).
"""

import os
import subprocess
from pathlib import Path

from tests.deployment.compose import ROOT

SCRIPT = ROOT / "scripts" / "create_database_roles.sh"


def _refusal(**given: str) -> str:
    done = subprocess.run(
        [SCRIPT],
        env={"PATH": os.defpath, **given},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    return done.stderr


def test_both_passwords_are_required() -> None:
    assert "Set OWNER_PASSWORD or OWNER_PASSWORD_FILE." in _refusal()
    assert "Set RUNTIME_PASSWORD or RUNTIME_PASSWORD_FILE." in _refusal(OWNER_PASSWORD="x")


def test_password_in_two_places_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("one\n")
    said = _refusal(OWNER_PASSWORD="two", OWNER_PASSWORD_FILE=str(file))
    assert "Set OWNER_PASSWORD or OWNER_PASSWORD_FILE, not both." in said


def test_file_that_is_empty_or_missing_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "password"
    assert "No such file" in _refusal(OWNER_PASSWORD_FILE=str(file))
    file.write_text("\n")
    assert "Set OWNER_PASSWORD" in _refusal(OWNER_PASSWORD_FILE=str(file))
