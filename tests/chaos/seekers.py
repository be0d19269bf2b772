"""People who look for a partner and change process every second, while everything breaks."""

# ruff: noqa: S311 -- dice, not secrets

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import connection
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from chat.matching.talks import BACK
from chat.models import User
from compliance.testing import NOTIFIED
from tests.conftest import signed_in

if TYPE_CHECKING:
    from tests.chaos.crowd import Crowd
    from tests.serving import Server

#: With these the processes offer matching.
SETTINGS: Final = NOTIFIED | {"COMPLIANCE_CHECKLIST": "advise"}
STAY: Final = 1.0  # seconds at one process
OPENING: Final = 8.0  # seconds until `welcome`; a frozen process accepts and then says nothing
#: Until somebody who vanished is missed, where each process has just started: it first sees who is there.
MISSED: Final = 2 * BACK.total_seconds() + 10


class Seeker:
    """Somebody who wants to be matched, and stays in the talk.

    Args:
        crowd: in which they are.
        session: the key of their session.
    """

    def __init__(self, crowd: Crowd, session: str) -> None:
        self.crowd = crowd
        self.cookie = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.LANGUAGE_COOKIE_NAME}=ja"
        self.room: str | None = None
        self.ends: Counter[str] = Counter()  # why their talks ended, as they heard it
        self.visits = 0
        self.has_vanished = False

    async def live(self) -> None:
        """Seek, and change process every second, until the crowd goes home or they vanish."""
        while not (self.crowd.over or self.has_vanished):
            with suppress(OSError, TimeoutError, InvalidHandshake, ConnectionClosed):
                await self._visit(self.crowd.servers[self.visits % len(self.crowd.servers)])
            self.visits += 1
            await self.crowd.sleep(random.uniform(0.05, 0.2))

    async def _visit(self, server: Server) -> None:
        async with asyncio.timeout(OPENING):
            socket = await connect(
                server.ws_url,
                additional_headers={"Cookie": self.cookie},
                origin=server.url,  # type: ignore[arg-type]
                compression=None,
                proxy=None,
                ping_interval=None,
                open_timeout=None,
                close_timeout=1,
            )
        try:
            async with asyncio.timeout(OPENING):
                await self._hear(socket, json.loads(await socket.recv()))
            with suppress(TimeoutError):
                async with asyncio.timeout(STAY):
                    while True:
                        await self._hear(socket, json.loads(await socket.recv()))
        finally:
            with suppress(OSError):
                socket.transport.abort()

    async def _hear(self, socket: ClientConnection, frame: dict[str, Any]) -> None:
        if frame["type"] == "welcome":
            rooms = [talk["room"] for talk in frame["talks"]]
            if self.room is not None and self.room not in rooms:
                self._over("meanwhile")
            if rooms:
                await self._enter(socket, rooms[0])
            elif frame["waiting"] is None:
                await socket.send(json.dumps({"type": "match.seek", "ref": "seek"}))
        elif frame["type"] == "match.made":
            await self._enter(socket, frame["room"])
        elif frame["type"] == "match.left" and frame["room"] == self.room:
            self._over(frame["reason"])

    async def _enter(self, socket: ClientConnection, room: str) -> None:
        self.room = room
        await socket.send(json.dumps({"type": "room.join", "ref": "join", "room": room}))

    def _over(self, reason: str) -> None:
        self.ends[reason] += 1
        self.room = None


class Seekers:
    """An even number of people who seek while a crowd talks.

    Args:
        crowd: in which they are; its servers offer matching (`SETTINGS`).
        pairs: how many pairs there are.
    """

    def __init__(self, crowd: Crowd, pairs: int) -> None:
        self.crowd = crowd
        self.seekers = [Seeker(crowd, _session(f"seeker-{number}")) for number in range(2 * pairs)]
        self._running: list[asyncio.Task[None]] = []
        connection.close()

    def start(self) -> None:
        """Have everybody seek."""
        loop = asyncio.get_running_loop()
        self._running = [loop.create_task(seeker.live()) for seeker in self.seekers]

    async def meet(self, seconds: float = 30) -> None:
        """Wait until everybody is in a talk: nobody waits for ever.

        Raises:
            AssertionError: somebody still waits.
        """
        await self.crowd.until(
            lambda: all(seeker.room for seeker in self.seekers), seconds, "all seekers are in a talk"
        )

    async def vanish(self) -> None:
        """Have one of each talk vanish, and wait until nobody is alone in a talk.

        Raises:
            AssertionError: somebody is alone for longer than the grace.
        """
        first: dict[str | None, Seeker] = {}
        for seeker in self.seekers:
            seeker.has_vanished = first.setdefault(seeker.room, seeker) is seeker
        left = [seeker for seeker in self.seekers if not seeker.has_vanished]
        # Those who are left over wait again, and may meet each other.
        await self.crowd.until(lambda: all(seeker.ends for seeker in left), MISSED, "nobody is alone in a talk")

    def summary(self) -> str:
        """The counts, in words."""
        ends = sum((seeker.ends for seeker in self.seekers), Counter[str]())
        return (
            f"{len(self.seekers)} seekers, {sum(s.visits for s in self.seekers)} changes of process; talks ended: "
            + (", ".join(f"{reason} × {count}" for reason, count in sorted(ends.items())) or "none")
        )


def _session(name: str) -> str:
    person = User.objects.create_user(name=name, email=f"{name}@example.jp", password=None)
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return str(signed_in(person).cookies[settings.SESSION_COOKIE_NAME].value)
