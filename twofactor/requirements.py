"""Who requires two-factor authentication of a person: accounts say so, and the console."""

from dataclasses import dataclass

from common.exceptions import DomainError
from common.hooks import Hook
from twofactor.methods import Kind
from users.models import User

# ``(user) -> list[RequiredBy]``: what packages above know.
REQUIRED_BY = Hook()


class SecondFactorNeeded(DomainError):
    """Staff, on the operator's pages, in a session without a second factor.

    ``page`` is where they want to go once they have shown one; empty when it shows nothing.
    """

    def __init__(self, page: str) -> None:
        super().__init__("These pages need two-factor authentication")
        self.page = page


@dataclass(frozen=True, slots=True)
class RequiredBy:
    """Somebody who requires it. ``name`` is what the person knows them by.

    ``stop_page`` is where the person can stop requiring it, as an owner can.
    """

    name: str
    accepts: frozenset[Kind]
    stop_page: str = ""


def requirements_of(user: User) -> list[RequiredBy]:
    """Everybody who requires two-factor authentication of ``user`` at this moment."""
    return [each for find in REQUIRED_BY.functions() for each in find(user)]
