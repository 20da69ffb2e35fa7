"""Why a person gets no text message, and what they can do instead."""

from datetime import datetime, timedelta
from math import ceil

from django.conf import settings
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.exceptions import DomainError
from twofactor.methods import Kind, methods_of
from users.models import User

# Until as long a wait is told in its unit, and a longer one as a time of day.
_IN_SECONDS = timedelta(minutes=2)
_IN_MINUTES = timedelta(hours=1)


class SmsRefused(DomainError):
    """No text message left, or nobody knows whether it did; the words say what to do instead."""

    def __init__(self, words: str, user: User) -> None:
        super().__init__(" ".join(filter(None, (words, _instead(user)))))
        self._words = words
        self._user = user

    @property
    def during_set_up(self) -> str:
        """Without the other ways in: none of them confirms a number."""
        if methods_of(self._user).apps:
            return self._words
        return " ".join((self._words, _("Or set up an authenticator app.")))


class SmsNotOffered(SmsRefused):
    def __init__(self, user: User) -> None:
        super().__init__(_("Text messages are not sent here."), user)


class AddressNotVerified(SmsRefused):
    """Anybody can have a user ID that nobody has verified: it costs nothing."""

    def __init__(self, user: User) -> None:
        super().__init__(_("Confirm your email address first."), user)


class NumberNotServed(SmsRefused):
    """It was when it was set up: settings, or what is known of numbers, have changed since."""


class TooManyMessages(SmsRefused):
    """The next one is free at ``retry_at``."""

    def __init__(self, user: User, *, retry_at: datetime) -> None:
        super().__init__(_wait(retry_at), user)
        self.retry_at = retry_at


class DailyCapReached(SmsRefused):
    """All messages of the day together would cost more than SMS_DAILY_CAP."""

    def __init__(self, user: User, *, retry_at: datetime) -> None:
        words = _("No more text messages can be sent today. Try again after %(time)s.")
        super().__init__(words % {"time": _local(retry_at)}, user)
        self.retry_at = retry_at


class SetUpCapReached(SmsRefused):
    """What a day may cost for new numbers is spent; those that are confirmed still get codes."""

    def __init__(self, user: User, *, retry_at: datetime) -> None:
        words = _("No more phones can be set up today. Try again after %(time)s.")
        super().__init__(words % {"time": _local(retry_at)}, user)
        self.retry_at = retry_at


class NumberRefused(SmsRefused):
    """The gateway says that nothing reaches this number."""

    def __init__(self, user: User) -> None:
        words = _("Our text messages do not reach this number, or it has asked to get no more.")
        super().__init__(words, user)


class NothingSent(SmsRefused):
    """The gateway is away, or refuses us."""

    def __init__(self, user: User) -> None:
        super().__init__(_("The text message could not be sent. Try again in a minute."), user)


class PerhapsSent(SmsRefused):
    """The gateway did not answer. If the message left, its code works."""

    def __init__(self, user: User) -> None:
        words = _(
            "We do not know whether the text message was sent. If none arrives within a minute, ask"
            " for another one."
        )
        super().__init__(words, user)


def _wait(retry_at: datetime) -> str:
    left = max(retry_at - timezone.now(), timedelta(seconds=1))
    seconds = ceil(left.total_seconds())
    if left < _IN_SECONDS:
        words = ngettext(
            "You can get another text message in %(count)s second.",
            "You can get another text message in %(count)s seconds.",
            seconds,
        )
        return words % {"count": seconds}
    if left < _IN_MINUTES:
        minutes = ceil(seconds / 60)
        words = ngettext(
            "You can get another text message in %(count)s minute.",
            "You can get another text message in %(count)s minutes.",
            minutes,
        )
        return words % {"count": minutes}
    return _("You can get another text message after %(time)s.") % {"time": _local(retry_at)}


def _local(moment: datetime) -> str:
    return formats.date_format(timezone.localtime(moment), "DATETIME_FORMAT")


def _instead(user: User) -> str:
    """Which other way in ``user`` has."""
    methods = methods_of(user)
    others = {kind for kind in methods.kinds if kind is not Kind.SMS}
    if others == {Kind.APP, Kind.RECOVERY_CODE}:
        return _("Or use your authenticator app or a recovery code.")
    if others == {Kind.APP}:
        return _("Or use your authenticator app.")
    if others == {Kind.RECOVERY_CODE}:
        return _("Or use a recovery code.")
    if not methods.is_enabled:
        return _("Or set up an authenticator app.")
    support = settings.OPERATOR_SUPPORT_EMAIL
    return _("If you cannot wait, write to %(address)s.") % {"address": support}
