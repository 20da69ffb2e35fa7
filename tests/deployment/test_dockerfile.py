"""The image holds the program, whole, and what it needs, and no more."""

import re
import tomllib

from scripts.set_up import SYSTEM_PACKAGES
from tests.deployment.compose import DOCKERFILE, ROOT, image_environment, services

TEXT = DOCKERFILE.read_text()


def _taken_in() -> set[str]:
    """What .dockerignore lets through: it names what is taken, and refuses the rest."""
    lines = (ROOT / ".dockerignore").read_text().split()
    return {line[1:] for line in lines if line.startswith("!")}


def test_every_package_of_the_program_is_taken_in() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert set(contract["root_packages"]) <= _taken_in()


def test_nothing_is_taken_in_that_is_not_there() -> None:
    assert [path for path in _taken_in() if not (ROOT / path).exists()] == []


def test_secrets_data_and_tests_stay_out() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line]
    assert "*" in lines
    kept_out = {"tests", "secrets", "var", ".git", ".venv", "counterfoil.env", "docs", "logos"}
    assert _taken_in() & kept_out == set()


def test_system_packages_are_those_of_set_up() -> None:
    """Both name what the renderer needs; the image brings its own Python, and runs no tests."""
    of_tests = {"chromium", "qpdf", "poppler-utils", "zbar-tools", "oathtool"}
    needed = {package.name for package in SYSTEM_PACKAGES} - of_tests - {"python3.11-venv"}
    installed = TEXT.partition("--no-install-recommends")[2].partition("&&")[0].split()
    assert needed <= set(installed)
    assert not {"gcc", "build-essential", "python3-dev", "git"} & set(installed)


def test_last_stage_runs_as_a_numbered_user_without_rights() -> None:
    """By number, so that an engine can see that it is not root."""
    last = re.split(r"^FROM ", TEXT, flags=re.MULTILINE)[-1]
    assert re.findall(r"^USER (.*)$", last, flags=re.MULTILINE) == ["10001:10001"]
    assert "10001" in "".join(services()["web"].raw["tmpfs"])


def test_python_packages_are_the_locked_ones_and_nothing_is_compiled() -> None:
    installs = re.findall(r"pip --python.*?(?=\n\n|\nRUN)", TEXT, flags=re.DOTALL)
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "--only-binary=:all:" in installs[0]
    assert "npm ci --omit=dev --ignore-scripts" in TEXT


def test_documents_lie_where_the_volume_is() -> None:
    mounted = {
        volume.removesuffix(":ro").rpartition(":")[2]
        for service in services().values()
        if service.runs_the_program
        for volume in service.raw["volumes"]
    }
    environment = image_environment()
    assert mounted == {environment["DOCUMENTS_DIR"], environment["LOGOS_DIR"]}


def test_web_starts_alike_with_and_without_compose() -> None:
    (command,) = re.findall(r"^CMD \[(.*)\]$", TEXT, flags=re.MULTILINE)
    assert re.findall(r'"([^"]*)"', command) == services()["web"].command
