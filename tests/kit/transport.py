"""A transport that keeps what it is given; see `chat.realtime.transports.Transport`."""

from __future__ import annotations

import json
from typing import Any

from chat.protocol import Close
from chat.realtime.transports import HARD_BYTES, Frame


class FakeTransport:
    """Keeps frames in memory. While `full` is set its reader takes nothing; while `broken`, writing fails."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.code: int | None = None
        self.goodbye: dict[str, Any] = {}
        self.full = False
        self.broken = False
        self._waiting: list[Frame] = []

    @property
    def backlog(self) -> int:
        """Bytes that are not taken yet."""
        return HARD_BYTES if self.full else 0

    def push(self, frame: Frame) -> bool:
        """Takes a frame."""
        if self.full:
            return frame.ephemeral
        self._waiting.append(frame)
        return True

    def flush(self, writes: object) -> None:
        """Shows what was taken in this turn."""
        if self.broken:
            raise OSError("this transport is broken")
        self.frames += [json.loads(frame.payload) for frame in self._waiting]
        self._waiting.clear()

    async def close(self, code: Close, goodbye: Frame) -> None:
        """Takes the last frame."""
        self.goodbye = json.loads(goodbye.payload)
        self.frames.append(self.goodbye)
        self.code = code

    def abandon(self) -> None:
        """Forgets what waits."""
        self._waiting.clear()

    def items(self) -> list[dict[str, Any]]:
        """Every event that came, in the order of coming."""
        return [item for f in self.frames if f["type"] in ("room.joined", "messages") for item in f["items"]]

    def types(self) -> list[str]:
        """The types of the frames that came."""
        return [frame["type"] for frame in self.frames]
