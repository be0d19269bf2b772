"""Tells the open pages of a room at once when their person may write there no more, or again.

What each page was last told is remembered here; what is true stands in the database. A restriction of the room and an
act on somebody make this process look at once; an act that ends by the clock is looked at when it does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.utils import timezone
from msgspec import UNSET

from chat.db import run_in_executor
from chat.messages.posting import FREELY, Reader, Writing, writing_of
from chat.people import network_digest
from chat.protocol import replies
from chat.protocol.requests import RoomWriting
from chat.realtime import Connection, Parts, Stream, Subscriber, Way, every, handles, on_join, on_room_changed

_Place = tuple[Connection, UUID]


@dataclass(slots=True)
class _Told:
    """What a process remembers.

    Attributes:
        said: what each page was told last, by connection and room, where that is not `FREELY`.
        due: which pages are looked at next.
        is_telling: whether that is under way.
    """

    said: dict[_Place, Writing] = field(default_factory=dict)
    due: set[_Place] = field(default_factory=set)
    is_telling: bool = False


@every(1.0)
async def tell_pages(parts: Parts) -> None:
    """Tell whoever came lately, and those for whom something has ended by the clock."""
    told, now = parts.state(_Told), timezone.now()
    told.said = {place: said for place, said in told.said.items() if _stream(parts, place) is not None}
    told.due.update(place for place, said in told.said.items() if said.until is not None and said.until <= now)
    await _tell(parts, told)


@on_join
def enter(parts: Parts, stream: Stream, subscriber: Subscriber) -> None:
    """Look at somebody who has joined a room, together with the others of this second: most pages know already."""
    if isinstance(subscriber, Connection):
        parts.state(_Told).due.add((subscriber, stream.id))


@on_room_changed
def look_at_room(parts: Parts, stream: Stream) -> None:
    """Look at everybody in an open room: its keepers may have restricted who writes. In a closed one nobody does."""
    if stream.is_open:
        _look(parts, [(each, stream.id) for each in stream.subscriptions if isinstance(each, Connection)])


def look_at_people(parts: Parts, pks: Collection[int], *, guests: bool = False) -> None:
    """Look at people in every room that they have open here: something was done about them, or lifted.

    Args:
        parts: of this process.
        pks: the people.
        guests: whether all guests are looked at: what was done to one of them may hold for a network.
    """
    clients = {client for pk in pks for client in parts.registry.people.get(pk, ())}
    if guests:
        clients |= {each for each in parts.registry.connections if each.person is not None and each.person.guest}
    _look(
        parts,
        [
            (client, stream.id)
            for client in clients
            if isinstance(client, Connection)
            for stream in client.streams.values()
        ],
    )


@handles(RoomWriting, answer=replies.Writing, way=Way.IN_ROOM, rate="read")
async def ask(connection: Connection, request: RoomWriting, stream: Stream) -> None:
    """Say whether somebody may write in a room now."""
    reader = _reader((connection, stream.id))
    found = await run_in_executor(connection.language, writing_of, [reader])
    _say(connection.parts.state(_Told), (connection, stream.id), found.get(reader, FREELY), request.room, request.ref)


def _look(parts: Parts, places: Iterable[_Place]) -> None:
    told = parts.state(_Told)
    told.due.update(places)
    if told.due and not told.is_telling:
        parts.tasks.spawn(_tell(parts, told))


async def _tell(parts: Parts, told: _Told) -> None:
    if told.is_telling:
        return
    told.is_telling = True
    try:
        while told.due:
            asked, told.due = told.due, set()
            readers = {place: _reader(place) for place in asked if _stream(parts, place) is not None}
            try:
                found = await run_in_executor("ja", writing_of, set(readers.values())) if readers else {}
            except BaseException:
                told.due |= asked  # the next second asks again
                raise
            for place, reader in readers.items():
                stream, writing = _stream(parts, place), found.get(reader)
                if stream is None or writing is None or place in told.due:  # it changed again meanwhile
                    continue
                if told.said.get(place, FREELY) != writing:
                    _say(told, place, writing, stream.key_for(place[0]))
    finally:
        told.is_telling = False


def _say(told: _Told, place: _Place, writing: Writing, room: str, ref: str | None = None) -> None:
    if writing == FREELY:
        told.said.pop(place, None)
    else:
        told.said[place] = writing
    place[0].say(
        replies.Writing(
            room,
            UNSET if ref is None else ref,
            writing.reason or UNSET,
            writing.until.isoformat() if writing.until else UNSET,
            str(writing.act) if writing.act else UNSET,
            writing.slow,
        )
    )


def _stream(parts: Parts, place: _Place) -> Stream | None:
    """Return the stream of a page's room while the page reads it."""
    connection, room = place
    stream = parts.registry.streams.get(room)
    return stream if stream is not None and connection in stream.subscriptions else None


def _reader(place: _Place) -> Reader:
    connection, room = place
    person = connection.person
    digest = network_digest(connection.address) if person is not None and person.guest else None
    return Reader(room, person.pk if person is not None else None, digest, connection.language)
