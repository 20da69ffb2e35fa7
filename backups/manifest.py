"""What a backup says about itself, as JSON beside the dump."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self
from uuid import UUID

from backups.digests import Content
from backups.heads import SeriesHead, heads_from_json
from backups.refusals import BackupUnusable

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A document that could not be copied: ``missing``, ``altered`` or ``unreachable``."""

    key: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Sizes are in bytes, times ISO 8601 in UTC. ``contents`` is by table, ``dump_sha256`` hex."""

    made_at: str
    server: str
    migrations: Sequence[tuple[str, str]]
    contents: Mapping[str, Content]
    dump_bytes: int
    dump_sha256: str
    has_documents: bool
    documents: int
    document_bytes: int
    faults: Sequence[Fault]
    installation: UUID | None
    counter: int
    series: Sequence[SeriesHead]

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises BackupUnusable."""
        try:
            told: dict[str, Any] = json.loads(text)
            if told.pop("format") != FORMAT:
                raise BackupUnusable("It is written in a form that this program does not know.")
            return cls(
                **{
                    **told,
                    "migrations": [(app, name) for app, name in told["migrations"]],
                    "contents": {
                        table: Content(**content) for table, content in told["contents"].items()
                    },
                    "faults": [Fault(**fault) for fault in told["faults"]],
                    "installation": UUID(told["installation"]) if told["installation"] else None,
                    "series": heads_from_json(told["series"]),
                }
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BackupUnusable(f"Its manifest cannot be read: {error!r}.") from error
