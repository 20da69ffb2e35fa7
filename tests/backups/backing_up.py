"""Backups that tests make, and what lies in their folders."""

import json
from pathlib import Path
from typing import Any

from django.core.files.storage import storages
from django.core.management import call_command

from backups.repository import Repository
from invoices.models import Document


def back_up(repository: Repository, *arguments: str) -> Path:
    """The folder of the backup that is made."""
    before = set(backups_in(repository))
    call_command("backup", str(repository.root), *arguments)
    [made] = set(backups_in(repository)) - before
    return made


def backups_in(repository: Repository) -> list[Path]:
    return sorted(path.parent for path in repository.root.glob("*/manifest.json"))


def manifest_of(backup: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((backup / "manifest.json").read_text())
    return told


def archive_path(document: Document) -> Path:
    """The file of a stored document."""
    return Path(storages["documents"].path(document.storage_key))
