"""Reading on request: joins a room with its first page, and gives the pages that a client asks for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, cast
from uuid import UUID

import msgspec
from msgspec import UNSET

from chat.protocol import Access, Item, encode, replies
from chat.realtime.backfill import FILL_PAGE, Backfill
from chat.realtime.ports import LogReader
from chat.realtime.registry import Registry
from chat.realtime.streams import Stream, Subscriber

Permit = Callable[[str, str], None]


class Joining:
    """Joins and pages of one process.

    Args:
        log: reads the rooms' logs.
        registry: the streams.
        backfill: keeps them in step with the log.
        doubt: stops a stream until it is known who may read its room now.
        permit: asks the gate about a feature, in a language; raises Refused.
        show_count: shows a subscriber how many people are in its room.
        epoch: returns the epoch of the database.
        page: how many items the first page has.

    Attributes:
        on_join: is called with each stream and the subscriber that joined it.
    """

    def __init__(
        self,
        log: LogReader,
        registry: Registry,
        backfill: Backfill,
        doubt: Callable[[Stream], None],
        permit: Permit,
        show_count: Callable[[Stream, Subscriber], None],
        epoch: Callable[[], str],
        page: int,
    ) -> None:
        self._log = log
        self._registry = registry
        self._backfill = backfill
        self._doubt = doubt
        self._permit = permit
        self._show_count = show_count
        self._epoch = epoch
        self._page = page
        self.on_join: Callable[[Stream, Subscriber], None] = lambda _stream, _subscriber: None

    async def join(
        self, subscriber: Subscriber, ref: str, key: str, after: int | None, epoch: str | None = None
    ) -> None:
        """Answer `room.join`: items and head, and from then on everything that follows.

        Args:
            subscriber: who joins.
            ref: of the request.
            key: the room's public id.
            after: the last seq that the subscriber has; None for the newest page.
            epoch: in which it came to have that one, as far as it says so. In another one it means nothing.

        Raises:
            Refused: `missing` or `gate`.
        """
        with suppress(ValueError):
            key = str(UUID(key))  # a closed room goes by one spelling
        if key in subscriber.streams:  # a second join begins anew
            self._registry.leave(subscriber, subscriber.streams[key])
        had = after
        if after is not None and epoch is not None and epoch != self._epoch():
            after = None
        stream = await self._stream_of(subscriber, key)
        stream.expected += 1  # from here on nothing that is announced is missed
        try:
            head, found, more, access = await self._first_page(subscriber, stream, key, after)
            if after is not None and after > head:  # what the subscriber has is of another history
                after = None
                head, found, more, access = await self._first_page(subscriber, stream, key, None)
            self._permit(access.feature, subscriber.language)
            if subscriber.is_closed or self._registry.streams.get(stream.id) is not stream:  # forgotten meanwhile
                return
            subscription = stream.add(subscriber, subscriber.who)
            subscriber.streams[key] = stream
            if key != stream.key:
                stream.former[subscriber] = key
        finally:
            stream.expected -= 1
            self._registry.drop_unless_used(stream)
        subscription.sent = head if after is None else found[-1][0] if found else min(after, head)
        items = cast("list[Item]", [msgspec.Raw(encoded) for _seq, encoded in found])
        kind: Literal["open", "closed"] = "open" if access.is_open else "closed"
        reset = UNSET if had == after else True
        subscriber.say(replies.RoomJoined(ref, key, self._epoch(), kind, head, items, more, reset))
        self.on_join(stream, subscriber)
        if access != stream.access:
            self._doubt(stream)
        if not stream.doubts:
            self._registry.announce_move(stream, [subscriber])
            self._show_count(stream, subscriber)
        if after is not None and more:
            self._backfill.expect_sync(subscription)
        else:
            subscription.is_behind = False
            if stream.head is not None and subscription.sent < stream.head:
                self._backfill.catch_up(subscription)
        self._backfill.repair(stream, "join", head)

    async def _stream_of(self, subscriber: Subscriber, key: str) -> Stream:
        """Return the stream of a room, known here already or of a room that this person may read.

        Raises:
            Refused: `missing` or `gate`.
        """
        stream = self._registry.find(key)
        if stream is not None:
            self._permit(stream.feature, subscriber.language)
            return stream
        room = await self._log.find_room(subscriber.language, key, subscriber.pk)
        self._permit(room.access.feature, subscriber.language)
        return self._registry.open(room.id, room.key, room.access)

    async def _first_page(
        self, subscriber: Subscriber, stream: Stream, key: str, after: int | None
    ) -> tuple[int, list[tuple[int, bytes]], bool, Access]:
        """Return head, items, whether there are more, and the access under which this person may read them.

        The page comes from memory where the room still is as this process takes it to be, and that is open. Else the
        query that reads the page asks whether the person may read it.

        Raises:
            Refused: `missing`.
        """
        if stream.is_open and stream.page(after, self._page) is not None:
            access = await self._log.access_of(stream.id)
            found = stream.page(after, self._page)
            # The room may have been revalidated meanwhile: then it is closed, and agrees with the database.
            is_agreed = access is not None and access.is_open and access == stream.access and not stream.doubts
            if is_agreed and found is not None:
                assert stream.head is not None
                return stream.head, found, after is None and bool(found) and found[0][0] > 1, stream.access
        if after is None:
            page = await self._log.latest(subscriber.language, key, subscriber.pk)
        else:
            page = await self._log.after(subscriber.language, key, subscriber.pk, after, FILL_PAGE)
        found = [(item.seq, encode(item)) for item in page.items]
        # Many come into an open room; the two of a closed one would only fill the memory.
        is_run = not found or found[-1][0] - found[0][0] < len(found)
        stream.begin(page.head, found if after is None and is_run and page.access.is_open else ())
        return page.head, found, page.more, page.access

    async def resolve(self, subscriber: Subscriber, key: str) -> Stream:
        """Return a stream for a request in a room that the subscriber has not joined. Nothing is delivered by it.

        Raises:
            Refused: `missing` or `gate`.
        """
        room = await self._log.find_room(subscriber.language, key, subscriber.pk)
        self._permit(room.access.feature, subscriber.language)
        return Stream(room.id, room.key, room.access)

    async def read_after(self, subscriber: Subscriber, ref: str, key: str, after: int, limit: int) -> None:
        """Answer `room.sync` with `messages`; a subscriber who lags catches up by it.

        Raises:
            Refused: `missing` or `gate`.
        """
        stream = subscriber.streams.get(key)
        room = stream.id if stream else key  # what was locked meanwhile goes by another key now
        page = await self._log.after(subscriber.language, room, subscriber.pk, after, limit)
        if after > page.head:  # what the subscriber has is of another history
            page = await self._log.before(subscriber.language, room, subscriber.pk, page.head + 1, limit)
            self._answer(subscriber, ref, key, page, reset=True)
            return
        self._answer(subscriber, ref, key, page)
        subscription = stream.subscriptions.get(subscriber) if stream else None
        if subscription is None or not page.items:
            return
        if page.access != subscription.stream.access:
            self._doubt(subscription.stream)
        first, last = page.items[0].seq, page.items[-1].seq
        if first <= subscription.sent + 1 and last > subscription.sent:
            subscription.sent = last
        self._backfill.note_sync(subscription)
        if subscription.is_behind and not page.more:
            subscription.is_behind = False
            self._backfill.catch_up(subscription)

    async def read_before(self, subscriber: Subscriber, ref: str, key: str, before: int, limit: int) -> None:
        """Answer `room.history` with `messages`.

        Raises:
            Refused: `missing` or `gate`.
        """
        stream = subscriber.streams.get(key)
        room = stream.id if stream else key
        page = await self._log.before(subscriber.language, room, subscriber.pk, before, limit)
        self._answer(subscriber, ref, key, page)

    def _answer(self, subscriber: Subscriber, ref: str, key: str, page: Any, *, reset: bool = False) -> None:
        self._permit(page.access.feature, subscriber.language)
        subscriber.say(replies.Messages(key, page.items, ref, page.head, page.more, reset or UNSET))
