"""Variables by file: read whole, without the line end, never shown, and never in two places."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment
from tests.config.production import refusal, setting

env = Environment()

# As production.env.example names them; each may come from a file.
SECRETS = ["SECRET_KEY", "TOKEN_KEY", "TWO_FACTOR_KEY", "DATABASE_URL", "REDIS_URL"]


@pytest.fixture
def password_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    file = tmp_path / "password"
    monkeypatch.setenv("PASSWORD_FILE", str(file))
    return file


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n"])
def test_file_stands_for_the_variable_without_its_line_end(
    ending: str, password_file: Path
) -> None:
    password_file.write_bytes(f" péss word {ending}".encode())
    assert env.str("PASSWORD") == " péss word "


def test_numbers_and_lists_come_from_files_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "port").write_text("2525\n")
    (tmp_path / "keys").write_text("former,one before\n")
    monkeypatch.setenv("MAIL_PORT_FILE", str(tmp_path / "port"))
    monkeypatch.setenv("FORMER_KEYS_FILE", str(tmp_path / "keys"))
    assert env.int("MAIL_PORT") == 2525
    assert env.list("FORMER_KEYS") == ["former", "one before"]


def test_variable_and_file_together_are_refused(
    monkeypatch: pytest.MonkeyPatch, password_file: Path
) -> None:
    password_file.write_text("one")
    monkeypatch.setenv("PASSWORD", "two")
    with pytest.raises(ImproperlyConfigured, match="Set PASSWORD or PASSWORD_FILE, not both"):
        env.str("PASSWORD", default="")
    monkeypatch.setenv("PASSWORD", "")
    assert env.str("PASSWORD") == "one"


def test_file_that_cannot_be_read_is_named_with_the_reason(password_file: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"PASSWORD_FILE names .*password: No such file"):
        env.str("PASSWORD", default="")
    password_file.mkdir()
    with pytest.raises(ImproperlyConfigured, match=r"PASSWORD_FILE names .*: Is a directory"):
        env.str("PASSWORD", default="")


def test_content_that_is_no_text_is_refused_and_not_shown(password_file: Path) -> None:
    password_file.write_bytes(b"\xffsecret")
    with pytest.raises(ImproperlyConfigured, match="not text in UTF-8") as refused:
        env.str("PASSWORD")
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_empty_file_is_as_if_not_set(password_file: Path) -> None:
    password_file.write_text("\n")
    assert env.str("PASSWORD", default="") == ""
    assert env.int("PASSWORD", default=7) == 7
    with pytest.raises(ImproperlyConfigured, match="Set PASSWORD or PASSWORD_FILE"):
        env.str("PASSWORD")


def test_dollar_sign_at_the_start_is_part_of_a_password(
    monkeypatch: pytest.MonkeyPatch, password_file: Path
) -> None:
    monkeypatch.setenv("HOME_OF_NOBODY", "another variable")
    password_file.write_text("$HOME_OF_NOBODY")
    assert env.str("PASSWORD") == "$HOME_OF_NOBODY"


@pytest.mark.parametrize("name", SECRETS)
def test_production_starts_with_each_secret_in_a_file(name: str, tmp_path: Path) -> None:
    secret = {
        "DATABASE_URL": "postgres://counterfoil_runtime:from-a-file@db.example/counterfoil",
        "REDIS_URL": "redis://:from-a-file@redis.example:6379/1",
    }.get(name, "from-a-file, and long enough to be taken for a key of fifty characters")
    (tmp_path / "secret").write_text(f"{secret}\n")
    given: dict[str, str | None] = {name: None, f"{name}_FILE": str(tmp_path / "secret")}
    shown = {
        "DATABASE_URL": "DATABASES",
        "TOKEN_KEY": "TOKEN_KEYS",
        "TWO_FACTOR_KEY": "TWO_FACTOR_KEYS",
    }.get(name, name)
    assert "from-a-file" in setting(shown, **given)


@pytest.mark.parametrize("name", SECRETS)
def test_production_refuses_a_secret_in_two_places(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("other")
    said = refusal(**{f"{name}_FILE": str(tmp_path / "secret")})
    assert f"Set {name} or {name}_FILE, not both." in said
    assert "replace-with" not in said


def test_former_keys_and_further_logins_come_from_files_too(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("former\n")
    (tmp_path / "owner").write_text("postgres://owner:by-file@db.example/counterfoil\n")
    (tmp_path / "mail").write_text("$by-file\n")
    keys, owner, mail = (str(tmp_path / name) for name in ("keys", "owner", "mail"))
    assert setting("SECRET_KEY_FALLBACKS", SECRET_KEY_FALLBACKS_FILE=keys) == "['former']"
    assert "'former'" in setting("TOKEN_KEYS", TOKEN_KEY_FALLBACKS_FILE=keys)
    assert "'by-file'" in setting("OWNER_DATABASE", DATABASE_OWNER_URL_FILE=owner)
    assert setting("EMAIL_HOST_PASSWORD", EMAIL_HOST_PASSWORD_FILE=mail) == "$by-file"
