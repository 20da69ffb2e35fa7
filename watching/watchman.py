"""The watchman: looks every half minute and mails the operator what is wrong, and that it is over.

Several may run; one has the duty, and another takes it when that one is silent. What has been told
is remembered in PostgreSQL. That PostgreSQL is away is remembered here.
"""

import logging
from datetime import datetime
from typing import Final

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from mail.transport import Sent
from watching.alarms import Code
from watching.bulletins import Bulletin, Item, bulletin_of, send_bulletin
from watching.looking import look_thoroughly
from watching.memory import LASTS_AFTER, REMIND_AFTER, news, remember, told
from watching.reaching import DatabaseAway, require_database
from watching.signs import WATCHMAN, hand_over_duty, take_duty

logger = logging.getLogger(__name__)

# Between the beginnings of two looks.
INTERVAL_SECONDS: Final = 30

_AWAY: Final = (DatabaseAway, OperationalError, InterfaceError)


class Watchman:
    """One process's watchman; ``name`` says where it runs, in a way that no other one does."""

    def __init__(self, *, name: str) -> None:
        self._name = name
        self._outage: _Outage | None = None

    def look(self) -> None:
        """One round: look, remember, tell. What cannot be told now is told after the next look."""
        try:
            require_database()
            self._watch()
        except _AWAY as away:
            logger.warning("the database is away: %s", away)
            self._outage = self._outage or _Outage(str(away))
            self._outage.go_on()
        finally:
            # A kept connection may outlive what it led to.
            connection.close()

    def stop(self) -> None:
        """Leave the duty to whoever else is there."""
        try:
            require_database()
            hand_over_duty(WATCHMAN, by=self._name)
        except _AWAY as away:
            logger.warning("the duty could not be handed over: %s", away)

    def _watch(self) -> None:
        if not take_duty(WATCHMAN, by=self._name):
            self._outage = None
            return
        found = look_thoroughly()
        if self._outage and self._outage.end():
            self._outage = None
        remember(found)
        untold = news(found.at)
        if untold and _send(bulletin_of(untold)):
            told(untold, found.at)


class _Outage:
    """PostgreSQL, away since the first look that found it so."""

    def __init__(self, says: str) -> None:
        self._says = says
        self._since = timezone.now()
        self._told_at: datetime | None = None
        self._over_at: datetime | None = None

    def go_on(self) -> None:
        """Tell it once it has lasted, and again after a day."""
        self._over_at = None
        now = timezone.now()
        due = self._told_at + REMIND_AFTER if self._told_at else self._since + LASTS_AFTER
        if now >= due and _send(Bulletin(present=[self._item()])):
            self._told_at = now

    def end(self) -> bool:
        """Tell whoever was told of it that it is over; whether it can be forgotten now."""
        self._over_at = self._over_at or timezone.now()
        return self._told_at is None or _send(Bulletin(over=[self._item()]))

    def _item(self) -> Item:
        return Item(
            code=Code.DATABASE_AWAY,
            says=f"PostgreSQL does not answer: {self._says}",
            since=self._since,
            over_at=self._over_at,
        )


def _send(bulletin: Bulletin) -> bool:
    outcome = send_bulletin(bulletin)
    is_sent = isinstance(outcome, Sent)
    log = logger.info if is_sent else logger.error
    log("told the operator: %s (%s)", bulletin.headline, outcome.response)
    return is_sent
