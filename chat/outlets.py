"""The bounded way out to one socket: what is written, what is dropped first, and when a reader is too slow."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

SOFT_BYTES = 64 * 1024  # above it, typing and presence are dropped
HARD_BYTES = 256 * 1024  # above it, the reader is closed with 4408 and resumes from its seq
DRAIN_SECONDS = 30.0  # how long a reader that was closed may take to read what is on its way


class Frame:
    """One server frame, encoded once for all its readers.

    Args:
        payload: its JSON.
        ephemeral: whether a reader who is behind can do without it.

    Attributes:
        wire: the payload as an unmasked, final text frame (RFC 6455, 5.2).
    """

    __slots__ = ("_text", "ephemeral", "payload", "wire")

    def __init__(self, payload: bytes, *, ephemeral: bool = False) -> None:
        self.payload = payload
        self.ephemeral = ephemeral
        self._text: str | None = None
        size = len(payload)
        if size < 126:  # noqa: PLR2004 -- RFC 6455
            head = bytes((0x81, size))
        elif size < 1 << 16:
            head = b"\x81\x7e" + size.to_bytes(2, "big")
        else:
            head = b"\x81\x7f" + size.to_bytes(8, "big")
        self.wire = head + payload

    @property
    def text(self) -> str:
        """The payload as ASGI servers want it."""
        if self._text is None:
            self._text = self.payload.decode()
        return self._text


class Keeper(Protocol):
    """An outlet that has its writes made by `send_all`."""

    def keep(self, data: bytes) -> None:
        """Take back what the kernel did not take of a write, to go before all else."""


Write = tuple[Callable[[bytes], int], bytes, Keeper]  # a connection's `send`, what it is to send, and whose it is


class Outlet(Protocol):
    """Where a socket's frames go."""

    @property
    def backlog(self) -> int:
        """Bytes that the peer has not taken yet, as far as this server shows it."""

    def push(self, frame: Frame) -> bool:
        """Queue a frame for the end of this event-loop turn; False: the reader is too slow and must be closed."""

    def flush(self, writes: list[Write]) -> None:
        """Write what is queued, in one write: at once by adding it to `writes`, or by and by."""

    async def close(self, code: int, goodbye: Frame) -> None:
        """Write what is queued and a last frame, for which there is always room; then close the WebSocket."""

    def abandon(self) -> None:
        """Forget what is queued: the peer is gone."""


def send_all(writes: Iterable[Write]) -> None:
    """Hand bytes to the kernel, for one connection after the other.

    Apart from all that is done before: the kernel's way through a connection leaves little in the processor's caches,
    and whatever runs between two of them costs several times as much as by itself.
    """
    for send, data, keeper in writes:
        try:
            sent = send(data)
        except OSError:  # no room, or no connection any more
            sent = 0
        if sent != len(data):
            keeper.keep(data[sent:])


class AsgiOutlet:
    """Plain ASGI `send`, for any server. A task runs only while there is something to write."""

    __slots__ = ("_bytes", "_closed", "_frames", "_send", "_task")

    def __init__(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        self._send = send
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def backlog(self) -> int:
        """See Outlet."""
        return self._bytes

    def push(self, frame: Frame) -> bool:
        """See Outlet."""
        if self._closed or (frame.ephemeral and self._bytes > SOFT_BYTES):
            return True
        if self._bytes > HARD_BYTES:
            return False
        self._frames.append(frame)
        self._bytes += len(frame.payload)
        return True

    def flush(self, writes: list[Write]) -> None:
        """See Outlet."""
        if self._frames and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._frames:
                frame = self._frames.popleft()
                await self._send({"type": "websocket.send", "text": frame.text})
                self._bytes -= len(frame.payload)
        except Exception:  # noqa: BLE001 -- each server says "the peer is gone" with another exception
            self.abandon()
        finally:
            self._task = None

    async def close(self, code: int, goodbye: Frame) -> None:
        """See Outlet."""
        if not self._closed:
            self._frames.append(goodbye)
        self.flush([])
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=DRAIN_SECONDS)
        if not self._closed:
            self.abandon()
            await self._send({"type": "websocket.close", "code": code})

    def abandon(self) -> None:
        """See Outlet."""
        self._closed = True
        self._frames.clear()
        self._bytes = 0
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
