"""Sessions in the database, under a hash of their key: a copy of the database opens none.

The engine of ``SESSION_ENGINE`` (docs/decisions/0076). A row says whose session it is and when it
was last used, so that a person can see and end theirs.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from users.models import UserSession

# In the session's own data: when its person signed in. The absolute limit counts from here.
SIGNED_IN_AT = "signed_in_at"


def hash_of(session_key: str) -> str:
    """Under which a session's row stands. The key has 165 random bits: no salt is needed."""
    return sha256(session_key.encode()).hexdigest()


def ends_at(*, started_at: datetime, last_used_at: datetime) -> datetime:
    """When a session ends by itself: unused for too long, or open for too long."""
    return min(last_used_at + settings.SESSION_IDLE_LIMIT, started_at + _absolute_limit())


class SessionStore(DatabaseStore):
    """Django's, but for the key that rows are found by. Its asynchronous half is not used."""

    # The row that was loaded at this request; None while there is none.
    row: UserSession | None = None

    @classmethod
    def get_model_class(cls) -> type[UserSession]:
        return UserSession

    def _get_session_from_db(self) -> UserSession | None:
        self.row = self._rows().filter(expire_date__gt=timezone.now()).first()
        if self.row is None:
            self._session_key = None
        return self.row

    def exists(self, session_key: str) -> bool:
        return UserSession.objects.filter(pk=hash_of(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> UserSession:
        now = timezone.now()
        user_pk = data.get(SESSION_KEY)
        if user_pk:
            data.setdefault(SIGNED_IN_AT, now.isoformat())
        started_at = datetime.fromisoformat(data.get(SIGNED_IN_AT, now.isoformat()))
        return UserSession(
            session_key=hash_of(str(self.session_key)),
            session_data=self.encode(data),
            expire_date=ends_at(started_at=started_at, last_used_at=now),
            user_id=int(user_pk) if user_pk else None,
            started_at=started_at,
            last_seen_at=now,
        )

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            UserSession.objects.filter(pk=hash_of(key)).delete()

    def _rows(self) -> Any:
        return UserSession.objects.filter(pk=hash_of(str(self.session_key)))


def _absolute_limit() -> timedelta:
    return timedelta(seconds=settings.SESSION_COOKIE_AGE)
