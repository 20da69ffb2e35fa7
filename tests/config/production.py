"""Python processes with production's settings: the example's variables, and no others."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def example() -> dict[str, str]:
    lines = (ROOT / "config" / "production.env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def run(*arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """Python in an environment that holds the example's variables, changed, and no others."""
    variables = {"PATH": os.environ["PATH"], **example(), **changes}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={name: value for name, value in variables.items() if value is not None},
        text=True,
        capture_output=True,
        check=False,
    )


def refusal(**changes: str | None) -> str:
    started = run("-c", "import config.settings", **changes)
    assert started.returncode != 0
    return started.stderr


def setting(name: str, **changes: str | None) -> str:
    shown = run("-c", f"from config import settings; print(settings.{name})", **changes)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout.strip()
