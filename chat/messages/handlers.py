"""What people do with messages over a connection: post, edit, delete, and say how far they have read."""

from __future__ import annotations

from uuid import UUID

from django.utils import translation
from msgspec import UNSET

from chat.db import run_in_executor
from chat.messages.events import NewEvent, clean
from chat.messages.service import mark_seen
from chat.models import Message
from chat.protocol import Refused
from chat.protocol.replies import MessageAccepted
from chat.protocol.requests import MessageDelete, MessageEdit, MessagePost, RoomSeen
from chat.realtime import Committed, Connection, Stream, Way, handles


@handles(MessagePost, answer=MessageAccepted, way=Way.WRITES, rate="post", takes_person=True)
def post(connection: Connection, request: MessagePost, stream: Stream) -> None:
    """Post a message."""
    body = _clean(connection, request.body)
    client_id, written = UUID(request.client_id), request.client_id
    event = NewEvent(
        stream.id,
        connection.signed_in(),
        Message.Kind.MESSAGE,
        body,
        client_id,
        None if written == str(client_id) else written,
        request.reply_to,
        feature=stream.feature,
    )
    _commit(connection, request, event)


@handles(MessageEdit, answer=MessageAccepted, way=Way.WRITES, rate="post", takes_person=True)
def edit(connection: Connection, request: MessageEdit, stream: Stream) -> None:
    """Give a message another body."""
    body = _clean(connection, request.body)
    event = NewEvent(stream.id, connection.signed_in(), Message.Kind.EDIT, body, target=request.seq)
    _commit(connection, request, event)


@handles(MessageDelete, answer=MessageAccepted, way=Way.WRITES, rate="post", takes_person=True)
def delete(connection: Connection, request: MessageDelete, stream: Stream) -> None:
    """Delete a message."""
    before = frozenset() if stream.is_open else frozenset(each.pk for each in stream.subscriptions if each.pk)
    event = NewEvent(stream.id, connection.signed_in(), Message.Kind.DELETE, target=request.seq, before=before)
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


def _commit(connection: Connection, request: MessagePost | MessageEdit | MessageDelete, event: NewEvent) -> None:
    ref, room = request.ref, request.room
    client_id = request.client_id if isinstance(request, MessagePost) else UNSET

    def done(outcome: Committed | Refused) -> None:
        if event.person is not connection.person:  # whoever stored it has found another name
            connection.parts.registry.know(event.person)
        if isinstance(outcome, Refused):
            connection.refuse(outcome, ref=ref, room=room)
        else:
            connection.say(MessageAccepted(ref, room, outcome.seq, outcome.at, client_id))

    connection.parts.committer.post(event, done)
