"""Writes frames with plain ASGI `send`, for any server."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from chat.protocol import Close
from chat.realtime.transports.base import HARD_BYTES, SOFT_BYTES, Frame, Write, farewell_seconds


class AsgiTransport:
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
        """See Transport."""
        return self._bytes

    def push(self, frame: Frame) -> bool:
        """See Transport."""
        if self._closed or (frame.ephemeral and self._bytes > SOFT_BYTES):
            return True
        if self._bytes > HARD_BYTES:
            return False
        self._frames.append(frame)
        self._bytes += len(frame.payload)
        return True

    def flush(self, writes: list[Write]) -> None:
        """See Transport."""
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

    async def close(self, code: Close, goodbye: Frame) -> None:
        """See Transport."""
        if not self._closed:
            self._frames.append(goodbye)
        self.flush([])
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=farewell_seconds(code))
        if not self._closed:
            self.abandon()
            with suppress(TimeoutError):  # a server may wait for room before it writes
                async with asyncio.timeout(farewell_seconds(code)):
                    await self._send({"type": "websocket.close", "code": int(code)})
        if code.is_fault:
            self._stop_reading(farewell_seconds(code))

    def _stop_reading(self, seconds: float) -> None:
        """Read nothing more; end the connection after a time. ASGI cannot say it, but Uvicorn shows its transport."""
        transport = getattr(getattr(self._send, "__self__", None), "transport", None)
        if (
            transport is not None
            and hasattr(transport, "pause_reading")
            and hasattr(transport, "abort")
            and not transport.is_closing()
        ):
            transport.pause_reading()
            asyncio.get_running_loop().call_later(seconds, transport.abort)

    def abandon(self) -> None:
        """See Transport."""
        self._closed = True
        self._frames.clear()
        self._bytes = 0
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
