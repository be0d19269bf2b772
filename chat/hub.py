"""Batch in, commit, hint, fan out: one hub per process, and the only user of the channel layer.

The database is the log; what goes through the layer is a hint that may be lost, doubled or late. Every loop here
survives the outage of what it talks to.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Coroutine, Hashable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import msgspec
import structlog
from channels.layers import get_channel_layer
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from chat import matching, messages, metrics, queries
from chat.appender import Appender
from chat.feeds import Feed, Reader, items_frame
from chat.logins import Logins
from chat.messages import Entry, Stored
from chat.offload import offload, renew
from chat.outlets import DRAIN_SECONDS, SOFT_BYTES, Frame, Write, send_all
from chat.throttle import Rate, Throttle
from chat.wire import Close, Code, Item, Refused, encode_bytes
from compliance import gate
from compliance.law import Feature

if TYPE_CHECKING:
    from chat.consumers import Socket
    from chat.queries import Page, Person

log = structlog.get_logger("todoke.hub")

GROUP = "todoke.hints"
BATCH = 256  # entries per commit
GATHER_SECONDS = 0.001  # after a commit of several, before one of fewer
FLUSH = 25  # sockets whose writes are prepared before they are made: enough to gain by it, and nobody waits for all
HINT_BYTES = 16 * 1024  # a larger batch is announced by its head only
GATE_SECONDS = 0.4
HEAD_SECONDS = 1.0
LOGIN_SECONDS = 2.0
ALL_LOGINS_SECONDS = 60.0  # a session that expires tells nobody
PRESENCE_SECONDS = 1.0
MATCH_SECONDS = 1.0
PRESENCE_TTL = 30.0
TRUST_SECONDS = 10.0  # how long the last look at the gate counts while the database does not answer
REPAIR_SECONDS = 0.03  # what is under way usually arrives within this time
SYNC_GRACE = 3.0  # a reader who was told `more` asks for it; if not, it is sent unasked
TELL_SECONDS = 2.0  # how long one publication may take before it counts as lost
ALONE_SECONDS = 5.0  # who has heard nobody else for so long is alone: every process speaks each second
DEAF_SECONDS = 10.0  # without our own echo for so long, the connection to the layer is made anew
GOODBYE_SECONDS = 1.5  # for the last commit, and again for the goodbyes
TAKEN_SECONDS = 0.05  # how often to look whether a reader who catches up has taken the last page
SEEK_GRACE = 5.0  # somebody whose last socket went keeps their place in the queue this long
FILL_PAGE = 200
UNREAD = 2**62  # stands for the head of a feed whose first reader still waits for the log

Done = Callable[["Stored | Refused"], None]
LoginEnds = dict[int, str | int | None]
T = TypeVar("T")


class Hint(msgspec.Struct, omit_defaults=True, array_like=True):
    """What one process tells the others about a room: the new head, and the items up to it as JSON, if not too long."""

    room: UUID
    head: int
    items: list[bytes] | None = None


class Told(msgspec.Struct, omit_defaults=True):
    """One publication: all that happened since the last one."""

    hints: list[Hint] = []
    people: list[tuple[list[int], str]] = []
    typing: list[tuple[UUID, int, str]] = []
    presence: list[tuple[UUID, int]] = []
    look: list[UUID] = []


_told_decoder = msgspec.msgpack.Decoder(Told)
_told_encoder = msgspec.msgpack.Encoder()


class _Stamp(msgspec.Struct):
    at: datetime


_stamp_decoder = msgspec.json.Decoder(_Stamp)

# Looked up once: by name each costs more than counting does.
_TAKEN, _ELSEWHERE = (metrics.HINTS.labels(outcome) for outcome in ("taken", "elsewhere"))


class Hub:
    """Everything this process delivers, and the loops that keep it true."""

    def __init__(self) -> None:
        self.instance = uuid.uuid4()
        self.loop = asyncio.get_running_loop()
        self.sockets: set[Socket] = set()
        self.feeds: dict[UUID, Feed] = {}
        self._open_feeds: dict[str, Feed] = {}  # by the room's public id
        self.people: dict[int, set[Socket]] = {}
        self.seeking: set[int] = set()
        self.gate = gate.unreachable()
        self.draining = False
        self.layer_up = False
        self.database_up = False
        self.throttles = {
            name: Throttle(Rate(burst, per_second)) for name, (burst, per_second) in settings.CHAT_RATES.items()
        }
        self._gate_seen = -TRUST_SECONDS
        self._beating: asyncio.Task[gate.Snapshot] | None = None
        self._renewing = False
        self._features: dict[str, dict[str, dict[str, Any]]] = {}
        self._pending: list[tuple[Entry, Done, float]] = []
        self._committing: asyncio.Task[None] | None = None
        self.logins = Logins()
        self._appender = Appender()
        self.due: list[Socket] = []  # to be flushed at the end of this turn of the loop
        self._name = str(self.instance)
        self._told = Told()
        self._telling: asyncio.Task[None] | None = None
        self._echo = 0.0
        self._company = time.monotonic()  # when another process was last heard, or could have been missed
        self._lacking: deque[tuple[float, Feed, str]] = deque()  # until when, which room, and how it was noticed
        self._stragglers: set[Reader] = set()  # whom the log could not bring up to date when it was asked
        self._tasks: set[asyncio.Task[Any]] = set()
        self._layer: Any = None
        self._refusals_written = time.monotonic()
        # What ended logins, as read the time before last and the last time: who comes just then is asked about, too.
        self._ends: tuple[LoginEnds, LoginEnds] = ({}, {})
        self._ends_read = self._all_logins_seen = 0.0

    # --- life ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Look at the gate once, then start the loops."""
        await self._look_at_gate()
        # The in-memory layer reaches nobody but this process, which needs no hint of its own doing.
        if settings.REDIS_URL:
            self._layer = get_channel_layer()
            self.spawn(self._listen())
        for period, step in (
            (GATE_SECONDS, self._look_at_gate),
            (HEAD_SECONDS, self._check_heads),
            (LOGIN_SECONDS, self._check_logins),
            (PRESENCE_SECONDS, self._show_presence),
            (MATCH_SECONDS, self._keep_matching),
        ):
            self.spawn(self._every(period, step))
        with suppress(Exception):  # while the database is away, the first message connects
            async with asyncio.timeout(HEAD_SECONDS):
                await self._appender.prepare()
        log.info("hub.started", instance=str(self.instance))

    async def drain(self) -> None:
        """Finish pending commits, say goodbye to every socket, wait for them to go, leave."""
        if self.draining:
            return
        self.draining = True
        log.info("hub.draining", sockets=len(self.sockets))
        if self._committing is not None:
            await asyncio.wait({self._committing}, timeout=GOODBYE_SECONDS)
        sockets = list(self.sockets)
        # Who comes back comes back spread out: about 500 a second.
        spread = 1.0 + len(sockets) / 500
        for socket in sockets:
            self.spawn(socket.close(Close.DRAINING, retry_after=round(random.uniform(0.1, spread), 2)))  # noqa: S311
        if sockets:
            left = [self.loop.create_task(socket.left.wait()) for socket in sockets]
            await asyncio.wait(left, timeout=GOODBYE_SECONDS)
        if self.database_up:
            for step in (gate.write_refusals, partial(gate.farewell, self.instance)):
                with suppress(Exception):
                    await offload("ja", step)
        for task in list(self._tasks):
            task.cancel()
        self.release()
        log.info("hub.drained")

    def release(self) -> None:
        """Let go of the hub's own connections to the database."""
        self._appender.close()
        self.logins.close()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run something beside the loops, kept alive until it ends."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("hub.task_failed", error=type(error).__name__, exc_info=error)

    async def _every(self, period: float, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            await asyncio.sleep(period)
            try:
                await step()
            except Exception:
                # One failed look (most often: the database is away) must not end the loop that would see it come back.
                log.warning("hub.step_failed", step=step.__name__, exc_info=True)

    # --- sockets ------------------------------------------------------------------------------------------------

    def add(self, socket: Socket) -> None:
        """Take in a socket that has been accepted."""
        self.sockets.add(socket)
        metrics.SOCKETS.set(len(self.sockets))
        if socket.person is not None:
            self.people.setdefault(socket.person.pk, set()).add(socket)

    def remove(self, socket: Socket) -> None:
        """Let a socket go, whatever state it is in. Never raises."""
        self.sockets.discard(socket)
        metrics.SOCKETS.set(len(self.sockets))
        for feed in list(socket.feeds.values()):
            self.leave(socket, feed)
        if socket.person is not None:
            mine = self.people.get(socket.person.pk, set())
            mine.discard(socket)
            if not mine:
                self.people.pop(socket.person.pk, None)
                if socket.person.pk in self.seeking and not self.draining:
                    self.spawn(self._forget_seeker(socket.person))

    def flush_soon(self) -> None:
        """Have the sockets that are `due` flushed at the end of this event-loop turn."""
        self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        sockets = list(self.due)
        self.due.clear()
        for at in range(0, len(sockets), FLUSH):
            writes: list[Write] = []
            for socket in sockets[at : at + FLUSH]:
                socket.is_due = False
                try:
                    socket.outlet.flush(writes)
                except Exception as error:  # noqa: BLE001 -- a transport in pieces is its own socket's trouble only
                    log.warning("hub.flush_failed", error=type(error).__name__)
                    socket.gone()
            send_all(writes)

    def features(self, language: str) -> dict[str, dict[str, Any]]:
        """Return the decision on each feature, as `welcome` and `gate.changed` show it."""
        return self._features.get(language) or gate.on_the_wire(self.gate, language)

    def to_people(self, pks: Iterable[int], frame: dict[str, Any]) -> None:
        """Send a frame to every socket of these people, in every process."""
        pks = list(pks)
        payload = encode_bytes(frame)
        self._to_local_people(pks, payload)
        self._told.people.append((pks, payload.decode()))
        self._tell_soon()

    def _to_local_people(self, pks: Iterable[int], payload: bytes) -> None:
        frame = Frame(payload)
        for pk in pks:
            for socket in list(self.people.get(pk, ())):
                socket.push(frame)

    def people_in(self, room: UUID) -> int:
        """Return how many people are in a room now, as far as this process knows."""
        feed = self.feeds.get(room)
        return feed.count(time.monotonic(), PRESENCE_TTL) if feed else 0

    # --- writing ------------------------------------------------------------------------------------------------

    def post(self, entry: Entry, done: Done) -> None:
        """Have an entry committed with whatever else arrives meanwhile; `done` is called after the commit."""
        self._pending.append((entry, done, time.perf_counter()))
        self._commit_soon()

    def _commit_soon(self) -> None:
        if self._committing is None and self._pending:
            self._committing = self.loop.create_task(self._commit())

    async def _commit(self) -> None:
        try:
            while self._pending:
                batch, self._pending = self._pending[:BATCH], self._pending[BATCH:]
                await self._commit_batch(batch)
                # What came of it goes out before the next batch competes for the interpreter. And where several write
                # at once, those who were just answered write again in a moment: together they cost one commit, and one
                # write to each reader.
                await asyncio.sleep(GATHER_SECONDS if len(self._pending) < len(batch) > 1 else 0)
        finally:
            self._committing = None
            self._commit_soon()

    async def _commit_batch(self, batch: Sequence[tuple[Entry, Done, float]]) -> None:
        started = time.perf_counter()
        try:
            result = await self._store([entry for entry, _done, _at in batch])
        except Exception:
            log.exception(
                "hub.commit_failed", entries=len(batch), rooms=sorted({str(e.room) for e, _done, _at in batch})
            )
            for entry, done, _at in batch:
                with translation.override(entry.person.language):
                    reason = _("The message could not be stored just now. It will be tried again.")
                self._answer(done, Refused(Code.UNAVAILABLE, reason, retry_after=1.0))
            return
        ended = time.perf_counter()
        for (_entry, done, _at), outcome in zip(batch, result.outcomes, strict=True):
            self._answer(done, outcome)
        handed = 0
        for room, items in result.items.items():
            encoded = [encode_bytes(item) for item in items]
            handed += self._offer(room, [(item.seq, raw) for item, raw in zip(items, encoded, strict=True)])
            self._hint(room, result.heads[room], encoded)
        delivered = time.perf_counter()
        # Counted last: nobody waits for it.
        metrics.COMMITS.inc()
        metrics.BATCH.observe(len(batch))
        metrics.COMMIT_SECONDS.observe(ended - started)
        metrics.STORED.inc(sum(map(len, result.items.values())))
        metrics.DELIVERIES.inc(handed)
        metrics.DELAYS.observe("commit", [delivered - arrived for _entry, _done, arrived in batch])

    async def _store(self, entries: Sequence[Entry]) -> messages.Commit:
        if (draft := messages.draft_of(entries)) is not None:
            heads = await self._appender.post(draft.rows, draft.at, draft.pledge)
            if heads is not None:
                return messages.posted(draft, heads)
        return await offload("ja", messages.commit_with_care, entries)

    @staticmethod
    def _answer(done: Done, outcome: Stored | Refused) -> None:
        try:
            done(outcome)
        except Exception:
            log.exception("hub.receipt_failed")

    def announce(self, room: UUID, items: Sequence[Item]) -> None:
        """Deliver items that somebody else (a page) committed. Call it on the hub's loop."""
        encoded = [encode_bytes(item) for item in items]
        metrics.DELIVERIES.inc(self._offer(room, [(item.seq, raw) for item, raw in zip(items, encoded, strict=True)]))
        if items:
            self._hint(room, items[-1].seq, encoded)

    # --- reading ------------------------------------------------------------------------------------------------

    async def join(self, socket: Socket, ref: str, key: str, after: int | None) -> None:
        """Answer `room.join`: items and head, and from then on everything that follows.

        Raises:
            Refused: `missing` or `gate`.
        """
        feed = await self._feed_of(socket, key)
        key = feed.key
        reader = feed.add(socket, socket.who)
        socket.feeds[key] = feed
        head, found, more = feed.head, feed.page(after, queries.PAGE), False
        if found is None:
            try:
                page = await offload(socket.language, self._first_page, feed.id, after)
            except BaseException:
                self.leave(socket, feed)
                raise
            if feed.readers.get(socket) is not reader:
                return  # left, or joined anew, while the page was read
            head, more = page.head, page.more
            found = [(item.seq, encode_bytes(item)) for item in page.items]
            # Many come into an open room; the two of a closed one would only fill the memory.
            feed.begin(head, found if after is None and feed.is_open else ())
        elif after is None and found:
            more = found[0][0] > 1
        assert head is not None
        reader.sent = found[-1][0] if found else (head if after is None else min(after, head))
        socket.say(
            "room.joined",
            ref=ref,
            room=key,
            kind="open" if feed.is_open else "closed",
            head=head,
            items=[msgspec.Raw(encoded) for _seq, encoded in found],
            more=more,
        )
        self._show_count(feed, socket)
        if after is not None and more:
            reader.asked = self.loop.time()
            self.loop.call_later(SYNC_GRACE, self._send_unasked, reader)
        else:
            reader.catching_up = False
            if feed.head is not None and reader.sent < feed.head:
                self._catch_up(reader)
        self._repair(feed, "join", head)

    async def _feed_of(self, socket: Socket, key: str) -> Feed:
        """Return the feed of a room that this person may read.

        Who may read an open room is asked once for all who are in it here: when that changes, every process looks again
        (`look`), and at the latest within a second (`_check_heads`). A closed room is asked about each time.

        Raises:
            Refused: `missing` or `gate`.
        """
        feed = self._open_feeds.get(key)
        if feed is not None and feed.is_open and feed.key == key and self.feeds.get(feed.id) is feed:
            self.permit(socket, feed.feature)
            return feed
        room = await offload(socket.language, queries.readable_room, key, socket.pk)
        self.permit(socket, room.feature)
        feed = self.feeds.get(room.id)
        if feed is not None and feed.key != room.key:  # it was locked a moment ago
            await self._look_at_room(room.id)
            feed = self.feeds.get(room.id)
        if feed is None:
            feed = self.feeds[room.id] = Feed(room)
            metrics.ROOMS.set(len(self.feeds))
        if feed.is_open:
            self._open_feeds[feed.key] = feed
        return feed

    async def glimpse(self, socket: Socket, key: str) -> Feed:
        """Return a feed for writing into a room that the socket has not joined.

        Raises:
            Refused: `missing` or `gate`.
        """
        room = await offload(socket.language, queries.readable_room, key, socket.pk)
        self.permit(socket, room.feature)
        return Feed(room)

    async def seen(self, socket: Socket, person: Person, feed: Feed, seq: int) -> None:
        """Take note of how far somebody has read in a closed talk."""
        if not feed.is_open:
            await offload(socket.language, messages.mark_seen, person=person, room=feed.id, seq=seq)

    @staticmethod
    def _first_page(pk: UUID, after: int | None) -> Page:
        room = queries.room_by_id(pk)
        if room is None:
            raise Refused(Code.MISSING, _("There is no such room, or it is not open to you."))
        return queries.latest(room) if after is None else queries.after(room, after, FILL_PAGE)

    async def read(
        self, socket: Socket, ref: str, key: str, *, after: int | None = None, before: int | None = None, limit: int
    ) -> None:
        """Answer `room.sync` (after) or `room.history` (before) with `messages`.

        Raises:
            Refused: `missing` or `gate`.
        """
        room = await offload(socket.language, queries.readable_room, key, socket.pk)
        self.permit(socket, room.feature)
        if after is not None:
            page = await offload(socket.language, queries.after, room, after, limit)
        else:
            page = await offload(socket.language, queries.before, room, before, limit)
        socket.say("messages", ref=ref, room=key, items=page.items, head=page.head, more=page.more)
        feed = socket.feeds.get(key)
        reader = feed.readers.get(socket) if feed else None
        if after is None or reader is None or not page.items:
            return
        first, last = page.items[0].seq, page.items[-1].seq
        if first <= reader.sent + 1 and last > reader.sent:
            reader.sent = last
        reader.asked = self.loop.time()
        if reader.catching_up and not page.more:
            reader.catching_up = False
            self._catch_up(reader)

    def _send_unasked(self, reader: Reader) -> None:
        """Send what is due to a reader who does not ask for it; to one who does, page by page, leave the asking."""
        wait = reader.asked + SYNC_GRACE - self.loop.time()
        if reader.catching_up and reader.feed.readers.get(reader.socket) is reader:
            if wait > 0:
                self.loop.call_later(wait, self._send_unasked, reader)
            else:
                self._catch_up(reader)

    def permit(self, socket: Socket, feature: str) -> None:
        """Ask the gate, as this process last saw it, before anything else is asked of a person.

        Raises:
            Refused: `gate`, with rule and reason.
        """
        decision = self.gate.decide(Feature(feature))
        if not decision.allowed:
            gate.count_refusal(decision.feature)
            raise Refused(Code.GATE, decision.reason(socket.language), rule=decision.rule.id)

    def leave(self, socket: Socket, feed: Feed) -> None:
        """Stop delivering a room to a socket."""
        feed.remove(socket, socket.who)
        for key in [key for key, mine in socket.feeds.items() if mine is feed]:
            del socket.feeds[key]
        if not feed.readers and self.feeds.get(feed.id) is feed:
            del self.feeds[feed.id]
            self._open_feeds.pop(feed.key, None)
            metrics.ROOMS.set(len(self.feeds))
            if feed.told:  # nobody is here any more, and nobody will say so later
                self._told.presence.append((feed.id, 0))
                self._tell_soon()

    # --- delivery -----------------------------------------------------------------------------------------------

    def _offer(self, room: UUID, items: Iterable[tuple[int, bytes]]) -> int:
        """Deliver items of a room, as far as nothing is missing; return how many went to sockets."""
        feed = self.feeds.get(room)
        if feed is None:
            return 0
        handed = feed.offer(items, self._catch_up)
        if feed.has_hole():
            self._repair(feed, "hole", max(feed.ahead))
        return handed

    def _repair(self, feed: Feed, found_by: str, due: int) -> None:
        """Have a room's log read as far as it is known to go, unless that comes by itself in a moment."""
        feed.due = max(feed.due, due)
        if feed.repairing or feed.head is None or feed.head >= feed.due:
            return
        feed.repairing = True
        if found_by in ("hole", "head_check"):
            if not self._lacking:
                self.loop.call_later(REPAIR_SECONDS, self._repair_lacking)
            self._lacking.append((self.loop.time() + REPAIR_SECONDS, feed, found_by))
        else:
            self.spawn(self._refill(feed, found_by))

    def _repair_lacking(self) -> None:
        """Have those logs read of which nothing came in time; where many write at once, most of it did."""
        now = self.loop.time() + 0.001  # timers are no more exact than that
        while self._lacking and self._lacking[0][0] <= now:
            _until, feed, found_by = self._lacking.popleft()
            if feed.head is not None and feed.head < feed.due:
                self.spawn(self._refill(feed, found_by))
            else:
                feed.repairing = False
        if self._lacking:
            self.loop.call_at(self._lacking[0][0], self._repair_lacking)

    async def _refill(self, feed: Feed, found_by: str) -> None:
        try:
            while feed.readers and self.feeds.get(feed.id) is feed:
                assert feed.head is not None
                before, due = feed.head, feed.due
                if before >= due:
                    return
                items = await offload("ja", self._log_after, feed.id, before)
                if feed.head == before and items:
                    metrics.REPAIRS.labels(found_by).inc()
                    if found_by != "hint" and self._layer is not None:
                        metrics.HINTS.labels("lost").inc()
                    metrics.DELAYS.since("log", _stamp_decoder.decode(items[0][1]).at)
                metrics.DELIVERIES.inc(feed.offer(items, self._catch_up))
                if not items and feed.due == due:  # what was heard of after the reading had begun is read anew
                    return
        finally:
            feed.repairing = False

    @staticmethod
    def _log_after(room: UUID, seq: int) -> list[tuple[int, bytes]]:
        return [(item.seq, encode_bytes(item)) for item in queries.log_after(room, seq, FILL_PAGE)]

    def _catch_up(self, reader: Reader) -> None:
        """Bring one reader to where the feed is, from memory if that reaches back far enough, else from the log."""
        feed = reader.feed
        if feed.readers.get(reader.socket) is not reader or feed.head is None:
            return
        if reader.sent >= feed.head:
            reader.catching_up = False
            return
        remembered = feed.remembered(reader.sent)
        if remembered is not None:
            reader.catching_up = False
            reader.sent = remembered[-1][0]
            reader.socket.push(items_frame(feed.key, [encoded for _seq, encoded in remembered]))
        else:
            reader.catching_up = True
            self.spawn(self._fill(reader))

    async def _fill(self, reader: Reader) -> None:
        feed = reader.feed
        try:
            while feed.readers.get(reader.socket) is reader and feed.head is not None and reader.sent < feed.head:
                items = await offload("ja", self._log_after, feed.id, reader.sent)
                fresh = [encoded for seq, encoded in items if seq > reader.sent]
                if not fresh:
                    break
                reader.sent = items[-1][0]
                reader.socket.push(items_frame(feed.key, fresh))
                await self._until_taken(reader.socket)
        finally:
            reader.catching_up = False
            if feed.head is not None and reader.sent < feed.head:
                self._stragglers.add(reader)
        self._repair(feed, "reader", reader.sent)

    async def _until_taken(self, socket: Socket) -> None:
        """Wait until a reader has taken most of what was sent, so that catching up costs one page of memory."""
        late = self.loop.time() + DRAIN_SECONDS
        while socket.outlet.backlog > SOFT_BYTES and not socket.closing:
            if self.loop.time() > late:
                await socket.close(Close.SLOW)
            await asyncio.sleep(TAKEN_SECONDS)

    async def _check_heads(self) -> None:
        """Compare each delivered room with its log: what no hint announced is noticed here."""
        if not self.feeds:
            return
        delivered = [
            queries.Delivered(feed.id, UNREAD if feed.head is None else feed.head, feed.is_open)
            for feed in self.feeds.values()
        ]
        for room, head in (await offload("ja", queries.moved, delivered)).items():
            feed = self.feeds.get(room)
            if head is None:
                await self._look_at_room(room)
            elif feed is not None:
                self._repair(feed, "head_check", head)
        stragglers, self._stragglers = self._stragglers, set()
        for reader in stragglers:
            if not reader.catching_up:
                self._catch_up(reader)

    # --- rooms that change --------------------------------------------------------------------------------------

    def look(self, room: UUID) -> None:
        """Have every process look again who may read a room: it was locked, or it ended."""
        self.spawn(self._look_at_room(room))
        self._told.look.append(room)
        self._tell_soon()

    async def _look_at_room(self, room: UUID) -> None:
        feed = self.feeds.get(room)
        if feed is None:
            return
        found = await offload("ja", queries.room_by_id, room)
        inside = (await offload("ja", queries.insiders, [room])).get(room, set())
        if found is not None and found.is_open and found.ended_at is None:
            return
        for socket in list(feed.readers):
            ended = found is None or found.ended_at is not None
            if ended or socket.pk not in inside:
                key = next((key for key, mine in socket.feeds.items() if mine is feed), feed.key)
                self.leave(socket, feed)
                with translation.override(socket.language):
                    if ended:
                        socket.say("match.left", room=key, reason="ended")
                    else:
                        socket.refuse(Refused(Code.FORBIDDEN, _("This room is closed to you now.")), room=key)
        if found is not None:
            feed.key, feed.is_open, feed.feature = found.key, found.is_open, found.feature

    # --- the gate -----------------------------------------------------------------------------------------------

    async def _look_at_gate(self) -> None:
        now = time.monotonic()
        # A database that hangs must not hold up the moment from which the gate counts as shut.
        if self._beating is None:
            self._beating = self.loop.create_task(offload("ja", gate.beat, self.instance))
        answered, _waiting = await asyncio.wait({self._beating}, timeout=HEAD_SECONDS)
        try:
            if not answered:
                raise TimeoutError
            beating, self._beating = self._beating, None
            snapshot = beating.result()
            self._gate_seen = now
            self.database_up = True
        except Exception as error:  # noqa: BLE001 -- drivers and pools have many words for "no answer"
            self.database_up = False
            if not isinstance(error, TimeoutError) and not self._renewing:
                self._renewing = True
                self.spawn(self._renew())
            if now - self._gate_seen < TRUST_SECONDS:
                return
            snapshot = gate.unreachable()
        finally:
            metrics.DATABASE_UP.set(self.database_up)
        if self.database_up and now - self._refusals_written > 60:  # noqa: PLR2004 -- a minute
            self._refusals_written = now
            await offload("ja", gate.write_refusals)
        features = {language: gate.on_the_wire(snapshot, language) for language in ("ja", "en")}
        self.gate = snapshot
        metrics.GATE_OPEN.set(snapshot.closed_chat().allowed)
        if features == self._features:
            return
        first, self._features = not self._features, features
        if not first:
            self._gate_moved()

    async def _renew(self) -> None:
        try:
            await offload("ja", renew)
        finally:
            self._renewing = False

    def _gate_moved(self) -> None:
        frames = {
            language: Frame(encode_bytes({"type": "gate.changed", "features": features}))
            for language, features in self._features.items()
        }
        for socket in list(self.sockets):
            socket.push(frames[socket.language])
        for feed in list(self.feeds.values()):
            decision = self._features["ja"].get(feed.feature)
            if decision is not None and not decision["allowed"]:
                for socket in list(feed.readers):
                    key = next((key for key, mine in socket.feeds.items() if mine is feed), feed.key)
                    self.leave(socket, feed)
                    socket.say("match.left", room=key, reason="gate")

    # --- logins -------------------------------------------------------------------------------------------------

    async def _check_logins(self) -> None:
        """End the sockets of logins that ended.

        Where nothing ended any, nobody's login is looked at, but for once a minute.
        """
        if not self.people:
            return
        now = self.loop.time()
        ends = await offload("ja", queries.login_ends)
        blind = ends is None or now - self._ends_read > queries.ENDS_KEPT.total_seconds() / 2
        everybody = blind or now - self._all_logins_seen > ALL_LOGINS_SECONDS
        if ends is None or everybody:
            asked = {socket.login for socket in self.sockets if socket.login is not None}
        else:
            gone = {end for pk, end in ends.items() if pk not in self._ends[0]}
            asked = {
                login
                for socket in (self.sockets if gone else ())
                if (login := socket.login) is not None and (login.session in gone or login.person in gone)
            }
        ended = await offload("ja", queries.ended_logins, asked) if asked else set()
        self._ends_read, self._ends = now, (self._ends[1], ends or {})
        if everybody:
            self._all_logins_seen = now
        for socket in list(self.sockets if ended else ()):
            if socket.login in ended:
                self.spawn(socket.close(Close.AUTH))

    # --- presence and typing ------------------------------------------------------------------------------------

    async def _show_presence(self) -> None:
        for feed in list(self.feeds.values()):
            self._show_count(feed)
        now = time.monotonic()
        if self.layer_up != (self.has_layer and not self.degraded):
            self.layer_up = not self.layer_up
            metrics.LAYER_UP.set(self.layer_up)
            log.warning("hub.layer", up=self.layer_up)
        if self._layer is not None:
            refresh = int(now) % 10 == 0
            for feed in list(self.feeds.values()):
                if refresh or feed.told != len(feed.people):
                    feed.told = len(feed.people)
                    self._told.presence.append((feed.id, len(feed.people)))
            self._tell_soon(anyway=True)

    def _show_count(self, feed: Feed, only: Socket | None = None) -> None:
        count = feed.count(time.monotonic(), PRESENCE_TTL)
        if only is None and count == feed.shown:
            return
        frame = Frame(encode_bytes({"type": "presence", "room": feed.key, "count": count}), ephemeral=True)
        if only is not None:
            only.push(frame)
            return
        feed.shown = count
        for socket in list(feed.readers):
            socket.push(frame)

    def typing(self, socket: Socket, feed: Feed) -> None:
        """Show the others in a room that somebody writes."""
        person = socket.person
        if person is None:
            return
        payload = encode_bytes({"type": "typing", "room": feed.key, "user": {"id": person.id, "name": person.name}})
        self._typing(feed, payload, except_pk=person.pk)
        self._told.typing.append((feed.id, person.pk, payload.decode()))
        self._tell_soon()

    @staticmethod
    def _typing(feed: Feed, payload: bytes, except_pk: int) -> None:
        frame = Frame(payload, ephemeral=True)
        for socket in list(feed.readers):
            if socket.pk != except_pk:
                socket.push(frame)

    # --- matching -----------------------------------------------------------------------------------------------

    async def seek(self, socket: Socket, ref: str, person: Person, topic: str, language: str) -> None:
        """Answer `match.seek`: wait, and be matched as soon as somebody fits.

        Raises:
            Refused, gate.Shut: see `matching.seek`.
        """
        since, match = await offload(socket.language, matching.seek, person=person, topic=topic, language=language)
        socket.say("match.waiting", ref=ref, since=since)
        if match is None:
            self.seeking.add(person.pk)
            match = await offload(socket.language, matching.pair, person.pk)
        if match is not None:
            self._matched(match)

    async def cancel(self, socket: Socket, ref: str, person: Person) -> None:
        """Answer `match.cancel`."""
        self.seeking.discard(person.pk)
        await offload(socket.language, matching.cancel, person=person)
        socket.say("match.cancelled", ref=ref, reason="cancelled")

    async def end_talk(self, socket: Socket, ref: str, person: Person, key: str) -> None:
        """Answer `match.leave`: the talk ends for both.

        Raises:
            Refused: `missing`.
        """
        try:
            room = UUID(key)
        except ValueError:
            raise Refused(Code.MISSING, _("There is no such talk, or you are not in it.")) from None
        ended = await offload(socket.language, matching.leave, person=person, room=room)
        self._let_go(room, ended.people)
        socket.say("match.left", ref=ref, room=key, reason="left")
        for sibling in list(self.people.get(person.pk, ())):
            if sibling is not socket:
                sibling.say("match.left", room=key, reason="left")
        others = [pk for pk in ended.people if pk != person.pk]
        self.to_people(others, {"type": "match.left", "room": key, "reason": "partner_left"})

    def _let_go(self, room: UUID, people: Iterable[int]) -> None:
        feed = self.feeds.get(room)
        if feed is not None:
            gone = set(people)
            for socket in [socket for socket in feed.readers if socket.pk in gone]:
                self.leave(socket, feed)

    def _matched(self, match: matching.Match) -> None:
        for person in match.people:
            partner = match.partner_of(person.pk)
            self.seeking.discard(person.pk)
            self.to_people(
                [person.pk],
                {
                    "type": "match.made",
                    "room": str(match.room),
                    "partner": {"id": partner.id, "name": partner.name},
                },
            )

    async def _keep_matching(self) -> None:
        """Keep our seekers' places, tell those whom another process matched, and match whoever was missed."""
        if not self.seeking:
            return
        for pk, match in (await offload("ja", matching.heartbeat, list(self.seeking))).items():
            if pk in self.seeking:
                self.seeking.discard(pk)
                partner = match.partner_of(pk)
                frame = {
                    "type": "match.made",
                    "room": str(match.room),
                    "partner": {"id": partner.id, "name": partner.name},
                }
                self._to_local_people([pk], encode_bytes(frame))
        while matches := await offload("ja", matching.sweep):
            for match in matches:
                self._matched(match)

    async def _forget_seeker(self, person: Person) -> None:
        await asyncio.sleep(SEEK_GRACE)
        if person.pk in self.seeking and person.pk not in self.people:
            self.seeking.discard(person.pk)
            await offload("ja", matching.cancel, person=person)

    # --- other processes ----------------------------------------------------------------------------------------

    def _hint(self, room: UUID, head: int, items: Sequence[bytes]) -> None:
        if self.alone:
            return
        fits = sum(map(len, items)) <= HINT_BYTES
        self._told.hints.append(Hint(room, head, list(items) if fits else None))
        self._tell_soon()

    def _tell_soon(self, *, anyway: bool = False) -> None:
        """Publish what has gathered; nobody is told nothing but that we are here (`anyway`)."""
        if self.alone and not anyway:
            self._told = Told()
        elif self._telling is None:
            self._telling = self.loop.create_task(self._tell())

    async def _tell(self) -> None:
        """Publish what has gathered: one publication at a time, so that a busy moment becomes one hint."""
        try:
            told, self._told = self._told, Told()
            publication = {"type": "hint", "sender": self._name, "told": _told_encoder.encode(told)}
            async with asyncio.timeout(TELL_SECONDS):
                await self._layer.group_send(GROUP, publication)
            metrics.HINTS.labels("sent").inc(len(told.hints))
        except Exception as error:  # noqa: BLE001 -- a lost hint is repaired from the log
            metrics.HINTS.labels("unsent").inc(len(told.hints))
            log.warning("hub.hint_unsent", error=type(error).__name__)
            await asyncio.sleep(0.2)
        finally:
            self._telling = None
            told = self._told
            if told.hints or told.people or told.typing or told.look:
                self._tell_soon()

    async def _listen(self) -> None:
        """Take the other processes' hints for ever; subscribe anew where the layer fails or has gone deaf."""
        while True:
            try:
                async with asyncio.timeout(DEAF_SECONDS):
                    await self._layer.flush()  # nothing of an earlier subscription stays behind
                    channel = await self._layer.new_channel()
                    await self._layer.group_add(GROUP, channel)
                heard = self._company = time.monotonic()
                self._tell_soon(anyway=True)
                while max(heard, self._echo) + DEAF_SECONDS > time.monotonic():
                    try:
                        async with asyncio.timeout(DEAF_SECONDS):
                            publication = await self._layer.receive(channel)
                        self._hear(publication["sender"], publication["told"])
                    except TimeoutError:
                        break
                    except Exception as error:  # noqa: BLE001 -- one hint that cannot be read is one hint lost
                        metrics.HINTS.labels("unreadable").inc()
                        log.warning("hub.hint_unreadable", error=type(error).__name__)
                        await asyncio.sleep(REPAIR_SECONDS)
                log.warning("hub.layer_deaf")
            except Exception as error:  # noqa: BLE001 -- whatever it is, delivery goes on by the log
                log.warning("hub.layer_failed", error=type(error).__name__)
            await asyncio.sleep(random.uniform(0.2, 1.0))  # noqa: S311

    def _hear(self, sender: str, payload: bytes) -> None:
        now = time.monotonic()
        if self.degraded:  # what the others said meanwhile did not come
            self._company = now
        self._echo = now
        if sender == self._name:
            return
        if self.alone:
            for known in self.feeds.values():
                known.told = 0  # the newcomer has not heard it
        self._company = now
        told = _told_decoder.decode(payload)
        self._take_hints(told.hints)
        for pks, frame in told.people:
            self._to_local_people(pks, frame.encode())
        for room, writer, frame in told.typing:
            if (feed := self.feeds.get(room)) is not None:
                self._typing(feed, frame.encode(), except_pk=writer)
        for room, count in told.presence:
            if (feed := self.feeds.get(room)) is not None:
                feed.elsewhere[sender] = (count, now)
        for room in told.look:
            self.spawn(self._look_at_room(room))

    def _take_hints(self, hints: Iterable[Hint]) -> None:
        taken = elsewhere = handed = 0
        for hint in hints:
            feed = self.feeds.get(hint.room)
            if feed is None:
                elsewhere += 1
            elif not hint.items:
                self._repair(feed, "hint", hint.head)
            else:
                if not taken:  # of one publication all are about as late
                    metrics.DELAYS.since("hint", _stamp_decoder.decode(hint.items[0]).at)
                taken += 1
                handed += self._offer(hint.room, enumerate(hint.items, hint.head - len(hint.items) + 1))
        _TAKEN.inc(taken)
        _ELSEWHERE.inc(elsewhere)
        metrics.DELIVERIES.inc(handed)

    @property
    def has_layer(self) -> bool:
        """Whether other processes can be told anything at all."""
        return self._layer is not None

    @property
    def alone(self) -> bool:
        """Whether there is no other process to tell anything."""
        return self._layer is None or (not self.degraded and time.monotonic() - self._company > ALONE_SECONDS)

    @property
    def degraded(self) -> bool:
        """Whether hints do not come back: delivery then goes by the log alone."""
        return self._layer is not None and time.monotonic() - self._echo > 5 * PRESENCE_SECONDS


_hub: Hub | None = None
_page_throttles: dict[str, Throttle] = {}
_page_lock = threading.Lock()
_starting: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None


async def current() -> Hub:
    """Return this process's hub, started with its first use on the running loop."""
    global _hub, _starting  # noqa: PLW0603 -- one per process; a server without lifespan events starts it lazily
    loop = asyncio.get_running_loop()
    if _hub is not None and _hub.loop is loop:
        return _hub
    if _starting is None or _starting[0] is not loop:
        _starting = (loop, asyncio.Lock())
    async with _starting[1]:
        if _hub is None or _hub.loop is not loop:
            hub = Hub()
            await hub.start()
            _hub = hub
    return _hub


def running() -> Hub | None:
    """Return this process's hub if it has started: for pages, which are not on its loop."""
    return _hub


def limited(name: str, key: Hashable) -> float:
    """Take one piece of a page's rate.

    Returns:
        0, or how many seconds to wait.
    """
    if not settings.CHAT_RATE_LIMITS:
        return 0.0
    with _page_lock:
        if name not in _page_throttles:
            _page_throttles[name] = Throttle(Rate(*settings.CHAT_RATES[name]))
        return _page_throttles[name].take(key, time.monotonic())


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run something on the hub's loop from a page's thread, and wait for it.

    Raises:
        Refused: `unavailable` while no hub runs in this process.
    """
    hub = _hub
    if hub is None or hub.loop.is_closed():
        work.close()
        raise Refused(Code.UNAVAILABLE, _("The service is starting. Please try again in a moment."))
    return asyncio.run_coroutine_threadsafe(work, hub.loop).result(timeout=20)


def from_page(call: Callable[[Hub], object]) -> None:
    """Have the hub do something from a page's thread. Without a hub in this process the others' polling finds it."""
    hub = _hub
    if hub is not None and not hub.loop.is_closed():
        hub.loop.call_soon_threadsafe(call, hub)
