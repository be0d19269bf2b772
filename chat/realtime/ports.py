"""What real time is handed from outside: people, the log, sessions. Protocols and plain values only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Container, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from chat.protocol import Access, Item, Refused
from chat.protocol.replies import Talk, Waiting


class Person(Protocol):
    """The person on a connection, as far as real time needs to know them."""

    @property
    def pk(self) -> int:
        """The primary key."""

    @property
    def id(self) -> str:
        """The public id."""

    @property
    def name(self) -> str:
        """The name that others see."""

    @property
    def guest(self) -> bool:
        """Whether the person has no account of their own."""

    @property
    def language(self) -> str:
        """In which refusals to the person speak: `ja` or `en`."""

    @property
    def role(self) -> str:
        """The role on the wire; empty for members."""

    def as_now(self, now: Any, /) -> Person:
        """Return this person with the name and the role of another moment; itself if they are the same."""


class Login(Protocol):
    """What keeps somebody signed in: hashable, and compared as a whole."""

    @property
    def session(self) -> str:
        """The key of the session."""

    @property
    def person(self) -> int:
        """The primary key of the account."""


class RoomPlace(Protocol):
    """A room that somebody may read."""

    @property
    def id(self) -> UUID:
        """The primary key."""

    @property
    def key(self) -> str:
        """The public id."""

    @property
    def access(self) -> Access:
        """Who may read it."""


class Page(Protocol):
    """A run of a room's log, with head and access of the moment when it was read."""

    @property
    def items(self) -> Sequence[Item]:
        """In order of seq."""

    @property
    def head(self) -> int:
        """The room's last seq."""

    @property
    def more(self) -> bool:
        """Whether more exist in the direction of reading."""

    @property
    def access(self) -> Access:
        """Who may read the room."""


class Readership(Protocol):
    """Who may read a room, and where it stands, at one moment."""

    @property
    def key(self) -> str:
        """The public id."""

    @property
    def access(self) -> Access:
        """Under which this holds."""

    @property
    def ended(self) -> bool:
        """Whether the room has ended."""

    def admits(self, person_pk: int | None) -> bool:
        """Return whether somebody may read the room."""


class Delivered(NamedTuple):
    """What this process takes a room to be: the last seq that it delivered (None: nothing yet), and who may read it."""

    room: UUID
    head: int | None
    feature: str
    revision: int


class Moved(Protocol):
    """What a room is by now, where that is something else."""

    @property
    def head(self) -> int:
        """Its last seq; 0 if the room is gone."""

    @property
    def changed(self) -> bool:
        """Whether it is gone or its access changed."""


class LogReader(Protocol):
    """Reads rooms and their logs. Everything may raise the database's errors."""

    def find_room(self, language: str, key: str, person_pk: int | None) -> Awaitable[RoomPlace]:
        """Return a room that this person may read.

        Raises:
            Refused: `missing`, whether it does not exist or is not theirs to know of.
        """

    def latest(self, language: str, room: str, person_pk: int | None) -> Awaitable[Page]:
        """Return the newest page. Raises Refused as `find_room`; so do `after` and `before`."""

    def after(self, language: str, room: str | UUID, person_pk: int | None, seq: int, limit: int) -> Awaitable[Page]:
        """Return up to `limit` items after a seq."""

    def before(self, language: str, room: str | UUID, person_pk: int | None, seq: int, limit: int) -> Awaitable[Page]:
        """Return up to `limit` items before a seq."""

    def log_after(self, room: UUID, seq: int, limit: int) -> Awaitable[tuple[Sequence[tuple[int, bytes]], Access]]:
        """Return up to `limit` items after a seq as (seq, JSON), whoever may read them, and the room's access."""

    def access_of(self, room: UUID) -> Awaitable[Access | None]:
        """Return who may read a room, at a moment after this call; None if it is gone."""

    def moved(self, rooms: Sequence[Delivered]) -> Awaitable[Mapping[UUID, Moved]]:
        """Return those rooms that are not what this process takes them to be."""

    def readership_of(self, room: UUID) -> Awaitable[Readership | None]:
        """Return who may read a room now; None if it is gone."""


class Sessions(Protocol):
    """Knows who is signed in."""

    def authenticate(self, session: str | None, language: str) -> Awaitable[tuple[Person, Login] | None]:
        """Return whose session this is; None if nobody's."""

    def revocations(self) -> Awaitable[Mapping[int, str | int | None] | None]:
        """Return what ended logins lately: by its id, a session's key or an account's primary key.

        None where the database keeps no such list: then all logins are compared.
        """

    def prolong(self, sessions: Collection[str]) -> Awaitable[None]:
        """Prolong those of these sessions that are due: somebody is here by them."""

    def people(self, pks: Collection[int]) -> Awaitable[Mapping[int, Person]]:
        """Return who these people are now, by primary key; those whose account goes on."""

    def ended(self, logins: Iterable[Any]) -> Awaitable[Collection[Any]]:
        """Return those logins that no longer hold."""


class Activity(NamedTuple):
    """What somebody does besides reading, as every page of theirs shows it: the place in the queue, the live talks."""

    waiting: Waiting | None
    talks: tuple[Talk, ...]

    def without(self, room: str) -> Activity:
        """Return the same without the talk in a room."""
        return Activity(self.waiting, tuple(talk for talk in self.talks if talk.room != room))


IDLE: Final = Activity(None, ())


class Activities(Protocol):
    """Knows what people do."""

    def activity_of(self, person: Person | None) -> Awaitable[Activity]:
        """Return what somebody does, at a moment after this call."""


class Blocks(Protocol):
    """Knows whom people have blocked."""

    def blocks_of(self, person: Person | None) -> Awaitable[Sequence[str]]:
        """Return whom somebody has blocked, by public id, at a moment after this call."""


class Event(Protocol):
    """Something to be stored in a room's log. A capability makes it; its `Store` understands it."""

    tries: int  # how often another process took the seq that its words were sealed for

    @property
    def room(self) -> UUID:
        """The room's primary key."""

    @property
    def person(self) -> Person:
        """Who did it."""


class Committed(Struct, frozen=True):
    """The outcome of one event: where it stands in the log, and its item (None: an earlier try had stored it)."""

    seq: int
    at: str
    item: Item | None


class Stored(Protocol):
    """What one transaction stored."""

    @property
    def outcomes(self) -> Sequence[Committed | Refused | None]:
        """By event, in their order; None for an event that must be tried again."""

    @property
    def items(self) -> Mapping[UUID, Sequence[Item]]:
        """The new items of each room."""

    @property
    def heads(self) -> Mapping[UUID, int]:
        """The new head of each room with new items."""

    @property
    def access(self) -> Mapping[UUID, Access]:
        """Who may read the new items, by room."""

    @property
    def outrun(self) -> Mapping[UUID, int]:
        """The heads of those rooms in which another process was faster."""


#: Stores events in one transaction: the one way into the log. Is handed the events in the order in which they came, the
#: heads of closed rooms as far as this process knows them, and the rooms in which another process may be faster.
Store = Callable[[Sequence[Any], Mapping[UUID, int], Container[UUID]], Awaitable[Stored]]
