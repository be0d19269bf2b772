"""Shows subscribers what is stored nowhere: who is in a room now, and frames of one person for the others there."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import structlog
from msgspec import json

from chat.protocol import Reply, encode, replies
from chat.realtime.clock import Clock
from chat.realtime.ports import LogReader
from chat.realtime.publication import Ephemeral, Publication
from chat.realtime.registry import Registry
from chat.realtime.streams import Stream, Subscriber
from chat.realtime.transports import Frame

log = structlog.get_logger("todoke.hub")

PRESENCE_TTL = 30.0
REFRESH_SECONDS = 10  # how often counts are announced that did not change


class Presence:
    """Counts, and frames that are stored nowhere, in the rooms of one process.

    Args:
        log: knows who may read a room.
        registry: the streams.
        doubt: stops a stream until it is known who may read its room now.
        pending: returns what will be published to the other processes next.
        publish_soon: has it published.
        spawn: runs something beside.
        clock: of this process.
    """

    def __init__(
        self,
        log: LogReader,
        registry: Registry,
        doubt: Callable[[Stream], None],
        pending: Callable[[], Publication],
        publish_soon: Callable[[], None],
        spawn: Callable[[Coroutine[Any, Any, Any]], Any],
        clock: Clock,
    ) -> None:
        self._log = log
        self._registry = registry
        self._doubt = doubt
        self._pending = pending
        self._publish_soon = publish_soon
        self._spawn = spawn
        self._clock = clock

    def people_in(self, stream: Stream | None) -> int:
        """Return how many people are in an open room now, as far as this process knows; 0 for a closed one."""
        return stream.count(self._clock.monotonic(), PRESENCE_TTL) if stream and stream.is_open else 0

    def gather(self) -> None:
        """Put the counts that changed into the next publication; every ten seconds, all of them."""
        is_refresh = int(self._clock.monotonic()) % REFRESH_SECONDS == 0
        for stream in list(self._registry.streams.values()):
            if is_refresh or stream.announced != len(stream.people):
                stream.announced = len(stream.people)
                self._pending().presence.append((stream.id, len(stream.people)))

    def emptied(self, stream: Stream) -> None:
        """Announce that nobody here is in a room any more: nobody will say so later."""
        if stream.announced:
            self._pending().presence.append((stream.id, 0))
            self._publish_soon()

    def announce_all(self) -> None:
        """Announce all counts again: another process has just come."""
        for stream in self._registry.streams.values():
            stream.announced = 0

    def on_counts(self, sender: str, counts: Iterable[tuple[Any, int]]) -> None:
        """Take the counts of another process."""
        now = self._clock.monotonic()
        for room, count in counts:
            if (stream := self._registry.streams.get(room)) is not None:
                stream.elsewhere[sender] = (count, now)

    def show(self, stream: Stream) -> None:
        """Show the subscribers of a room how many people are in it, if that changed."""
        count = stream.count(self._clock.monotonic(), PRESENCE_TTL)
        if count != stream.shown:
            stream.shown = count
            self._send(stream, lambda key: encode(replies.Presence(key, count)), stream.subscriptions)

    def show_to(self, stream: Stream, subscriber: Subscriber) -> None:
        """Show one subscriber how many people are in a room."""
        count = stream.count(self._clock.monotonic(), PRESENCE_TTL)
        self._send(stream, lambda key: encode(replies.Presence(key, count)), [subscriber])

    @staticmethod
    def _send(stream: Stream, frame: Callable[[str], bytes], subscribers: Iterable[Subscriber]) -> None:
        """Send subscribers of a room a frame that may be dropped where somebody is slow.

        Args:
            stream: of the room.
            frame: makes its JSON from the key under which a subscriber knows the room.
            subscribers: who gets it.
        """
        frames: dict[str, Frame] = {}
        for subscriber in list(subscribers):
            key = stream.key_for(subscriber)
            if key not in frames:
                frames[key] = Frame(frame(key), ephemeral=True)
            subscriber.push(frames[key])

    # --- frames that are stored nowhere ---------------------------------------------------------------------------

    def show_others(self, subscriber: Subscriber, stream: Stream, reply: Reply) -> None:
        """Show a frame to the other people in a room, in every process. It is stored nowhere, and may be lost.

        The database is asked first who may read the room. Nothing is shown of somebody who has left the room since, of
        somebody without a name, or while the database does not answer.

        Args:
            subscriber: whose frame it is. None of their person's connections gets it.
            stream: of the room, as the handler was given it: one that the subscriber has joined, or a room that their
                person may read under the stream's access.
            reply: the frame, with a field `room`; each subscriber gets it with their own key of the room.

        Raises:
            TypeError: the frame has no field `room`.
        """
        if "room" not in reply.__struct_fields__:
            raise TypeError(f"{type(reply).__name__} names no room")
        if subscriber.pk is not None:
            self._spawn(self._show_others(subscriber, stream, subscriber.pk, encode(reply)))

    async def _show_others(self, subscriber: Subscriber, stream: Stream, person: int, frame: bytes) -> None:
        try:
            access = await self._log.access_of(stream.id)
        except Exception as error:  # noqa: BLE001 -- it is not worth more than a try
            log.debug("hub.ephemeral_unshown", error=type(error).__name__)
            return
        here = self._registry.streams.get(stream.id)
        if here is not None and here.access != access:
            self._doubt(here)
        if access != stream.access or (here is stream and subscriber not in stream.subscriptions):
            return
        ephemeral = Ephemeral(stream.id, stream.access.revision, person, frame)
        if here is not None and not here.doubts:
            self._show_ephemeral(here, ephemeral)
        self._pending().ephemerals.append(ephemeral)
        self._publish_soon()

    def on_ephemeral(self, ephemeral: Ephemeral) -> None:
        """Show a frame of somebody who is connected to another process."""
        stream = self._registry.streams.get(ephemeral.room)
        if stream is not None and not stream.doubts and ephemeral.revision == stream.access.revision:
            self._show_ephemeral(stream, ephemeral)

    def _show_ephemeral(self, stream: Stream, ephemeral: Ephemeral) -> None:
        others = [subscriber for subscriber in stream.subscriptions if subscriber.pk != ephemeral.person]
        fields: dict[str, Any] = json.decode(ephemeral.frame)  # in their order, of whatever kind the frame is
        self._send(stream, lambda key: encode(fields | {"room": key}), others)
