"""Caught mail as files: what the mail catcher accepted, byte by byte, for the mailbox page.

Two files a message: ``<key>.eml`` with the bytes after DATA, and ``<key>.json`` with what SMTP said
beside them. The key sorts by time of acceptance.
"""

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who SMTP said the message is from and for; ``accepted_at`` is ISO 8601 in UTC."""

    sender: str
    recipients: tuple[str, ...]
    accepted_at: str


@dataclass(frozen=True, slots=True)
class CaughtMessage:
    key: str
    envelope: Envelope
    file: Path

    def content(self) -> bytes:
        return self.file.read_bytes()


def keep(folder: Path, *, sender: str, recipients: Sequence[str], content: bytes) -> str:
    """Store a message and return its key. Whoever lists the folder never sees half of one."""
    now = datetime.now(UTC)
    key = f"{now:%Y%m%dT%H%M%S.%f}-{secrets.token_hex(4)}"
    envelope = Envelope(sender, tuple(recipients), now.isoformat())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / f"{key}.json").write_text(json.dumps(asdict(envelope)))
    unfinished = folder / f"{key}.unfinished"
    unfinished.write_bytes(content)
    unfinished.replace(folder / f"{key}.eml")
    return key


def caught_messages(folder: Path) -> Iterator[CaughtMessage]:
    """Newest first."""
    for file in sorted(folder.glob("*.eml"), reverse=True):
        yield _read(file)


def caught_message(folder: Path, key: str) -> CaughtMessage | None:
    """The message with this key; ``key`` may come from a URL and cannot leave the folder."""
    for file in folder.glob("*.eml"):
        if file.stem == key:
            return _read(file)
    return None


def _read(file: Path) -> CaughtMessage:
    said = json.loads(file.with_suffix(".json").read_text())
    envelope = Envelope(said["sender"], tuple(said["recipients"]), said["accepted_at"])
    return CaughtMessage(file.stem, envelope, file)
