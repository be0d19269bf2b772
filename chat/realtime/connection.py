"""One socket: its state, its rates, the queue of its requests, and its end. No rule and no query lives here."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Hashable, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import structlog
from django.utils import translation
from django.utils.translation import gettext_noop as _
from msgspec import UNSET

from chat import metrics
from chat.protocol import PROTOCOL, Close, Code, Refused, Reply, Request, codec, encode, replies, requests
from chat.realtime.dispatch import Parts, Route, Way, handles, routes
from chat.realtime.gate_watch import refusal_of
from chat.realtime.limits import Bucket, Options, Rate
from chat.realtime.ports import IDLE, Activity, Login, Person
from chat.realtime.streams import Stream
from chat.realtime.transports import Frame, PongFrame, Transport
from compliance import gate
from compliance.law import Feature

log = structlog.get_logger("todoke.socket")

QUEUED_REQUESTS = 64  # per connection
FLOOD_REFUSALS = 200  # frames refused by rate, less those taken meanwhile, before the connection is closed
_CLOSE_REASONS = {
    Close.PROTOCOL: _("What was sent is not of this protocol."),
    Close.AUTH: _("You are signed out here."),
    Close.FORBIDDEN: _("This connection is not allowed."),
    Close.SLOW: _("Your connection is too slow to keep up. You will be brought up to date."),
    Close.FLOOD: _("Too much at once. Please wait a moment."),
    Close.GATE: _("Closed chat is off."),
    Close.DRAINING: _("The service restarts. You will be connected again in a moment."),
    Close.MAX_AGE: _("The connection is renewed."),
}

_TOO_LONG = _("That is too long for this field.")
_UNFIT = _("This field does not take such characters.")


class State(Enum):
    """Where a connection is in its life."""

    OPEN = "open"
    """Frames come and go."""
    ENDING = "ending"
    """It is about to be closed for a fault of the peer: frames still go, none is taken any more."""
    CLOSED = "closed"
    """Its last frame is written, or its peer is gone."""


_OPEN, _CLOSED = State.OPEN, State.CLOSED  # looked up once: each frame passes here


class Connection:
    """One accepted WebSocket, or one stream or request over HTTP.

    Args:
        parts: of this process.
        transport: the way out.
        person: who is on it; None for somebody who only reads.
        login: what keeps them signed in.
        language: in which the service speaks here, `ja` or `en`.
        address: the network whose limits it counts against.
    """

    __slots__ = (
        "_bad",
        "_bucket",
        "_flooding",
        "_flusher",
        "_is_slowed",
        "_limits",
        "_monotonic",
        "_queue",
        "_rate",
        "activity",
        "address",
        "ending",
        "is_due",
        "language",
        "left",
        "login",
        "parts",
        "person",
        "state",
        "streams",
        "timer",
        "transport",
        "who",
        "worker",
    )

    def __init__(
        self,
        parts: Parts,
        transport: Transport,
        *,
        person: Person | None,
        login: Login | None,
        language: str,
        address: str,
    ) -> None:
        self.parts = parts
        self.transport = transport
        self.person = person
        self.login = login
        self.language = language
        self.address = address
        self.who: Hashable = person.pk if person else self
        self.streams: dict[str, Stream] = {}
        self.activity = IDLE  # what it was last told that the person does
        self.state = State.OPEN
        self.ending: asyncio.Task[None] | None = None  # closes the connection for a fault of the peer
        self.is_due = False  # to be flushed at the end of this turn
        self.left = asyncio.Event()
        self.worker: asyncio.Task[None] | None = None  # carries out the queued requests
        self._queue: deque[tuple[Route, Request]] = deque()
        self._bad = 0
        self._flooding = 0
        self._is_slowed = False  # whether the last frame was refused by rate
        self._limits = parts.limits if parts.limits.is_on else None
        self._flusher = parts.flusher
        self._monotonic = parts.clock.monotonic
        self._rate = Rate(*parts.options.rates["frame"])
        self._bucket = Bucket(self._rate, self._monotonic())
        age = parts.options.limits["max_age"] * random.uniform(0.9, 1.1)  # noqa: S311 -- spreads reconnects
        self.timer = parts.clock.call_later(age, self._expire)

    @property
    def pk(self) -> int | None:
        """The person's primary key; None for somebody who only reads."""
        return self.person.pk if self.person else None

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can be sent."""
        return self.state is _CLOSED

    @property
    def backlog(self) -> int:
        """Bytes that the peer has not taken yet."""
        return self.transport.backlog

    # --- out ----------------------------------------------------------------------------------------------------

    def push(self, frame: Frame) -> None:
        """Queue a frame for the end of this event-loop turn."""
        if self.state is _CLOSED:
            return
        if not self.transport.push(frame):
            self._end(Close.SLOW)
        elif not self.is_due:
            self.is_due = True
            due = self._flusher.due
            if not due:
                self._flusher.flush_soon()
            due.append(self)

    def say(self, reply: Reply) -> None:
        """Queue a frame for this connection alone."""
        self.push(Frame(encode(reply)))

    def refuse(self, refused: Refused, *, ref: str | None = None, room: str | None = None) -> None:
        """Say no, and why.

        Args:
            refused: the code and the reason.
            ref: of the request that is refused.
            room: the room that it named.
        """
        metrics.REFUSALS.labels(refused.code.value).inc()
        self.say(
            replies.Refusal(
                refused.code,
                refused.reason,
                UNSET if ref is None else ref,
                UNSET if room is None else room,
                UNSET if refused.rule is None else refused.rule,
                UNSET if refused.retry_after is None else refused.retry_after,
            )
        )

    def welcome(self, activity: Activity, blocks: Sequence[str]) -> None:
        """Say who the person is here, what they are doing, whom they blocked, what is on, and the limits."""
        person = self.person
        me = replies.Me(person.id, person.name, person.guest) if person else replies.Me(None, "", guest=True)
        options = self.parts.options
        heartbeat = int(options.limits["heartbeat"])
        gate = self.parts.gate
        self.activity = activity
        self.say(
            replies.Welcome(
                PROTOCOL,
                gate.epoch,
                me,
                gate.features(self.language),
                _limits(options),
                heartbeat,
                datetime.now(UTC),
                activity.waiting,
                list(activity.talks),
                list(blocks),
            )
        )

    def _end(self, code: Close, *, retry_after: float | None = None) -> None:
        """Close for a fault of the peer, and take nothing more of it from this moment on."""
        if self.state is _OPEN:
            self.state = State.ENDING
            self.ending = self.parts.tasks.spawn(self.close(code, retry_after=retry_after))

    async def close(self, code: Close, *, reason: str = "", retry_after: float | None = None) -> None:
        """Say why, then close. A second call does nothing.

        Args:
            code: the close code.
            reason: instead of the code's own sentence.
            retry_after: in how many seconds the client may come back.
        """
        if self.state is _CLOSED:
            return
        self.state = _CLOSED
        metrics.CLOSES.labels(str(int(code))).inc()
        if code is not Close.DRAINING:
            log.info("socket.closed", code=int(code), person=self.pk)
        self.parts.registry.remove(self)
        goodbye = replies.Closing(
            code, reason or self.translate(_CLOSE_REASONS[code]), UNSET if retry_after is None else retry_after
        )
        await self.transport.close(code, Frame(encode(goodbye)))

    async def turn_away(self, code: Close, refused: Refused | None) -> None:
        """Close a connection that cannot be let in.

        Args:
            code: the close code.
            refused: why, where the code alone does not say it; said as a frame of its own, and again with the goodbye.
        """
        if refused is None:
            await self.close(code, retry_after=random.uniform(1, 5))  # noqa: S311
            return
        reason = self.translate(refused.reason)
        self.refuse(Refused(refused.code, reason, retry_after=refused.retry_after))
        await self.close(code, reason=reason, retry_after=refused.retry_after)

    def _expire(self) -> None:
        self.parts.tasks.spawn(self.close(Close.MAX_AGE, retry_after=random.uniform(0, 2)))  # noqa: S311

    def gone(self) -> None:
        """Clean up after a connection, whatever happened to it. Never raises."""
        self.state = _CLOSED
        self.timer.cancel()
        self._queue.clear()
        if self.worker is not None:
            self.worker.cancel()
        self.parts.registry.remove(self)
        self.transport.abandon()
        self.left.set()

    def know(self, person: Person) -> None:
        """Take note of the name and the role that the person has now."""
        if self.person is not None:
            self.person = self.person.as_now(person)

    def translate(self, text: str) -> str:
        """Return a text in the language of this connection."""
        with translation.override(self.language):
            return translation.gettext(text)

    # --- in -----------------------------------------------------------------------------------------------------

    def feed(self, text: str | bytes) -> None:
        """Take one text frame. Never raises: a fault is answered."""
        if self.state is not _OPEN:
            return
        try:
            if not self._is_within_rate(text):
                return
            if codec.is_too_large(text):
                reason = self.translate(_("This is too much for one message. Send it in parts."))
                self.refuse(Refused(Code.SIZE, reason), ref=codec.ref_of(text))
                return
            try:
                request = codec.decode(text)
            except codec.Malformed as malformed:
                detail = f"{self.translate(_CLOSE_REASONS[Close.PROTOCOL])} ({malformed.reason})"
                self._misbehaved(Refused(malformed.code, detail), text)
                return
            except Refused as refused:
                reason = self.translate(_TOO_LONG if refused.code is Code.SIZE else _UNFIT)
                self.refuse(Refused(refused.code, reason), ref=codec.ref_of(text))
                return
            self._take(request)
        except Exception:
            log.exception("socket.frame_failed", person=self.pk)
            reason = self.translate(_("Something went wrong here. Please try again."))
            self.refuse(Refused(Code.UNAVAILABLE, reason), ref=codec.ref_of(text))

    def feed_binary(self, payload: bytes) -> None:
        """Take one binary frame: the protocol has none."""
        if self.state is _OPEN and self._is_within_rate(payload):
            reason = self.translate(_("This protocol has text frames only."))
            self._misbehaved(Refused(Code.PROTOCOL, reason), payload)

    def ping(self, payload: bytes) -> None:
        """Take one ping of the WebSocket itself: it counts as a frame, and so does its answer."""
        if self.state is _OPEN and self._is_within_rate():
            self.push(PongFrame(payload))

    def count(self) -> None:
        """Take one frame that asks for nothing: it counts all the same."""
        if self.state is _OPEN:
            self._is_within_rate()

    def violated(self) -> None:
        """Answer bytes that no frame can be made of: close, and say why."""
        self._end(Close.PROTOCOL)

    def _is_within_rate(self, frame: str | bytes = "") -> bool:
        """Take one piece of the rate of frames. Beyond it the first in a row is refused, and each with a `ref`."""
        if self._limits is None:
            return True
        wait = self._bucket.take(self._rate, self._monotonic())
        if not wait:
            self._flooding = max(0, self._flooding - 1)
            self._is_slowed = False
            return True
        self._flooding += 1
        ref = codec.ref_of(frame)
        if not self._is_slowed or ref is not None:
            self._is_slowed = True
            reason = self.translate(_("Too many frames. Please slow down."))
            self.refuse(Refused(Code.RATE, reason, retry_after=round(wait, 2)), ref=ref)
        if self._flooding > FLOOD_REFUSALS:
            self._end(Close.FLOOD, retry_after=10.0)
        return False

    def _misbehaved(self, refused: Refused, frame: str | bytes) -> None:
        """Refuse what no client of the protocol says, and close for too much of it."""
        self.refuse(refused, ref=codec.ref_of(frame))
        self._bad += 1
        if self._bad > self.parts.options.limits["bad_frames"]:
            self._end(Close.PROTOCOL)

    def _take(self, request: Any) -> None:
        route = routes[type(request)]
        if route.way is Way.WRITES and not self._queue and self.worker is None:
            stream = self.streams.get(request.room)
            if stream is not None:
                self._write(route, request, stream)
                return
        if route.way is Way.SIGNALS:
            self._signal(route, request)
        elif route.way is Way.AT_ONCE:
            try:
                self._admit(route)
                route.handler(self, request)
            except Refused as refused:
                self._decline(route, request, refused)
        else:
            self._enqueue(route, request)

    def _signal(self, route: Route, request: Any) -> None:
        stream = self.streams.get(request.room)
        try:
            self._admit(route, request.room)
            if stream is None:
                self._enqueue(route, request)
                return
            self.parts.gate.permit(stream.feature, self.language)
            route.handler(self, request, stream)
            self._acknowledge(route, request)
        except Refused as refused:
            self._decline(route, request, refused)

    def _admit(self, route: Route, room: str = "") -> None:
        """Ask for a person and for a piece of the rate, as far as the route does."""
        if route.takes_person:
            self.signed_in()
        if route.rate:
            self.allow(route.rate, room)

    def _acknowledge(self, route: Route, request: Any) -> None:
        """Answer a request that has no answer of its own, if it has a `ref`."""
        if route.answer is None and request.ref is not None:
            self.say(replies.Noted(request.ref, request.room))

    def _decline(self, route: Route, request: Any, refused: Refused) -> None:
        """Refuse a request that waits for an answer. Without a `ref`, a refusal tells that a room was shut."""
        if route.answer is not None or request.ref is not None:
            self.refuse(refused, ref=request.ref, room=getattr(request, "room", None))

    def _write(self, route: Route, request: Any, stream: Stream) -> None:
        try:
            self._admit(route, stream.key)
            route.handler(self, request, stream)
        except Refused as refused:
            self._decline(route, request, refused)

    def _enqueue(self, route: Route, request: Request) -> None:
        """Queue what needs the database, so that a connection's requests are answered in their order."""
        if len(self._queue) >= QUEUED_REQUESTS:
            reason = self.translate(_("Too many requests at once. Wait for their answers."))
            self.refuse(Refused(Code.RATE, reason, retry_after=1.0), ref=request.ref)
            return
        self._queue.append((route, request))
        if self.worker is None:
            self.worker = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._queue and self.state is not _CLOSED:
                route, request = self._queue.popleft()
                try:
                    await self._carry_out(route, request)
                except gate.FeatureClosed as shut:
                    self._decline(route, request, refusal_of(shut.decision, self.language))
                except Refused as refused:
                    self._decline(route, request, refused)
                except Exception:
                    log.exception("socket.request_failed", type=route.name, person=self.pk)
                    self._decline(route, request, self.unavailable())
        finally:
            self.worker = None

    async def _carry_out(self, route: Route, request: Any) -> None:
        if route.way is Way.WRITES:
            stream = self.streams.get(request.room) or await self.parts.joining.resolve(self, request.room)
            self._write(route, request, stream)
            return
        if route.way is Way.IN_ROOM:
            stream = await self._find(request.room)
            self._admit(route, stream.key)
            await route.handler(self, request, stream)
            self._acknowledge(route, request)
            return
        if route.way is Way.SIGNALS:  # admitted when it came
            stream = await self._find(request.room)
            route.handler(self, request, stream)
            self._acknowledge(route, request)
            return
        if route.feature is not None:  # else the handler asks the gate once it knows the room: `asks_gate`
            self.parts.gate.permit(route.feature, self.language)
        self._admit(route)
        await route.handler(self, request)

    async def _find(self, room: str) -> Stream:
        """Return the stream of a room that was joined here, or that this person may read by now; ask its gate.

        Raises:
            Refused: `missing` or `gate`.
        """
        stream = self.streams.get(room)
        if stream is None or stream.doubts:  # who may read it is not known here: the database says it
            return await self.parts.joining.resolve(self, room)
        self.parts.gate.permit(stream.feature, self.language)
        return stream

    async def idle(self, seconds: float) -> None:
        """Wait until no request is queued or being carried out, or for so long at most."""
        if self.worker is not None:
            await asyncio.wait({self.worker}, timeout=seconds)

    def unavailable(self) -> Refused:
        """Return the refusal of what cannot be answered now."""
        reason = self.translate(_("The service cannot answer this just now. Please try again."))
        return Refused(Code.UNAVAILABLE, reason, retry_after=2.0)

    # --- what handlers ask --------------------------------------------------------------------------------------

    def signed_in(self) -> Person:
        """Return the person.

        Raises:
            Refused: `auth` for somebody who only reads.
        """
        if self.person is None:
            raise Refused(Code.AUTH, self.translate(_("Enter a nickname or sign in first.")))
        return self.person

    def allow(self, rate: str, room: str = "") -> None:
        """Take one piece of a rate; see `limits.Limit`.

        Args:
            rate: its name.
            room: the public id of the room that is written to.

        Raises:
            Refused: `rate`, with the seconds to wait.
        """
        if wait := self.wait_for(rate, room):
            reason = self.translate(_("Too much at once. Please wait a moment."))
            raise Refused(Code.RATE, reason, retry_after=round(wait, 2))

    def wait_for(self, rate: str, room: str = "") -> float:
        """Take one piece of a rate; return 0 if there was one, else how many seconds until there will be."""
        if self._limits is None:
            return 0.0
        person = self.person
        return self._limits.of(rate).take(
            person.pk if person is not None else None, self.address, room, self._monotonic()
        )


@handles(requests.Ping, answer=replies.Pong, feature=Feature.SERVICE, way=Way.AT_ONCE)
def ping(connection: Connection, request: requests.Ping) -> None:
    """Answer that the service is still there."""
    connection.say(replies.Pong(UNSET if request.ref is None else request.ref))


def _limits(options: Options) -> replies.Limits:
    found = options.limits
    return replies.Limits(
        int(found["message_chars"]),
        int(found["frame_bytes"]),
        int(found["page"]),
        int(found["page_most"]),
        options.rates,
    )
