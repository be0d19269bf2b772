"""A short cut into Daphne: frames go out prepared and in one write, the backlog is seen, text comes in without a queue.

Everything else (handshake, fragments, control frames, closing) stays with Daphne. Where its inside does not look as
expected, `outlet_for` returns None and plain ASGI is used.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import time
from typing import Any

from chat.outlets import DRAIN_SECONDS, HARD_BYTES, SOFT_BYTES, Frame

_PROTOCOL = ("transport", "state", "STATE_OPEN", "onMessage", "sendClose", "closeHandshakeTimeout", "muted")
_TRANSPORT = ("dataBuffer", "offset", "_tempDataLen", "writeSomeData", "write", "connected", "disconnecting")


def outlet_for(send: Any) -> DaphneOutlet | None:
    """Return the short cut behind Daphne's `send`, or None where it is another server's or looks unfamiliar."""
    if not isinstance(send, partial) or not send.args or not type(send.args[0]).__module__.startswith("daphne."):
        return None
    protocol = send.args[0]
    if not all(hasattr(protocol, name) for name in _PROTOCOL):
        return None
    if not all(hasattr(protocol.transport, name) for name in _TRANSPORT):
        return None
    return DaphneOutlet(protocol)


class DaphneOutlet:
    """Writes prepared frames to Daphne's transport; see `outlets.Outlet`."""

    __slots__ = ("_bytes", "_frames", "_protocol", "_transport")

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self._frames: list[bytes] = []
        self._bytes = 0

    def listen(self, on_text: Callable[[str | bytes], None], on_binary: Callable[[], None]) -> None:
        """Take whole messages from here on, past Daphne's queue. A message is given as the bytes of valid UTF-8."""
        protocol = self._protocol

        def on_message(payload: bytes, is_binary: bool) -> None:  # noqa: FBT001 -- Autobahn's signature
            if not protocol.muted:
                protocol.last_ping = time()  # Daphne pings only the silent
                if is_binary:
                    on_binary()
                else:
                    on_text(payload)

        protocol.onMessage = on_message

    def unlisten(self) -> None:
        """Give inbound messages back to Daphne."""
        self._protocol.__dict__.pop("onMessage", None)

    @property
    def backlog(self) -> int:
        """Bytes that the peer has not taken yet."""
        transport = self._transport
        unsent: int = len(transport.dataBuffer) - transport.offset + transport._tempDataLen  # noqa: SLF001
        return unsent + self._bytes

    def push(self, frame: Frame) -> bool:
        """See Outlet."""
        backlog = self.backlog
        if backlog > SOFT_BYTES and frame.ephemeral:
            return True
        if backlog > HARD_BYTES:
            return False
        wire = frame.wire
        self._frames.append(wire)
        self._bytes += len(wire)
        return True

    def flush(self) -> None:
        """See Outlet. With nothing under way the bytes go to the kernel at once, not on a later turn."""
        frames = self._frames
        if not frames:
            return
        data = frames[0] if len(frames) == 1 else b"".join(frames)
        self._frames = []
        self._bytes = 0
        transport, protocol = self._transport, self._protocol
        if protocol.state != protocol.STATE_OPEN or not transport.connected or transport.disconnecting:
            return
        if self.backlog == 0:
            written = transport.writeSomeData(data)
            if isinstance(written, Exception):
                transport.write(data)  # Twisted meets the same error on its own path and ends the connection
                return
            if written == len(data):
                return
            data = data[written:]
        transport.write(data)

    async def close(self, code: int) -> None:
        """See Outlet. A peer that reads slowly gets time to reach the close frame."""
        self.flush()
        protocol = self._protocol
        if protocol.state == protocol.STATE_OPEN:
            protocol.closeHandshakeTimeout = DRAIN_SECONDS
            protocol.sendClose(code=int(code))

    def abandon(self) -> None:
        """See Outlet."""
        self._frames = []
        self._bytes = 0
