"""The database notices by itself that it is older than what has left the house.

However a database was set back (a restore, a point in time, a snapshot of its disk, a replica that
took over without the last transactions), what it let out afterwards cannot be called back: numbers
are out, and documents and mail. So each time before a batch is let out

1. the counter in the database goes up, committed, after the batch itself was committed;
2. a copy of the counter is left with the documents, which are not set back along with it;
3. only then a document is stored or a mail is sent.

Whatever has left is therefore in every database whose counter has reached that of the newest copy,
and a database that a copy is ahead of is an older one. It then lets nothing out and issues nothing
until somebody has looked (docs/decisions/0062).
"""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from backups import witness_copies
from backups.heads import beyond, heads_to_json
from backups.models import Setback
from backups.refusals import DatabaseBehind
from backups.setbacks import known_heads, open_setback, record_setback, series_heads
from backups.witness_copies import Copy
from common.claims import Claim, Deadline, Queue, put_back_untried
from common.storage import StorageUnavailable

logger = logging.getLogger(__name__)

# How long a process that issues or begins a round believes the storage's last answer. A database
# whose counter is lower than it was then is asked about at once, so that only one which was set
# back by less than this, within this, goes unnoticed; and not by those who advance.
_BELIEVED_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the database says. No installation: it never let anything out."""

    installation: UUID | None
    counter: int
    is_set_back: bool


@dataclass(slots=True)
class _Answer:
    """The last time that this process asked the storage and found nothing ahead."""

    installation: UUID | None = None
    counter: int = 0
    believed_until: float = 0.0

    def covers(self, standing: _Standing) -> bool:
        return (
            standing.installation == self.installation
            and standing.counter >= self.counter
            and time.monotonic() < self.believed_until
        )

    def renew(self, standing: _Standing) -> None:
        self.installation, self.counter = standing.installation, standing.counter
        self.believed_until = time.monotonic() + _BELIEVED_SECONDS


_answer = _Answer()


class _Ahead(Exception):
    """A copy is ahead of the counter: roll back."""


def advance() -> None:
    """Count on before a batch is let out; call it after the batch is committed, outside of any
    transaction.

    Raises DatabaseBehind, having recorded what was found, or StorageUnavailable. Nothing may leave
    then.
    """
    standing = _standing()
    if standing.is_set_back and (setback := open_setback()):
        raise DatabaseBehind(setback.in_words())
    # Before the counter moves: what is listed was counted earlier, by whichever process.
    present = _copies(standing)
    try:
        installation, copy = _count_on(present)
    except _Ahead:
        raise DatabaseBehind(record_setback(_found(present[-1])).in_words()) from None
    if not witness_copies.write(installation, copy):
        # Within one database no number is counted twice: another one with the same past took it.
        raise DatabaseBehind(record_setback(_found(copy.counter)).in_words())
    witness_copies.prune(installation, [*present, copy.counter])


def require_current() -> None:
    """Refuse to issue from a database that is, or may be, older than what has left.

    In any transaction. Raises DatabaseBehind or StorageUnavailable.
    """
    if setback := _find():
        raise DatabaseBehind(setback.in_words())


def reason_to_hold() -> str:
    """Why nothing may be let out or issued, in words for staff and logs; empty when all may.

    For the start of a round of work, outside of any transaction: asks the storage, and records a
    setback that it finds.
    """
    try:
        setback = find_setback()
    except StorageUnavailable as away:
        return f"The storage of documents cannot be reached: {away}"
    return setback.in_words() if setback else ""


def find_setback() -> Setback | None:
    """The open setback; one that the storage tells of is recorded first.

    Outside of any transaction. Raises StorageUnavailable when the storage must be asked and does
    not answer.
    """
    setback = _find()
    return record_setback(setback) if setback and setback._state.adding else setback


def unproven_setback(source: Setback.Source) -> Setback:
    """A setback that somebody knows of and no copy shows, not recorded yet."""
    return Setback(source=source, counter=_standing().counter)


def witnessed(queue: Queue, due: Iterable[Claim], *, deadline: Deadline) -> Iterator[Claim]:
    """``due`` with an advance before the first item of each batch.

    When there can be none, the item goes back untried and ``deadline`` ends the round.
    """
    batch: UUID | None = None
    for claimed in due:
        if claimed.token != batch:
            try:
                advance()
            except (DatabaseBehind, StorageUnavailable) as reason:
                _tell(queue, reason)
                put_back_untried(queue, [claimed])
                deadline.end_now()
                continue
            batch = claimed.token
        yield claimed


def _find() -> Setback | None:
    """The open setback, or one that is found now and not recorded yet.

    The storage is asked unless its last answer to this process is still believed.
    """
    standing = _standing()
    if standing.is_set_back:
        return open_setback()
    if _answer.covers(standing):
        return None
    present = _copies(standing)
    # Read after the copies: a worker may have counted on meanwhile.
    if present and present[-1] > _standing().counter:
        return _found(present[-1])
    _answer.renew(standing)
    return None


def _found(newest: int) -> Setback:
    """What the newest copy says against this database, not recorded yet."""
    standing = _standing()
    copy = standing.installation and witness_copies.read(standing.installation, newest)
    ahead = beyond(copy.heads, series_heads()) if copy else []
    return Setback(
        source=Setback.Source.WITNESS,
        counter=standing.counter,
        witness_counter=newest,
        witnessed_at=copy.at if copy else None,
        heads=heads_to_json(ahead),
    )


def _copies(standing: _Standing) -> list[int]:
    """Counters of the copies in the storage, lowest first.

    Raises StorageUnavailable also when something has been let out and the very folder that it went
    to is not there: this process looks at another place than the one that let it out.
    """
    if standing.installation is None:
        return []
    present = witness_copies.counters(standing.installation)
    if not present and standing.counter and not witness_copies.is_storage_there():
        raise StorageUnavailable("there is no folder of documents: is it mounted here?")
    return present


def _standing() -> _Standing:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT installation FROM backups_witness),"
            " coalesce((SELECT counter FROM backups_witness), 0),"
            " EXISTS (SELECT FROM backups_setback WHERE acknowledged_at IS NULL)"
        )
        return _Standing(*cursor.fetchone())


def _count_on(present: Sequence[int]) -> tuple[UUID, Copy]:
    """One more, committed; raises _Ahead when one of the copies ``present`` has counted as far.

    Makes the row where a flush has taken it away.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO backups_witness (id, installation, counter)"
            " VALUES (1, gen_random_uuid(), 1)"
            " ON CONFLICT (id) DO UPDATE SET counter = backups_witness.counter + 1"
            " RETURNING installation, counter"
        )
        installation, counter = cursor.fetchone()
        if present and present[-1] >= counter:
            raise _Ahead
        return installation, Copy(counter=counter, at=timezone.now(), heads=known_heads())


def _tell(queue: Queue, reason: Exception) -> None:
    logger.error("nothing of %s is let out: %s", queue.table, reason)
