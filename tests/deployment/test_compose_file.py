"""What docker-compose.yml promises: who may do what, who waits for whom, and nothing forgotten."""

import re
import subprocess
from pathlib import Path

import pytest

from config import celery_settings
from invoices.rendering.einvoice import asking
from tests.config.production import example
from tests.deployment.compose import ROOT, compose_file, read_env_file, services

EVERYTHING = services(profiles=["backup", "try"])
PROGRAMS = {name: service for name, service in EVERYTHING.items() if service.runs_the_program}
WORKERS = {name: service for name, service in PROGRAMS.items() if "worker" in service.command}
OWNERS = {"backup", "migrate"}
# What the validator beside a process that renders may have when it does nothing.
_VALIDATOR_MIB = asking._MOST_RESIDENT_BYTES // 1024**2


@pytest.mark.parametrize("name", EVERYTHING)
def test_each_service_is_hardened(name: str) -> None:
    raw = EVERYTHING[name].raw
    assert raw["read_only"] is True
    assert raw["cap_drop"] == ["ALL"]
    assert raw["security_opt"] == ["no-new-privileges:true"]
    assert raw["logging"]["options"].keys() == {"max-size", "max-file"}
    # The program's image names a user; others are told one.
    assert EVERYTHING[name].runs_the_program or raw["user"].split(":")[0] not in {"", "0", "root"}


def test_only_migration_and_backup_know_the_owners_login() -> None:
    knowing = {
        name
        for name, service in PROGRAMS.items()
        if "database_owner_url" in service.secrets
        or any(variable.startswith("DATABASE_OWNER_URL") for variable in service.environment)
    }
    assert knowing == OWNERS


@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - OWNERS))
def test_programs_wait_for_the_migration_and_for_redis(name: str) -> None:
    assert PROGRAMS[name].depends_on == {
        "migrate": "service_completed_successfully",
        "redis": "service_healthy",
    }


def test_all_but_web_can_write_where_documents_are() -> None:
    """Whoever lets something out leaves word there first (docs/backups.md); web only reads."""
    reading = {
        name
        for name, service in PROGRAMS.items()
        if "documents:/var/lib/counterfoil/documents" not in service.raw["volumes"]
    }
    assert reading == {"web", "web-2"}


def test_what_is_waited_for_to_be_healthy_can_tell() -> None:
    awaited = {
        other
        for service in EVERYTHING.values()
        for other, condition in service.depends_on.items()
        if condition == "service_healthy"
    }
    assert awaited == {"postgres", "redis"}
    assert all(EVERYTHING[name].health_check for name in awaited)


def test_every_queue_has_a_worker() -> None:
    consumed = {
        service.command[service.command.index("-Q") + 1]
        for service in PROGRAMS.values()
        if "-Q" in service.command
    }
    routed = {route["queue"] for route in celery_settings.task_routes.values()}
    assert consumed == routed | {celery_settings.task_default_queue}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_get_longer_to_stop_than_their_work_takes(name: str) -> None:
    assert PROGRAMS[name].grace_seconds > celery_settings.worker_soft_shutdown_timeout


def test_secrets_are_files_that_the_script_makes(tmp_path: Path) -> None:
    declared = {name: said["file"] for name, said in compose_file()["secrets"].items()}
    used = set[str]().union(*(service.secrets for service in EVERYTHING.values()))
    assert declared == {name: f"./secrets/{name}" for name in used}
    _make_secrets(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == used


@pytest.mark.parametrize("name", EVERYTHING)
def test_each_secret_is_read_from_where_it_is_mounted(name: str) -> None:
    service = EVERYTHING[name]
    read = {
        path.removeprefix("/run/secrets/")
        for variable, path in service.environment.items()
        if variable.endswith("_FILE")
    }
    assert read == service.secrets


def test_compose_and_its_env_file_give_all_that_production_requires() -> None:
    env_file = read_env_file((ROOT / "config" / "compose.env.example").read_text())
    for service in PROGRAMS.values():
        given = {*env_file, *(name.removesuffix("_FILE") for name in service.environment)}
        assert set(example()) <= given
        # Given twice, one as a file, would be refused.
        assert {name.removesuffix("_FILE") for name in service.environment} & {*env_file} == set()


def test_manual_for_bare_processes_names_the_same_commands() -> None:
    manual = re.sub(r" +", " ", (ROOT / "docs" / "operations.md").read_text())
    for name, service in PROGRAMS.items():
        if name in {"web-2", *OWNERS}:
            continue
        command = " ".join(service.command).replace("=0.0.0.0:", "=127.0.0.1:")
        assert f".venv/bin/{command}" in manual, name
    # The unit for systemd, which has its socket from elsewhere.
    workers = next(word for word in PROGRAMS["web"].command if word.startswith("--workers="))
    assert set(re.findall(r"--workers=\d+", manual)) == {workers}


@pytest.mark.parametrize("name", sorted(WORKERS))
def test_worker_is_refused_memory_by_its_limit_before_the_kernel_kills(name: str) -> None:
    """The rule of docs/configuration.md on WORKER_MEMORY_LIMIT_MB."""
    command = WORKERS[name].command
    processes = int(command[command.index("-c") + 1])
    limit = int(WORKERS[name].environment["WORKER_MEMORY_LIMIT_MB"])
    assert limit >= 256
    beside = _VALIDATOR_MIB if "render" in command else 0
    assert WORKERS[name].memory_mib >= processes * (limit + beside) + 150


# --- scripts/make_secrets.sh --------------------------------------------------------------------


def test_secrets_that_are_there_are_kept(tmp_path: Path) -> None:
    _make_secrets(tmp_path)
    (tmp_path / "token_key").unlink()
    before = {file.name: file.read_text() for file in tmp_path.iterdir()}

    _make_secrets(tmp_path)

    after = {file.name: file.read_text() for file in tmp_path.iterdir()}
    made = after.pop("token_key")
    assert after == before
    assert len(made) == 64
    assert made not in before.values()


def test_secrets_lie_in_a_folder_of_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    _make_secrets(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    # Users of containers read them through the mount, and their owner writes the mail server's.
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}


def _make_secrets(folder: Path) -> None:
    subprocess.run(
        [ROOT / "scripts" / "make_secrets.sh", folder], check=True, stdout=subprocess.DEVNULL
    )
