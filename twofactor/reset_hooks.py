"""Who else hears of a two-factor reset: packages above know."""

from dataclasses import dataclass

from common.hooks import Hook
from mail.addresses import Mailbox

# ``(user) -> list[ResetReader]``: everybody who answers for an account that the reset of ``user``
# opens. Called outside of any account's scope; an address may be among them twice.
READERS = Hook()


@dataclass(frozen=True, slots=True)
class ResetReader:
    """A reader, with the ``accounts`` that are why, as the mail calls them.

    ``confirm_page`` is where a user manager can say that the reset was asked for, if they may.
    """

    mailbox: Mailbox
    language: str
    time_zone: str
    accounts: tuple[str, ...]
    confirm_page: str = ""
