"""Who is here: the connections of this process, the people on them, and the rooms that it delivers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol
from uuid import UUID

from chat import metrics
from chat.protocol import Access, replies
from chat.protocol.replies import LeaveReason
from chat.realtime.ports import Activity, Login, Person
from chat.realtime.streams import Stream, Subscriber
from chat.realtime.transports import Frame


class Client(Subscriber, Protocol):
    """A connection, as far as the registry and the watches need to know it."""

    left: asyncio.Event  # set once it is cleaned up
    activity: Activity  # what it was last told that its person does

    def translate(self, text: str) -> str:
        """Return a text in the language of this connection."""

    @property
    def person(self) -> Person | None:
        """Who is on it; None for somebody who only reads."""

    @property
    def login(self) -> Login | None:
        """What keeps them signed in."""

    def know(self, person: Person) -> None:
        """Take note of the name and the role that its person has now."""


class Registry:
    """The tables of one process.

    Attributes:
        connections: all that were accepted and are not closed.
        people: the connections of each person, by primary key.
        streams: the rooms that somebody here reads, by primary key.
        on_unused: is called with a stream that nobody here reads any more.
        on_last_leave: is called with a person whose last connection went.
    """

    def __init__(self) -> None:
        self.connections: set[Client] = set()
        self.people: dict[int, set[Client]] = {}
        self.streams: dict[UUID, Stream] = {}
        self._open: dict[str, Stream] = {}  # open rooms, by public id
        self.on_unused: Callable[[Stream], None] = lambda _stream: None
        self.on_last_leave: Callable[[Person], None] = lambda _person: None

    def add(self, client: Client) -> None:
        """Add a connection that has been accepted."""
        self.connections.add(client)
        metrics.SOCKETS.set(len(self.connections))
        if client.person is not None:
            self.people.setdefault(client.person.pk, set()).add(client)

    def remove(self, client: Client) -> None:
        """Remove a connection, whatever state it is in. Never raises."""
        self.connections.discard(client)
        metrics.SOCKETS.set(len(self.connections))
        for stream in list(client.streams.values()):
            self.leave(client, stream)
        if client.person is not None:
            mine = self.people.get(client.person.pk, set())
            mine.discard(client)
            if not mine and self.people.pop(client.person.pk, None) is not None:
                self.on_last_leave(client.person)

    def know(self, person: Person) -> None:
        """Have each connection of a person take note of the name and the role that they have now."""
        for client in self.people.get(person.pk, ()):
            client.know(person)

    def find(self, key: str) -> Stream | None:
        """Return the stream of a room by its public id, if this process delivers it."""
        stream = self._open.get(key)
        if stream is None:
            try:
                stream = self.streams.get(UUID(key))
            except ValueError:
                return None
        return stream if stream is not None and stream.key == key else None

    def open(self, room: UUID, key: str, access: Access) -> Stream:
        """Return the stream of a room, made with its first use."""
        stream = self.streams.get(room)
        if stream is None:
            stream = self.streams[room] = Stream(room, key, access)
            metrics.ROOMS.set(len(self.streams))
        if stream.is_open:
            self._open[stream.key] = stream
        return stream

    def forget_key(self, stream: Stream) -> None:
        """Find a room under its present key no more: it gets another one."""
        self._open.pop(stream.key, None)

    def forget(self) -> None:
        """Forget all streams, with what they remember, also those that a join under way still holds."""
        for stream in list(self.streams.values()):
            for subscriber in list(stream.subscriptions):
                self.leave(subscriber, stream)
        self.streams.clear()
        self._open.clear()
        metrics.ROOMS.set(0)

    def leave(self, subscriber: Subscriber, stream: Stream) -> None:
        """Stop delivering a room to a subscriber."""
        stream.remove(subscriber, subscriber.who)
        for key in [key for key, mine in subscriber.streams.items() if mine is stream]:
            del subscriber.streams[key]
        self.drop_unless_used(stream)

    def drop_unless_used(self, stream: Stream) -> None:
        """Forget a stream that nobody here reads."""
        if not stream.in_use and self.streams.get(stream.id) is stream:
            del self.streams[stream.id]
            self._open = {key: known for key, known in self._open.items() if known is not stream}
            metrics.ROOMS.set(len(self.streams))
            self.on_unused(stream)

    def depart(
        self, room: UUID, people: Iterable[int], reason: LeaveReason, answered: Subscriber | None = None
    ) -> None:
        """Remove people who left a closed room, and say so on each of their connections but the `answered` one."""
        stream = self.streams.get(room)
        for pk in people:
            for client in list(self.people.get(pk, ())):
                key = stream.key_for(client) if stream is not None else str(room)
                if stream is not None:
                    self.leave(client, stream)
                client.activity = client.activity.without(str(room))
                if client is not answered:
                    client.say(replies.MatchLeft(key, reason))

    def send_to(self, pks: Iterable[int], payload: bytes, answered: Subscriber | None = None) -> None:
        """Send an encoded frame to every connection of these people but the `answered` one, in this process."""
        frame = Frame(payload)
        for pk in pks:
            for client in list(self.people.get(pk, ())):
                if client is not answered:
                    client.push(frame)

    def put_out(self, stream: Stream, subscriber: Subscriber, reason: LeaveReason) -> None:
        """Remove a subscriber from a room that has ended or whose feature is shut, and say so."""
        key = stream.key_for(subscriber)
        self.leave(subscriber, stream)
        subscriber.say(replies.MatchLeft(key, reason))

    @staticmethod
    def announce_move(stream: Stream, insiders: Iterable[Subscriber]) -> None:
        """Send the new public id of a locked room to those who know it by its former one.

        Args:
            stream: of the room; its access was just compared with the database's.
            insiders: subscribers who may read the room under that access. Nobody else learns the id.
        """
        for subscriber in insiders:
            if (key := stream.key_for(subscriber)) != stream.key:
                subscriber.say(replies.RoomMoved(key, stream.key))
