"""Keeps connections true to the database: ends those whose login ended, and knows people by their present names."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from chat.protocol import Close
from chat.realtime.clock import Clock
from chat.realtime.ports import Sessions
from chat.realtime.registry import Registry

CHECK_SECONDS = 2.0
ALL_SECONDS = 60.0  # all logins are compared so often: the expiry of a session is not noted anywhere
RENEW_SECONDS = 3600.0  # how often it is looked which sessions are due to be prolonged, which each is once a day
KEPT_SECONDS = 60.0  # how far back `Sessions.revocations` looks


class SessionWatch:
    """Compares the logins of one process with the database.

    Args:
        sessions: knows what ended.
        registry: the connections.
        spawn: runs something beside.
        clock: of this process.
    """

    def __init__(
        self, sessions: Sessions, registry: Registry, spawn: Callable[[Coroutine[Any, Any, Any]], Any], clock: Clock
    ) -> None:
        self._sessions = sessions
        self._registry = registry
        self._spawn = spawn
        self._clock = clock
        # The revocations as read the time before last and the last time: each is looked at twice, so that somebody is
        # found who connects at that very moment.
        self._seen: tuple[Mapping[int, str | int | None], Mapping[int, str | int | None]] = ({}, {})
        self._read_at = self._all_at = 0.0
        self._renewed_at = clock.monotonic()

    def forget(self) -> None:
        """Compare all logins the next time: the revocations that were read are of an epoch that is over."""
        self._seen, self._read_at = ({}, {}), self._clock.monotonic() - KEPT_SECONDS

    async def check(self) -> None:
        """Close the connections whose login ended. Only logins that a revocation names are compared, mostly none."""
        if not self._registry.people:
            return
        now = self._clock.monotonic()
        revocations = await self._sessions.revocations()
        is_blind = revocations is None or now - self._read_at > KEPT_SECONDS / 2
        is_for_all = is_blind or now - self._all_at > ALL_SECONDS
        clients = self._registry.connections
        if revocations is None or is_for_all:
            asked = {client.login for client in clients if client.login is not None}
        else:
            gone = {end for pk, end in revocations.items() if pk not in self._seen[0]}
            asked = {
                login
                for client in (clients if gone else ())
                if (login := client.login) is not None and (login.session in gone or login.person in gone)
            }
        ended = await self._sessions.ended(asked) if asked else ()
        for person in (await self._sessions.people({login.person for login in asked})).values() if asked else ():
            self._registry.know(person)
        if now - self._renewed_at > RENEW_SECONDS:
            self._renewed_at = now
            await self._sessions.prolong({client.login.session for client in clients if client.login is not None})
        self._read_at, self._seen = now, (self._seen[1], revocations or {})
        if is_for_all:
            self._all_at = now
        for client in list(clients if ended else ()):
            if client.login in ended:
                self._spawn(client.close(Close.AUTH))
