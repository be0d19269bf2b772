"""What each step of a message costs by itself, and each delivery: the service's own functions, called in turn."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any, Final

import msgspec
from channels.layers import get_channel_layer

from chat import composition, messages, rooms
from chat.messages import LogWriter, NewEvent
from chat.models import Message, Room
from chat.people import Person
from chat.protocol import Author, Item, decode, encode
from chat.protocol.replies import MessageAccepted
from chat.realtime import Connection, Hub, LoopClock, Stream
from chat.realtime.peers import GROUP
from chat.realtime.publication import Hint, Publication
from chat.realtime.publication import encode as encode_publication
from chat.realtime.streams import items_frame
from chat.realtime.transports import DaphneTransport
from chat.realtime.transports.daphne import whole_texts
from compliance import vault
from tests import embedded
from tests.load.machine import cpu_of
from tests.load.stage import Town

BODY: Final = "x" * 100
READERS: Final = 200
ROOMS: Final = 1_000
LISTENERS: Final = 10
PUBLICATIONS: Final = 10_000
FEATURES: Final = {"open room": "room.open", "closed rooms": "room.match_pair"}
BATCHES: Final = (1, 5, 50, 250)
ROUNDS: Final = 5
Step = tuple[str, str, float]  # of what, which, µs


def best(work: Callable[[], object], times: int, rounds: int = ROUNDS) -> float:
    """The least processor time that one of so many calls took, in µs."""
    least = float("inf")
    for _ in range(rounds):
        began = time.thread_time()
        for _ in range(times):
            work()
        least = min(least, time.thread_time() - began)
    return least / times * 1e6


async def best_of_loop(work: Callable[[], Awaitable[object]], times: int, rounds: int = ROUNDS) -> float:
    """The same for work on the event loop, with all that the loop does for it."""
    least = float("inf")
    for _ in range(rounds):
        began = time.thread_time()
        for _ in range(times):
            await work()
        least = min(least, time.thread_time() - began)
    return least / times * 1e6


class Kernel:
    """A transport as Daphne has it, on a loopback connection that somebody empties."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.socket = socket.create_connection(server.getsockname())
            self._reader, _address = server.accept()
        self.dataBuffer = b""
        self.offset = self._tempDataLen = 0
        self.connected, self.disconnecting = True, False
        threading.Thread(target=self._empty, daemon=True).start()

    def _empty(self) -> None:
        while self._reader.recv(1 << 20):
            pass

    def write(self, data: bytes) -> None:
        """Send all."""
        self.socket.sendall(data)


def transport() -> Any:
    """The short cut into Daphne, on such a transport."""
    return DaphneTransport(SimpleNamespace(transport=Kernel(), state=1, STATE_OPEN=1))


def post(room: str) -> str:
    """A client's frame that posts a message."""
    return msgspec.json.encode(
        {"type": "message.post", "ref": "17", "room": room, "client_id": str(uuid.uuid4()), "body": BODY}
    ).decode()


def masked(text: str) -> bytes:
    """The same as it comes over the wire."""
    payload = text.encode()
    mask = os.urandom(4)
    head = b"\x81\xfe" + len(payload).to_bytes(2, "big") + mask
    return head + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def inbound(hub: Hub, speaker: Connection, key: str) -> list[Step]:
    """From the bytes to the entry that waits for its commit."""
    text = post(key)
    data = masked(text)
    speaker.feed(text)
    all_of_it = best(lambda: speaker.feed(text), 500)
    hub.parts.committer._pending.clear()
    return [
        ("message", "read: one whole frame", best(lambda: whole_texts(data), 1000)),
        ("message", "decode", best(lambda: decode(text), 1000)),
        ("message", "decode, limits, policy from memory, queue", all_of_it),
    ]


Writer = tuple[uuid.UUID, Person]


def writers(town: Town) -> dict[str, list[Writer]]:
    """Who writes where, by the kind of room."""
    room = rooms.room_by_key(town.open_room())
    assert room is not None
    return {
        "open room": [(room.id, Person(person.pk, "", "member", guest=False)) for person in town.people(5)],
        "closed rooms": [
            (uuid.UUID(key), Person(one.pk, "", "member", guest=False)) for key, one, _ in town.pair_up(100)
        ],
    }


async def commits(places: dict[str, list[Writer]]) -> list[Step]:
    """The transaction: processor time of the event loop, and of the database, per message."""
    writer = LogWriter()
    await writer.prepare()
    heads = await asyncio.to_thread(lambda: dict(Room.objects.values_list("id", "head")))

    def batch(count: int, where: str) -> list[NewEvent]:
        at = itertools.islice(itertools.cycle(places[where]), count)
        return [
            NewEvent(room, person, Message.Kind.MESSAGE, BODY, uuid.uuid4(), feature=FEATURES[where])
            for room, person in at
        ]

    async def commit(entries: list[NewEvent]) -> None:
        result = await messages.store(entries, heads, writer=writer)
        assert not result.outrun
        heads.update(result.heads)

    steps: list[Step] = []
    for where in places:
        for count in BATCHES:
            times = max(4, 100 // count)
            await commit(batch(count, where))
            own, database = float("inf"), database_cpu()
            for _ in range(ROUNDS):
                batches = [batch(count, where) for _ in range(times)]
                began = time.thread_time()
                for entries in batches:
                    await commit(entries)
                own = min(own, time.thread_time() - began)
            database = database_cpu() - database
            steps += [
                ("message", f"commit, {where}, {count} at once", own / times / count * 1e6),
                ("message", "… in the database", database / ROUNDS / times / count * 1e6),
            ]
    writer.close()
    room, _person = places["closed rooms"][0]
    return [
        *steps,
        ("message", "… of it: seal", best(lambda: vault.seal(vault.Place(room, 1, 1, "message"), BODY), 1000)),
    ]


def database_cpu() -> float:
    """Seconds of processor time that the database has used."""
    assert embedded.run.postgres is not None
    postmaster = embedded.run.postgres.get_pid()
    assert postmaster is not None
    return cpu_of(postmaster)


def outbound(hub: Hub, sockets: Sequence[Connection]) -> list[Step]:
    """From the commit to the kernel: encoding, receipt, and what each reader costs."""
    stream = next(iter(sockets[0].streams.values()))
    for reader in sockets:
        stream.add(reader, reader.who).is_behind = False
    stream.begin(0)
    author = Author(str(uuid.uuid4()), "member")
    item = Item(1, uuid.uuid4(), "message", author, BODY, "2026-06-01T00:00:00.000Z", str(uuid.uuid4()))
    encoded = encode(item)
    receipt = MessageAccepted("17", stream.key, 1, item.at, item.client_id)
    handing = writing = float("inf")
    for seq in range(1, 10 * ROUNDS):
        began = time.thread_time()
        stream.publish([(seq, encoded)], lambda _reader: None)
        handed = time.thread_time()
        hub.parts.flusher.flush()
        handing, writing = min(handing, handed - began), min(writing, time.thread_time() - handed)
        time.sleep(0.002)  # lets the readers take it
    steps: list[Step] = [
        ("message", "encode the item", best(lambda: encode(item), 1000)),
        ("message", "encode the frame, once for all", best(lambda: items_frame(stream.key, [encoded]).wire, 1000)),
        ("message", "receipt: encode and queue", best(lambda: sockets[0].say(receipt), 200)),
        ("delivery", f"hand over, {READERS} readers", handing / READERS * 1e6),
        ("delivery", f"write, {READERS} sockets", writing / READERS * 1e6),
    ]
    sockets[0].transport.abandon()
    return steps


async def hints(hub: Hub) -> list[Step]:
    """What a publication costs who makes it, and who hears it."""
    layer: Any = get_channel_layer()
    item = b'{"seq":1,"id":"0b6e7a52-6f0c-4f0e-8b0d-2f2f0a4f9c11","body":"' + BODY.encode() + b'"}'
    sender, said = str(uuid.uuid4()), Publication([Hint(uuid.uuid4(), 1, "room.open", 0, [item])])

    async def tell() -> None:
        publication = {"type": "hint", "sender": sender, "body": encode_publication(said)}
        await layer.group_send(GROUP, publication)

    telling = await best_of_loop(tell, 100)
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)

    async def tell_and_hear() -> None:
        await tell()
        publication = await layer.receive(channel)
        hub.parts.peers.on_message(publication["sender"], publication["body"])

    both = await best_of_loop(tell_and_hear, 100)
    await layer.flush()
    people = encode_publication(Publication(presence=[(uuid.uuid4(), 3)] * ROOMS))
    counting = best(lambda: hub.parts.peers.on_message(sender, people), 20) / ROOMS
    return [
        ("publication", "tell the other processes", telling),
        ("publication", "hear one", both - telling),
        *(await asyncio.to_thread(copies, encode_publication(said))),
        ("count", "hear how many people another process has in a room", counting),
    ]


def copies(payload: bytes) -> list[Step]:
    """What a publication costs Redis by itself, and each process that hears it."""
    assert embedded.run.valkey is not None
    assert embedded.run.valkey._process is not None
    pid = embedded.run.valkey._process.pid
    client = embedded.run.valkey.client()
    costs = []
    for listeners in (0, LISTENERS):
        heard = [client.pubsub() for _ in range(listeners)]
        for each in heard:
            each.subscribe("copies")
        began = cpu_of(pid)
        for number in range(PUBLICATIONS):
            client.publish("copies", payload)
            if number % 100 == 0:  # a listener who takes nothing is soon sent nothing
                for each in heard:
                    each.connection._sock.recv(1 << 20)
        costs.append((cpu_of(pid) - began) / PUBLICATIONS * 1e6)
        for each in heard:
            each.close()
    alone, heard_by_all = costs
    return [
        ("publication", "… in Redis", alone),
        ("publication", "… and for each process that hears it", (heard_by_all - alone) / LISTENERS),
    ]


def people(hub: Hub, town: Town) -> list[Connection]:
    """Sockets, one for each reader; the first is in a room."""
    found = rooms.room_by_key(town.open_room())
    assert found is not None
    sockets = [
        Connection(
            hub.parts,
            transport(),
            person=Person(person.pk, str(uuid.uuid4()), "member", guest=False, language="en"),
            login=None,
            language="en",
            address="127.0.0.1",
        )
        for person in town.people(READERS)
    ]
    sockets[0].streams[found.key] = Stream(found.id, found.key, found.access)
    return sockets


async def measure(town: Town) -> list[Step]:
    """All steps, on one event loop."""
    hub = Hub(composition.Database(), None, LoopClock(), composition.options())
    hub.parts.committer._commit_soon = lambda: None  # type: ignore[method-assign]
    sockets = await asyncio.to_thread(people, hub, town)
    [key] = sockets[0].streams
    return [
        *inbound(hub, sockets[0], key),
        *await commits(await asyncio.to_thread(writers, town)),
        *outbound(hub, sockets),
        *await hints(hub),
    ]
