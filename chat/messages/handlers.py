"""What people do with messages over a connection: post, edit, delete, restore, and say how far they have read."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from django.utils import translation
from msgspec import UNSET

from chat.db import run_in_executor
from chat.messages.composers import look_at_people
from chat.messages.events import NewEvent, clean
from chat.messages.service import mark_seen
from chat.models import REASON_LENGTH, Message, Role
from chat.people import Origins, network_digest
from chat.protocol import Code, Refused
from chat.protocol.replies import MessageAccepted
from chat.protocol.requests import MessageDelete, MessageEdit, MessagePost, MessageRestore, RoomSeen
from chat.realtime import Committed, Connection, Stream, Way, handles


@dataclass(slots=True)
class _Kept:
    """Which rooms people were found to keep, as this process remembers it: optimistic, the store checks it."""

    rooms: set[tuple[UUID, int]] = field(default_factory=set)


@handles(MessagePost, answer=MessageAccepted, way=Way.WRITES, rate="post", takes_person=True)
def post(connection: Connection, request: MessagePost, stream: Stream) -> None:
    """Post a message."""
    body = _clean(connection, request.body)
    client_id, written = UUID(request.client_id), request.client_id
    person = connection.signed_in()
    event = NewEvent(
        stream.id,
        person,
        Message.Kind.MESSAGE,
        body,
        client_id,
        None if written == str(client_id) else written,
        request.reply_to,
        feature=stream.feature,
        role=Role.KEEPER.value if (stream.id, person.pk) in connection.parts.state(_Kept).rooms else None,
        origin=_origin(connection),
    )
    _commit(connection, request, event)


@handles(MessageEdit, answer=MessageAccepted, way=Way.WRITES, rate="post", takes_person=True)
def edit(connection: Connection, request: MessageEdit, stream: Stream) -> None:
    """Give a message another body."""
    body = _clean(connection, request.body)
    event = NewEvent(stream.id, connection.signed_in(), Message.Kind.EDIT, body, target=request.seq)
    event.origin = _origin(connection)
    _commit(connection, request, event)


@handles(MessageDelete, answer=MessageAccepted, way=Way.WRITES, rate="post", takes_person=True)
def delete(connection: Connection, request: MessageDelete, stream: Stream) -> None:
    """Delete a message; keepers and staff remove somebody else's, and say why."""
    before = frozenset() if stream.is_open else frozenset(each.pk for each in stream.subscriptions if each.pk)
    event = NewEvent(stream.id, connection.signed_in(), Message.Kind.DELETE, target=request.seq, before=before)
    event.reason = "".join(filter(str.isprintable, " ".join((request.body or "").split())))[:REASON_LENGTH]
    event.rule = request.rule or ""
    _commit(connection, request, event)


@handles(MessageRestore, answer=MessageAccepted, way=Way.WRITES, rate="post", takes_person=True)
def restore(connection: Connection, request: MessageRestore, stream: Stream) -> None:
    """Give a removed message its words back."""
    event = NewEvent(stream.id, connection.signed_in(), Message.Kind.EDIT, target=request.seq, restores=True)
    _commit(connection, request, event)


@handles(RoomSeen, answer=None, way=Way.IN_ROOM)
async def seen(connection: Connection, request: RoomSeen, stream: Stream) -> None:
    """Take note of how far somebody has read in a closed talk."""
    if connection.person is not None and not stream.is_open:
        await run_in_executor(connection.language, mark_seen, person=connection.person, room=stream.id, seq=request.seq)


def _clean(connection: Connection, body: str) -> str:
    try:
        return clean(body)
    except Refused:  # as few are: choosing a language costs more than cleaning
        with translation.override(connection.language):
            return clean(body)


def _origin(connection: Connection) -> str | None:
    """Return the digest of a guest's network, and have this process remember it for a day: no act may need it."""
    person = connection.person
    if person is None or not person.guest:
        return None
    digest = network_digest(connection.address)
    connection.parts.state(Origins).remember(person.pk, digest)
    return digest


def _commit(
    connection: Connection, request: MessagePost | MessageEdit | MessageDelete | MessageRestore, event: NewEvent
) -> None:
    ref, room = request.ref, request.room
    client_id = request.client_id if isinstance(request, MessagePost) else UNSET

    def done(outcome: Committed | Refused) -> None:
        if event.person is not connection.person:  # whoever stored it has found another name
            connection.parts.registry.know(event.person)
        if event.role is not None:
            kept, place = connection.parts.state(_Kept).rooms, (event.room, event.person.pk)
            (kept.add if event.role == Role.KEEPER else kept.discard)(place)
        if isinstance(outcome, Refused):
            connection.refuse(outcome, ref=ref, room=room)
            if outcome.code is Code.FORBIDDEN:  # the page may not know yet what speaks against it
                look_at_people(connection.parts, [event.person.pk])
        else:
            connection.say(MessageAccepted(ref, room, outcome.seq, outcome.at, client_id))

    connection.parts.committer.post(event, done)
