"""Copies of the witness beside the documents: ``witness/<installation>/<counter>.json``.

The newest two are kept. A copy is written once and never changed, so it needs nothing of a storage
but that a saved file is there for whoever lists the folder next.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from backups.heads import SeriesHead, heads_from_json, heads_to_json
from common.storage import StorageUnavailable

logger = logging.getLogger(__name__)

_ALIAS = "documents"
_FOLDER = "witness"
_SUFFIX = ".json"
# Enough for any bigint, so that names sort as numbers do.
_DIGITS = 20
# PostgreSQL's bigint; a name beyond it is nobody's counter.
_LARGEST = 2**63 - 1
# The newest could be half a copy on a storage that breaks its promises; the one before it is not.
_KEPT = 2


@dataclass(frozen=True, slots=True)
class Copy:
    """What was known when something was let out for the ``counter``-th time."""

    counter: int
    at: datetime
    heads: Sequence[SeriesHead]


def counters(installation: UUID) -> list[int]:
    """The counters of the copies that are there, lowest first."""
    try:
        _, names = storages[_ALIAS].listdir(_folder(installation))
    except FileNotFoundError:
        return []
    return sorted(
        int(stem)
        for stem in (name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
        if stem.isdecimal() and int(stem) <= _LARGEST
    )


def is_storage_there() -> bool:
    """Whether there is a folder for documents at all; without one, nothing says anything."""
    try:
        storages[_ALIAS].listdir("")
    except FileNotFoundError:
        return False
    return True


def write(installation: UUID, copy: Copy) -> bool:
    """Leave a copy; False when another one with the same counter is there."""
    content = {
        "counter": copy.counter,
        "at": copy.at.isoformat(),
        "heads": heads_to_json(copy.heads),
    }
    wanted = _name(installation, copy.counter)
    saved_as = storages[_ALIAS].save(wanted, ContentFile(json.dumps(content, indent=1).encode()))
    if saved_as != wanted:
        storages[_ALIAS].delete(saved_as)
        return False
    return True


def read(installation: UUID, counter: int) -> Copy | None:
    """What a copy says; None for one that cannot be made sense of, which still counts as one."""
    name = _name(installation, counter)
    try:
        with storages[_ALIAS].open(name) as file:
            return _copy(file.read())
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        logger.exception("%s says nothing", name)
        return None


def _copy(content: bytes) -> Copy:
    told = json.loads(content)
    return Copy(
        counter=int(told["counter"]),
        at=datetime.fromisoformat(told["at"]),
        heads=heads_from_json(told["heads"]),
    )


def prune(installation: UUID, present: Sequence[int]) -> None:
    """Delete all of ``present`` but the newest. What cannot be deleted does no harm and stays."""
    for counter in sorted(present)[:-_KEPT]:
        try:
            storages[_ALIAS].delete(_name(installation, counter))
        except (OSError, StorageUnavailable) as error:
            logger.warning("a former copy of the witness cannot be deleted: %s", error)
            return


def _folder(installation: UUID) -> str:
    return f"{_FOLDER}/{installation.hex}"


def _name(installation: UUID, counter: int) -> str:
    return f"{_folder(installation)}/{counter:0{_DIGITS}d}{_SUFFIX}"
