"""Rooms and logs in memory, in place of the database: open rooms, plain messages. See `chat.realtime.hub.Backend`."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

from chat.protocol import Access, Author, Code, Item, Refused, encode
from chat.realtime import IDLE, Activity, Committed, Delivered, Login, Person
from compliance import gate


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person; see `chat.realtime.Person`."""

    pk: int
    name: str
    guest: bool = True
    language: str = "ja"
    role: str = ""

    @property
    def id(self) -> str:
        """The public id."""
        return str(UUID(int=self.pk))

    def as_now(self, now: Any) -> Somebody:
        """See `chat.realtime.Person`."""
        return self


@dataclass(slots=True)
class Words:
    """Something to be stored; see `chat.realtime.ports.Event`."""

    room: UUID
    person: Person
    body: str
    tries: int = 0


@dataclass(slots=True)
class MemoryRoom:
    """A room with its log."""

    key: str
    id: UUID = field(default_factory=uuid4)
    access: Access = field(default_factory=lambda: Access("room.open", 0))
    ended: bool = False
    items: list[Item] = field(default_factory=list)

    def admits(self, person_pk: int | None) -> bool:
        """Everybody, while it is open."""
        return not self.ended and self.access.is_open

    def write(self, person: Person, body: str) -> Item:
        """Stores a message, as any process does."""
        author = Author(person.id, person.name)
        item = Item(len(self.items) + 1, uuid4(), "message", author, body, "2026-06-01T00:00:00.000Z")
        self.items.append(item)
        return item

    def page(self, items: Sequence[Item], *, more: bool) -> Page:
        """A run of its log."""
        return Page(items, len(self.items), more, self.access)


@dataclass(frozen=True, slots=True)
class Page:
    """See `chat.realtime.Page`."""

    items: Sequence[Item]
    head: int
    more: bool
    access: Access


@dataclass(frozen=True, slots=True)
class Moved:
    """See `chat.realtime.Moved`."""

    head: int
    changed: bool


@dataclass(slots=True)
class Stored:
    """See `chat.realtime.ports.Stored`."""

    outcomes: list[Committed | Refused | None] = field(default_factory=list)
    items: dict[UUID, list[Item]] = field(default_factory=dict)
    heads: dict[UUID, int] = field(default_factory=dict)
    access: dict[UUID, Access] = field(default_factory=dict)
    outrun: dict[UUID, int] = field(default_factory=dict)


class MemoryBackend:
    """One deployment's rooms. Several hubs may share it. While `away` is set it does not answer."""

    def __init__(self, *keys: str) -> None:
        self.rooms = {room.id: room for room in map(MemoryRoom, keys)}
        self.away = False
        self.batches: list[int] = []  # how many events each transaction had
        self.beats = 0
        self.epoch = "first"
        self.lost: str | None = None  # what the next beat finds, see `gate.WentBack`
        self.is_specimen = False  # whether a demo's database stands in its place

    def room(self, key: str) -> MemoryRoom:
        """A room by its public id."""
        return next(room for room in self.rooms.values() if room.key == key)

    def _answer(self) -> None:
        if self.away:
            raise OSError("the database is away")

    # --- writing ------------------------------------------------------------------------------------------------

    async def store(self, events: Sequence[Words], heads: Mapping[UUID, int], busy: Container[UUID], /) -> Stored:
        """Stores events in one transaction."""
        self._answer()
        self.batches.append(len(events))
        result = Stored()
        for event in events:
            room = self.rooms[event.room]
            item = room.write(event.person, event.body)
            result.outcomes.append(Committed(item.seq, item.at, item))
            result.items.setdefault(room.id, []).append(item)
            result.heads[room.id] = item.seq
            result.access[room.id] = room.access
        return result

    # --- reading ------------------------------------------------------------------------------------------------

    async def find_room(self, language: str, key: str | UUID, person_pk: int | None) -> MemoryRoom:
        """A room that this person may read."""
        self._answer()
        for room in self.rooms.values():
            if key in (room.key, room.id) and room.admits(person_pk):
                return room
        raise Refused(Code.MISSING, "there is no such room")

    async def latest(self, language: str, room: str, person_pk: int | None) -> Page:
        """The newest page."""
        found = await self.find_room(language, room, person_pk)
        return found.page(found.items[-50:], more=len(found.items) > 50)

    async def after(self, language: str, room: str | UUID, person_pk: int | None, seq: int, limit: int) -> Page:
        """A page after a seq."""
        found = await self.find_room(language, room, person_pk)
        return found.page(found.items[seq : seq + limit], more=len(found.items) > seq + limit)

    async def before(self, language: str, room: str | UUID, person_pk: int | None, seq: int, limit: int) -> Page:
        """A page before a seq."""
        found = await self.find_room(language, room, person_pk)
        first = max(seq - 1 - limit, 0)
        return found.page(found.items[first : seq - 1], more=first > 0)

    async def log_after(self, room: UUID, seq: int, limit: int) -> tuple[list[tuple[int, bytes]], Access]:
        """The log after a seq, encoded."""
        self._answer()
        found = self.rooms[room]
        return [(item.seq, encode(item)) for item in found.items[seq : seq + limit]], found.access

    async def access_of(self, room: UUID) -> Access | None:
        """Who may read a room."""
        self._answer()
        return self.rooms[room].access if room in self.rooms else None

    async def moved(self, rooms: Sequence[Delivered]) -> dict[UUID, Moved]:
        """Those rooms that are not what a process takes them to be."""
        self._answer()
        found = {}
        for known in rooms:
            room = self.rooms[known.room]
            is_changed = room.access != Access(known.feature, known.revision)
            if is_changed or known.head not in (None, len(room.items)):
                found[room.id] = Moved(len(room.items), is_changed)
        return found

    async def readership_of(self, room: UUID) -> MemoryRoom | None:
        """Who may read a room now."""
        self._answer()
        return self.rooms.get(room)

    # --- sessions and the gate ----------------------------------------------------------------------------------

    async def authenticate(self, session: str | None, language: str) -> tuple[Person, Login] | None:
        """Nobody is signed in."""
        return None

    async def activity_of(self, person: Person | None) -> Activity:
        """Nobody does anything."""
        return IDLE

    async def blocks_of(self, person: Person | None) -> list[str]:
        """Nobody has blocked anybody."""
        return []

    async def revocations(self) -> dict[int, str | int | None]:
        """Nothing ended."""
        self._answer()
        return {}

    async def prolong(self, sessions: Collection[str]) -> None:
        """Sessions last."""

    async def people(self, pks: Collection[int]) -> dict[int, Person]:
        """Nobody has another name."""
        return {}

    async def ended(self, logins: Iterable[Any]) -> Collection[Any]:
        """Nothing ended."""
        return ()

    async def beat(self, instance: UUID) -> gate.Snapshot:
        """Open rooms are open, closed ones shut."""
        self._answer()
        self.beats += 1
        if self.lost:
            raise gate.WentBack(self.lost)
        return replace(gate.unreachable(), epoch=self.epoch)

    async def move_epoch(self, instance: UUID, found_by: str) -> gate.Snapshot:
        """Another epoch begins."""
        self._answer()
        if self.is_specimen:
            raise gate.SpecimenLedger
        self.lost, self.epoch = None, f"after {self.epoch}"
        return replace(gate.unreachable(), epoch=self.epoch)

    async def write_refusals(self) -> None:
        """Nothing is kept."""

    async def note_start(self) -> None:
        """Nothing is kept."""

    async def farewell(self, instance: UUID) -> None:
        """Nothing is kept."""

    async def identify(self) -> str:
        """All hubs of a test are one deployment."""
        self._answer()
        return "memory"

    async def prepare(self) -> None:
        """Nothing to connect."""

    async def renew(self) -> None:
        """Nothing to let go of."""

    def close(self) -> None:
        """Nothing to let go of."""

    async def shut_down(self, seconds: float, /) -> None:
        """No thread to end."""
