"""Renews the lock files: exact versions with hashes, and no address of any package index in them.

uv resolves for every platform at once, from the index that pip is configured to use.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "var" / "lock-tools"
UV_VERSION = "0.13.9"
# In this order: each may name the one before as its constraints.
LOCKS = ("runtime", "dev", "node")


def index_of_pip() -> dict[str, str]:
    """uv's variables for what pip is told by its own files and variables: uv reads neither."""
    shown = subprocess.run(
        [TOOLS / "bin" / "pip", "config", "list"], text=True, capture_output=True, check=True
    ).stdout
    settings = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    variables = {}
    for pip_name, uv_name in (
        ("index-url", "UV_DEFAULT_INDEX"),
        ("extra-index-url", "UV_INDEX"),
        ("cert", "SSL_CERT_FILE"),
    ):
        for section in ("global", "install", ":env:"):
            if value := settings.get(f"{section}.{pip_name}"):
                variables[uv_name] = value.strip("'")
    return variables


def main() -> int:
    if not (TOOLS / "bin" / "uv").exists():
        venv.create(TOOLS, with_pip=True)
        subprocess.run([TOOLS / "bin" / "pip", "install", "-q", f"uv=={UV_VERSION}"], check=True)
    for name in LOCKS:
        subprocess.run(
            [
                TOOLS / "bin" / "uv",
                *("pip", "compile", "--quiet", "--upgrade"),
                *("--python-version", "3.11", "--universal"),
                *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"),
                *("--no-annotate", "--no-header"),
                *("--output-file", f"requirements/{name}.lock", f"requirements/{name}.in"),
            ],
            cwd=ROOT,
            env={**os.environ, **index_of_pip()},
            check=True,
        )
    path = f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
    # .npmrc keeps the registry's address out of the file.
    subprocess.run(
        ["npm", "install", "--package-lock-only", "--ignore-scripts", "--loglevel=error"],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        check=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
