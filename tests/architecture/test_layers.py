"""The contract of pyproject.toml knows every package. import-linter itself runs in `make lint`."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Packages that are not part of the program.
BESIDE_THE_PROGRAM = {"tests", "benchmarks"}


def _contract() -> tuple[list[str], list[str]]:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = [
        name
        for layer in configuration["contracts"][0]["layers"]
        for name in re.findall(r"[a-z]+", layer)
    ]
    return configuration["root_packages"], layers


def _packages_at_the_root() -> set[str]:
    return {folder.parent.name for folder in ROOT.glob("[a-z]*/__init__.py")} - BESIDE_THE_PROGRAM


def test_every_package_at_the_root_has_its_layer() -> None:
    root_packages, layers = _contract()
    assert _packages_at_the_root() == set(root_packages)
    assert set(root_packages) <= set(layers)


def test_packages_that_do_not_exist_yet_have_their_place() -> None:
    _, layers = _contract()
    assert {"console", "support", "services"} <= set(layers)


def test_no_package_is_named_like_one_of_the_standard_library() -> None:
    names = _packages_at_the_root()
    assert names.isdisjoint({"email", "operator", "code", "profile", "calendar", "types"})
