"""How often something may be tried, counted in PostgreSQL within moving windows.

There, so that limits hold while Redis is away, and exactly: an attempt is counted before it is
made, under a lock on what it is counted by, so guesses sent at the same moment see one another
(docs/decisions/0073). What turns out to be no guess is given back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Final

from django.db import connection, transaction
from django.http import HttpRequest
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit.acting import client_address
from common.exceptions import DomainError
from users.models import RateHit

# A network gets as many IPv6 addresses as it likes within its prefix, so the prefix is who it is.
_IPV6_PREFIX = 64
# Hits that count for nothing any more, removed along with each attempt: more than are added.
_CLEARED_AT_ONCE = 20


# Until as many a wait is told in minutes, and a longer one as a time of day.
MOST_MINUTES: Final = 90


def seconds_until(moment: datetime) -> int:
    """How long to wait: a second at least, so that nobody is sent to try again at once."""
    return max(1, ceil((moment - timezone.now()).total_seconds()))


class TooManyAttempts(DomainError):
    """Refused before anything is looked at, until ``retry_at``."""

    def __init__(self, retry_at: datetime) -> None:
        super().__init__(_("There were too many attempts."))
        self.retry_at = retry_at

    @property
    def wait_minutes(self) -> int:
        return ceil(seconds_until(self.retry_at) / 60)

    def in_words(self) -> str:
        """Why, and how long to wait."""
        if self.wait_minutes > MOST_MINUTES:
            time = formats.date_format(timezone.localtime(self.retry_at), "DATETIME_FORMAT")
            return _("There were too many attempts. Try again after %(time)s.") % {"time": time}
        return ngettext(
            "There were too many attempts. Try again in a minute.",
            "There were too many attempts. Try again in %(minutes)s minutes.",
            self.wait_minutes,
        ) % {"minutes": self.wait_minutes}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` attempts within any ``window``."""

    name: str
    most: int
    window: timedelta

    def by(self, key: str) -> "Counter":
        """Counted apart for each ``key``, such as an address."""
        return Counter(self, sha256(f"{self.name}\0{key}".encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class Counter:
    limit: Limit
    bucket: str


@dataclass(frozen=True, slots=True)
class Taken:
    """An attempt that was counted."""

    hits: Sequence[int] = field(default=())

    def give_back(self) -> None:
        """It was no attempt of the kind that is limited: a right password, for one."""
        RateHit.objects.filter(pk__in=self.hits).delete()


def take(counters: Iterable[Counter]) -> Taken:
    """Count one attempt by each of ``counters``, in a transaction that others wait for.

    Raises TooManyAttempts, having counted nothing, when any of them is full.
    """
    wanted = sorted(counters, key=lambda counter: counter.bucket)
    now = timezone.now()
    with transaction.atomic():
        _clear_up(now)
        for counter in wanted:
            _lock(counter.bucket)
        if full := [until for counter in wanted if (until := _full_until(counter, now))]:
            raise TooManyAttempts(max(full))
        hits = RateHit.objects.bulk_create(
            RateHit(bucket=counter.bucket, happened_at=now, expires_at=now + counter.limit.window)
            for counter in wanted
        )
    return Taken([hit.pk for hit in hits])


def is_full(counters: Iterable[Counter]) -> bool:
    """Whether an attempt at this moment would be refused; it counts none."""
    now = timezone.now()
    return any(_full_until(counter, now) for counter in counters)


def by_client(limit: Limit, request: HttpRequest) -> list[Counter]:
    """The counter of the network that ``request`` comes from; none where that cannot be known."""
    found = client_address(request)
    if found is None:
        return []
    address = ip_address(found)
    if isinstance(address, IPv6Address):
        return [limit.by(str(ip_network((address, _IPV6_PREFIX), strict=False)))]
    return [limit.by(found)]


def _full_until(counter: Counter, now: datetime) -> datetime | None:
    """When the next attempt is free; None when this one is."""
    limit = counter.limit
    times = RateHit.objects.filter(bucket=counter.bucket, happened_at__gt=now - limit.window)
    oldest = times.order_by("-happened_at").values_list("happened_at", flat=True)[
        limit.most - 1 : limit.most
    ]
    return next((happened_at + limit.window for happened_at in oldest), None)


def _lock(bucket: str) -> None:
    """Until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [bucket])


def _clear_up(now: datetime) -> None:
    """Rows that another attempt is removing at this moment are its own to remove."""
    expired = (
        RateHit.objects.filter(expires_at__lte=now)
        .select_for_update(skip_locked=True)
        .values("pk")[:_CLEARED_AT_ONCE]
    )
    RateHit.objects.filter(pk__in=expired).delete()
