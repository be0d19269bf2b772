"""Hubs in the test's own process: several on one loop, a layer between them that does as it is told, readers on paper.

The database is real. Nothing happens by itself: the periodic looks are taken when a test asks for them.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Coroutine
from typing import Any, Final, Self, TypeVar
from uuid import UUID

import msgspec

from chat import offload, queries
from chat.consumers import Socket
from chat.hub import Hub
from chat.models import Room, User
from chat.outlets import HARD_BYTES, Frame
from chat.queries import Person
from compliance import gate

SECONDS: Final = 20
T = TypeVar("T")


class Paper:
    """An outlet that keeps what it is given. While `full` is set its reader takes nothing."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.code: int | None = None
        self.goodbye: dict[str, Any] = {}
        self.full = False
        self.broken = False
        self._waiting: list[Frame] = []

    @property
    def backlog(self) -> int:
        """See outlets.Outlet."""
        return HARD_BYTES if self.full else 0

    def push(self, frame: Frame) -> bool:
        """See outlets.Outlet."""
        if self.full:
            return frame.ephemeral
        self._waiting.append(frame)
        return True

    def flush(self, writes: object) -> None:
        """See outlets.Outlet."""
        if self.broken:
            raise OSError("this transport is in pieces")
        self.frames += [json.loads(frame.payload) for frame in self._waiting]
        self._waiting.clear()

    async def close(self, code: int, goodbye: Frame) -> None:
        """See outlets.Outlet."""
        self.goodbye = json.loads(goodbye.payload)
        self.frames.append(self.goodbye)
        self.code = code

    def abandon(self) -> None:
        """See outlets.Outlet."""
        self._waiting.clear()

    def items(self) -> list[dict[str, Any]]:
        """Every event that came, in the order of coming."""
        return [item for f in self.frames if f["type"] in ("room.joined", "messages") for item in f["items"]]


class Layer:
    """What lies between the hubs: holds each publication until it is told what becomes of it."""

    def __init__(self) -> None:
        self.held: list[dict[str, Any]] = []
        self.direct = False
        self.silent = False
        self._queues: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self._deaf: dict[str, asyncio.Queue[dict[str, Any]]] = {}

    async def flush(self) -> None:
        """Forgets nobody: there are no connections to make anew."""

    async def new_channel(self) -> str:
        """Opens a mailbox."""
        name = uuid.uuid4().hex
        self._queues[name] = asyncio.Queue()
        return name

    async def group_add(self, group: str, channel: str) -> None:
        """Everybody is in the one group."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Takes a publication."""
        if self.silent:
            await asyncio.Event().wait()
        self.held.append(message)
        if self.direct:
            self.deliver(len(self.held) - 1)

    def forget(self) -> None:
        """Loses every subscription, as a connection does that is dead and does not know it."""
        self._deaf, self._queues = self._queues, {}

    async def receive(self, channel: str) -> dict[str, Any]:
        """Waits for a publication."""
        return await (self._queues.get(channel) or self._deaf[channel]).get()

    def deliver(self, index: int, *, keep: bool = False) -> None:
        """Lets one that is held through, and goes on holding it if it is to come twice."""
        message = self.held[index] if keep else self.held.pop(index)
        for queue in self._queues.values():
            queue.put_nowait(message)


class Hubs:
    """Some hubs of one deployment.

    Args:
        count: how many processes they stand for.
    """

    def __init__(self, count: int = 2) -> None:
        self.loop = asyncio.new_event_loop()
        self.layer = Layer()
        self.hubs = self.run(self._make(count))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the hubs, and the threads that they worked on."""
        self.run(self._leave())
        self.loop.close()
        offload.close()

    async def _make(self, count: int) -> list[Hub]:
        hubs = [Hub() for _ in range(count)]
        for hub in hubs:
            hub.gate = await offload.offload("ja", gate.current)
            hub._layer = self.layer
            hub.spawn(hub._listen())
        return hubs

    async def _leave(self) -> None:
        for hub in self.hubs:
            for socket in list(hub.sockets):
                socket.gone()
            for task in list(hub._tasks):
                task.cancel()
            hub.release()
        await asyncio.sleep(0)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs something on the hubs' loop."""
        return self.loop.run_until_complete(asyncio.wait_for(work, SECONDS))

    def settle(self) -> None:
        """Returns when nothing is under way any more in any hub."""

        async def wait() -> None:
            quiet = 0
            while quiet < 3:
                await asyncio.sleep(0)
                busy = any(
                    hub._committing is not None
                    or hub._telling is not None
                    or len(hub._tasks) > 1
                    or hub._lacking
                    or any(socket._worker is not None for socket in hub.sockets)
                    for hub in self.hubs
                )
                quiet = 0 if busy else quiet + 1
                if busy:
                    await asyncio.sleep(0.002)

        self.run(wait())

    def connect(self, hub: int, user: User | None) -> tuple[Socket, Paper]:
        """Connects somebody to a hub."""

        async def do() -> tuple[Socket, Paper]:
            paper = Paper()
            person = Person.of(user) if user else None
            socket = Socket(self.hubs[hub], paper, person=person, login=None, language="ja", address="")
            self.hubs[hub].add(socket)
            return socket, paper

        return self.run(do())

    def say(self, socket: Socket, kind: str, **fields: Any) -> None:
        """Has a socket say a frame; its answer comes when things have settled."""

        async def do() -> None:
            socket.feed(json.dumps({"type": kind, "ref": kind, **fields}))

        self.run(do())

    def look(self, hub: int) -> None:
        """Has a hub compare its rooms with the log, as it does every second."""
        self.run(self.hubs[hub]._check_heads())
        self.settle()


def fresh(room: UUID) -> list[dict[str, Any]]:
    """The room's whole log, as somebody gets it who comes now."""
    return [msgspec.to_builtins(item) for item in queries.log_after(room, 0, 10_000)]


def head(room: UUID) -> int:
    """The room's head, as the database has it."""
    return Room.objects.values_list("head", flat=True).get(pk=room)
