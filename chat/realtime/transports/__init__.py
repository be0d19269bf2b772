"""Ways out to one connection: plain ASGI, past Daphne's layers, and server-sent events."""

from chat.realtime.transports import daphne
from chat.realtime.transports.asgi import AsgiTransport
from chat.realtime.transports.base import (
    DRAIN_SECONDS,
    HARD_BYTES,
    SOFT_BYTES,
    Frame,
    PongFrame,
    Transport,
    Write,
    send_all,
)
from chat.realtime.transports.daphne import DaphneTransport, ShortCut
from chat.realtime.transports.flusher import Flusher
from chat.realtime.transports.sse import SseTransport

__all__ = [
    "DRAIN_SECONDS",
    "HARD_BYTES",
    "SOFT_BYTES",
    "AsgiTransport",
    "DaphneTransport",
    "Flusher",
    "Frame",
    "PongFrame",
    "ShortCut",
    "SseTransport",
    "Transport",
    "Write",
    "daphne",
    "send_all",
]
