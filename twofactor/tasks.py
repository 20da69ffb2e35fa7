from celery import shared_task

from twofactor.periodic import complete_due_resets, remind_of_resets
from twofactor.sms.retention import forget_old_messages


@shared_task(name="twofactor.tasks.look_after_two_factor_resets")
def look_after_two_factor_resets() -> None:
    """Complete resets whose time has come, and remind people of others: the rows say which."""
    complete_due_resets()
    remind_of_resets()


@shared_task(name="twofactor.tasks.forget_old_text_messages")
def forget_old_text_messages() -> None:
    """Numbers of people are kept for as long as they are of use."""
    forget_old_messages()
