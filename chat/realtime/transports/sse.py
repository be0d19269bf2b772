"""Holds frames for a server-sent event stream, or for one HTTP answer."""

from __future__ import annotations

import asyncio
from collections import deque

from chat.realtime.transports.base import HARD_BYTES, SOFT_BYTES, Frame, Write


class SseTransport:
    """Holds frames until the response asks for them. See `base.Transport`."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._over = False

    @property
    def backlog(self) -> int:
        """See Transport."""
        return self._bytes

    def push(self, frame: Frame) -> bool:
        """See Transport."""
        if self._over or (frame.ephemeral and self._bytes > SOFT_BYTES):
            return True
        if self._bytes > HARD_BYTES:
            return False
        self._frames.append(frame)
        self._bytes += len(frame.payload)
        return True

    def flush(self, writes: list[Write]) -> None:
        """See Transport."""
        self._wake.set()

    async def close(self, code: int, goodbye: Frame) -> None:
        """See Transport."""
        if not self._over:
            self._frames.append(goodbye)
        self._over = True
        self._wake.set()

    def abandon(self) -> None:
        """See Transport."""
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
        frames = self.ready()
        return frames if frames or not self._over else None

    def ready(self) -> list[Frame]:
        """Return the frames that wait now."""
        frames = list(self._frames)
        self._frames.clear()
        self._bytes = 0
        return frames
