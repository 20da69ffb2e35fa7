"""`make setup` on a machine that lacks something and lets nobody install it."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "set_up.py"


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, without any way to become root."""
    spec = importlib.util.spec_from_file_location("set_up", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "set_up", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "way_to_root", lambda: None)
    return module


def _lacking(set_up: ModuleType, name: str, *, required: bool) -> tuple[object, ...]:
    return (set_up.SystemPackage(name, "the test", lambda: False, required=required),)


def test_required_package_is_named_with_the_command_that_installs_it(
    set_up: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_up, "SYSTEM_PACKAGES", _lacking(set_up, "libneeded", required=True))
    with pytest.raises(set_up.SetUpError, match=r"apt-get install .* libneeded"):
        set_up.install_system_packages()


def test_optional_package_is_named_and_set_up_goes_on(
    set_up: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(set_up, "SYSTEM_PACKAGES", _lacking(set_up, "fonts-nice", required=False))
    set_up.install_system_packages()
    assert "missing (optional): fonts-nice, for the test" in capsys.readouterr().err


def test_large_package_is_named_and_not_installed(
    set_up: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked_for: list[str] = []
    monkeypatch.setattr(set_up, "SYSTEM_PACKAGES", _lacking(set_up, "fonts-nice", required=False))
    monkeypatch.setattr(set_up, "LARGE_PACKAGES", _lacking(set_up, "java", required=False))
    monkeypatch.setattr(set_up, "way_to_root", list)
    monkeypatch.setattr(set_up, "apt_install", lambda names, _: asked_for.extend(names))
    set_up.install_system_packages()
    assert asked_for == ["fonts-nice"]
    assert "NOT INSTALLED, SINCE IT IS LARGE: java, for the test" in capsys.readouterr().err


def test_another_python_is_refused_by_its_version(
    set_up: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(set_up.sys, "version_info", (3, 12, 1))
    assert set_up.main() == 1
    assert "runs on Python 3.11" in capsys.readouterr().err


def test_locks_name_no_package_index() -> None:
    locks = [*SCRIPT.parents[1].glob("requirements/*.lock")]
    assert len(locks) == 3
    for lock in locks:
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index" not in text
