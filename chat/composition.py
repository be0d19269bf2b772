"""Puts real time and the capabilities together: hands the hub the database, and checks that each request is handled.

Real time imports no capability. The app loads the handlers of each (`chat.apps`) and then calls `ready`, so commands
and tests have the same handlers as a server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from chat import matching, messages, people, rooms
from chat.db import LoopConnection, check_pool, condition, identity, run_apart, run_in_executor, shutdown_executor
from chat.models import Room
from chat.protocol import Access, encode
from chat.realtime import Delivered, Hub, LoopClock, Options, all_routes, channel_layer, compose, unhandled
from compliance import duties, gate
from compliance.records import starts


class Database:
    """The database of one hub: connections of its event loop's own, and threads for everything else.

    See `realtime.Backend`.
    """

    def __init__(self) -> None:
        self._asking = LoopConnection()  # for questions; the writer has its own
        self._writer = messages.LogWriter()
        self._blocked = messages.Blocked()
        self._answered_at: datetime | None = None  # when the database answered this process last
        self._silent_since: datetime | None = None  # the same, while it does not answer
        self.access_of = rooms.Accesses(self._asking).of
        self._memory = gate.Memory()
        self.authenticate = people.Authenticator(self._asking).authenticate
        self.activity_of = matching.Activities().of
        self.blocks_of = people.BlockLists().of

    def store(
        self, events: Sequence[messages.NewEvent], heads: Mapping[UUID, int], busy: Container[UUID], /
    ) -> Awaitable[messages.BatchResult]:
        """See `messages.store`."""
        return messages.store(events, heads, busy, writer=self._writer, blocked=self._blocked)

    # --- the log ------------------------------------------------------------------------------------------------

    def find_room(self, language: str, key: str, person_pk: int | None) -> Awaitable[Room]:
        """See `rooms.readable_room`."""
        return run_in_executor(language, rooms.readable_room, key, person_pk)

    def latest(self, language: str, room: str, person_pk: int | None) -> Awaitable[messages.Page]:
        """See `messages.latest`."""
        return run_in_executor(language, messages.latest, room, person_pk)

    def after(
        self, language: str, room: str | UUID, person_pk: int | None, seq: int, limit: int
    ) -> Awaitable[messages.Page]:
        """See `messages.after`."""
        return run_in_executor(language, messages.after, room, person_pk, seq, limit)

    def before(
        self, language: str, room: str | UUID, person_pk: int | None, seq: int, limit: int
    ) -> Awaitable[messages.Page]:
        """See `messages.before`."""
        return run_in_executor(language, messages.before, room, person_pk, seq, limit)

    def log_after(self, room: UUID, seq: int, limit: int) -> Awaitable[tuple[Sequence[tuple[int, bytes]], Access]]:
        """See `messages.log_after`; the items are encoded on the thread."""
        return run_in_executor("ja", _encoded_after, room, seq, limit)

    def moved(self, known: Sequence[Delivered]) -> Awaitable[Mapping[UUID, rooms.RoomChange]]:
        """See `rooms.changed_rooms`."""
        return run_in_executor("ja", _moved, known)

    def readership_of(self, room: UUID) -> Awaitable[rooms.Readership | None]:
        """See `rooms.readership_of`."""
        return run_in_executor("ja", rooms.readership_of, room)

    # --- sessions -----------------------------------------------------------------------------------------------

    def revocations(self) -> Awaitable[Mapping[int, str | int | None] | None]:
        """See `people.recent_revocations`."""
        return run_in_executor("ja", people.recent_revocations)

    def prolong(self, sessions: Collection[str]) -> Awaitable[None]:
        """See `people.renew_sessions`."""
        return run_in_executor("ja", people.renew_sessions, sessions)

    def people(self, pks: Collection[int]) -> Awaitable[Mapping[int, people.Person]]:
        """See `people.people_now`."""
        return run_in_executor("ja", people.people_now, pks)

    def ended(self, logins: Iterable[Any]) -> Awaitable[Collection[Any]]:
        """See `people.revoked_logins`."""
        return run_in_executor("ja", people.revoked_logins, logins)

    # --- the gate -----------------------------------------------------------------------------------------------

    def beat(self, instance: UUID) -> Awaitable[gate.Snapshot]:
        """See `gate.heartbeat`. Runs apart: nothing that others have locked keeps this process from being seen."""
        return run_apart(self._beat, instance)

    def _beat(self, instance: UUID) -> gate.Snapshot:
        try:
            condition.look()
            if self._silent_since is not None:
                duties.notice_silence(timezone.now(), self._silent_since)
            snapshot = gate.heartbeat(instance, self._memory)
        except gate.WentBack:  # it answers, though it holds less
            raise
        except Exception:
            self._silent_since = self._silent_since or self._answered_at
            raise
        self._silent_since, self._answered_at = None, timezone.now()
        return snapshot

    def move_epoch(self, instance: UUID, found_by: str) -> Awaitable[gate.Snapshot]:
        """See `gate.move_epoch`."""
        return run_apart(gate.move_epoch, instance, self._memory, found_by)

    def write_refusals(self) -> Awaitable[None]:
        """See `gate.write_refusals`."""
        return run_in_executor("ja", gate.write_refusals)

    def note_start(self) -> Awaitable[None]:
        """See `starts.record_start`."""
        return run_in_executor("ja", starts.record_start)

    def farewell(self, instance: UUID) -> Awaitable[None]:
        """See `gate.deregister`."""
        self._memory.left = True  # its row goes; nothing is wrong with that
        return run_in_executor("ja", gate.deregister, instance)

    # --- connections --------------------------------------------------------------------------------------------

    def identify(self) -> Awaitable[str]:
        """See `db.identity`."""
        return run_in_executor("ja", identity)

    def prepare(self) -> Awaitable[None]:
        """Connect the writer before a message waits for it."""
        return self._writer.prepare()

    def renew(self) -> Awaitable[None]:
        """See `db.check_pool`."""
        return run_in_executor("ja", check_pool)

    def close(self) -> None:
        """Let go of the event loop's own connections."""
        self._writer.close()
        self._asking.close()

    def shut_down(self, seconds: float, /) -> Awaitable[None]:
        """See `db.shutdown_executor`."""
        return asyncio.to_thread(shutdown_executor, seconds)


def _encoded_after(room: UUID, seq: int, limit: int) -> tuple[list[tuple[int, bytes]], Access]:
    page = messages.log_after(room, seq, limit)
    return [(item.seq, encode(item)) for item in page.items], page.access


def _moved(known: Sequence[Delivered]) -> dict[UUID, rooms.RoomChange]:
    return rooms.changed_rooms(rooms.KnownRoom(*room) for room in known)


def options() -> Options:
    """Return what the settings say about sockets."""
    return Options(settings.CHAT_RATES, settings.CHAT_LIMITS, settings.CHAT_RATE_LIMITS)


def _hub() -> Hub:
    # The in-memory layer reaches nobody but this process, which needs no hint of its own doing.
    layer = channel_layer() if settings.REDIS_URL else None
    return Hub(Database(), layer, LoopClock(), options())


def ready() -> None:
    """Check that every request has a handler, and hand real time its database.

    Raises:
        RuntimeError: the protocol has a request that nobody handles, or that counts against a rate without numbers.
    """
    if missing := unhandled():
        raise RuntimeError(f"nobody handles {sorted(request.__name__ for request in missing)}")
    if unset := {route.rate for route in all_routes()} - {"", *settings.CHAT_RATES}:
        raise RuntimeError(f"CHAT_RATES has no {', '.join(sorted(unset))}")
    compose(_hub)
