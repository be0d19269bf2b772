"""The bounded way out to one connection: what is written, what is dropped first, when a reader is too slow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from chat.protocol import Close

SOFT_BYTES = 64 * 1024  # above it, typing and presence are dropped
HARD_BYTES = 256 * 1024  # above it, the reader is closed with 4408 and resumes from its seq
DRAIN_SECONDS = 30.0  # how long a reader that was closed may take to read what is on its way
FAULT_SECONDS = 2.0  # the same for a peer that floods or breaks the protocol


def farewell_seconds(code: Close) -> float:
    """Return how long a peer that is closed with this code may take to read what is on its way."""
    return FAULT_SECONDS if code in {Close.FLOOD, Close.PROTOCOL} else DRAIN_SECONDS


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


class PongFrame(Frame):
    """The answer to a ping, as a whole frame (RFC 6455, 5.5.3); for transports that write frames by themselves.

    Args:
        payload: the ping's, at most 125 bytes.
    """

    __slots__ = ()

    def __init__(self, payload: bytes) -> None:
        super().__init__(b"")
        self.payload = payload
        self.wire = bytes((0x8A, len(payload))) + payload


class Keeper(Protocol):
    """A transport whose writes `send_all` makes."""

    def keep(self, data: bytes) -> None:
        """Take back the rest of a write that the kernel did not take. It goes out before everything else."""


Write = tuple[Callable[[bytes], int], bytes, Keeper]  # a connection's `send`, what it is to send, and whose it is


class Transport(Protocol):
    """Where the frames of one connection go."""

    @property
    def backlog(self) -> int:
        """Bytes that the peer has not taken yet, as far as this server shows it."""

    def push(self, frame: Frame) -> bool:
        """Queue a frame for the end of this event-loop turn; False: the reader is too slow and must be closed."""

    def flush(self, writes: list[Write]) -> None:
        """Write what is queued, in one write: at once by adding it to `writes`, or by and by."""

    async def close(self, code: Close, goodbye: Frame) -> None:
        """Write what is queued and a last frame, for which there is always room; then close the WebSocket.

        A peer that is closed for its own fault is not read any more. The time for all this is `farewell_seconds`.
        """

    def abandon(self) -> None:
        """Forget what is queued: the peer is gone."""


def send_all(writes: Iterable[Write]) -> None:
    """Hand bytes to the kernel, for one connection after the other.

    All other work is done before: the kernel's path through a connection leaves little in the processor's caches, and
    whatever runs between two of them costs several times as much as by itself.
    """
    for send, data, keeper in writes:
        try:
            sent = send(data)
        except OSError:  # no room, or no connection any more
            sent = 0
        if sent != len(data):
            keeper.keep(data[sent:])
