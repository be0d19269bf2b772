"""The load: many people's sockets in one process, which talk, time what they hear, and miss nothing unnoticed.

A process of its own, told what to do by JSON lines on its standard input; `Crowd` runs several of them from outside.
A body says who wrote it, as the how-manieth, and when: so each socket knows at once when one is missing, comes twice
or comes too early.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import subprocess
import sys
import time
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self

import msgspec
import psutil
import uvloop
from msgspec import Struct
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

ROOT: Final = Path(__file__).resolve().parents[2]
PATIENCE: Final = 30.0  # seconds until a socket that does not join, or a message that does not come, is a fault
FAULTS: Final = 10  # kept in words; the others are counted
KNOWN: Final = 2_000  # frames kept read, since the same bytes go to every socket of a room

Protocol = Literal["chat.v1", "peer"]

_encode: Final = msgspec.json.encode


# --- what is asked and answered ----------------------------------------------------------------------------------


class Seat(Struct):
    """One socket to open. `writer`: a number that is nobody else's, 0 for somebody who only listens."""

    url: str
    room: str
    cookie: str = ""
    writer: int = 0


class Connect(Struct, tag="connect"):
    """Open sockets, so many at a time, and join their rooms."""

    protocol: Protocol
    seats: list[Seat]
    at_once: int = 16


class Talk(Struct, tag="talk"):
    """Let each writer write for some seconds.

    Either as fast as they can, with so many messages on their way at once (`window`), or so many `per_second`.
    """

    seconds: float
    chars: int = 100
    window: int = 1
    per_second: float = 0.0


class Settle(Struct, tag="settle"):
    """Wait until everybody has all that was written; `sent`: how many by each writer, room by room."""

    sent: dict[str, dict[int, int]]


class Leave(Struct, tag="leave"):
    """Close every socket."""


class Answer(Struct):
    """What a process has to say when it did what it was asked. Times in seconds, delays in milliseconds."""

    cpu: float = 0.0
    sent: dict[str, dict[int, int]] = {}
    deliveries: int = 0
    receipts: int = 0
    first: float = 0.0
    last: float = 0.0
    delays: list[float] = []
    receipt_delays: list[float] = []
    faults: list[str] = []


Order = Connect | Talk | Settle | Leave


# --- one socket --------------------------------------------------------------------------------------------------


class Heard(Struct):
    """One frame with messages, read once for all sockets that get the same bytes."""

    spans: list[tuple[int, int, int]]  # writer, first and last number
    stamps: list[int]
    seqs: tuple[int, int] | None = None


class _Item(Struct):
    seq: int
    body: str


class _Messages(Struct):
    room: str
    items: list[_Item]


class _Joined(Struct):
    head: int
    items: list[_Item]
    more: bool


class _Receipt(Struct):
    ref: str


class _Said(Struct):
    message: str


_messages = msgspec.json.Decoder(_Messages)
_joined = msgspec.json.Decoder(_Joined)
_receipt = msgspec.json.Decoder(_Receipt)
_said = msgspec.json.Decoder(_Said)


class Sitter(WSListener):
    """The person on a seat: what the two protocols share. Subclasses read and write frames."""

    def __init__(self, house: House, seat: Seat) -> None:
        self.house = house
        self.seat = seat
        self.got: dict[int, int] = {}
        self.sent = 0
        self.receipts = 0
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Remember the way out."""
        self.transport = transport

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Nobody closes while they are measured."""
        if not self.house.leaving:
            self.house.fault(f"{self.seat.room}: the socket was closed")
            if not self.joined.done():
                self.joined.set_result(None)

    @property
    def under_way(self) -> int:
        """How many own messages have not come back yet."""
        return self.sent - self.got.get(self.seat.writer, 0)

    def write(self) -> None:
        """Say the next message."""
        assert self.transport is not None
        self.sent += 1
        body = f"{self.seat.writer} {self.sent} {time.monotonic_ns()} ".ljust(self.house.chars, ".")
        self.transport.send(WSMsgType.TEXT, self.frame(body))

    def frame(self, body: str) -> bytes:
        """The frame that posts a body."""
        raise NotImplementedError

    def hear(self, heard: Heard) -> None:
        """Take messages: each writer's must follow the last one of theirs."""
        got = self.got
        for writer, first, last in heard.spans:
            before = got.get(writer, 0)
            if first != before + 1:
                self.house.fault(f"{self.seat.room}: number {first} of writer {writer} after {before}")
            got[writer] = last
        self.house.heard(heard)
        if self.seat.writer and self.house.writing:
            self.go_on()

    def go_on(self) -> None:
        """Write as long as fewer messages are under way than may be."""
        while self.under_way < self.house.window:
            self.write()


class Member(Sitter):
    """Speaks `chat.v1`: joins, posts with a client id, wants a receipt for each, and watches the seqs."""

    _clients = itertools.count(1)

    def __init__(self, house: House, seat: Seat) -> None:
        super().__init__(house, seat)
        self.seq = 0
        self._prefix = f"{secrets.token_hex(4)}-0000-4000-8000-"

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take one frame; whatever is not expected while one is measured is a fault."""
        payload = frame.get_payload_as_bytes()
        house = self.house
        heard = house.latest if payload == house.payload else house.known.get(payload)
        if heard is None and payload.startswith(b'{"type":"messages"'):
            heard = house.read(payload, self._read)
        if heard is not None:
            assert heard.seqs is not None
            first, last = heard.seqs
            if first != self.seq + 1:
                house.fault(f"{self.seat.room}: seq {first} after {self.seq}")
            self.seq = last
            self.hear(heard)
        elif payload.startswith(b'{"type":"message.accepted"'):
            self._accepted(payload)
        elif payload.startswith(b'{"type":"welcome"'):
            transport.send(WSMsgType.TEXT, _encode({"type": "room.join", "ref": "join", "room": self.seat.room}))
        elif payload.startswith(b'{"type":"room.joined"'):
            self.seq = _joined.decode(payload).head
            self.joined.set_result(None)
        elif not payload.startswith((b'{"type":"presence"', b'{"type":"gate.changed"')):
            self.house.fault(f"{self.seat.room}: {payload[:200]!r}")

    @staticmethod
    def _read(payload: bytes) -> Heard:
        items = _messages.decode(payload).items
        first, last = items[0].seq, items[-1].seq
        if [item.seq for item in items] != list(range(first, last + 1)):
            raise ValueError(f"seqs {[item.seq for item in items]}")
        return summary([item.body for item in items], (first, last))

    def frame(self, body: str) -> bytes:
        """See `Sitter.frame`."""
        client = f"{self._prefix}{self.sent:012x}"
        return (
            f'{{"type":"message.post","ref":"{self.sent}","room":"{self.seat.room}","client_id":"{client}",'
            f'"body":"{body}"}}'
        ).encode()

    def _accepted(self, payload: bytes) -> None:
        self.receipts += 1
        if _receipt.decode(payload).ref != str(self.receipts):
            self.house.fault(f"{self.seat.room}: receipt {payload!r} instead of {self.receipts}")
        self.house.receipt(self)
        if self.house.writing:
            self.go_on()

    def write(self) -> None:
        """See `Sitter.write`."""
        if self.house.timing:
            self.house.posted[self.seat.writer, self.sent + 1] = time.monotonic_ns()
        super().write()

    @property
    def under_way(self) -> int:
        """How many own messages have not come back yet, or have no receipt."""
        return self.sent - min(self.got.get(self.seat.writer, 0), self.receipts)


class Visitor(Sitter):
    """Speaks to the peer: the address is the room, and a message is a message."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The peer says nothing to who comes in."""
        super().on_ws_connected(transport)
        self.joined.set_result(None)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take one frame."""
        payload = frame.get_payload_as_bytes()
        self.hear(self.house.known.get(payload) or self.house.read(payload, self._read))

    @staticmethod
    def _read(payload: bytes) -> Heard:
        return summary([_said.decode(payload).message], None)

    def frame(self, body: str) -> bytes:
        """See `Sitter.frame`."""
        return f'{{"message":"{body}"}}'.encode()


def summary(bodies: Iterable[str], seqs: tuple[int, int] | None) -> Heard:
    """Say in short who wrote what; bodies begin with writer, number and time.

    Raises:
        ValueError: one writer's numbers do not follow each other.
    """
    spans: dict[int, tuple[int, int, int]] = {}
    stamps = []
    for body in bodies:
        writer, number, stamp = map(int, body.split(" ", 3)[:3])
        first, last = spans[writer][1:] if writer in spans else (number, number - 1)
        if number != last + 1:
            raise ValueError(f"number {number} of writer {writer} after {last}")
        spans[writer] = (writer, first, number)
        stamps.append(stamp)
    return Heard(list(spans.values()), stamps, seqs)


# --- one process -------------------------------------------------------------------------------------------------


class House:
    """All sockets of this process, and what happened to them."""

    def __init__(self) -> None:
        self.sitters: list[Sitter] = []
        self.known: dict[bytes, Heard] = {}
        self.payload = b""  # the last one that was read, and what it said: mostly everybody gets it at the same time
        self.latest: Heard | None = None
        self.posted: dict[tuple[int, int], int] = {}
        self.faults: list[str] = []
        self.faulty = 0
        self.leaving = False
        self._clear()

    def _clear(self, talk: Talk | None = None) -> None:
        self.writing = talk is not None
        self.window = talk.window if talk else 1
        self.chars = talk.chars if talk else 100
        self.timing = bool(talk and talk.per_second)
        self.deliveries = 0
        self.receipts = 0
        self.first = self.last = time.monotonic_ns()
        self.delays: array[float] = array("d")
        self.receipt_delays: array[float] = array("d")

    async def do(self, order: Order) -> Answer:
        """Do what is asked, and say what came of it."""
        cpu = time.process_time()
        sent: dict[str, dict[int, int]] = {}
        if isinstance(order, Connect):
            await self._connect(order)
        elif isinstance(order, Talk):
            sent = await self._talk(order)
        elif isinstance(order, Settle):
            await self._settle(order)
        else:
            await self._leave()
        settled = isinstance(order, Settle)
        return Answer(
            cpu=time.process_time() - cpu,
            sent=sent,
            deliveries=self.deliveries,
            receipts=self.receipts,
            first=self.first / 1e9,
            last=self.last / 1e9,
            delays=[delay / 1e6 for delay in self.delays] if settled else [],
            receipt_delays=[delay / 1e6 for delay in self.receipt_delays] if settled else [],
            faults=[*self.faults, f"{self.faulty} faults in all"] if self.faulty else [],
        )

    def fault(self, what: str) -> None:
        """Something happened that must not."""
        self.faulty += 1
        if len(self.faults) < FAULTS:
            self.faults.append(what)

    def read(self, payload: bytes, reader: Any) -> Heard:
        """Read a frame that no other socket has read yet."""
        try:
            heard: Heard = reader(payload)
        except (ValueError, msgspec.MsgspecError) as error:
            self.fault(f"{error}: {payload[:300]!r}")
            heard = Heard([], [], (0, 0))
        if len(self.known) >= KNOWN:
            del self.known[next(iter(self.known))]
        self.known[payload] = heard
        self.payload, self.latest = payload, heard
        return heard

    def heard(self, heard: Heard) -> None:
        """Count what one socket was given."""
        stamps = heard.stamps
        now = time.monotonic_ns()
        self.deliveries += len(stamps)
        self.last = now
        if self.timing:
            for stamp in stamps:
                self.delays.append(now - stamp)

    def receipt(self, sitter: Sitter) -> None:
        """Count a receipt."""
        self.receipts += 1
        if self.timing:
            posted = self.posted.pop((sitter.seat.writer, sitter.receipts))
            self.receipt_delays.append(time.monotonic_ns() - posted)

    async def _connect(self, order: Connect) -> None:
        self.leaving = False
        self.faults.clear()
        self.faulty = 0
        kind = Member if order.protocol == "chat.v1" else Visitor
        queue = iter(order.seats)

        async def serve() -> None:
            for seat in queue:
                sitter = kind(self, seat)
                self.sitters.append(sitter)
                headers = {"Cookie": seat.cookie} if seat.cookie else {}
                try:
                    async with asyncio.timeout(PATIENCE):
                        await ws_connect(
                            lambda sitter=sitter: sitter,
                            seat.url,
                            extra_headers=headers,
                            websocket_handshake_timeout=PATIENCE,
                            read_buffer_init_size=4096,
                        )
                        await sitter.joined
                except (OSError, TimeoutError) as error:
                    self.fault(f"{seat.room}: {error!r}")

        await asyncio.gather(*(serve() for _ in range(order.at_once)))

    async def _talk(self, order: Talk) -> dict[str, dict[int, int]]:
        self._clear(order)
        writers = [sitter for sitter in self.sitters if sitter.seat.writer and sitter.transport]
        if order.per_second:
            pause = 1 / order.per_second
            await asyncio.gather(
                *(
                    self._pace(sitter, pause * number / len(writers), pause, order.seconds)
                    for number, sitter in enumerate(writers)
                )
            )
        else:
            for sitter in writers:
                sitter.go_on()
            await asyncio.sleep(order.seconds)
        self.writing = False
        sent: dict[str, dict[int, int]] = defaultdict(dict)
        for sitter in writers:
            sent[sitter.seat.room][sitter.seat.writer] = sitter.sent
        return sent

    async def _pace(self, sitter: Sitter, start: float, pause: float, seconds: float) -> None:
        self.window = 0  # nobody writes because something came
        for turn in range(int((seconds - start) / pause)):
            await asyncio.sleep(max(0.0, self.first / 1e9 + start + turn * pause - time.monotonic()))
            sitter.write()

    async def _settle(self, order: Settle) -> None:
        end = time.monotonic() + PATIENCE
        while not all(self._has_all(sitter, order.sent) for sitter in self.sitters):
            if time.monotonic() > end:
                short = [sitter for sitter in self.sitters if not self._has_all(sitter, order.sent)]
                for sitter in short:
                    wanted = order.sent.get(sitter.seat.room, {})
                    self.fault(f"{sitter.seat.room}: {wanted} was written, {sitter.got} came")
                break
            await asyncio.sleep(0.01)

    @staticmethod
    def _has_all(sitter: Sitter, sent: dict[str, dict[int, int]]) -> bool:
        wanted = sent.get(sitter.seat.room, {})
        return all(sitter.got.get(writer, 0) >= count for writer, count in wanted.items()) and (
            isinstance(sitter, Visitor) or sitter.receipts == sitter.sent
        )

    async def _leave(self) -> None:
        self.leaving = True
        for sitter in self.sitters:
            if sitter.transport is not None:
                sitter.transport.disconnect(graceful=False)
        self.sitters.clear()
        self.known.clear()
        self.payload, self.latest = b"", None
        self.posted.clear()
        self._clear()


async def live() -> None:
    """Do one order after the other until there are no more."""
    house = House()
    orders: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=2**26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        answer = await house.do(orders.decode(line))
        sys.stdout.buffer.write(_encode(answer) + b"\n")
        sys.stdout.buffer.flush()


# --- from outside ------------------------------------------------------------------------------------------------


class Crowd:
    """Several such processes as one.

    Args:
        processes: how many.
        cores: where they may run.
    """

    def __init__(self, processes: int, cores: Sequence[int]) -> None:
        self._answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.load.client"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            for _ in range(processes)
        ]
        apart = len(cores) > processes  # else they share them, and with the database
        for number, process in enumerate(self._processes):
            psutil.Process(process.pid).cpu_affinity([cores[number]] if apart else list(cores))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def connect(self, protocol: Protocol, seats: Sequence[Seat], at_once: int = 16) -> Answer:
        """Open sockets, spread evenly.

        Raises:
            AssertionError: something was lost, doubled, reordered or refused; so do the other orders.
        """
        count = len(self._processes)
        return self._ask([Connect(protocol, list(seats[n::count]), max(1, at_once // count)) for n in range(count)])

    def talk(self, talk: Talk) -> Answer:
        """Let them write; return when everybody has everything."""
        talked = self._ask([talk] * len(self._processes))
        settled = self._ask([Settle(talked.sent)] * len(self._processes))
        settled.cpu += talked.cpu
        settled.sent = talked.sent
        return settled

    def leave(self) -> None:
        """Close every socket."""
        self._ask([Leave()] * len(self._processes))

    def _ask(self, orders: Sequence[Order]) -> Answer:
        for process, order in zip(self._processes, orders, strict=True):
            assert process.stdin is not None
            process.stdin.write(_encode(order) + b"\n")
            process.stdin.flush()
        both = Answer(first=float("inf"))
        sent: dict[str, dict[int, int]] = defaultdict(dict)
        for process in self._processes:
            assert process.stdout is not None
            answer = self._answers.decode(process.stdout.readline())
            both.cpu += answer.cpu
            both.deliveries += answer.deliveries
            both.receipts += answer.receipts
            both.first = min(both.first, answer.first)
            both.last = max(both.last, answer.last)
            both.delays += answer.delays
            both.receipt_delays += answer.receipt_delays
            both.faults += answer.faults
            for room, written in answer.sent.items():
                sent[room] |= written
        both.sent = dict(sent)
        assert not both.faults, "\n".join(both.faults)
        return both


if __name__ == "__main__":
    uvloop.run(live())
