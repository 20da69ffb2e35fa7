"""Why a two-factor reset is not started, confirmed or stopped."""

from django.utils.translation import gettext as _

from common.exceptions import DomainError


class ResetOfOneself(DomainError):
    """Whoever starts a reset gains nothing by it: another one has to look."""

    def __init__(self) -> None:
        super().__init__(
            _("You cannot reset your own two-factor authentication. Ask another one of the staff.")
        )


class ResetOfSuperuser(DomainError):
    """Whoever may do everything is let in again only by another such."""

    def __init__(self) -> None:
        super().__init__("Only a superuser can reset the two-factor authentication of a superuser.")


class NothingToReset(DomainError):
    """Two-factor is off: signing in asks for the password alone."""

    def __init__(self) -> None:
        super().__init__(_("This person does not use two-factor authentication."))


class ResetPending(DomainError):
    """One at a time: a second click, or a colleague who was quicker."""

    def __init__(self) -> None:
        super().__init__(_("A reset is under way for this person already."))


class ResetOver(DomainError):
    """It has happened, was stopped or has lapsed."""

    def __init__(self) -> None:
        super().__init__(
            _("This reset is over: it has happened, was stopped or was no longer needed.")
        )


class ResetConfirmed(DomainError):
    """A second confirmation makes nothing sooner."""

    def __init__(self) -> None:
        super().__init__(_("A user manager has confirmed this reset already."))


class NotYoursToConfirm(DomainError):
    """A confirmation is worth something from a second person only."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "Somebody else has to confirm this: neither the person whom it is about nor"
                " whoever started it."
            )
        )


class JoinedTooLate(DomainError):
    """Who confirms, or the person, came to the account when the reset was under way (0154)."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "You cannot confirm this. Both of you must have been users of this account before"
                " the reset was started."
            )
        )


class ResetLinkEnded(DomainError):
    """Altered or made up: nobody is told which."""

    def __init__(self) -> None:
        super().__init__(_("This link does not work any more."))
