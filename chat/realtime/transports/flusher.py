"""Writes at the end of each event-loop turn: one write for each connection, however many frames it was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import structlog

from chat.realtime.transports.base import Transport, Write, send_all

log = structlog.get_logger("todoke.hub")

FLUSH = 25  # connections whose writes are prepared before they are made: enough to gain by it, and nobody waits for all


class Flushed(Protocol):
    """A connection with frames to write."""

    is_due: bool  # whether it waits for the end of this turn

    @property
    def transport(self) -> Transport:
        """Where its frames go."""

    def gone(self) -> None:
        """Clean up: its transport is broken."""


class Flusher:
    """Gathers the connections that have something to write.

    Args:
        call_soon: runs something in the next turn of the event loop.
    """

    __slots__ = ("_call_soon", "due")

    def __init__(self, call_soon: Callable[[Callable[[], None]], Any]) -> None:
        self._call_soon = call_soon
        #: To be flushed at the end of this turn. A connection adds itself, and calls `flush_soon` if it is the first.
        self.due: list[Flushed] = []

    def flush_soon(self) -> None:
        """Have the connections in `due` flushed at the end of this turn."""
        self._call_soon(self.flush)

    def flush(self) -> None:
        """Write what the connections have queued, some connections at a time."""
        connections = list(self.due)
        self.due.clear()
        for at in range(0, len(connections), FLUSH):
            writes: list[Write] = []
            for connection in connections[at : at + FLUSH]:
                connection.is_due = False
                try:
                    connection.transport.flush(writes)
                except Exception as error:  # noqa: BLE001 -- a broken transport concerns its own connection only
                    log.warning("hub.flush_failed", error=type(error).__name__)
                    connection.gone()
            send_all(writes)
