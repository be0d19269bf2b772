"""Authenticates sessions for sockets. Concurrent lookups are batched into one query.

A valid session is answered here, over a connection of the event loop's own. Everything else is left to
`sessions.authenticate`, which alone refuses. On SQLite that is everything.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from importlib import import_module

import structlog
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from chat.db import BatchedLookup, LoopConnection, is_postgresql, run_in_executor
from chat.models import User
from chat.people import sessions
from chat.people.person import Person
from chat.people.session_store import ends_before_renewal
from chat.people.sessions import Login

log = structlog.get_logger("todoke.logins")

_KEY = re.compile(r"[0-9a-z]{8,40}")  # as Django makes session keys
#: The sessions of these keys, and the accounts of these primary keys, as arrays. A session that is due to be prolonged
#: is left to `sessions.authenticate`, once a day.
SESSIONS = (
    b"SELECT session_key, session_data FROM django_session"
    b" WHERE session_key = ANY ($1::varchar[]) AND expire_date > now() + interval '%d seconds'"
    % ends_before_renewal().total_seconds()
)
PEOPLE = (
    b"SELECT id, public_id, name, is_guest, is_staff OR is_superuser, password FROM chat_user"
    b" WHERE id = ANY ($1::bigint[]) AND is_active"
)


class Authenticator:
    """Asks about one batch of sessions at a time.

    Args:
        database: over which to ask.
    """

    def __init__(self, database: LoopConnection) -> None:
        self._database = database
        self._lookup = BatchedLookup(self._users_or_none)

    async def authenticate(self, session: str | None, language: str) -> tuple[Person, Login] | None:
        """Return who a session belongs to, as Django's own authentication decides it, or None.

        Args:
            session: its key, as the cookie has it.
            language: in which refusals to them speak.

        Raises:
            django.db.Error: the database is away.
        """
        if not session or not _KEY.fullmatch(session):
            return None
        user = await self._lookup.get(session) if is_postgresql() else None
        if user is None:
            return await run_in_executor(language, sessions.authenticate, session, language)
        return Person.of(user, language), Login.of(session, user)

    async def _users_or_none(self, sessions: Collection[str]) -> Mapping[str, User]:
        try:
            return await self._users(sessions)
        except Exception as error:  # noqa: BLE001 -- whatever it is, `sessions.authenticate` is asked about each
            log.warning("logins.lookup_failed", error=type(error).__name__)
            return {}

    async def _users(self, sessions: Iterable[str]) -> dict[str, User]:
        """Return the accounts that these sessions are signed in to, by session; see `django.contrib.auth.get_user`."""
        store = import_module(settings.SESSION_ENGINE).SessionStore()
        claims = {}
        for key, data in await self._database.execute(SESSIONS, [_array(sessions)]):
            assert key is not None
            assert data is not None
            said = store.decode(data.decode())
            if said.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS and SESSION_KEY in said:
                claims[key.decode()] = (int(said[SESSION_KEY]), said.get(HASH_SESSION_KEY, ""))
        people = {}
        if claims:
            for row in await self._database.execute(PEOPLE, [_array({str(pk) for pk, _hash in claims.values()})]):
                pk, public_id, name, guest, staff, password = (value.decode() for value in row if value is not None)
                people[int(pk)] = User(
                    pk=int(pk),
                    public_id=public_id,
                    name=name,
                    is_guest=guest == "t",
                    is_staff=staff == "t",
                    password=password,
                )
        return {
            session: user
            for session, (pk, known) in claims.items()
            if (user := people.get(pk)) and constant_time_compare(known, user.get_session_auth_hash())
        }


def _array(words: Iterable[str]) -> str:
    return "{" + ",".join(words) + "}"
