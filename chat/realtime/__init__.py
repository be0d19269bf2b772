"""Sockets, rooms as streams, and the other processes. Knows no capability: capabilities register their handlers here.

A capability registers with `handles`, `every`, `on_join`, `on_last_leave`, `on_moved` and `on_room_changed`. The
composition hands over the database with `compose`. Pages ask with `run`, `call_soon`, `limited` and `people_in`. The
server gets `Entrance`, `Lifespan` and `chat_socket`.
"""

from chat.realtime.asgi import SEAT_SECONDS, chat_socket
from chat.realtime.clock import LoopClock
from chat.realtime.connection import Connection
from chat.realtime.dispatch import Parts, Route, Way, all_routes, handles, unhandled
from chat.realtime.gate_watch import refusal_of
from chat.realtime.handshake import Entrance, address, network
from chat.realtime.http import Caller, exchange, stream
from chat.realtime.hub import Backend, Hub, compose, current, running
from chat.realtime.jobs import every, on_join, on_last_leave, on_moved, on_room_changed
from chat.realtime.lifespan import Lifespan
from chat.realtime.limits import Options
from chat.realtime.pages import call_soon, has_no_seat_for, limited, people_in, run
from chat.realtime.peers import channel_layer
from chat.realtime.ports import IDLE, Activity, Committed, Delivered, Login, Moved, Page, Person, Readership
from chat.realtime.streams import Stream, Subscriber
from chat.realtime.transports.daphne import short_cut

__all__ = [
    "IDLE",
    "SEAT_SECONDS",
    "Activity",
    "Backend",
    "Caller",
    "Committed",
    "Connection",
    "Delivered",
    "Entrance",
    "Hub",
    "Lifespan",
    "Login",
    "LoopClock",
    "Moved",
    "Options",
    "Page",
    "Parts",
    "Person",
    "Readership",
    "Route",
    "Stream",
    "Subscriber",
    "Way",
    "address",
    "all_routes",
    "call_soon",
    "channel_layer",
    "chat_socket",
    "compose",
    "current",
    "every",
    "exchange",
    "handles",
    "has_no_seat_for",
    "limited",
    "network",
    "on_join",
    "on_last_leave",
    "on_moved",
    "on_room_changed",
    "people_in",
    "refusal_of",
    "run",
    "running",
    "short_cut",
    "stream",
    "unhandled",
]
