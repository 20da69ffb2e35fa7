"""Why nothing is let out, copied or restored. Every message says what can be done about it."""

from common.exceptions import DomainError


class DatabaseBehind(DomainError):
    """Documents or mail are out that this database knows nothing of."""


class NothingToAcknowledge(DomainError):
    """No setback is open."""


class NotTheOwner(DomainError):
    """The rows are not all visible to this login, or there is none that owns them."""


class ProgramMissing(DomainError):
    """A program of PostgreSQL's that is needed is not there or too old."""


class ProgramFailed(DomainError):
    """A program of PostgreSQL's ended with an error; the message has its words."""


class BackupBusy(DomainError):
    """Another backup is being written into the same folder."""


class BackupUnusable(DomainError):
    """What is to be restored is no backup, not whole, or not of this program."""


class RestoreRefused(DomainError):
    """The database may not be replaced as things stand."""
