"""What people do with rooms over a connection: join, leave, read, and show that they are writing."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.utils.translation import gettext_noop as _

from chat.db import run_in_executor
from chat.people import Person
from chat.protocol import Author, Code, Refused
from chat.protocol.replies import MatchLeft, Messages, RoomJoined, RoomLeft, SomebodyTyping
from chat.protocol.requests import MatchLeave, RoomHistory, RoomJoin, RoomLeave, RoomSync, Typing
from chat.realtime import Connection, Stream, Way, handles
from chat.rooms.closed import leave_room
from compliance.law import Feature


@handles(RoomJoin, answer=RoomJoined, rate="join", asks_gate=True)
async def join(connection: Connection, request: RoomJoin) -> None:
    """Receive a room's events."""
    most = connection.parts.options.limits["rooms_per_socket"]
    if len(connection.streams) >= most and request.room not in connection.streams:
        raise Refused(Code.RATE, connection.translate(_("Too many rooms at once. Leave one first.")))
    await connection.parts.joining.join(connection, request.ref, request.room, request.after, request.epoch)


@handles(RoomLeave, answer=RoomLeft, feature=Feature.SERVICE)
async def leave(connection: Connection, request: RoomLeave) -> None:
    """Stop receiving them."""
    stream = connection.streams.get(request.room)
    if stream is None:
        raise Refused(Code.MISSING, connection.translate(_("You are not in this room.")))
    connection.parts.registry.leave(connection, stream)
    connection.say(RoomLeft(request.ref, request.room))


@handles(RoomSync, answer=Messages, rate="read", asks_gate=True)
async def sync(connection: Connection, request: RoomSync) -> None:
    """Read events after a seq."""
    parts = connection.parts
    limit = request.limit or int(parts.options.limits["page_most"])
    await parts.joining.read_after(connection, request.ref, request.room, request.after, limit)


@handles(RoomHistory, answer=Messages, rate="read", asks_gate=True)
async def history(connection: Connection, request: RoomHistory) -> None:
    """Read events before a seq."""
    parts = connection.parts
    limit = request.limit or int(parts.options.limits["page"])
    await parts.joining.read_before(connection, request.ref, request.room, request.before, limit)


@handles(Typing, answer=None, way=Way.SIGNALS, rate="typing", takes_person=True)
def typing(connection: Connection, request: Typing, stream: Stream) -> None:
    """Show the others in a room that somebody is writing."""
    person = connection.signed_in()
    connection.parts.presence.show_others(
        connection, stream, SomebodyTyping(request.room, Author(person.id, person.name))
    )


@handles(MatchLeave, answer=MatchLeft, feature=Feature.SERVICE, takes_person=True)
async def leave_closed(connection: Connection, request: MatchLeave) -> None:
    """Leave a closed room. A talk into which two people were paired ends with it for both.

    Raises:
        Refused: `missing`.
    """
    person, parts = cast("Person", connection.signed_in()), connection.parts
    try:
        room = UUID(request.room)
    except ValueError:
        text = _("There is no such talk, or you are not in it.")
        raise Refused(Code.MISSING, connection.translate(text)) from None
    is_here = str(room) in connection.streams
    ended = await run_in_executor(connection.language, leave_room, person=person, room=room, is_here=is_here)
    parts.depart(room, [person.pk], "left", answered=connection)
    parts.depart(room, [pk for pk in ended.people if pk != person.pk], "partner_left", answered=connection)
    connection.say(MatchLeft(request.room, "left", request.ref))
    parts.revalidate(room)
    parts.moved(ended.people)
