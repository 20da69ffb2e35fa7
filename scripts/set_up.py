"""Everything a checkout needs before it can run: system packages, Python packages, browser assets.

Runs under a bare Python 3.11 (standard library only, no venv module) and is made to be run before
every other target: when there is nothing to do it takes a fraction of a second. What it makes is in
.venv, node_modules and var; what it installs on the system, it names.
"""

import ctypes
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
VAR = Path(os.environ.get("COUNTERFOIL_VAR") or ROOT / "var")
OLDEST_NODE = 18
SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


class SetUpError(Exception):
    """Set-up cannot go on; the message says what a person can do about it."""


def main() -> int:
    if sys.version_info[:2] != (3, 11):
        print(
            f"Counterfoil runs on Python 3.11; this is {sys.version.split()[0]}.", file=sys.stderr
        )
        print("Name another with PYTHON, for example: make setup PYTHON=/usr/bin/python3.11")
        return 1
    VAR.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with (VAR / "setup.lock").open("w") as lock:
            # Two `make` in two windows: the second waits and then finds nothing to do.
            fcntl.flock(lock, fcntl.LOCK_EX)
            install_system_packages()
            install_python_packages()
            install_browser_assets()
            compile_translations()
            run([PYTHON, "-m", "common.embedded", "prepare"])
    except SetUpError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


# --- System packages ----------------------------------------------------------------------------


@dataclass(frozen=True)
class SystemPackage:
    name: str
    purpose: str
    is_there: Callable[[], bool]
    required: bool


def has_library(name: str) -> Callable[[], bool]:
    def is_there() -> bool:
        try:
            ctypes.CDLL(name)
        except OSError:
            return False
        return True

    return is_there


def has_file(*paths: str) -> Callable[[], bool]:
    return lambda: any(Path(path).exists() for path in paths)


def has_program(*names: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(name) for name in names)


def can_make_venv() -> bool:
    return VENV.exists() or importlib.util.find_spec("ensurepip") is not None


_FONTS = "/usr/share/fonts/truetype"
SYSTEM_PACKAGES = (
    SystemPackage("python3.11-venv", "the virtual environment", can_make_venv, required=True),
    SystemPackage(
        "libpango-1.0-0", "laying out invoices", has_library("libpango-1.0.so.0"), required=True
    ),
    SystemPackage(
        "libpangoft2-1.0-0",
        "laying out invoices",
        has_library("libpangoft2-1.0.so.0"),
        required=True,
    ),
    SystemPackage(
        "libharfbuzz-subset0",
        "rendering invoices twice as fast",
        has_library("libharfbuzz-subset.so.0"),
        required=False,
    ),
    SystemPackage(
        "fonts-noto-core",
        "names in Arabic, Hebrew, Devanagari, Thai and other scripts on invoices",
        has_file(f"{_FONTS}/noto/NotoSansArabic-Regular.ttf"),
        required=False,
    ),
    SystemPackage(
        "fonts-wqy-microhei",
        "names in Chinese, Japanese and Korean on invoices",
        has_file(f"{_FONTS}/wqy/wqy-microhei.ttc"),
        required=False,
    ),
    SystemPackage(
        "chromium",
        "browser tests, which are skipped without it",
        has_program("chromium", "chromium-browser"),
        required=False,
    ),
    SystemPackage("qpdf", "make conformance", has_program("qpdf"), required=False),
    SystemPackage("poppler-utils", "make conformance", has_program("pdfinfo"), required=False),
    SystemPackage(
        "zbar-tools",
        "make conformance and the browser tests of two-factor",
        has_program("zbarimg"),
        required=False,
    ),
    SystemPackage(
        "oathtool", "the browser tests of two-factor", has_program("oathtool"), required=False
    ),
)
# Named beside what is installed, and left to whoever wants them.
LARGE_PACKAGES = (
    SystemPackage(
        "default-jdk-headless",
        "judging documents by veraPDF and Mustang, a test that is skipped without it",
        has_program("javac"),
        required=False,
    ),
    SystemPackage("maven", "fetching veraPDF and Mustang", has_program("mvn"), required=False),
)


def install_system_packages() -> None:
    missing = absent(SYSTEM_PACKAGES)
    if not missing:
        return
    names = [package.name for package in missing]
    become_root = way_to_root()
    if become_root is not None:
        say(f"installing system packages: {' '.join(names)}")
        apt_install(names, become_root)
        missing = absent(missing)
    for package in missing:
        kind = "REQUIRED" if package.required else "optional"
        print(f"  missing ({kind}): {package.name}, for {package.purpose}", file=sys.stderr)
    for package in absent(LARGE_PACKAGES):
        print(
            f"  NOT INSTALLED, SINCE IT IS LARGE: {package.name}, for {package.purpose}",
            file=sys.stderr,
        )
    if any(package.required for package in missing):
        raise SetUpError(
            "Ask an administrator of this machine to run\n"
            f"  apt-get install --no-install-recommends {' '.join(p.name for p in missing)}\n"
            "and start again. (As root, or with sudo that asks no password, `make setup` does it.)"
        )


def absent(packages: Iterable[SystemPackage]) -> list[SystemPackage]:
    importlib.invalidate_caches()
    return [package for package in packages if not package.is_there()]


def way_to_root() -> list[str] | None:
    """The words to put before a command that needs root; None where that is not possible."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and run_quietly(["sudo", "-n", "true"]).returncode == 0:
        return ["sudo", "-n"]
    return None


def apt_install(names: Sequence[str], become_root: Sequence[str]) -> None:
    """Install; on failure once more after an update, since a fresh image has no package lists.

    Failing twice is not the end here: the caller looks at what is still missing.
    """
    apt = [*become_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"]
    install = [*apt, "install", "--no-install-recommends", *names]
    if run_quietly(install).returncode == 0:
        return
    run_quietly([*apt, "update"])
    again = run_quietly(install)
    if again.returncode != 0:
        print(again.stdout.strip(), file=sys.stderr)


# --- Python packages ----------------------------------------------------------------------------


def install_python_packages() -> None:
    """The locked versions with their hashes, from whatever index pip is configured to use."""
    if not (PYTHON.exists() and run_quietly([PYTHON, "-m", "pip", "--version"]).returncode == 0):
        say("making the virtual environment .venv")
        run([sys.executable, "-m", "venv", "--clear", VENV])
    install_lock("dev.lock", "the Python packages")


def install_lock(name: str, what: str) -> None:
    lock = ROOT / "requirements" / name
    stamp = VENV / f"{name}.installed"
    if stamp.exists() and stamp.read_text() == fingerprint(lock):
        return
    say(f"installing {what} of requirements/{name}")
    pip: list[str | Path] = [
        PYTHON,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
    ]
    run([*pip, "--require-hashes", "--only-binary=:all:", "--requirement", lock])
    stamp.write_text(fingerprint(lock))


# --- Browser assets -----------------------------------------------------------------------------


def install_browser_assets() -> None:
    lock = ROOT / "package-lock.json"
    stamp = ROOT / "node_modules" / ".installed"
    if stamp.exists() and stamp.read_text() == fingerprint(lock):
        return
    path, authorities = os.environ.get("PATH", ""), os.environ.get("NODE_EXTRA_CA_CERTS")
    if not has_node():
        install_lock("node.lock", "Node.js, which this machine lacks,")
        path = f"{VENV / 'bin'}:{path}"
        # That one trusts its own list alone; the machine's may hold a company's proxy too.
        if authorities is None and Path(SYSTEM_AUTHORITIES).exists():
            authorities = SYSTEM_AUTHORITIES
    say("fetching browser assets and typefaces")
    npm = shutil.which("npm", path=path)
    if npm is None:
        raise SetUpError("npm was not found although Node.js was: install it, or remove node.")
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    run(command, environment={"PATH": path, "NODE_EXTRA_CA_CERTS": authorities or ""})
    stamp.write_text(fingerprint(lock))


def has_node() -> bool:
    if shutil.which("node") is None or shutil.which("npm") is None:
        return False
    version = run_quietly(["node", "--version"]).stdout.strip().removeprefix("v").split(".")[0]
    return version.isdigit() and int(version) >= OLDEST_NODE


# --- Translations -------------------------------------------------------------------------------


def compile_translations() -> None:
    """Babel's compiler, so that gettext need not be installed."""
    for source in (ROOT / "locale").glob("*/LC_MESSAGES/*.po"):
        compiled = source.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            command: list[str | Path] = [
                PYTHON,
                "-m",
                "babel.messages.frontend",
                "--quiet",
                "compile",
            ]
            run([*command, "--input-file", source, "--output-file", compiled])


# --- Running programs ---------------------------------------------------------------------------


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def run(command: Sequence[str | Path], *, environment: dict[str, str] | None = None) -> None:
    finished = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **(environment or {})}, check=False
    )
    if finished.returncode != 0:
        raise SetUpError(f"Failed: {' '.join(str(word) for word in command)}")


def run_quietly(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def fingerprint(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
