"""Setbacks: recorded when they are found, open until somebody acknowledges them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from audit.actions import Action
from audit.recording import Actor, record
from backups.heads import SeriesHead, furthest, heads_from_json
from backups.models import Setback, Witness
from backups.refusals import NothingToAcknowledge
from backups.registry import ACKNOWLEDGED, SERIES_HEADS

logger = logging.getLogger(__name__)

_ACTOR = Actor.system("witness")


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What the operator decided about a setback.

    ``followed`` maps prefixes whose numbers are out to the prefixes that go on instead; ``reused``
    are prefixes whose numbers are given again all the same. With ``sends_mail``, mail that this
    database believes unsent goes out although it may have been sent before.
    """

    followed: Mapping[str, str]
    reused: Sequence[str]
    sends_mail: bool
    note: str


def open_setback() -> Setback | None:
    """The setback that nobody has acknowledged yet."""
    return Setback.objects.filter(acknowledged_at__isnull=True).first()


def record_setback(setback: Setback) -> Setback:
    """Keep what was found, with an audit event, unless one is open already; returns the open one.

    In a transaction of its own.
    """
    try:
        with transaction.atomic():
            setback.save(force_insert=True)
            record(
                Action.DATABASE_FOUND_OLDER,
                actor=_ACTOR,
                subject="database",
                details={
                    "source": setback.source,
                    "counter": setback.counter,
                    "witness_counter": setback.witness_counter,
                    "heads": setback.heads,
                },
            )
    except IntegrityError:
        # Another process found it in the same moment, or somebody did before.
        opened = open_setback()
        if opened is None:
            raise
        return opened
    logger.error("the database was set back: %s", setback.in_words())
    return setback


def known_heads() -> list[SeriesHead]:
    """How far each series has counted, here or in what this database was set back from.

    Numbers that an earlier setback found out stay out, unless it was decided to give them again.
    """
    told = [
        head
        for setback in Setback.objects.filter(acknowledged_at__isnull=False)
        for head in heads_from_json(setback.heads)
        if head.prefix not in setback.reused
    ]
    return furthest(series_heads(), told)


def series_heads() -> list[SeriesHead]:
    """How far each series of this database has counted, in the order of their prefixes."""
    return furthest(*(heads() for heads in SERIES_HEADS.functions()))


def acknowledge(setback: Setback, decided: Acknowledgement, *, actor: Actor) -> list[str]:
    """Close a setback, so that work goes on, in the caller's transaction.

    The counter moves past every copy in the storage. Returns, in sentences, what other packages
    did about it. Needs a scope over all accounts. Raises NothingToAcknowledge for one that was
    closed meanwhile.
    """
    closed = Setback.objects.filter(pk=setback.pk, acknowledged_at__isnull=True).update(
        acknowledged_at=Now(),
        acknowledged_by=actor.label,
        note=decided.note,
        followed=dict(decided.followed),
        reused=sorted(decided.reused),
    )
    if not closed:
        raise NothingToAcknowledge("This has been acknowledged meanwhile.")
    _count_past(setback.witness_counter or 0)
    record(
        Action.RESTORE_ACKNOWLEDGED,
        actor=actor,
        subject="database",
        details=_details(setback, decided),
    )
    followers: list[Callable[[Acknowledgement], str]] = list(ACKNOWLEDGED.functions())
    return [said for follow in followers if (said := follow(decided))]


def _count_past(witness_counter: int) -> None:
    """Put the counter beyond whatever lies in the storage."""
    Witness.objects.get_or_create(pk=1)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE backups_witness SET counter = greatest(counter, %s) + 1", [witness_counter]
        )


def _details(setback: Setback, decided: Acknowledgement) -> dict[str, Any]:
    return {
        "source": setback.source,
        "heads": setback.heads,
        "followed": dict(decided.followed),
        "reused": sorted(decided.reused),
        "sends_mail": decided.sends_mail,
        "note": decided.note,
    }
