"""A channel layer in memory that holds each publication until a test says what becomes of it."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any


class FakeLayer:
    """Lies between hubs. While `direct` is set publications pass at once; while `silent`, publishing hangs."""

    def __init__(self) -> None:
        self.held: list[dict[str, Any]] = []
        self.direct = False
        self.silent = False
        self._queues: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self._forgotten: dict[str, asyncio.Queue[dict[str, Any]]] = {}

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
        self._forgotten, self._queues = self._queues, {}

    async def receive(self, channel: str) -> dict[str, Any]:
        """Waits for a publication."""
        return await (self._queues.get(channel) or self._forgotten[channel]).get()

    def deliver(self, index: int, *, keep: bool = False) -> None:
        """Lets one that is held through, and goes on holding it if it is to come twice."""
        message = self.held[index] if keep else self.held.pop(index)
        for queue in self._queues.values():
            queue.put_nowait(message)
