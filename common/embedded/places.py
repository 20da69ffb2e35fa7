"""Where everything of one installation lies. Computing it touches no disk."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

OWNER_ROLE = "counterfoil_owner"
RUNTIME_ROLE = "counterfoil_runtime"
DATABASE = "counterfoil"
SECRETS = ("SECRET_KEY", "TOKEN_KEY", "TWO_FACTOR_KEY")

# sockaddr_un on Linux holds 108 bytes, the last of which is NUL.
_LONGEST_SOCKET_PATH = 107


class EmbeddedError(Exception):
    """A server cannot be started or stopped; the message says why and is meant for people."""


@dataclass(frozen=True, slots=True)
class Places:
    """Everything below one ``var`` folder."""

    var: Path

    @classmethod
    def of_environment(cls) -> "Places":
        """``COUNTERFOIL_VAR``, by default ``var/`` beside the packages."""
        beside_packages = Path(__file__).resolve().parents[2] / "var"
        return cls(Path(os.environ.get("COUNTERFOIL_VAR") or beside_packages).resolve())

    @property
    def postgres(self) -> Path:
        return self.var / "postgres"

    @property
    def redis(self) -> Path:
        return self.var / "redis"

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def secrets(self) -> Path:
        return self.var / "secrets"

    def secret(self, name: str) -> Path:
        return self.secrets / name.lower()

    @property
    def sockets(self) -> Path:
        """``var/run``, or a short folder of this user's where a socket's path would be too long."""
        near = self.var / "run"
        if len(os.fsencode(near / ".s.PGSQL.5432")) <= _LONGEST_SOCKET_PATH:
            return near
        digest = hashlib.sha256(os.fsencode(self.var)).hexdigest()[:16]
        # Predictable, as it must be; `prepare` refuses it when somebody else has made it.
        return Path("/tmp") / f"counterfoil-{os.geteuid()}-{digest}"  # noqa: S108

    @property
    def postgres_socket(self) -> Path:
        return self.sockets / ".s.PGSQL.5432"

    @property
    def redis_socket(self) -> Path:
        return self.sockets / "redis.sock"
