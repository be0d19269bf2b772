"""People who talk through everything: each remembers all that was promised and all that came, and resumes.

`Crowd.verdict` holds their memories against the log.
"""

# ruff: noqa: S311 -- dice, not secrets

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from chat.db import check_pool
from chat.messages import queries as history
from chat.models import Room, User
from chat.protocol import encode
from tests.conftest import signed_in
from tests.serving import Server

OPENING: Final = 8.0  # seconds until `welcome`; a frozen process accepts and then says nothing
SILENCE: Final = 3.0  # seconds without a frame after which one asks whether anybody is there
PATIENCE: Final = 3.0  # seconds to wait for that answer
MARK: Final = "himitsu"  # stands in every body, so that a log can be searched for it

Item = dict[str, Any]


def replay(items: Sequence[Item]) -> dict[int, tuple[str, str]]:
    """What somebody sees who was given these items: by seq, who said what, edits and deletions worked in."""
    seen: dict[int, tuple[str, str]] = {}
    for item in items:
        author = item["author"]["name"]
        if item["kind"] == "message":
            seen[item["seq"]] = (author, item["body"])
        elif item["target"] in seen and seen[item["target"]][1]:
            seen[item["target"]] = (author, item["body"])
    return seen


@dataclass
class Tally:
    """What happened to a crowd, in pieces."""

    posts: int = 0
    receipts: int = 0
    reposts: int = 0
    delivered: int = 0
    resumed: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    delays: list[float] = field(default_factory=list)

    def delay(self, share: float) -> float:
        """The delay in milliseconds below which this share of deliveries stayed."""
        return 1000 * sorted(self.delays)[int(share * (len(self.delays) - 1))] if self.delays else 0.0


class Talker:
    """One socket's person: reads a room from its beginning, and writes into it while asked to.

    Args:
        crowd: to whom they belong.
        room: public id of their room.
        name: nickname.
        session: key of their session.
        rate: posts per second, on average; 0 for somebody who only reads.
    """

    def __init__(self, crowd: Crowd, room: str, name: str, session: str, rate: float) -> None:
        self.crowd = crowd
        self.room = room
        self.name = name
        self.rate = rate
        self.items: list[Item] = []
        self.receipts: dict[str, int] = {}
        self.faults: list[str] = []
        self.outbox: dict[str, str] = {}  # client_id: body, until the receipt
        self.codes: list[int] = []  # with which their sockets ended, 1006 for a cut
        self.goodbyes = 0
        self._posted: dict[str, str] = {}  # ref: client_id
        self.cookie = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.LANGUAGE_COOKIE_NAME}=ja"
        self._socket: ClientConnection | None = None
        self._joined = False
        self._refs = 0

    @property
    def last(self) -> int:
        """The last seq they have; 0 at the start."""
        return self.items[-1]["seq"] if self.items else 0

    def cut(self) -> None:
        """Tears their connection, as a tunnel or a lift does."""
        if self._socket is not None:
            self._socket.transport.abort()

    # --- life ---------------------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Stays connected until the crowd goes home."""
        failures = 0
        while not self.crowd.over:
            pause = None
            try:
                pause = await self._visit(self.crowd.choose())
                failures = 0
            except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
                self.crowd.tally.ends[type(error).__name__] += 1
                failures += 1
            self._joined = False
            self._socket = None
            if pause is None:
                pause = random.uniform(0.05, min(0.2 * 2**failures, 1.0))
            await self.crowd.sleep(pause)

    async def _visit(self, server: Server) -> float | None:
        """One connection, to its end; returns the pause that the service asked for."""
        pause: float | None = None
        async with asyncio.timeout(OPENING):
            socket = await connect(
                server.ws_url,
                additional_headers={"Cookie": self.cookie},
                origin=server.url,  # type: ignore[arg-type]
                compression=None,
                proxy=None,
                ping_interval=None,
                open_timeout=None,
                close_timeout=1,
                max_size=None,
            )
        self._socket = socket
        asked: float | None = None
        welcomed = False
        try:
            while True:
                try:
                    async with asyncio.timeout(PATIENCE if asked else SILENCE if welcomed else OPENING):
                        frame = json.loads(await socket.recv())
                except TimeoutError:
                    if asked or not welcomed:
                        self.crowd.tally.ends["silence"] += 1
                        socket.transport.abort()
                        return None
                    asked = time.monotonic()
                    await self._say("ping")
                    continue
                asked = None
                if frame["type"] == "welcome":
                    welcomed = True
                    await self._join()
                elif frame["type"] == "closing":
                    self.goodbyes += 1
                    pause = min(frame.get("retry_after", 0.0), 2.0)
                else:
                    await self._hear(frame)
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
            self.codes.append(code)
            self.crowd.tally.ends[str(code)] += 1
            return pause
        finally:
            with suppress(OSError):
                socket.transport.abort()

    async def _say(self, kind: str, **fields: Any) -> str:
        self._refs += 1
        ref = f"{kind}-{self._refs}"
        if self._socket is not None:
            await self._socket.send(json.dumps({"type": kind, "ref": ref, **fields}))
        return ref

    async def _join(self) -> None:
        self.crowd.tally.resumed += bool(self.items)
        await self._say("room.join", room=self.room, after=self.last)

    async def _join_again(self, socket: ClientConnection | None) -> None:
        if self._socket is socket:  # else the next connection has joined by itself
            await self._join()

    # --- hearing ------------------------------------------------------------------------------------------------

    async def _hear(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        if kind in ("room.joined", "messages"):
            self._take(frame)
            if "ref" in frame:
                if frame["more"]:
                    await self._say("room.sync", room=self.room, after=self.last)
                else:
                    self._joined = True
                    await self._post_again()
        elif kind == "message.accepted":
            self._receipt(frame)
        elif kind == "refused":
            await self._refused(frame)

    def _take(self, frame: dict[str, Any]) -> None:
        for item in frame["items"]:
            if item["seq"] <= self.last:
                self.faults.append(f"{self.name}: doubled {item['seq']} after {self.last} in {frame['type']}")
                continue
            if item["seq"] != self.last + 1:
                self.faults.append(f"{self.name}: hole, {item['seq']} after {self.last} in {frame['type']}")
            self.items.append(item)
            self.crowd.tally.delivered += 1
            sent = self.crowd.sent.get(item.get("client_id", ""))
            if sent is not None and "ref" not in frame:
                self.crowd.tally.delays.append(time.monotonic() - sent)

    def _receipt(self, frame: dict[str, Any]) -> None:
        self._posted.pop(frame["ref"], None)
        if "client_id" not in frame:  # of an edit or a deletion
            return
        client_id, seq = frame["client_id"], frame["seq"]
        if self.receipts.setdefault(client_id, seq) != seq:
            self.faults.append(f"{self.name}: two receipts, {self.receipts[client_id]} and {seq}")
        if self.outbox.pop(client_id, None) is not None:
            self.crowd.tally.receipts += 1

    async def _refused(self, frame: dict[str, Any]) -> None:
        self.crowd.tally.refused[frame["code"]] += 1
        if frame["code"] not in ("unavailable", "rate", "missing", "conflict"):
            self.faults.append(f"{self.name}: refused {frame}")
        ref = frame.get("ref", "")
        client_id = self._posted.pop(ref, None)
        pause = min(frame.get("retry_after", 0.5), 1.0)
        if client_id in self.outbox:
            self.crowd.later(pause, lambda: self._post_one(client_id))
        elif ref.startswith(("room.join", "room.sync")):
            socket = self._socket
            self.crowd.later(pause, lambda: self._join_again(socket))

    # --- writing ------------------------------------------------------------------------------------------------

    async def write(self) -> None:
        """Posts, edits and takes back, while the crowd talks."""
        while self.crowd.talking and self.rate:
            await self.crowd.sleep(random.expovariate(self.rate))
            if not self.crowd.talking:
                return
            mine = [item for item in self.items[-20:] if item.get("client_id") in self.receipts]
            dice = random.random()
            if dice < 0.05 and mine and self._joined:
                await self._quietly(self._say("message.edit", room=self.room, seq=mine[-1]["seq"], body=self._words()))
            elif dice < 0.08 and mine and self._joined:
                await self._quietly(self._say("message.delete", room=self.room, seq=mine[-1]["seq"]))
            else:
                client_id = str(uuid.uuid4())
                self.outbox[client_id] = self._words()
                self.crowd.tally.posts += 1
                self.crowd.sent[client_id] = time.monotonic()
                if self._joined:
                    await self._post_one(client_id)

    def _words(self) -> str:
        return f"{MARK} {random.randrange(10**9)} " + "言葉" * random.randrange(1, 40)

    async def _post_one(self, client_id: str | None) -> None:
        if client_id is not None and client_id in self.outbox:
            ref = await self._quietly(
                self._say("message.post", room=self.room, client_id=client_id, body=self.outbox[client_id])
            )
            if ref:
                self._posted[ref] = client_id

    async def _post_again(self) -> None:
        self._posted.clear()
        for client_id in list(self.outbox):
            self.crowd.tally.reposts += 1
            await self._post_one(client_id)

    @staticmethod
    async def _quietly(saying: Any) -> Any:
        try:
            return await saying
        except (ConnectionClosed, OSError):
            return None


class Crowd:
    """Many talkers in many rooms.

    Args:
        servers: processes of the service.
        rooms: how many rooms.
        sockets: how many talkers, spread evenly.
        rate: posts per second of all together.
    """

    def __init__(self, servers: Sequence[Server], rooms: int, sockets: int, rate: float) -> None:
        self.servers = list(servers)
        self.open = set(self.servers)  # where a proxy would send people to
        self.tally = Tally()
        self.sent: dict[str, float] = {}
        self.talking = True
        self.over = False
        self._gone = asyncio.Event()
        self._later: set[asyncio.Task[None]] = set()
        self._running: list[asyncio.Task[None]] = []
        made = [Room.objects.create(slug=f"room-{uuid.uuid4().hex[:12]}", name=f"部屋{n}") for n in range(rooms)]
        self.rooms: dict[str, UUID] = {room.key: room.id for room in made}
        keys = list(self.rooms)
        writers = max(1, sockets // 2)
        self.names: list[str] = []
        self.talkers: list[Talker] = []
        for number in range(sockets):
            guest = User(name=f"nanashi-{uuid.uuid4().hex[:8]}", is_guest=True)
            guest.set_unusable_password()
            guest.save()
            session = signed_in(guest).cookies[settings.SESSION_COOKIE_NAME].value
            self.names.append(guest.name)
            share = rate / writers if number % 2 == 0 else 0.0
            self.talkers.append(Talker(self, keys[(number // 2) % rooms], guest.name, session, share))
        connection.close()

    def choose(self) -> Server:
        """A server to connect to, as a proxy would choose it."""
        return random.choice(list(self.open) or self.servers)

    async def sleep(self, seconds: float) -> None:
        """Waits, but not beyond the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._gone.wait()

    def later(self, seconds: float, work: Callable[[], Any]) -> None:
        """Does something after a pause."""

        async def do() -> None:
            await self.sleep(seconds)
            with suppress(ConnectionClosed, OSError):
                await work()

        task = asyncio.get_running_loop().create_task(do())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def start(self) -> None:
        """Has everybody connect and talk."""
        loop = asyncio.get_running_loop()
        for talker in self.talkers:
            self._running += [loop.create_task(talker.live()), loop.create_task(talker.write())]

    async def until(self, true: Callable[[], bool], seconds: float, what: str) -> None:
        """Waits for something.

        Raises:
            AssertionError: when it does not come about in time.
        """
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s; {self.summary()}"
            await asyncio.sleep(0.05)

    async def arrive(self, seconds: float = 60) -> None:
        """Waits until everybody is in their room."""
        await self.until(lambda: all(t._joined for t in self.talkers), seconds, "everybody is in")

    async def finish(self, seconds: float = 60) -> None:
        """Stops the talk; waits until every post has its receipt and everybody has their room's whole log.

        Raises:
            AssertionError: when somebody hangs.
        """
        self.talking = False
        try:
            await self.until(lambda: not any(t.outbox for t in self.talkers), seconds, "every post has its receipt")
            heads = await asyncio.to_thread(self._heads)
            await self.until(
                lambda: all(t.last >= heads[t.room] for t in self.talkers), seconds, "everybody is up to date"
            )
            await asyncio.sleep(1.5)  # what comes twice or too much comes now
        finally:
            self.over = True
            self._gone.set()
            for talker in self.talkers:
                talker.cut()
            await asyncio.wait(self._running, timeout=15)
            for task in self._running:
                task.cancel()
            for ended in await asyncio.gather(*self._running, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended

    def _heads(self) -> dict[str, int]:
        check_pool()  # the database was restarted
        try:
            found = dict(Room.objects.filter(id__in=self.rooms.values()).values_list("slug", "head"))
            return {str(key): head for key, head in found.items()}
        finally:
            connection.close()

    # --- the verdict --------------------------------------------------------------------------------------------

    def verdict(self) -> None:
        """Holds what was promised and what came against the log.

        Raises:
            AssertionError: something was lost, doubled or out of order.
        """
        logs = {key: self._log(room) for key, room in self.rooms.items()}
        faults = [fault for talker in self.talkers for fault in talker.faults]
        for key, log in logs.items():
            if [item["seq"] for item in log] != list(range(1, len(log) + 1)):
                faults.append(f"{key}: the log has holes")
        for talker in self.talkers:
            log = logs[talker.room]
            stored = Counter(item["client_id"] for item in log if "client_id" in item)
            by_seq = {item["seq"]: item.get("client_id") for item in log}
            for client_id, seq in talker.receipts.items():
                if stored[client_id] != 1 or by_seq.get(seq) != client_id:
                    faults.append(f"{talker.name}: receipt for {seq}, stored {stored[client_id]} times")
            if talker.outbox:
                faults.append(f"{talker.name}: {len(talker.outbox)} posts without a receipt")
            have = [(item["seq"], item["id"], item["kind"], item.get("target")) for item in talker.items]
            want = [(item["seq"], item["id"], item["kind"], item.get("target")) for item in log]
            if have != want:
                faults.append(f"{talker.name}: has {len(have)} events, the log {len(want)}")
            elif replay(talker.items) != replay(log):
                faults.append(f"{talker.name}: sees something else than a fresh load")
        assert not faults, f"{len(faults)} faults: " + "; ".join(faults[:10]) + "\n" + self.summary()
        self.stored = sum(len(log) for log in logs.values())

    stored = 0

    @staticmethod
    def _log(room: UUID) -> list[Item]:
        items: list[Item] = []
        while page := history.log_after(room, len(items), 1000).items:
            items += [json.loads(encode(item)) for item in page]
        return items

    def leaks(self) -> list[str]:
        """Words and nicknames that stand in a server's log."""
        found = []
        for server in self.servers:
            log = server.log
            found += [word for word in (MARK, "言葉", *self.names) if word in log]
        return found

    def summary(self) -> str:
        """The counts, in words."""
        t = self.tally
        ends = ", ".join(f"{code} × {count}" for code, count in sorted(t.ends.items())) or "none"
        refused = ", ".join(f"{code} × {count}" for code, count in sorted(t.refused.items())) or "none"
        return (
            f"{len(self.talkers)} sockets in {len(self.rooms)} rooms on {len(self.servers)} processes\n"
            f"  posts {t.posts}, receipts {t.receipts}, posted again {t.reposts}; events in the log {self.stored}\n"
            f"  events delivered {t.delivered}, resumed with `after` {t.resumed}; delay of live ones"
            f" p50 {t.delay(0.5):.0f} ms, p99 {t.delay(0.99):.0f} ms\n"
            f"  connections ended: {ends}; refused: {refused}\n"
            f"  without a receipt {sum(len(x.outbox) for x in self.talkers)},"
            f" lost, doubled or out of order {sum(len(x.faults) for x in self.talkers)}"
        )
