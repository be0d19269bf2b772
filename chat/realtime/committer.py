"""Gathers events into batches, has each stored in one transaction, answers, and hands items to streams and peers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from django.utils import translation
from django.utils.translation import gettext as _

from chat import metrics
from chat.protocol import Access, Code, Refused, encode
from chat.realtime.clock import Clock
from chat.realtime.ports import Committed, Event, Store, Stored
from chat.realtime.streams import Stream

log = structlog.get_logger("todoke.hub")

BATCH = 256  # events per commit
GATHER_SECONDS = 0.001  # after a commit of several, before one of fewer
BUSY_SECONDS = 5.0  # after a hint about a room, another process is likely to write there again

Done = Callable[["Committed | Refused"], None]
Publish = Callable[[Stream, Iterable[tuple[int, bytes]], Access], int]
Hint = Callable[[UUID, int, Access, Sequence[bytes]], None]


class _Halted(Exception):
    """The database went back: whether something was stored is found out when it is sent again."""


class Committer:
    """One batch at a time; events that come meanwhile are the next one.

    Args:
        store: stores a batch.
        streams: the rooms that are delivered here.
        publish: delivers items to a stream; returns how many were handed to subscribers.
        hint: announces items to the other processes.
        clock: of this process.
    """

    def __init__(
        self, store: Store, streams: Mapping[UUID, Stream], publish: Publish, hint: Hint, clock: Clock
    ) -> None:
        self._store = store
        self._streams = streams
        self._publish = publish
        self._hint = hint
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._pending: list[tuple[Event, Done, float]] = []
        self._under_way: Sequence[tuple[Event, Done, float]] = ()
        self._outrun: Mapping[UUID, int] = {}  # heads of closed rooms in which another process was faster just now
        self.committing: asyncio.Task[None] | None = None
        self._epochs = 0  # how often it was told to forget
        self.is_halted: Callable[[], bool] = lambda: False  # whether it is not known what the database holds

    def forget(self) -> None:
        """Forget the heads of rooms: they are of an epoch that is over."""
        self._outrun = {}
        self._epochs += 1

    def post(self, event: Event, done: Done) -> None:
        """Have an event committed with whatever else arrives meanwhile; `done` is called after the commit."""
        self._pending.append((event, done, time.perf_counter()))
        self._commit_soon()

    def oldest_wait(self) -> float:
        """Return for how many seconds the oldest event waits that has no answer yet; 0 if none waits."""
        waiting = (*self._under_way[:1], *self._pending[:1])
        return time.perf_counter() - min(at for _event, _done, at in waiting) if waiting else 0.0

    def _commit_soon(self) -> None:
        if self.committing is None and self._pending:
            self.committing = self._loop.create_task(self._commit())

    async def _commit(self) -> None:
        try:
            while self._pending:
                batch, self._pending = self._pending[:BATCH], self._pending[BATCH:]
                self._under_way = batch
                await self._commit_batch(batch)
                self._under_way = ()
                # The results go out before the next batch competes for the interpreter. And where several people write
                # at once, those who were just answered write again in a moment: together they cost one commit, and one
                # write to each reader.
                await self._clock.sleep(GATHER_SECONDS if len(self._pending) < len(batch) > 1 else 0)
        finally:
            self.committing, self._under_way = None, ()
            self._commit_soon()

    async def _commit_batch(self, batch: Sequence[tuple[Event, Done, float]]) -> None:
        started, epochs = time.perf_counter(), self._epochs
        try:
            if self.is_halted():
                raise _Halted
            result = await self._store([event for event, _done, _at in batch], *self._known(batch))
            if self._epochs != epochs:  # it was stored in the history that is gone, or in the one that is there now
                raise _Halted
        except Exception:
            rooms = sorted({str(event.room) for event, _done, _at in batch})
            log.exception("hub.commit_failed", entries=len(batch), rooms=rooms)
            for event, done, _at in batch:
                with translation.override(event.person.language):
                    reason = _("The message could not be stored just now. It will be tried again.")
                self._answer(done, Refused(Code.UNAVAILABLE, reason, retry_after=1.0))
            return
        ended = time.perf_counter()
        again = []
        for waiting, outcome in zip(batch, result.outcomes, strict=True):
            if outcome is None:
                again.append(waiting)
            else:
                self._answer(waiting[1], outcome)
        self._try_again(again, result.outrun)
        handed = self._deliver(result)
        delivered = time.perf_counter()
        # Counted last: nobody waits for it.
        metrics.COMMITS.inc()
        metrics.BATCH.observe(len(batch))
        metrics.COMMIT_SECONDS.observe(ended - started)
        metrics.STORED.inc(sum(map(len, result.items.values())))
        metrics.DELIVERIES.inc(handed)
        metrics.DELAYS.observe("commit", [delivered - arrived for _event, _done, arrived in batch])

    def _known(self, batch: Sequence[tuple[Event, Done, float]]) -> tuple[dict[UUID, int], set[UUID]]:
        """Return the heads of the batch's closed rooms as far as they are known, and where others write, too."""
        heads: dict[UUID, int] = {}
        busy: set[UUID] = set()
        now = self._clock.monotonic()
        for event, _done, _at in batch:
            room = event.room
            stream = self._streams.get(room)
            if stream is not None and room not in heads and not stream.is_open:
                heads[room] = max(stream.due, *stream.ahead) if stream.ahead else stream.due
                if now - stream.hinted < BUSY_SECONDS:
                    busy.add(room)
        for room, head in self._outrun.items():
            heads[room] = max(head, heads.get(room, 0))
            busy.add(room)
        return heads, busy

    def _deliver(self, result: Stored) -> int:
        handed = 0
        for room, items in result.items.items():
            encoded = [encode(item) for item in items]
            access = result.access[room]
            if (stream := self._streams.get(room)) is not None:
                handed += self._publish(stream, zip([item.seq for item in items], encoded, strict=True), access)
            self._hint(room, result.heads[room], access, encoded)
        return handed

    def _try_again(self, waiting: Sequence[tuple[Event, Any, float]], heads: Mapping[UUID, int]) -> None:
        """Put events first into the next batch: another process took the seqs that their words were sealed for."""
        self._outrun = heads
        for event, _done, _at in waiting:
            event.tries += 1
        self._pending[:0] = waiting

    @staticmethod
    def _answer(done: Done, outcome: Committed | Refused) -> None:
        try:
            done(outcome)
        except Exception:
            log.exception("hub.receipt_failed")
