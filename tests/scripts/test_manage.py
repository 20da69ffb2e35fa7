"""manage.py, as somebody types it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_without_the_embedded_servers_it_says_how_to_start_them(tmp_path: Path) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
    }
    environment |= {
        "COUNTERFOIL_VAR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SITE_URL": "http://127.0.0.1:8000",
    }
    said = subprocess.run(
        [sys.executable, "manage.py", "bill", "--dry-run"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 1
    assert said.stderr == (
        "The embedded PostgreSQL is not running."
        " Start it with `make run` or `make demo` in another window.\n"
    )
