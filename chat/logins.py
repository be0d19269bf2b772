"""Whose session it is that somebody brings to a socket. Those who come at the same time are asked about together.

What follows Django's own authentication without a doubt is answered here, over a connection of the event loop's own;
whatever is not in order is left to `queries.who`, which alone says no. On SQLite that is everything.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from importlib import import_module

import structlog
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from chat import libpq, queries
from chat.models import User
from chat.offload import offload
from chat.queries import Login, Person

log = structlog.get_logger("todoke.logins")

_KEY = re.compile(r"[0-9a-z]{8,40}")  # as Django makes session keys
#: The sessions of these keys, and the accounts of these primary keys, as arrays.
SESSIONS = (
    b"SELECT session_key, session_data FROM django_session"
    b" WHERE session_key = ANY ($1::varchar[]) AND expire_date > now()"
)
PEOPLE = b"SELECT id, public_id, name, is_guest, password FROM chat_user WHERE id = ANY ($1::bigint[]) AND is_active"


class Logins:
    """Asks about one batch of sessions at a time."""

    def __init__(self) -> None:
        self._database = libpq.LoopConnection()
        self._waiting: list[tuple[str, asyncio.Future[User | None]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def who(self, session: str | None, language: str) -> tuple[Person, Login] | None:
        """Return who a session belongs to, as Django's own authentication decides it, or None.

        Args:
            session: its key, as the cookie has it.
            language: in which refusals to them speak.

        Raises:
            django.db.Error: the database is away.
        """
        if not session or not _KEY.fullmatch(session):
            return None
        user = await self._user_of(session) if libpq.is_spoken() else None
        if user is None:
            return await offload(language, queries.who, session, language)
        return Person.of(user, language), Login.of(session, user)

    def close(self) -> None:
        """Let go of the connection, whatever is under way on it."""
        self._database.close()

    async def _user_of(self, session: str) -> User | None:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[User | None] = loop.create_future()
        self._waiting.append((session, answer))
        if self._asking is None:
            self._asking = loop.create_task(self._ask())
        return await answer

    async def _ask(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                try:
                    users = await self._users({session for session, _answer in waiting})
                except Exception as error:  # noqa: BLE001 -- whatever it is, each of them is asked about the long way
                    log.warning("logins.asked_the_long_way", error=type(error).__name__)
                    users = {}
                for session, answer in waiting:
                    if not answer.done():
                        answer.set_result(users.get(session))
        finally:
            self._asking = None

    async def _users(self, sessions: Iterable[str]) -> dict[str, User]:
        """Return the accounts that these sessions are signed in to, by session; see `django.contrib.auth.get_user`."""
        store = import_module(settings.SESSION_ENGINE).SessionStore()
        claims = {}
        for key, data in await self._database.ask(SESSIONS, [_array(sessions)]):
            assert key is not None
            assert data is not None
            said = store.decode(data.decode())
            if said.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS and SESSION_KEY in said:
                claims[key.decode()] = (int(said[SESSION_KEY]), said.get(HASH_SESSION_KEY, ""))
        people = {}
        if claims:
            for row in await self._database.ask(PEOPLE, [_array({str(pk) for pk, _hash in claims.values()})]):
                pk, public_id, name, guest, password = (value.decode() for value in row if value is not None)
                people[int(pk)] = User(
                    pk=int(pk), public_id=public_id, name=name, is_guest=guest == "t", password=password
                )
        return {
            session: user
            for session, (pk, known) in claims.items()
            if (user := people.get(pk)) and constant_time_compare(known, user.get_session_auth_hash())
        }


def _array(words: Iterable[str]) -> str:
    return "{" + ",".join(words) + "}"
