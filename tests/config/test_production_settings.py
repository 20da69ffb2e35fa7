"""Production: secure by default, and refuses to start on a setting that is missing or unsafe."""

import pytest

from tests.config.production import example, refusal, run, setting


def test_deployment_check_finds_nothing() -> None:
    checked = run("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


@pytest.mark.parametrize("name", sorted(set(example()) - {"DATABASE_URL", "REDIS_URL"}))
def test_missing_variable_is_named(name: str) -> None:
    assert f"Set {name}" in refusal(**{name: None})


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_one_server_without_the_other_is_refused(name: str) -> None:
    assert "Set both DATABASE_URL and REDIS_URL, or neither" in refusal(**{name: None})


def test_plain_http_is_refused_unless_asked_for() -> None:
    http = "http://panel.example"
    assert "must start with https://" in refusal(SITE_URL=http)
    assert setting("SESSION_COOKIE_NAME", SITE_URL=http, ALLOW_HTTP="1") == "session"


def test_debug_cannot_be_switched_on() -> None:
    assert setting("DEBUG", DEBUG="1") == "False"


def test_cookies_are_bound_to_host_and_https() -> None:
    names = [setting(f"{cookie}_COOKIE_NAME") for cookie in ("SESSION", "CSRF", "LANGUAGE")]
    assert names == ["__Host-session", "__Host-csrf", "__Host-language"]


def test_web_and_workers_know_no_owner_login() -> None:
    assert setting("OWNER_DATABASE") == "{}"


def test_owner_login_is_used_where_it_is_given() -> None:
    owner = "postgres://counterfoil_owner:other@db.example/counterfoil?sslmode=require"
    shown = setting("OWNER_DATABASE", DATABASE_OWNER_URL=owner)
    assert "'USER': 'counterfoil_owner'" in shown
    assert "'sslmode': 'require'" in shown
