"""A state machine around one socket: accept, welcome, take frames, say goodbye. No rule and no query lives here."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import structlog
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_noop as _

from chat import daphne, hub, metrics, wire
from chat.feeds import Feed
from chat.handshake import address_of, language_of, session_of
from chat.messages import Entry, Stored, clean
from chat.models import Message
from chat.outlets import AsgiOutlet, Frame, Outlet
from chat.throttle import Bucket, Rate
from chat.wire import Close, Code, Refused
from compliance import gate

if TYPE_CHECKING:
    from chat.hub import Hub
    from chat.queries import Login, Person

log = structlog.get_logger("todoke.socket")

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

SLOW_FRAMES = 64  # requests that wait for the database, per socket
FLOOD_REFUSALS = 200  # refused by rate, less those taken meanwhile, before the socket is closed
ADMIT_SECONDS = 5.0  # how long the database may take to say who connects
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


class Socket:
    """One accepted WebSocket."""

    __slots__ = (
        "_bad",
        "_bucket",
        "_flooding",
        "_hub",
        "_rate",
        "_slow",
        "_slowed",
        "_throttles",
        "_timer",
        "_worker",
        "address",
        "closing",
        "feeds",
        "is_due",
        "language",
        "left",
        "login",
        "outlet",
        "person",
        "who",
    )

    def __init__(
        self, hub_: Hub, outlet: Outlet, *, person: Person | None, login: Login | None, language: str, address: str
    ) -> None:
        self._hub = hub_
        self.outlet = outlet
        self.person = person
        self.login = login
        self.language = language
        self.address = address
        self.who: Hashable = person.pk if person else self
        self.feeds: dict[str, Feed] = {}
        self.closing = False
        self.is_due = False  # to be flushed at the end of this turn
        self.left = asyncio.Event()
        self._bad = 0
        self._flooding = 0
        self._slowed = False  # whether the last frame was refused by rate
        self._throttles = hub_.throttles if settings.CHAT_RATE_LIMITS else None
        burst, per_second = settings.CHAT_RATES["frame"]
        self._rate = Rate(burst, per_second)
        self._bucket = Bucket(self._rate, time.monotonic())
        self._slow: deque[wire.ClientFrame] = deque()
        self._worker: asyncio.Task[None] | None = None
        age = settings.CHAT_LIMITS["max_age"] * random.uniform(0.9, 1.1)  # noqa: S311 -- spreads reconnects
        self._timer = hub_.loop.call_later(age, self._expire)

    @property
    def pk(self) -> int | None:
        """The person's primary key; None for somebody who only reads."""
        return self.person.pk if self.person else None

    # --- out ----------------------------------------------------------------------------------------------------

    def push(self, frame: Frame) -> None:
        """Queue a frame for the end of this event-loop turn."""
        if self.closing:
            return
        if not self.outlet.push(frame):
            self._hub.spawn(self.close(Close.SLOW))
        elif not self.is_due:
            self.is_due = True
            due = self._hub.due
            if not due:
                self._hub.flush_soon()
            due.append(self)

    def say(self, kind: str, /, **fields: Any) -> None:
        """Queue a frame for this socket alone; fields that are None are left out."""
        named = {"type": kind, **{name: value for name, value in fields.items() if value is not None}}
        self.push(Frame(wire.encode_bytes(named)))

    def refuse(self, refused: Refused, *, ref: str | None = None, room: str | None = None) -> None:
        """Say no, and why."""
        metrics.REFUSALS.labels(refused.code.value).inc()
        self.say(
            "refused",
            ref=ref,
            room=room,
            code=refused.code,
            rule=refused.rule,
            reason=refused.reason,
            retry_after=refused.retry_after,
        )

    def welcome(self) -> None:
        """Say who the person is here, what is on, and the limits."""
        person = self.person
        self.say(
            "welcome",
            protocol=wire.PROTOCOL,
            user={"id": person.id, "name": person.name, "guest": person.guest}
            if person
            else {"id": None, "name": "", "guest": True},
            features=self._hub.features(self.language),
            limits=_limits(),
            heartbeat=settings.CHAT_LIMITS["heartbeat"],
        )

    async def close(self, code: Close, *, retry_after: float | None = None) -> None:
        """Say why, then close. A second call does nothing."""
        if self.closing:
            return
        self.closing = True
        metrics.CLOSES.labels(str(int(code))).inc()
        if code is not Close.DRAINING:
            log.info("socket.closed", code=int(code), person=self.pk)
        self._hub.remove(self)
        goodbye = {"type": "closing", "code": int(code), "reason": self._t(_CLOSE_REASONS[code])}
        if retry_after is not None:
            goodbye["retry_after"] = retry_after
        await self.outlet.close(int(code), Frame(wire.encode_bytes(goodbye)))

    def _expire(self) -> None:
        self._hub.spawn(self.close(Close.MAX_AGE, retry_after=random.uniform(0, 2)))  # noqa: S311

    def gone(self) -> None:
        """Clean up after a socket, whatever happened to it. Never raises."""
        self.closing = True
        self._timer.cancel()
        self._slow.clear()
        if self._worker is not None:
            self._worker.cancel()
        self._hub.remove(self)
        self.outlet.abandon()
        self.left.set()

    # --- in -----------------------------------------------------------------------------------------------------

    def feed(self, text: str | bytes) -> None:
        """Take one text frame. Never raises: what is wrong with it is answered."""
        if self.closing:
            return
        try:
            if not self._within_rate():
                return
            if wire.is_too_large(text):
                self._misbehaved(Refused(Code.SIZE, self._t(_("A frame has at most 16,384 bytes."))))
                return
            try:
                frame = wire.decode(text)
            except Refused as refused:
                self._misbehaved(refused, wire.ref_of(text))
                return
            self._take(frame)
        except Exception:
            log.exception("socket.frame_failed", person=self.pk)
            self.refuse(Refused(Code.UNAVAILABLE, self._t(_("Something went wrong here. Please try again."))))

    def feed_binary(self) -> None:
        """Take one binary frame: the protocol has none."""
        if not self.closing and self._within_rate():
            self._misbehaved(Refused(Code.PROTOCOL, self._t(_("This protocol has text frames only."))))

    def violated(self) -> None:
        """Answer bytes that no frame can be made of: close, and say why."""
        self._hub.spawn(self.close(Close.PROTOCOL))

    def _t(self, text: str) -> str:
        with translation.override(self.language):
            return translation.gettext(text)

    def _within_rate(self) -> bool:
        if self._throttles is None:
            return True
        wait = self._bucket.take(self._rate, time.monotonic())
        if not wait:
            self._flooding = max(0, self._flooding - 1)
            self._slowed = False
            return True
        self._flooding += 1
        if not self._slowed:
            self._slowed = True
            reason = self._t(_("Too many frames. Please slow down."))
            self.refuse(Refused(Code.RATE, reason, retry_after=round(wait, 2)))
        if self._flooding > FLOOD_REFUSALS:
            self._hub.spawn(self.close(Close.FLOOD, retry_after=10.0))
        return False

    def _misbehaved(self, refused: Refused, ref: str | None = None) -> None:
        self.refuse(refused, ref=ref)
        if refused.code is Code.PROTOCOL:
            self._bad += 1
            if self._bad > settings.CHAT_LIMITS["bad_frames"]:
                self._hub.spawn(self.close(Close.PROTOCOL))

    def _take(self, frame: wire.ClientFrame) -> None:
        if isinstance(frame, wire.Ping):
            self.say("pong", ref=frame.ref)
        elif isinstance(frame, wire.MessagePost) and not self._slow and self._worker is None:
            feed = self.feeds.get(frame.room)
            if feed is not None:
                self._write(frame, feed)
            else:
                self._later(frame)
        elif isinstance(frame, wire.Typing):
            feed = self.feeds.get(frame.room)
            if feed is not None and not self._limited("typing", self.who):
                self._hub.typing(self, feed)
        else:
            self._later(frame)

    def _limited(self, name: str, key: Hashable) -> float:
        if self._throttles is None:
            return 0.0
        return self._throttles[name].take(key, time.monotonic())

    def _later(self, frame: wire.ClientFrame) -> None:
        """Queue what needs the database, so that a socket's requests are answered in their order."""
        if len(self._slow) >= SLOW_FRAMES:
            reason = self._t(_("Too many requests at once. Wait for their answers."))
            self.refuse(Refused(Code.RATE, reason, retry_after=1.0), ref=frame.ref)
            return
        self._slow.append(frame)
        if self._worker is None:
            self._worker = self._hub.loop.create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._slow and not self.closing:
                frame = self._slow.popleft()
                try:
                    if frame.feature is not None:  # else the hub asks, once it knows the room
                        self._hub.permit(self, frame.feature)
                    await self._serve[type(frame)](self, frame)
                except gate.Shut as shut:
                    gate.count_refusal(shut.decision.feature)
                    reason = shut.decision.reason(self.language)
                    self.refuse(Refused(Code.GATE, reason, rule=shut.decision.rule.id), ref=frame.ref)
                except Refused as refused:
                    self.refuse(refused, ref=frame.ref, room=getattr(frame, "room", None))
                except Exception:
                    log.exception("socket.request_failed", type=type(frame).__name__, person=self.pk)
                    reason = self._t(_("The service cannot answer this just now. Please try again."))
                    self.refuse(Refused(Code.UNAVAILABLE, reason, retry_after=2.0), ref=frame.ref)
        finally:
            self._worker = None

    async def _join(self, frame: wire.RoomJoin) -> None:
        self._allow("join", self.who)
        if len(self.feeds) >= settings.CHAT_LIMITS["rooms_per_socket"] and frame.room not in self.feeds:
            raise Refused(Code.RATE, self._t(_("Too many rooms at once. Leave one first.")))
        await self._hub.join(self, frame.ref, frame.room, frame.after)

    async def _leave(self, frame: wire.RoomLeave) -> None:
        feed = self.feeds.get(frame.room)
        if feed is None:
            raise Refused(Code.MISSING, self._t(_("You are not in this room.")))
        self._hub.leave(self, feed)
        self.say("room.left", ref=frame.ref, room=frame.room)

    async def _sync(self, frame: wire.RoomSync) -> None:
        self._allow("read", self.who)
        limit = frame.limit or settings.CHAT_LIMITS["page_most"]
        await self._hub.read(self, frame.ref, frame.room, after=frame.after, limit=limit)

    async def _history(self, frame: wire.RoomHistory) -> None:
        self._allow("read", self.who)
        limit = frame.limit or settings.CHAT_LIMITS["page"]
        await self._hub.read(self, frame.ref, frame.room, before=frame.before, limit=limit)

    async def _put(self, frame: wire.MessagePost | wire.MessageEdit | wire.MessageDelete) -> None:
        self._write(frame, self.feeds.get(frame.room) or await self._hub.glimpse(self, frame.room))

    async def _seen(self, frame: wire.RoomSeen) -> None:
        if self.person is not None and frame.room in self.feeds:
            await self._hub.seen(self, self.person, self.feeds[frame.room], frame.seq)

    async def _seek(self, frame: wire.MatchSeek) -> None:
        self._allow("seek", self.who)
        await self._hub.seek(self, frame.ref, self._signed_in(), frame.topic or "", frame.language or "")

    async def _cancel(self, frame: wire.MatchCancel) -> None:
        await self._hub.cancel(self, frame.ref, self._signed_in())

    async def _end_talk(self, frame: wire.MatchLeave) -> None:
        await self._hub.end_talk(self, frame.ref, self._signed_in(), frame.room)

    # What waits for the database; `ping` and `typing` are answered at once in `_take`.
    _serve: ClassVar[dict[type[wire.ClientFrame], Callable[[Socket, Any], Awaitable[None]]]] = {
        wire.RoomJoin: _join,
        wire.RoomLeave: _leave,
        wire.RoomSync: _sync,
        wire.RoomHistory: _history,
        wire.RoomSeen: _seen,
        wire.MessagePost: _put,
        wire.MessageEdit: _put,
        wire.MessageDelete: _put,
        wire.MatchSeek: _seek,
        wire.MatchCancel: _cancel,
        wire.MatchLeave: _end_talk,
    }

    def _signed_in(self) -> Person:
        if self.person is None:
            raise Refused(Code.AUTH, self._t(_("Enter a nickname or sign in first.")))
        return self.person

    def _allow(self, name: str, key: Hashable) -> None:
        self._ask_to_wait(self._limited(name, key))

    def _allow_writing(self, person: Person, feed: Feed) -> None:
        if (throttles := self._throttles) is not None:
            now = time.monotonic()
            self._ask_to_wait(
                throttles["post"].take(person.pk, now)
                or throttles["post_address"].take(self.address, now)
                or throttles["post_room"].take(feed.key, now)
            )

    def _ask_to_wait(self, wait: float) -> None:
        if wait:
            reason = self._t(_("Too much at once. Please wait a moment."))
            raise Refused(Code.RATE, reason, retry_after=round(wait, 2))

    def _clean(self, body: str) -> str:
        try:
            return clean(body)
        except Refused:  # as few are: choosing a language costs more than cleaning
            with translation.override(self.language):
                return clean(body)

    def _write(self, frame: wire.MessagePost | wire.MessageEdit | wire.MessageDelete, feed: Feed) -> None:
        ref, room = frame.ref, frame.room
        try:
            person = self._signed_in()
            self._allow_writing(person, feed)
            if isinstance(frame, wire.MessagePost):
                body = self._clean(frame.body)
                client_id, reply_to = frame.client_id, frame.reply_to
                entry = Entry(feed.id, person, Message.Kind.MESSAGE, body, client_id, reply_to, feature=feed.feature)
            elif isinstance(frame, wire.MessageEdit):
                body = self._clean(frame.body)
                entry = Entry(feed.id, person, Message.Kind.EDIT, body, target=frame.seq)
            else:
                entry = Entry(feed.id, person, Message.Kind.DELETE, target=frame.seq)
        except Refused as refused:
            self.refuse(refused, ref=ref, room=room)
            return

        def done(outcome: Stored | Refused) -> None:
            if isinstance(outcome, Refused):
                self.refuse(outcome, ref=ref, room=room)
            else:
                client_id = entry.client_id or msgspec.UNSET
                receipt = wire.MessageAccepted(ref, room, outcome.seq, outcome.at, client_id)
                self.push(Frame(wire.encode_bytes(receipt)))

        self._hub.post(entry, done)


def _limits() -> dict[str, Any]:
    named = {name: settings.CHAT_LIMITS[name] for name in ("message_chars", "frame_bytes", "page", "page_most")}
    return named | {"rates": {name: list(rate) for name, rate in settings.CHAT_RATES.items()}}


async def chat_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve `chat.v1` on one WebSocket (ASGI application)."""
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    outlet = daphne.outlet_for(send) or AsgiOutlet(send)
    if isinstance(outlet, daphne.DaphneOutlet):
        outlet.hold()
    language = language_of(scope)
    socket: Socket | None = None
    try:
        running = await hub.current()
        address = address_of(scope)
        socket = await _admit(running, scope, outlet, language, address)
        if socket is None:
            return
        if isinstance(outlet, daphne.DaphneOutlet):
            outlet.listen(socket.feed, socket.feed_binary, socket.violated)
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is not None:
                socket.feed(text)
            else:
                socket.feed_binary()
    finally:
        # Whatever ended this socket, nothing of it stays behind: Channels runs no `disconnect` after an exception.
        if isinstance(outlet, daphne.DaphneOutlet):
            outlet.unlisten()
        if socket is not None:
            socket.gone()


async def _admit(running: Hub, scope: dict[str, Any], outlet: Outlet, language: str, address: str) -> Socket | None:
    """Find out who connects, and welcome them; None if the socket was closed instead."""
    refusal: Close | None = None
    known = None
    if running.draining:
        refusal = Close.DRAINING
    elif settings.CHAT_RATE_LIMITS and running.throttles["connect"].take(address, time.monotonic()):
        refusal = Close.FLOOD
    else:
        try:
            async with asyncio.timeout(ADMIT_SECONDS):
                known = await running.logins.who(session_of(scope), language)
        except Exception:
            log.exception("socket.admission_failed")
            refusal = Close.DRAINING
        if running.draining:  # it began while the database was asked
            refusal = Close.DRAINING
    person, login = known or (None, None)
    socket = Socket(running, outlet, person=person, login=login, language=language, address=address)
    if refusal is not None:
        await socket.close(refusal, retry_after=random.uniform(1, 5))  # noqa: S311
        socket.gone()
        return None
    running.add(socket)
    socket.welcome()
    return socket
