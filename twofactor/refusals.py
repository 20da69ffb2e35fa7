"""Why a change of somebody's methods is not made."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from common.exceptions import DomainError
from twofactor.methods import STANDING_ALONE, Kind
from twofactor.requirements import RequiredBy


class NoMethod(DomainError):
    """There is nothing yet that a code could be asked of."""

    def __init__(self) -> None:
        super().__init__(_("Set up an authenticator app or a phone first."))


class TooManyApps(DomainError):
    """More would only make guessing easier: each app has a code that is right at the moment."""

    def __init__(self) -> None:
        super().__init__(_("You have as many authenticator apps as we take. Remove one first."))


class StillRequired(DomainError):
    """Without it, somebody who requires two-factor authentication would shut the person out."""

    def __init__(self, required_by: Sequence[RequiredBy]) -> None:
        super().__init__(" ".join(reason_of(each) for each in required_by))
        self.required_by = tuple(required_by)


def reason_of(required_by: RequiredBy) -> str:
    """Who requires it, and what they take, in a sentence."""
    if required_by.accepts & STANDING_ALONE == {Kind.APP}:
        words = _("%(name)s requires two-factor authentication of you, with an authenticator app.")
    else:
        words = _("%(name)s requires two-factor authentication of you.")
    return words % {"name": required_by.name}
