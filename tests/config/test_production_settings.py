"""Production: secure by default, and refuses to start on a setting that is missing or unsafe."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _example() -> dict[str, str]:
    lines = (ROOT / "config" / "production.env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _run(*arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """Python in an environment that holds the example's variables, changed, and no others."""
    variables = {"PATH": os.environ["PATH"], **_example(), **changes}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={name: value for name, value in variables.items() if value is not None},
        text=True,
        capture_output=True,
        check=False,
    )


def _refusal(**changes: str | None) -> str:
    started = _run("-c", "import config.settings", **changes)
    assert started.returncode != 0
    return started.stderr


def _setting(name: str, **changes: str | None) -> str:
    shown = _run("-c", f"from config import settings; print(settings.{name})", **changes)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout.strip()


def test_deployment_check_finds_nothing() -> None:
    checked = _run("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


@pytest.mark.parametrize("name", sorted(set(_example()) - {"DATABASE_URL", "REDIS_URL"}))
def test_missing_variable_is_named(name: str) -> None:
    assert f"Set {name}" in _refusal(**{name: None})


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_one_server_without_the_other_is_refused(name: str) -> None:
    assert "Set both DATABASE_URL and REDIS_URL, or neither" in _refusal(**{name: None})


def test_plain_http_is_refused_unless_asked_for() -> None:
    http = "http://panel.example"
    assert "must start with https://" in _refusal(SITE_URL=http)
    assert _setting("SESSION_COOKIE_NAME", SITE_URL=http, ALLOW_HTTP="1") == "session"


def test_debug_cannot_be_switched_on() -> None:
    assert _setting("DEBUG", DEBUG="1") == "False"


def test_cookies_are_bound_to_host_and_https() -> None:
    names = [_setting(f"{cookie}_COOKIE_NAME") for cookie in ("SESSION", "CSRF", "LANGUAGE")]
    assert names == ["__Host-session", "__Host-csrf", "__Host-language"]


def test_web_and_workers_know_no_owner_login() -> None:
    assert _setting("OWNER_DATABASE") == "{}"


def test_owner_login_is_used_where_it_is_given() -> None:
    owner = "postgres://counterfoil_owner:other@db.example/counterfoil?sslmode=require"
    shown = _setting("OWNER_DATABASE", DATABASE_OWNER_URL=owner)
    assert "'USER': 'counterfoil_owner'" in shown
    assert "'sslmode': 'require'" in shown
