"""When a backup was made last, for whoever watches over it."""

from backups.models import CompletedBackup


def last_backup() -> CompletedBackup | None:
    """The newest backup that this database knows of.

    None as long as there was none. A restored database knows those before the one it came from.
    """
    return CompletedBackup.objects.order_by("-finished_at").first()
