"""`make` passes on what it is given, and starts nothing that was not asked for."""

import subprocess
from pathlib import Path

import pytest

from tests.deployment.compose import ROOT

# They take hours, or must be told something.
ON_REQUEST = {"soak.py", "rolling_restart.py"}


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder in the place of .venv/bin, whose Python only says what it was asked to run."""
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    return tmp_path


def _make(*words: str) -> list[str]:
    """The lines that a target prints, without setting anything up first."""
    done = subprocess.run(
        ["make", "--no-print-directory", "--old-file=setup", *words],
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_bench_runs_every_benchmark_but_those_that_are_asked_for_by_name(programs: Path) -> None:
    wanted = {
        f"benchmarks/{path.name}"
        for path in (ROOT / "benchmarks").glob("*.py")
        if not path.name.startswith("_") and path.name not in ON_REQUEST
    }
    assert set(_make("bench", f"BIN={programs}")) == wanted


@pytest.mark.parametrize(
    ("target", "arguments"), [("soak", "--invoices 300"), ("rolling-restart", "--old v1")]
)
def test_those_get_their_arguments(target: str, arguments: str, programs: Path) -> None:
    benchmark = f"benchmarks/{target.replace('-', '_')}.py"
    assert _make(target, f"BIN={programs}", f"ARGS={arguments}") == [f"{benchmark} {arguments}"]


def test_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    declared = makefile.partition(".PHONY:")[2].partition("\n\n")[0].replace("\\\n", " ").split()
    assert [line.split()[1] for line in _make("help")] == declared
