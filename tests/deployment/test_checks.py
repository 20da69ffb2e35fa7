"""`make lint` checks Dockerfile and docker-compose.yml, and these checks can fail."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deployment.compose import COMPOSE_FILE, DOCKERFILE, ROOT

CHECKED = {"hadolint": DOCKERFILE, "check-jsonschema": COMPOSE_FILE}


def _recipe(tool: str) -> list[str]:
    """The words of the line of `make lint` that starts ``tool``."""
    (line,) = re.findall(
        rf"^\t\$\(BIN\)/({tool} .*)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    return shlex.split(line)


def _check(tool: str, file: Path) -> "subprocess.CompletedProcess[str]":
    """The recipe's line, with ``file`` in the place of the one it names."""
    *words, named = _recipe(tool)
    assert ROOT / named == CHECKED[tool]
    return subprocess.run(
        [Path(sys.executable).with_name(words[0]), *words[1:], file],
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("tool", CHECKED)
def test_what_is_there_passes(tool: str) -> None:
    checked = _check(tool, CHECKED[tool])
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        ("FROM python:3.11-slim-bookworm", "FROM python", "DL3006"),
        ("USER 10001:10001", "USER root", "DL3002"),
        ("rm -rf /var/lib/apt/lists/* ", "true ", "DL3009"),
        ('CMD ["gunicorn"', "CMD [gunicorn", "DL3025"),
        # Shell commands are read too: this one is not in every shell.
        ("&& . config/", "&& source config/", "SC3046"),
    ],
)
def test_mistake_in_the_dockerfile_is_found(good: str, bad: str, told: str, tmp_path: Path) -> None:
    text = DOCKERFILE.read_text()
    assert good in text
    (tmp_path / "Dockerfile").write_text(text.replace(good, bad))
    checked = _check("hadolint", tmp_path / "Dockerfile")
    assert checked.returncode != 0
    assert told in checked.stdout


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        ("restart: unless-stopped", "restarts: unless-stopped", "restarts"),
        ("condition: service_healthy", "condition: healthy", "healthy"),
        ("cap_drop: [ALL]", "cap_drop: ALL", "cap_drop"),
    ],
)
def test_mistake_in_the_compose_file_is_found(
    good: str, bad: str, told: str, tmp_path: Path
) -> None:
    text = COMPOSE_FILE.read_text()
    assert good in text
    (tmp_path / "docker-compose.yml").write_text(text.replace(good, bad))
    checked = _check("check-jsonschema", tmp_path / "docker-compose.yml")
    assert checked.returncode != 0
    assert told in checked.stdout
