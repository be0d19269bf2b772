"""Keeps streams in step with the log: delivers items, repairs gaps, brings lagging subscribers up to date."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from chat import metrics
from chat.protocol import Access, Close, Refused, encode
from chat.realtime.clock import Clock
from chat.realtime.ports import Delivered, LogReader
from chat.realtime.publication import Hint, stored_at, time_of
from chat.realtime.registry import Registry
from chat.realtime.streams import Stream, Subscriber, Subscription, items_frame
from chat.realtime.transports import DRAIN_SECONDS, SOFT_BYTES

REPAIR_SECONDS = 0.03  # what is under way usually arrives within this time
SYNC_GRACE = 3.0  # a subscriber with `more` asks for it within this time; else it is sent unasked
TAKEN_SECONDS = 0.05  # how often to look whether a lagging subscriber has taken the last page
FILL_PAGE = 200

# Looked up once: by name each costs more than counting does.
_TAKEN, _ELSEWHERE = (metrics.HINTS.labels(outcome) for outcome in ("taken", "elsewhere"))


class Backfill:
    """Delivery of the rooms of one process.

    Args:
        log: reads the rooms' logs.
        registry: the streams.
        doubt: stops a stream until it is known who may read its room now.
        has_peers: whether other processes announce what they store.
        spawn: runs something beside.
        clock: of this process.
    """

    def __init__(
        self,
        log: LogReader,
        registry: Registry,
        doubt: Callable[[Stream], None],
        has_peers: Callable[[], bool],
        spawn: Callable[[Coroutine[Any, Any, Any]], Any],
        clock: Clock,
    ) -> None:
        self._log = log
        self._registry = registry
        self._doubt = doubt
        self._has_peers = has_peers
        self._spawn = spawn
        self._clock = clock
        self.gaps: deque[tuple[float, Stream, str]] = deque()  # until when, which room, and how it was noticed
        self._lagging: set[Subscription] = set()  # whom the log could not bring up to date when it was asked
        self.on_went_back: Callable[[], None] = lambda: None  # called where a log holds less than was delivered of it
        self.on_checked: Callable[[Stream], None] = lambda _stream: None  # called with each stream found as it was

    # --- delivery -----------------------------------------------------------------------------------------------

    def publish(self, stream: Stream, items: Iterable[tuple[int, bytes]], access: Access) -> int:
        """Deliver items of a room as far as nothing is missing; return how many were handed to subscribers.

        Args:
            stream: of the room.
            items: as (seq, JSON).
            access: under which they were stored or read. If it is not the one that the stream's subscribers are known
                to have, the items wait until the room is revalidated.
        """
        if not stream.fits(access):
            self._doubt(stream)
        handed = stream.publish(items, self.catch_up)
        if stream.contradicted:
            self._went_back(stream)
        if stream.has_hole():
            self.repair(stream, "hole", max(stream.ahead))
        return handed

    def on_hints(self, hints: Iterable[Hint]) -> None:
        """Take the hints of another process."""
        taken = elsewhere = handed = 0
        for hint in hints:
            stream = self._registry.streams.get(hint.room)
            if stream is None:
                elsewhere += 1
                continue
            stream.hinted = self._clock.monotonic()
            at = time_of(hint)
            if at is None or not hint.items:
                if not stream.fits(Access(hint.feature, hint.revision)):
                    self._doubt(stream)
                self.repair(stream, "hint", hint.head)
            else:
                if not taken:  # of one publication all are about as late
                    metrics.DELAYS.since("hint", at)
                taken += 1
                items = enumerate(hint.items, hint.head - len(hint.items) + 1)
                handed += self.publish(stream, items, Access(hint.feature, hint.revision))
        _TAKEN.inc(taken)
        _ELSEWHERE.inc(elsewhere)
        metrics.DELIVERIES.inc(handed)

    def forget(self) -> None:
        """Forget what was to be read: it is of an epoch that is over."""
        self.gaps.clear()
        self._lagging.clear()

    def _went_back(self, stream: Stream) -> None:
        if self._registry.streams.get(stream.id) is stream:  # else it is forgotten already
            self.on_went_back()

    def resume(self, stream: Stream) -> None:
        """Deliver what has waited for a revalidation."""
        metrics.DELIVERIES.inc(stream.publish((), self.catch_up))
        for subscription in list(stream.subscriptions.values()):
            if not subscription.is_behind:
                self.catch_up(subscription)
        if stream.has_hole():
            self.repair(stream, "hole", max(stream.ahead))
        self.repair(stream, "look", stream.due)

    # --- gaps ---------------------------------------------------------------------------------------------------

    def repair(self, stream: Stream, found_by: str, due: int) -> None:
        """Have a room's log read as far as it is known to go, unless that arrives by itself in a moment.

        Args:
            stream: of the room.
            found_by: how it was noticed: `hole`, `head_check`, `hint`, `join`, `reader` or `look`.
            due: a seq that the log is known to have.
        """
        stream.due = max(stream.due, due)
        if stream.is_repairing or stream.head is None or stream.head >= stream.due:
            return
        stream.is_repairing = True
        if found_by in ("hole", "head_check"):
            if not self.gaps:
                self._clock.call_later(REPAIR_SECONDS, self._repair_gaps)
            self.gaps.append((self._clock.monotonic() + REPAIR_SECONDS, stream, found_by))
        else:
            self._spawn(self._read_missing(stream, found_by))

    def _repair_gaps(self) -> None:
        """Read those logs of which nothing arrived in time. Where many write at once, most of it did."""
        now = self._clock.monotonic() + 0.001  # timers are no more exact than that
        while self.gaps and self.gaps[0][0] <= now:
            _until, stream, found_by = self.gaps.popleft()
            if stream.head is not None and stream.head < stream.due:
                self._spawn(self._read_missing(stream, found_by))
            else:
                stream.is_repairing = False
        if self.gaps:
            self._clock.call_later(self.gaps[0][0] - self._clock.monotonic(), self._repair_gaps)

    async def _read_missing(self, stream: Stream, found_by: str) -> None:
        try:
            while stream.in_use and self._registry.streams.get(stream.id) is stream:
                assert stream.head is not None
                before, due = stream.head, stream.due
                if before >= due:
                    return
                # The last event that was delivered is read again: where the log has another one there, it went back.
                items, access = await self._log.log_after(stream.id, max(before - 1, 0), FILL_PAGE)
                missing = [item for item in items if item[0] > before]
                if stream.head == before and missing:
                    self._count_repair(found_by, missing)
                metrics.DELIVERIES.inc(self.publish(stream, items, access))
                if stream.doubts or stream.contradicted:  # the revalidation that follows has the log read again
                    return
                if not missing and stream.due == due:  # what was announced after the reading had begun is read anew
                    return
        finally:
            stream.is_repairing = False

    def _count_repair(self, found_by: str, items: Sequence[tuple[int, bytes]]) -> None:
        metrics.REPAIRS.labels(found_by).inc()
        if found_by not in ("hint", "look") and self._has_peers():
            metrics.HINTS.labels("lost").inc()
        metrics.DELAYS.since("log", stored_at(items[0][1]))

    # --- lagging subscribers ------------------------------------------------------------------------------------

    def catch_up(self, subscription: Subscription) -> None:
        """Bring one subscriber to where the stream is, from memory if that reaches back far enough, else from the log.

        Called where the stream's access was just compared with the database's. A stream in doubt does it once it is
        revalidated.
        """
        stream, subscriber = subscription.stream, subscription.subscriber
        if stream.subscriptions.get(subscriber) is not subscription or stream.head is None or stream.doubts:
            return
        if subscription.sent >= stream.head:
            subscription.is_behind = False
            return
        remembered = stream.remembered(subscription.sent)
        if remembered is not None:
            subscription.is_behind = False
            subscription.sent = remembered[-1][0]
            subscriber.push(items_frame(stream.key_for(subscriber), [encoded for _seq, encoded in remembered]))
        else:
            subscription.is_behind = True
            self._spawn(self._fill(subscription))

    async def _fill(self, subscription: Subscription) -> None:
        stream, subscriber = subscription.stream, subscription.subscriber
        try:
            while (
                stream.subscriptions.get(subscriber) is subscription
                and stream.head is not None
                and subscription.sent < stream.head
            ):
                try:
                    page = await self._log.after("ja", stream.id, subscriber.pk, subscription.sent, FILL_PAGE)
                except Refused:  # not theirs to read any more
                    self._doubt(stream)
                    break
                fresh = [encode(item) for item in page.items if item.seq > subscription.sent]
                if not fresh or stream.subscriptions.get(subscriber) is not subscription:
                    break
                subscription.sent = page.items[-1].seq
                subscriber.push(items_frame(stream.key_for(subscriber), fresh))
                await self._until_taken(subscriber)
        finally:
            subscription.is_behind = False
            is_here = stream.subscriptions.get(subscriber) is subscription
            if stream.head is not None and subscription.sent < stream.head and is_here:
                self._lagging.add(subscription)
        self.repair(stream, "reader", subscription.sent)

    async def _until_taken(self, subscriber: Subscriber) -> None:
        """Wait until a subscriber has taken most of what was sent, so that a backfill costs one page of memory."""
        late = self._clock.monotonic() + DRAIN_SECONDS
        while subscriber.backlog > SOFT_BYTES and not subscriber.is_closed:
            if self._clock.monotonic() > late:
                await subscriber.close(Close.SLOW)
            await self._clock.sleep(TAKEN_SECONDS)

    def expect_sync(self, subscription: Subscription) -> None:
        """Send the rest unasked to a subscriber with `more` that does not ask for it in time."""
        self.note_sync(subscription)
        self._clock.call_later(SYNC_GRACE, self._send_unasked, subscription)

    def note_sync(self, subscription: Subscription) -> None:
        """Take note that a subscriber got a page that it asked for."""
        subscription.asked = self._clock.monotonic()

    def _send_unasked(self, subscription: Subscription) -> None:
        wait = subscription.asked + SYNC_GRACE - self._clock.monotonic()
        is_here = subscription.stream.subscriptions.get(subscription.subscriber) is subscription
        if subscription.is_behind and is_here:
            if wait > 0:  # it asks page by page: it goes on asking
                self._clock.call_later(wait, self._send_unasked, subscription)
            else:
                self._spawn(self._fill(subscription))

    # --- the head check -----------------------------------------------------------------------------------------

    async def check_heads(self) -> None:
        """Compare each delivered room with its log: news that no hint announced is noticed here."""
        if not self._registry.streams:
            return
        streams = list(self._registry.streams.values())
        delivered = [
            Delivered(stream.id, stream.head, stream.access.feature, stream.access.revision) for stream in streams
        ]
        moved = await self._log.moved(delivered)
        for stream, asked in zip(streams, delivered, strict=True):
            found = moved.get(stream.id)
            # A room that is gone has the head 0, and may have been erased.
            is_gone = found is not None and found.changed and not found.head
            if found is not None and asked.head is not None and found.head < asked.head and not is_gone:
                self._went_back(stream)
                return
            if stream.doubts or (found is not None and found.changed):
                stream.due = max(stream.due, found.head if found is not None else 0)
                self._doubt(stream)
            elif found is not None:
                self.repair(stream, "head_check", found.head)
            if stream.access == Access(asked.feature, asked.revision) and not stream.doubts:
                self.on_checked(stream)
        lagging, self._lagging = self._lagging, set()
        for subscription in lagging:
            if not subscription.is_behind and not subscription.stream.doubts:
                self.catch_up(subscription)
