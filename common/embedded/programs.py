"""Running programs that installed packages bring along."""

import importlib.util
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from common.embedded.places import EmbeddedError, Places

START_SECONDS = 60


def package_folder(package: str) -> Path:
    """Where an installed package lies, without importing it: both do work when imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"The Python package {package} is not installed: run `make setup`.")
    return Path(spec.origin).parent


def run(places: Places, command: Sequence[str], *, failure: str) -> None:
    """Run to the end; on failure raise with what the program said.

    Output goes to a file and not to a pipe: the server that is left behind would keep a pipe open.
    """
    with (places.log / "embedded.log").open("w+") as said:
        finished = subprocess.run(
            command,
            cwd=places.var,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if finished.returncode != 0:
            said.seek(0)
            raise EmbeddedError(f"{failure} (see {places.log}):\n{said.read().strip()}")


def wait_until(happened: Callable[[], bool], *, failure: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            raise EmbeddedError(f"{failure} within {START_SECONDS} s.")
        time.sleep(0.02)
