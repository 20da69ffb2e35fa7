from celery import shared_task

from accounts.periodic import end_due_changes


@shared_task(name="accounts.tasks.end_due_ownership_changes")
def end_due_ownership_changes() -> None:
    """Complete hand-overs and end offers whose time has come: the rows say which."""
    end_due_changes()
