"""Writing audit events. Recorded in the transaction of what they record, or not at all."""

import getpass
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from audit.actions import Action
from audit.models import AuditEvent


class _Person(Protocol):
    pk: int
    email: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, or a part of the program by name."""

    kind: str
    label: str
    user_id: int | None = None
    remote_address: str | None = None

    @classmethod
    def system(cls, part: str) -> Self:
        """The program itself, such as ``Actor.system("billing run")``."""
        return cls(kind="system", label=part)

    @classmethod
    def at_terminal(cls) -> Self:
        """Whoever runs a command; the panel's people are known by their address instead."""
        try:
            name = getpass.getuser()
        except (KeyError, OSError):  # a container may run under a number that has no name
            name = f"user {os.getuid()}"
        return cls(kind="system", label=f"{name} at the command line")

    @classmethod
    def person(cls, user: _Person, *, remote_address: str | None = None) -> Self:
        return cls(kind="user", label=user.email, user_id=user.pk, remote_address=remote_address)

    @classmethod
    def anonymous(cls, *, remote_address: str | None = None) -> Self:
        return cls(kind="anonymous", label="", remote_address=remote_address)


@dataclass(frozen=True, slots=True)
class Event:
    """An event that has not been written yet; ``details`` holds old and new values."""

    action: Action
    account_id: int | None = None
    subject: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def record(
    action: Action,
    *,
    actor: Actor,
    account_id: int | None = None,
    subject: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write one event. Needs the scope of ``account_id`` when it has one."""
    record_many([Event(action, account_id, subject, details or {})], actor=actor)


def as_recorded(subject: str) -> str:
    """``subject`` as the log holds it, for looking it up: cut where the column ends."""
    return subject[: AuditEvent._meta.get_field("subject").max_length]


def record_many(events: Iterable[Event], *, actor: Actor) -> None:
    """Write several events of one actor in one statement. Long subjects are cut."""
    AuditEvent.objects.bulk_create(
        [
            AuditEvent(
                account_id=event.account_id,
                action=event.action,
                actor_kind=actor.kind,
                actor_user_id=actor.user_id,
                actor_label=actor.label,
                subject=as_recorded(event.subject),
                details=dict(event.details),
                remote_address=actor.remote_address,
            )
            for event in events
        ],
        # Without RETURNING: an event of no account is hidden from whoever wrote it.
        ignore_conflicts=True,
    )
