"""The sessions of pages and sockets: as Django's in the database, but prolonged by use (SESSION_ENGINE)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.db import DatabaseError
from django.utils import timezone

from compliance.database import trouble_of

RENEWED_EVERY: Final = timedelta(days=1)
"""A session that is used is prolonged this often at most."""
COOKIE_SECONDS: Final = 400 * 24 * 3600  # browsers keep none longer (RFC 6265bis, 5.5)


class SessionStore(DatabaseStore):
    """A session that ends when it was not used for SESSION_COOKIE_AGE.

    The database alone says when it ends. The cookie outlasts it: a page that stays open for weeks has only a socket,
    over which no cookie can be sent.
    """

    _ends: datetime | None = None

    def _get_session_from_db(self) -> Session | None:
        found: Session | None = super()._get_session_from_db()  # type: ignore[misc]
        self._ends = found.expire_date if found is not None else None
        return found

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002
        """Store the session.

        Raises:
            UpdateError: it has gone. Django says so of every error, as if somebody had signed out.
            DatabaseError: the database cannot serve just now.
        """
        try:
            super().save(must_create)
        except UpdateError as error:
            cause = error.__context__
            if isinstance(cause, DatabaseError) and trouble_of(cause) is not None:
                raise cause from cause.__cause__
            raise

    def get_expiry_age(self, **kwargs: Any) -> int:
        """Return for how many seconds the browser keeps the cookie."""
        return COOKIE_SECONDS

    @property
    def is_due(self) -> bool:
        """Whether the session was read, and saving it would prolong it by a day or more."""
        return self._ends is not None and self.get_expiry_date() - self._ends > RENEWED_EVERY


def ends_before_renewal() -> timedelta:
    """Return how long a session has left at most, at the moment when it is due to be prolonged."""
    return timedelta(seconds=SessionStore.get_session_cookie_age(SessionStore())) - RENEWED_EVERY


def due_sessions(keys: list[str]) -> list[str]:
    """Return those of these sessions that go on and are due to be prolonged."""
    now = timezone.now()
    live = Session.objects.filter(session_key__in=keys, expire_date__gt=now)
    return list(live.filter(expire_date__lt=now + ends_before_renewal()).values_list("session_key", flat=True))
