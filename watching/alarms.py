"""What an alarm is, which there are, and what to do about each.

The texts are for staff, in English. docs/watching.md has a heading for each code.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from common.counting import counted


class Severity(StrEnum):
    # Something does not work, or work is older than its limit.
    ALARM = "alarm"
    # Everything works; something waits for a person.
    ATTENTION = "attention"


class Code(StrEnum):
    """In the order in which they are told: a cause before what follows from it."""

    DATABASE_AWAY = "database-away"
    DATABASE_BEHIND = "database-behind"
    STORAGE_AWAY = "storage-away"
    ARCHIVE_MISSING = "archive-missing"
    BELL_AWAY = "bell-away"
    BEAT_SILENT = "beat-silent"
    WORKER_SILENT = "worker-silent"
    WATCHMAN_SILENT = "watchman-silent"
    MAIL_SERVER_AWAY = "mail-server-away"
    SERIES_BLOCKED = "series-blocked"
    SERIES_MISSING = "series-missing"
    DAILY_RUN_MISSING = "daily-run-missing"
    RUN_STUCK = "run-stuck"
    DRAFTING_OVERDUE = "drafting-overdue"
    ISSUING_OVERDUE = "issuing-overdue"
    DOCUMENTS_OVERDUE = "documents-overdue"
    MAIL_OVERDUE = "mail-overdue"
    MAIL_LATE = "mail-late"
    RETURNED_MAIL_UNREAD = "returned-mail-unread"
    RETURNED_MAIL_UNSETTLED = "returned-mail-unsettled"
    TEXT_MESSAGES_FAIL = "text-messages-fail"
    TEXT_MESSAGES_STOPPED = "text-messages-stopped"
    TEXT_MESSAGES_COSTLY = "text-messages-costly"
    ACCOUNTS_PARKED = "accounts-parked"
    DOCUMENTS_PARKED = "documents-parked"
    BACKUP_LATE = "backup-late"
    BACKUP_FAULTY = "backup-faulty"
    BACKUP_INCOMPLETE = "backup-incomplete"
    RUN_FORGOTTEN = "run-forgotten"
    LOOK_FAILED = "look-failed"
    RUN_WAITING = "run-waiting"
    RUN_STOPPED = "run-stopped"
    MAIL_FAILED = "mail-failed"
    MAIL_HELD = "mail-held"


class Kind(NamedTuple):
    """What all alarms of one code have in common. ``advice`` says what to do, in a few words."""

    severity: Severity
    title: str
    advice: str


KINDS: Final[dict[Code, Kind]] = {
    Code.DATABASE_AWAY: Kind(
        Severity.ALARM,
        "PostgreSQL away",
        "Nothing works without it. See whether it runs, whether its disk is full and whether this"
        " machine reaches it. Work goes on by itself once it answers.",
    ),
    Code.DATABASE_BEHIND: Kind(
        Severity.ALARM,
        "Database older than what was sent",
        "It was restored or set back. Find out how, and then run manage.py acknowledge_restore,"
        " which asks what is to become of the numbers and messages that are out.",
    ),
    Code.STORAGE_AWAY: Kind(
        Severity.ALARM,
        "Storage of documents away",
        "See whether it is full, read-only or out of reach. Documents and the mail that carries"
        " them wait, and go on by themselves once it answers.",
    ),
    Code.ARCHIVE_MISSING: Kind(
        Severity.ALARM,
        "Archive of documents not there",
        "See whether the right folder or bucket is mounted or named, for every process: what is"
        " stored meanwhile goes to the wrong place, and has to be copied to the right one.",
    ),
    Code.BELL_AWAY: Kind(
        Severity.ALARM,
        "Redis away",
        "Nothing is lost, but workers are not told of work. See whether Redis runs and answers, and"
        " start it again if not: it keeps nothing that must survive.",
    ),
    Code.BEAT_SILENT: Kind(
        Severity.ALARM,
        "Beat silent",
        "See whether beat runs; its log names what it could not send. Without it the daily billing"
        " run does not start, and work whose call was lost is not taken up.",
    ),
    Code.WORKER_SILENT: Kind(
        Severity.ALARM,
        "Worker silent",
        "See whether a worker of this queue runs, and what its log says. One that runs and answers"
        " nothing can be killed and started again: what it had in hand is taken up later.",
    ),
    Code.WATCHMAN_SILENT: Kind(
        Severity.ALARM,
        "Watchman silent",
        "See whether manage.py watch runs. Until it does, nobody is mailed about alarms.",
    ),
    Code.MAIL_SERVER_AWAY: Kind(
        Severity.ALARM,
        "Mail server away",
        "See whether the mail server runs, takes connections from here and accepts the password."
        " The last answer stands with each message. They leave by themselves once it answers.",
    ),
    Code.SERIES_BLOCKED: Kind(
        Severity.ALARM,
        "Number series blocked",
        "A session of the database holds the series and does not end. Find it as docs/watching.md"
        " shows, and end it: what it had not committed is rolled back.",
    ),
    Code.SERIES_MISSING: Kind(
        Severity.ALARM,
        "Number series missing",
        "Add a current number series for invoices of this seller. Until then its charges are"
        " refused when they are to be issued.",
    ),
    Code.DAILY_RUN_MISSING: Kind(
        Severity.ALARM,
        "Daily billing run missing",
        "Beat asks for it every 15 minutes, and a worker of the queue “default” starts it. Look at"
        " that worker’s log, or start a run by hand: manage.py bill.",
    ),
    Code.RUN_STUCK: Kind(
        Severity.ALARM,
        "Billing run stuck",
        "Every account of the run is through its step, and the run does not go on. The log of the"
        " worker of the queue “default” says why; stopping and resuming the run starts it again.",
    ),
    Code.DRAFTING_OVERDUE: Kind(
        Severity.ALARM,
        "Accounts wait to be drafted",
        "See whether a worker of the queue “default” runs, and what its log says. If it runs and"
        " is behind, start another.",
    ),
    Code.ISSUING_OVERDUE: Kind(
        Severity.ALARM,
        "Accounts wait to be issued",
        "See whether a worker of the queue “default” runs, and what its log says. If it runs and"
        " is behind, start another.",
    ),
    Code.DOCUMENTS_OVERDUE: Kind(
        Severity.ALARM,
        "Documents wait to be rendered",
        "See whether a worker of the queue “render” runs, and what its log says. If it runs and is"
        " behind, give it more processes or start another.",
    ),
    Code.MAIL_OVERDUE: Kind(
        Severity.ALARM,
        "Mail waits to be sent",
        "See whether a worker of the queue “mail” runs, and what its log says. If it runs and is"
        " behind, give it more processes or start another.",
    ),
    Code.MAIL_LATE: Kind(
        Severity.ALARM,
        "Mail has been on its way for days",
        "Read the last answer of these messages, and send the document some other way if the"
        " reader waits for it.",
    ),
    Code.RETURNED_MAIL_UNREAD: Kind(
        Severity.ALARM,
        "Returned mail is not read",
        "See whether the mailbox that BOUNCE_MAILBOX_URL names takes connections from here and the"
        " password: manage.py read_returned_mail says what is wrong. Until then nobody learns that"
        " invoices come back.",
    ),
    Code.RETURNED_MAIL_UNSETTLED: Kind(
        Severity.ALARM,
        "Reports of returned mail wait",
        "See whether beat and a worker of the queue “default” run, and what its log says. Until"
        " then the messages concerned stand as sent.",
    ),
    Code.TEXT_MESSAGES_FAIL: Kind(
        Severity.ALARM,
        "Text messages do not leave",
        "Read the gateway’s answers beside the messages: it is away, or its password, its sender or"
        " its credit is wrong. Whoever signs in by text message cannot, meanwhile.",
    ),
    Code.TEXT_MESSAGES_STOPPED: Kind(
        Severity.ALARM,
        "Text messages stopped for today",
        "Look at the numbers and people of today’s messages. Many of one country or one range are"
        " fraud: take the country out of SMS_COUNTRIES. Otherwise raise SMS_DAILY_CAP.",
    ),
    Code.TEXT_MESSAGES_COSTLY: Kind(
        Severity.ALARM,
        "Text messages cost much today",
        "Look at the numbers and people of today’s messages before SMS_DAILY_CAP stops them all.",
    ),
    Code.ACCOUNTS_PARKED: Kind(
        Severity.ALARM,
        "Accounts could not be billed",
        "Each says what it lacks. Put that right, and let it be tried again, or discard its drafts"
        " to bill it with the next run.",
    ),
    Code.DOCUMENTS_PARKED: Kind(
        Severity.ALARM,
        "Documents could not be rendered",
        "Each says what went wrong. Put that right, and let it be rendered again: until then its"
        " recipients have no invoice.",
    ),
    Code.BACKUP_LATE: Kind(
        Severity.ALARM,
        "Backup late",
        "See what became of the daily manage.py backup, and make one now.",
    ),
    Code.BACKUP_FAULTY: Kind(
        Severity.ALARM,
        "Documents missing or altered",
        "The last backup found documents that are not what was issued. Restore them from an older"
        " backup; the output of manage.py backup names them.",
    ),
    Code.BACKUP_INCOMPLETE: Kind(
        Severity.ALARM,
        "Backup lacks documents",
        "The storage did not answer while the backup was made; nothing is wrong with the documents."
        " The next backup copies them: make one now, or wait for tomorrow’s.",
    ),
    Code.RUN_FORGOTTEN: Kind(
        Severity.ALARM,
        "Billing run not approved",
        "Look at the drafts and approve the run or stop it. Nobody is billed before.",
    ),
    Code.LOOK_FAILED: Kind(
        Severity.ALARM,
        "A check could not be made",
        "The log has the error. It passes by itself when it was a lock or an upgrade; otherwise it"
        " is a fault of the program, and what this check is for goes unnoticed.",
    ),
    Code.RUN_WAITING: Kind(
        Severity.ATTENTION,
        "Billing run waits for approval",
        "Look at the drafts and approve the run or stop it.",
    ),
    Code.RUN_STOPPED: Kind(
        Severity.ATTENTION,
        "Stopped billing run has accounts left",
        "Resume the run, or discard what it drafted: the charges are then due again.",
    ),
    Code.MAIL_FAILED: Kind(
        Severity.ATTENTION,
        "Mail was refused",
        "Each has the mail server’s last answer. Correct the address with the customer and send it"
        " again. Messages leave this list two weeks after they were made.",
    ),
    Code.MAIL_HELD: Kind(
        Severity.ATTENTION,
        "Mail of a stopped run is held back",
        "Its documents are issued and nobody has them. Resume the run to let its mail go.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One thing that is wrong. ``says`` is a sentence for staff; ``since`` is None if unknown.

    ``subject`` tells alarms of the same code apart. ``page`` is the path and query of the rows
    concerned. An alarm with ``counts_after`` is one only if it has been seen for as long: a look
    alone cannot tell it from what happens all the time.
    """

    code: Code
    says: str
    subject: str = ""
    since: datetime | None = None
    count: int = 1
    page: str = ""
    counts_after: timedelta = timedelta()

    @property
    def key(self) -> tuple[str, str]:
        return self.code, self.subject

    @property
    def kind(self) -> Kind:
        return KINDS[self.code]

    @property
    def is_alarm(self) -> bool:
        return self.kind.severity is Severity.ALARM


def in_words(duration: timedelta) -> str:
    """Rounded down to its largest unit: ``40 seconds``, ``1 minute``, ``3 days``."""
    seconds = max(int(duration.total_seconds()), 0)
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            return counted(seconds // size, unit)
    return counted(seconds, "second")
