"""docker-compose.yml and Dockerfile as data: what a container engine would start, with what."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "Dockerfile"

Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]
_UNITS = {"s": 1, "m": 60}
_MEBIBYTES = {"m": 1, "g": 1024}


@dataclass(frozen=True)
class Service:
    """What one service says; ``raw`` is all of it, anchors resolved."""

    name: str
    raw: Mapping[str, Any]

    @property
    def command(self) -> list[str]:
        return list(self.raw["command"])

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.raw.get("environment", {}))

    @property
    def secrets(self) -> set[str]:
        return set(self.raw.get("secrets", ()))

    @property
    def depends_on(self) -> dict[str, Condition]:
        return {other: said["condition"] for other, said in self.raw.get("depends_on", {}).items()}

    @property
    def health_check(self) -> list[str] | None:
        """The command that tells health; None where there is none."""
        if "healthcheck" not in self.raw:
            return None
        kind, *command = map(str, self.raw["healthcheck"]["test"])
        assert kind == "CMD"
        return command

    @property
    def grace_seconds(self) -> int:
        """How long it may take to stop; an engine's own default is 10 s."""
        said = str(self.raw.get("stop_grace_period", "10s"))
        return int(said[:-1]) * _UNITS[said[-1]]

    @property
    def memory_mib(self) -> int:
        """What all its processes may take together before the kernel ends one."""
        said = str(self.raw["mem_limit"])
        return int(said[:-1]) * _MEBIBYTES[said[-1]]

    @property
    def runs_the_program(self) -> bool:
        """Rather than a server's image."""
        return str(self.raw["image"]).startswith("counterfoil:")

    @property
    def runs_once(self) -> bool:
        return self.raw.get("restart") == "no"


def compose_file() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())
    return loaded


def services(*, profiles: Collection[str] = ()) -> dict[str, Service]:
    """Those that start: the ones without a profile, and those of ``profiles``."""
    return {
        name: Service(name, raw)
        for name, raw in compose_file()["services"].items()
        if not raw.get("profiles") or {*raw["profiles"]} & {*profiles}
    }


def image_environment() -> dict[str, str]:
    """What ENV gives to a process of the image: by the stage it is built on, then by the last."""
    stages = re.split(r"^FROM ", DOCKERFILE.read_text(), flags=re.MULTILINE)[1:]
    last = stages[-1]
    base = next(
        stage for stage in stages if stage.splitlines()[0].endswith(f" AS {last.split()[0]}")
    )
    found: dict[str, str] = {}
    for stage in (base, last):
        for block in re.findall(r"^ENV ((?:.*\\\n)*.*)", stage, flags=re.MULTILINE):
            found |= dict(re.findall(r"([A-Z_]+)=(\S+)", block))
    return found


def read_env_file(text: str) -> dict[str, str]:
    """The variables of a file for ``env_file``."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def static_files_asked_for() -> set[str]:
    """The static files that templates name."""
    return {
        name
        for folder in ROOT.glob("[a-z]*/")
        if folder.name not in {"node_modules", "var", "tests"}
        for template in folder.rglob("*.html")
        for name in re.findall(r"""{% static ['"]([^'"]+)['"]""", template.read_text())
    }
