"""Which function of which capability handles which request. The only list of requests: documents and tests read it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeVar
from uuid import UUID

from chat.protocol import Reply, Request, tag_of
from chat.protocol.replies import LeaveReason
from chat.realtime.backfill import Backfill
from chat.realtime.clock import Clock
from chat.realtime.committer import Committer
from chat.realtime.gate_watch import GateWatch
from chat.realtime.jobs import Tasks, registered
from chat.realtime.joining import Joining
from chat.realtime.limits import Limits, Options
from chat.realtime.peers import Peers
from chat.realtime.presence import Presence
from chat.realtime.registry import Registry
from chat.realtime.revalidation import Revalidation
from chat.realtime.streams import Subscriber
from chat.realtime.transports import Flusher
from compliance.law import Feature

H = TypeVar("H", bound=Callable[..., Any])
T = TypeVar("T")


class Way(Enum):
    """How a connection carries a request out.

    In the ways of `OF_THE_ROOM` the connection finds the room that the request names, and calls the handler only behind
    the gate of the room's feature: a handler cannot forget it. A joined room is behind it, as the hub removes the
    readers when the gate shuts.
    """

    AT_ONCE = "at once"
    """As it arrives, in the same turn of the event loop: `handler(connection, request)`."""
    QUEUED = "queued"
    """In the order of the connection's requests: `await handler(connection, request)`."""
    IN_ROOM = "in room"
    """In the order of the connection's requests: `await handler(connection, request, stream)`. The room is one that the
    connection has joined, or one that its person may read."""
    WRITES = "writes"
    """As it arrives where the room is joined and nothing is queued, else queued: `handler(connection, request,
    stream)`. It hands an event to the committer and returns. The store asks the gate in its transaction."""
    SIGNALS = "signals"
    """As it arrives where the room is joined, else in the order of the connection's requests, in a room that its person
    may read: `handler(connection, request, stream)`. Where it is refused, only a `ref` gets to know."""


OF_THE_ROOM: Final = (Way.IN_ROOM, Way.WRITES, Way.SIGNALS)
"""The ways in which the connection finds the room and sees to its gate."""


@dataclass(frozen=True, slots=True)
class Route:
    """A request's way through the service.

    Attributes:
        request: its struct.
        handler: the function of a capability.
        way: how the connection calls it.
        answer: the frame that answers it; None where only a refusal does.
        feature: whose gate is asked before the handler; None where the room decides, as soon as it is known.
        rate: the rate that it counts against, see `limits.Limit`; empty for none but the rate of frames.
        takes_person: whether it needs somebody who is signed in or has a nickname.
        asks_gate: whether the handler finds the room and asks the room's gate by itself.
    """

    request: type[Request]
    handler: Callable[..., Any]
    way: Way
    answer: type[Reply] | None
    feature: Feature | None
    rate: str
    takes_person: bool
    asks_gate: bool

    @property
    def name(self) -> str:
        """The request's name on the wire."""
        return tag_of(self.request)


#: By request. Filled by `handles`.
routes: dict[type[Request], Route] = {}


def handles(
    request: type[Request],
    *,
    answer: type[Reply] | None,
    feature: Feature | None = None,
    way: Way = Way.QUEUED,
    rate: str = "",
    takes_person: bool = False,
    asks_gate: bool = False,
) -> Callable[[H], H]:
    """Register a function as the handler of a request. For the arguments see `Route`.

    Raises:
        ValueError: the request has a handler already; or nobody would ask the gate; or an argument would have no
            effect.
    """
    if request in routes:
        raise ValueError(f"{tag_of(request)} has a handler: {routes[request].handler.__qualname__}")
    if fault := _fault(request, feature, way, takes_person=takes_person, asks_gate=asks_gate):
        raise ValueError(f"{tag_of(request)} {fault}")

    def register(handler: H) -> H:
        routes[request] = Route(request, handler, way, answer, feature, rate, takes_person, asks_gate)
        return handler

    return register


def _fault(
    request: type[Request], feature: Feature | None, way: Way, *, takes_person: bool, asks_gate: bool
) -> str | None:
    """Return what is wrong with a registration, in words that follow the request's name; None if nothing is."""
    names_room, is_of_room = "room" in request.__struct_fields__, way in OF_THE_ROOM
    is_asked_by_handler = way is Way.QUEUED and names_room and feature is None
    ways = ", ".join(f"Way.{each.name}" for each in OF_THE_ROOM)
    faults = {
        f"names no room, and Way.{way.name} finds one": is_of_room and not names_room,
        f"names {feature}, but Way.{way.name} asks the gate of the room's feature": is_of_room and feature is not None,
        "names neither a feature nor a room": feature is None and not names_room,
        "asks no gate at once: Way.AT_ONCE is for Feature.SERVICE": way is Way.AT_ONCE
        and feature is not Feature.SERVICE,
        "asks for no person at once: Way.AT_ONCE has no takes_person": way is Way.AT_ONCE and takes_person,
        "has asks_gate=True, which is for a queued request that names a room and no feature": asks_gate
        and not is_asked_by_handler,
        f"names a room whose gate nobody asks: choose {ways}, or ask in the handler and say asks_gate=True": (
            is_asked_by_handler and not asks_gate
        ),
    }
    return next((fault for fault, is_there in faults.items() if is_there), None)


def all_routes() -> list[Route]:
    """Return the routes in the order in which the protocol declares their requests."""
    return [routes[request] for request in Request.__subclasses__() if request in routes]


def unhandled() -> set[type[Request]]:
    """Return the requests that the decoder knows and nobody handles."""
    return set(Request.__subclasses__()) - set(routes)


@dataclass(slots=True)
class Parts:
    """The parts of one process, as handlers, jobs and connections use them."""

    options: Options
    clock: Clock
    tasks: Tasks
    limits: Limits
    flusher: Flusher
    registry: Registry
    gate: GateWatch
    peers: Peers
    revalidation: Revalidation
    backfill: Backfill
    joining: Joining
    presence: Presence
    committer: Committer
    is_draining: bool = False
    _states: dict[type[Any], Any] = field(default_factory=dict)

    def state(self, kind: type[T]) -> T:
        """Return a capability's own state for this process: one instance of a class, made with its first use."""
        found = self._states.get(kind)
        if found is None:
            found = self._states[kind] = kind()
        return found

    def send_to(self, pks: list[int], reply: Reply, answered: Subscriber | None = None) -> None:
        """Send a frame to every connection of these people but the `answered` one, in every process."""
        self.registry.send_to(pks, self.peers.send_to(pks, reply), answered)

    def moved(self, pks: Collection[int]) -> None:
        """Have every process look what these people do now, and say it on each of their connections."""
        self.peers.moved(pks)
        self.look_at(pks)

    def look_at(self, pks: Collection[int]) -> None:
        """Have this process look what these people do now."""
        for hook in registered().on_moved if pks else ():
            hook(self, pks)

    def depart(self, room: UUID, people: list[int], reason: LeaveReason, answered: Subscriber | None = None) -> None:
        """Remove people who left a closed room, in every process, and say so on each connection but the `answered`."""
        self.registry.depart(room, people, reason, answered)
        self.peers.depart(room, people, reason)

    def revalidate(self, room: UUID) -> None:
        """Have every process ask again who may read a room: it was locked, or it ended."""
        if (stream := self.registry.streams.get(room)) is not None:
            self.revalidation.doubt(stream)
        self.peers.revalidate(room)
