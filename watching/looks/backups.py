"""Whether backups are made, and whether the last one was whole."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from backups.records import last_backup
from common.counting import counted
from watching.alarms import Alarm, Code, in_words

# A backup a day, and two hours for one that takes longer than yesterday's.
BACKUP_LIMIT = timedelta(hours=26)


def backups(at: datetime) -> Iterator[Alarm]:
    """The newest backup's age and faults. Where none was ever made, others may do it."""
    newest = last_backup()
    if newest is None:
        return
    if at - newest.finished_at > BACKUP_LIMIT:
        yield Alarm(
            code=Code.BACKUP_LATE,
            says=f"The last backup was made {in_words(at - newest.finished_at)} ago.",
            since=newest.finished_at,
        )
    if newest.faults:
        yield Alarm(
            code=Code.BACKUP_FAULTY,
            says=f"The backup {newest.name} found {counted(newest.faults, 'document')}"
            " missing or altered.",
            since=newest.finished_at,
            count=newest.faults,
        )
    if newest.unreachable:
        yield Alarm(
            code=Code.BACKUP_INCOMPLETE,
            says=f"The storage did not hand out {counted(newest.unreachable, 'document')} while the"
            f" backup {newest.name} was made.",
            since=newest.finished_at,
            count=newest.unreachable,
        )
