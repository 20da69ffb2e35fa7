"""Who requires two-factor authentication of a person: accounts say so, and the console."""

from dataclasses import dataclass

from common.hooks import Hook
from twofactor.methods import Kind
from users.models import User

# ``(user) -> list[RequiredBy]``: what packages above know.
REQUIRED_BY = Hook()


@dataclass(frozen=True, slots=True)
class RequiredBy:
    """Somebody who requires it. ``name`` is what the person knows them by."""

    name: str
    accepts: frozenset[Kind]


def requirements_of(user: User) -> list[RequiredBy]:
    """Everybody who requires two-factor authentication of ``user`` at this moment."""
    return [each for find in REQUIRED_BY.functions() for each in find(user)]
