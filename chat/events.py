"""The same frames where WebSocket is blocked: server-sent events down, POST up, through the same sockets and hub."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from chat import hub, wire
from chat.consumers import Socket
from chat.outlets import HARD_BYTES, SOFT_BYTES, Frame, Write
from chat.queries import Login, Person

STREAM_BYTES = 1024 * 1024  # then the stream ends and is opened anew: HTTP servers hide how much the peer has taken
COMMENT_SECONDS = 15.0  # silence after which a comment keeps proxies from cutting the stream
ANSWER_SECONDS = 15.0
_UNANSWERED = (wire.Typing, wire.RoomSeen)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks over HTTP, as the page's request knows it."""

    person: Person | None
    login: Login | None
    language: str
    address: str


class _StreamOutlet:
    """Holds frames until the response asks for them; see `outlets.Outlet`."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._over = False

    @property
    def backlog(self) -> int:
        return self._bytes

    def push(self, frame: Frame) -> bool:
        if self._over or (frame.ephemeral and self._bytes > SOFT_BYTES):
            return True
        if self._bytes > HARD_BYTES:
            return False
        self._frames.append(frame)
        self._bytes += len(frame.payload)
        return True

    def flush(self, writes: list[Write]) -> None:
        self._wake.set()

    async def close(self, code: int, goodbye: Frame) -> None:
        if not self._over:
            self._frames.append(goodbye)
        self._over = True
        self._wake.set()

    def abandon(self) -> None:
        self._over = True
        self._frames.clear()
        self._wake.set()

    async def take(self, seconds: float) -> list[Frame] | None:
        """Return the frames that wait, after at most this long; None when there will be no more."""
        try:
            async with asyncio.timeout(seconds):
                while not self._frames and not self._over:
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            return []
        frames = list(self._frames)
        self._frames.clear()
        self._bytes = 0
        return frames if frames or not self._over else None


async def stream(caller: Caller, room: str | None, after: int | None) -> AsyncIterator[bytes]:
    """Yield a person's frames as server-sent events, beginning with `welcome` and, for a room, `room.joined`.

    Args:
        caller: who listens.
        room: the room's public id; None for a page without one.
        after: the last seq that the listener has.
    """
    running = await hub.current()
    outlet = _StreamOutlet()
    socket = _socket(running, outlet, caller)
    sent = 0
    try:
        if running.draining:
            await socket.close(wire.Close.DRAINING, retry_after=1.0)
        else:
            running.add(socket)
            socket.welcome()
            if room is not None:
                socket.feed(wire.encode_bytes({"type": "room.join", "ref": "stream", "room": room, "after": after}))
        while (frames := await outlet.take(COMMENT_SECONDS)) is not None:
            chunk = b"".join(b"data: " + frame.payload + b"\n\n" for frame in frames) or b": still here\n\n"
            sent += len(chunk)
            yield chunk
            if sent > STREAM_BYTES:
                return
    finally:
        socket.gone()


async def exchange(caller: Caller, frame: bytes) -> bytes:
    """Take one client frame; return its answers as a JSON list.

    What happens afterwards (messages, a match) comes down the caller's stream.
    """
    running = await hub.current()
    outlet = _StreamOutlet()
    socket = _socket(running, outlet, caller)
    try:
        socket.feed(frame)
        try:
            silent = isinstance(wire.decode(frame), _UNANSWERED)
        except wire.Refused:
            silent = False
        answers = await outlet.take(0.05 if silent else ANSWER_SECONDS)
        return b"[" + b",".join(answer.payload for answer in answers or ()) + b"]"
    finally:
        socket.gone()


def _socket(running: hub.Hub, outlet: _StreamOutlet, caller: Caller) -> Socket:
    return Socket(
        running,
        outlet,
        person=caller.person,
        login=caller.login,
        language=caller.language,
        address=caller.address,
    )
