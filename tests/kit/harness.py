"""Hubs in the test's own process: several on one loop, a layer and a clock that do as a test says, fake transports.

Nothing happens by itself: the periodic checks are made when a test asks for them. The backend is the real database, or
the one in memory (`tests.kit.memory`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Self, TypeVar
from uuid import UUID

import msgspec

from chat import composition
from chat.db import run_in_executor, shutdown_executor
from chat.messages import queries as history
from chat.models import Room, User
from chat.people import Person
from chat.realtime import ports
from chat.realtime.connection import Connection
from chat.realtime.hub import Backend, Hub
from compliance import gate
from tests.kit.clock import FakeClock
from tests.kit.layer import FakeLayer
from tests.kit.transport import FakeTransport

SECONDS: Final = 20
T = TypeVar("T")


def databases(count: int) -> Sequence[Backend]:
    """The real database, once for each hub."""
    made = [composition.Database() for _ in range(count)]
    for each in made:
        each.access_of = made[0].access_of  # the pool is made for one process, not for several in one
    return made


class Hubs:
    """Some hubs of one deployment.

    Args:
        count: how many processes they stand for.
        backends: makes the backends, on the hubs' loop.
    """

    def __init__(self, count: int = 2, backends: Callable[[int], Sequence[Backend]] = databases) -> None:
        self.loop = asyncio.new_event_loop()
        self.layer = FakeLayer()
        self.clock = FakeClock()
        self.is_real = backends is databases
        self.hubs = self.run(self._make(count, backends))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the hubs, and the threads that they worked on."""
        self.run(self._leave())
        self.loop.close()
        shutdown_executor()

    async def _make(self, count: int, backends: Callable[[int], Sequence[Backend]]) -> list[Hub]:
        hubs = [Hub(backend, self.layer, self.clock, composition.options()) for backend in backends(count)]
        for hub in hubs:
            if self.is_real:
                hub.parts.gate.snapshot = await run_in_executor("ja", gate.current)
            hub.parts.tasks.spawn(hub.parts.peers.listen())
        return hubs

    async def _leave(self) -> None:
        for hub in self.hubs:
            for connection in list(hub.parts.registry.connections):
                assert isinstance(connection, Connection)
                connection.gone()
            hub.stop()
        await asyncio.sleep(0)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs something on the hubs' loop."""
        return self.loop.run_until_complete(asyncio.wait_for(work, SECONDS))

    def advance(self, seconds: float) -> None:
        """Turns the clock, and returns when nothing is under way any more."""
        self.run(self.clock.advance(seconds))
        self.settle()

    def settle(self) -> None:
        """Returns when nothing is under way any more in any hub."""
        self.run(self._settle())

    async def _settle(self) -> None:
        quiet = publishing = 0
        while quiet < 3:
            await asyncio.sleep(0)
            parts = [hub.parts for hub in self.hubs]
            if any(part.backfill.gaps for part in parts):
                await self.clock.advance(0.031)
            is_publishing = any(part.peers.publishing is not None for part in parts)
            is_busy = any(
                part.committer.committing is not None
                or len(part.tasks.running) > 1
                or part.backfill.gaps
                or any(isinstance(each, Connection) and each.worker for each in part.registry.connections)
                for part in parts
            )
            publishing = publishing + 1 if is_publishing and not is_busy else 0
            if publishing > 20:  # the layer hangs: the publication is given up in its time
                await self.clock.advance(0.5)
            quiet = 0 if is_busy or is_publishing else quiet + 1
            if is_busy or is_publishing:
                await asyncio.sleep(0.002)

    def connect(self, hub: int, user: User | None) -> tuple[Connection, FakeTransport]:
        """Connects somebody to a hub."""
        return self.enter(hub, Person.of(user) if user else None)

    def enter(self, hub: int, person: ports.Person | None, *, address: str = "") -> tuple[Connection, FakeTransport]:
        """Connects a person to a hub, under the settings of this moment."""

        async def do() -> tuple[Connection, FakeTransport]:
            transport, parts = FakeTransport(), self.hubs[hub].parts
            parts.options = composition.options()
            parts.limits.is_on = parts.options.rate_limits
            connection = Connection(parts, transport, person=person, login=None, language="ja", address=address)
            parts.registry.add(connection)
            return connection, transport

        return self.run(do())

    def say(self, connection: Connection, kind: str, **fields: Any) -> None:
        """Has a connection say a frame; its answer comes when things have settled."""

        async def do() -> None:
            connection.feed(json.dumps({"type": kind, "ref": kind, **fields}))

        self.run(do())

    def check_heads(self, hub: int) -> None:
        """Has a hub compare its rooms with the log, as it does every second."""
        self.run(self.hubs[hub].parts.backfill.check_heads())
        self.settle()


def fresh(room: UUID) -> list[dict[str, Any]]:
    """The room's whole log, as somebody gets it who comes now."""
    return [msgspec.to_builtins(item) for item in history.log_after(room, 0, 10_000).items]


def head(room: UUID) -> int:
    """The room's head, as the database has it."""
    return Room.objects.values_list("head", flat=True).get(pk=room)
