from celery import shared_task

from accounts.periodic import end_due_changes
from accounts.two_factor.reminders import remind_members


@shared_task(name="accounts.tasks.end_due_ownership_changes")
def end_due_ownership_changes() -> None:
    """Complete hand-overs and end offers whose time has come: the rows say which."""
    end_due_changes()


@shared_task(name="accounts.tasks.remind_of_two_factor")
def remind_of_two_factor() -> None:
    """Remind members of two-factor authentication that will be required of them."""
    remind_members()
