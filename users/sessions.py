"""A person's sessions: which there are, and ending them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth import logout
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.acting import actor_of, client_address
from audit.actions import Action
from audit.recording import record
from users.models import User, UserSession
from users.session_store import SessionStore, hash_of

# In the session's own data: from where, and with what browser, its person signed in.
_CLIENT = "client"
_USER_AGENT_LENGTH = 300
# Expired sessions that are removed along with each sign-in: more than are added.
_CLEARED_AT_ONCE = 20

# The first that is found names it: Edge and Opera call themselves Chrome too, and Chrome Safari.
_BROWSERS = (
    (r"Edg(A|iOS)?/", "Edge"),
    (r"OPR/", "Opera"),
    (r"SamsungBrowser/", "Samsung Internet"),
    (r"(Firefox|FxiOS)/", "Firefox"),
    (r"(Chrome|CriOS|Chromium)/", "Chrome"),
    (r"Safari/", "Safari"),
)
_SYSTEMS = (
    (r"iPhone", "iPhone"),
    (r"iPad", "iPad"),
    (r"Android", "Android"),
    (r"Windows", "Windows"),
    (r"Mac OS X|Macintosh", "macOS"),
    (r"CrOS", "ChromeOS"),
    (r"Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One session, as its person reads of it."""

    public_id: UUID
    browser: str
    remote_address: str
    started_at: datetime
    last_seen_at: datetime
    is_this_one: bool


def describe_client(request: HttpRequest) -> None:
    """Remember in the session what its person will know it again by."""
    request.session[_CLIENT] = [client_address(request) or "", user_agent_of(request)]


def user_agent_of(request: HttpRequest) -> str:
    """What the browser calls itself, for ``browser_in_words``."""
    agent: str = request.META.get("HTTP_USER_AGENT", "")
    return agent[:_USER_AGENT_LENGTH]


def sessions_of(request: HttpRequest, user: User) -> list[OpenSession]:
    """This one first, then by when they were last used."""
    own_hash = hash_of(request.session.session_key or "")
    shown = [
        _shown(row, is_this_one=row.pk == own_hash) for row in _open(user).order_by("-last_seen_at")
    ]
    return sorted(shown, key=lambda session: not session.is_this_one)


def end_session(request: HttpRequest, user: User, public_id: UUID) -> bool:
    """End another session of ``user``; False when it has ended already, or is not one of theirs."""
    with transaction.atomic():
        rows = _others(request, user).filter(pk__startswith=public_id.hex)
        ended, _rows_by_model = rows.delete()
        if ended:
            _record_ended(request, user, ended)
    return bool(ended)


def end_other_sessions(request: HttpRequest, user: User) -> int:
    """End all but the one that ``request`` came in; returns how many there were."""
    with transaction.atomic():
        ended, _rows_by_model = _others(request, user).delete()
        if ended:
            _record_ended(request, user, ended)
    return ended


def end_all_sessions(request: HttpRequest, user: User) -> None:
    """Wherever ``user`` is signed in, this browser included; the caller records why."""
    UserSession.objects.filter(user=user).delete()
    if request.user == user:
        # What is kept of this request belongs into a session of its own.
        logout(request)


def clear_up() -> None:
    """Remove some of the sessions that have ended by themselves."""
    expired = (
        UserSession.objects.filter(expire_date__lte=timezone.now())
        .select_for_update(skip_locked=True)
        .values("pk")[:_CLEARED_AT_ONCE]
    )
    UserSession.objects.filter(pk__in=expired).delete()


def browser_in_words(user_agent: str) -> str:
    """What people call it, such as “Firefox on Windows”."""
    browser = _first(_BROWSERS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown browser")


def _first(patterns: Iterable[tuple[str, str]], text: str) -> str:
    return next((name for pattern, name in patterns if re.search(pattern, text)), "")


def _open(user: User) -> QuerySet[UserSession]:
    return UserSession.objects.filter(user=user, expire_date__gt=timezone.now())


def _others(request: HttpRequest, user: User) -> QuerySet[UserSession]:
    return _open(user).exclude(pk=hash_of(request.session.session_key or ""))


def _shown(row: UserSession, *, is_this_one: bool) -> OpenSession:
    remote_address, agent = SessionStore().decode(row.session_data).get(_CLIENT, ("", ""))
    return OpenSession(
        public_id=row.public_id,
        browser=browser_in_words(agent),
        remote_address=remote_address,
        started_at=row.started_at,
        last_seen_at=row.last_seen_at,
        is_this_one=is_this_one,
    )


def _record_ended(request: HttpRequest, user: User, count: int) -> None:
    record(
        Action.USER_SESSIONS_ENDED,
        actor=actor_of(request),
        subject=f"user {user.email}",
        details={"sessions": count},
    )
