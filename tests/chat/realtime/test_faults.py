"""One fault at a time, inside the process: a transport in pieces, a nonsensical hint, a mute layer, a mute database."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError

from chat import messages, metrics, rooms
from chat.models import Room, User
from chat.protocol import Close, Code, Refused, Request, codec
from chat.realtime import Connection, Hub, chat_socket
from chat.realtime import hub as hub_module
from chat.realtime import peers as peers_module
from chat.realtime.backfill import SYNC_GRACE
from chat.realtime.connection import FLOOD_REFUSALS
from chat.realtime.gate_watch import ANSWER_SECONDS
from chat.realtime.limits import Rate, Seats, Throttle
from chat.realtime.peers import ALONE_SECONDS, PUBLISH_SECONDS, STALLED_SECONDS
from chat.realtime.publication import decode as decode_publication
from compliance import gate
from compliance.law import Feature
from tests.kit.harness import Hubs, fresh
from tests.kit.transport import FakeTransport

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def room(transactional_db: None) -> Room:
    """An open room."""
    return rooms.create_open_room(actor=None, name="雑談", slug="chat")


@pytest.fixture
def writer(transactional_db: None) -> User:
    """Somebody who writes."""
    return User.objects.create(name="書き手", is_guest=True)


@pytest.fixture
def hubs(room: Room, settings: Any) -> Iterator[Hubs]:
    """Two processes between which hints pass at once."""
    settings.CHAT_RATE_LIMITS = False
    with Hubs(2) as made:
        made.layer.direct = True
        yield made


def post(hubs: Hubs, writer: User, at: int = 0, count: int = 1) -> FakeTransport:
    """Posts at a hub, over a socket of its own; returns what that socket heard."""
    socket, paper = hubs.connect(at, writer)
    hubs.say(socket, "room.join", room="chat")  # from inside, posts pass without a look at the room
    hubs.settle()
    for number in range(count):
        hubs.say(socket, "message.post", room="chat", client_id=str(uuid.uuid4()), body=f"ことば{number}")
    hubs.settle()
    socket.gone()
    return paper


def join(hubs: Hubs, at: int, **fields: Any) -> tuple[Any, FakeTransport]:
    """Joins the room at a hub as somebody who only reads."""
    socket, paper = hubs.connect(at, None)
    hubs.say(socket, "room.join", room="chat", **fields)
    hubs.settle()
    return socket, paper


def seqs(paper: FakeTransport) -> list[int]:
    """The events that came, in the order of coming."""
    return [item["seq"] for item in paper.items()]


def counted(counter: Any, *labels: str) -> float:
    """What a counter stands at."""
    return float(counter.labels(*labels)._value.get())


# One among many -------------------------------------------------------------------------------------------------------


def test_a_transport_in_pieces_is_its_own_sockets_trouble_only(hubs: Hubs, writer: User) -> None:
    papers = [join(hubs, 0) for _ in range(5)]
    papers[1][1].broken = True
    for _ in range(2):
        post(hubs, writer)
    assert [seqs(paper) for _socket, paper in papers] == [[1, 2], [], [1, 2], [1, 2], [1, 2]]
    assert papers[1][0] not in hubs.hubs[0].parts.registry.connections


def test_a_receipt_that_cannot_be_handed_over_costs_nobody_else_theirs(hubs: Hubs, writer: User) -> None:
    _socket, paper = join(hubs, 0)
    done: list[Any] = []

    async def commit() -> None:
        from chat.messages import NewEvent  # noqa: PLC0415
        from chat.models import Message  # noqa: PLC0415
        from chat.people import Person  # noqa: PLC0415

        def fail(outcome: Any) -> None:
            raise RuntimeError("whoever waited is in pieces")

        for handler in (fail, done.append):
            room = Room.objects.values_list("id", flat=True)
            entry = NewEvent((await asyncio.to_thread(room.get)), Person.of(writer), Message.Kind.MESSAGE, "ことば")
            hubs.hubs[0].parts.committer.post(entry, handler)

    hubs.run(commit())
    hubs.settle()
    assert [stored.seq for stored in done] == [2]
    assert seqs(paper) == [1, 2]


# One socket -----------------------------------------------------------------------------------------------------------


def test_what_breaks_over_a_frame_is_answered_and_the_socket_lives(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    socket, paper = hubs.connect(0, None)

    def fail(*_: object) -> None:
        raise RuntimeError("in pieces")

    with monkeypatch.context() as broken:
        broken.setattr(rooms, "readable_room", fail)  # while it is served
        hubs.say(socket, "room.join", room="chat")
        hubs.settle()
        broken.setattr(codec, "decode", fail)  # as it comes in
        hubs.say(socket, "ping")
    hubs.say(socket, "ping")
    hubs.say(socket, "room.join", room="chat")
    hubs.settle()
    said = [frame.get("code", frame["type"]) for frame in paper.frames if frame["type"] != "presence"]
    assert said == ["unavailable", "unavailable", "pong", "room.joined"]


def test_a_request_that_hangs_holds_up_neither_ping_nor_goodbye(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def hang(*_: object) -> Room:
        asked.set()
        go_on.wait(10)
        raise Refused(Code.MISSING, "")

    monkeypatch.setattr(rooms, "readable_room", hang)
    socket, paper = hubs.connect(0, None)
    hubs.say(socket, "room.join", room="chat")
    hubs.run(asyncio.to_thread(asked.wait, 10))
    hubs.say(socket, "ping")
    hubs.run(asyncio.sleep(0.01))
    assert [frame["type"] for frame in paper.frames] == ["pong"]
    socket.gone()
    assert socket not in hubs.hubs[0].parts.registry.connections
    go_on.set()
    hubs.settle()


def served(hubs: Hubs, *frames: dict[str, Any], end: Exception | None = None) -> list[dict[str, Any]]:
    """Serves a socket at the first hub as a server does, until it goes or `end` is raised; returns what was sent."""
    sent: list[dict[str, Any]] = []
    coming = [{"type": "websocket.connect"}, *({"type": "websocket.receive", "text": json.dumps(f)} for f in frames)]

    connections = hubs.hubs[0].parts.registry.connections

    async def receive() -> dict[str, Any]:
        if coming:
            return coming.pop(0)
        await asyncio.gather(*(each.worker for each in connections if isinstance(each, Connection) and each.worker))
        if end is not None:
            raise end
        return {"type": "websocket.disconnect", "code": 1006}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    cookie = f"{settings.SESSION_COOKIE_NAME}={'a' * 32}".encode()
    hubs.run(chat_socket({"path": "/ws/", "headers": [(b"cookie", cookie)], "client": ("192.0.2.1", 9)}, receive, send))
    return sent


def test_whatever_ends_a_socket_nothing_of_it_stays_behind(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = hubs.hubs[0]
    registry = hub.parts.registry
    monkeypatch.setattr(hub_module, "_running", hub)
    inside: list[int] = []
    remove = registry.remove

    def look_and_remove(connection: Any) -> None:
        inside.append(len(connection.streams))
        remove(connection)

    monkeypatch.setattr(registry, "remove", look_and_remove)
    with pytest.raises(RuntimeError, match="the server"):
        served(hubs, {"type": "room.join", "ref": "1", "room": "chat"}, end=RuntimeError("the server breaks"))
    assert inside[0] == 1  # it was in the room
    assert (registry.connections, registry.streams, registry.people) == (set(), {}, {})


@pytest.mark.parametrize(
    ("why", "code", "refusal"),
    [
        ("draining", Close.DRAINING, None),
        ("hurry", Close.FLOOD, "rate"),
        ("crowd", Close.FLOOD, "rate"),
        ("database", Close.DRAINING, "unavailable"),
    ],
)
def test_who_cannot_be_let_in_is_told_why(
    hubs: Hubs, why: str, code: Close, refusal: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = hubs.hubs[0]
    monkeypatch.setattr(hub_module, "_running", hub)
    hub.parts.is_draining = why == "draining"
    hub.parts.limits.is_on = why in ("hurry", "crowd")
    if why == "hurry":
        hub.parts.limits.throttles["connect"] = Throttle(Rate(0, 1))
    if why == "crowd":
        hub.parts.limits.seats = Seats(0)
    if why == "database":

        def fail(*_: object) -> None:
            raise OperationalError

        monkeypatch.setattr("chat.people.sessions.authenticate", fail)
    accepted, *said, closed = served(hubs)
    assert accepted["type"] == "websocket.accept"
    *refused, goodbye = [json.loads(each["text"]) for each in said]
    assert [frame["code"] for frame in refused] == ([refusal] if refusal else [])
    assert all(frame["retry_after"] > 0 and frame["reason"] for frame in refused)
    assert (goodbye["type"], goodbye["code"], closed["code"]) == ("closing", code, code)
    assert goodbye["reason"]
    assert goodbye["retry_after"] > 0
    assert hub.parts.registry.connections == set()


@pytest.mark.slow
def test_no_socket_lives_for_ever_and_not_all_end_at_once(hubs: Hubs) -> None:
    papers = [hubs.connect(0, None)[1] for _ in range(100)]

    def open_after(hours: float) -> int:
        for _ in range(20):  # each job runs thousands of times meanwhile
            hubs.advance(hours * 180)
        return sum(paper.code is None for paper in papers)

    assert open_after(5.4 - 0.01) == 100
    assert 10 < open_after(0.6) < 90
    assert open_after(0.6 + 0.02) == 0
    for paper in papers:
        assert (paper.code, paper.goodbye["type"], paper.goodbye["code"]) == (4504, "closing", 4504)
        assert 0 <= paper.goodbye["retry_after"] <= 2


# Too much -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", ['"a"', "null"])
def test_flooding_socket_is_refused_under_each_ref_then_closed_4429_without_decoding_frames(
    hubs: Hubs, settings: Any, monkeypatch: pytest.MonkeyPatch, ref: str
) -> None:
    settings.CHAT_RATE_LIMITS = True
    settings.CHAT_RATES = settings.CHAT_RATES | {"frame": (10, 0.001)}
    socket, paper = hubs.connect(0, None)
    read: list[str | bytes] = []
    decode = codec.decode

    def count(text: str | bytes) -> Request:
        read.append(text)
        return decode(text)

    monkeypatch.setattr(codec, "decode", count)
    for _ in range(10 + FLOOD_REFUSALS):
        hubs.say(socket, "ping", ref=json.loads(ref))
    answers = FLOOD_REFUSALS if ref != "null" else 1
    assert [frame["type"] for frame in paper.frames] == ["pong"] * 10 + ["refused"] * answers
    assert all(frame.get("ref") == json.loads(ref) for frame in paper.frames)
    assert (paper.frames[-1]["code"], paper.code) == ("rate", None)
    hubs.say(socket, "ping")
    hubs.settle()
    assert (paper.code, paper.goodbye["code"]) == (4429, 4429)
    assert len(read) == 10


@pytest.mark.parametrize(("per_second", "code"), [(60, None), (90, None), (1_000, 4429)])
def test_who_sends_much_more_than_allowed_is_put_out_although_some_of_it_is_taken(
    hubs: Hubs, settings: Any, per_second: int, code: int | None
) -> None:
    settings.CHAT_RATE_LIMITS = True
    settings.CHAT_RATES = settings.CHAT_RATES | {"frame": (10, 50)}
    socket, paper = hubs.connect(0, None)
    for _ in range(2 * per_second):
        hubs.clock.now += 1 / per_second
        hubs.say(socket, "ping", ref=None)
    hubs.settle()
    assert paper.code == code
    said = Counter(frame["type"] for frame in paper.frames)
    assert said["pong"] >= min(100, 10 + 50 * FLOOD_REFUSALS / 1_000)
    assert 0 < said["refused"] <= said["pong"]


@pytest.mark.parametrize(
    ("rate", "refused"),
    [
        ("post", {"another tab"}),
        ("post_address", {"a neighbour"}),
        ("post_room", {"another tab", "a neighbour", "a stranger"}),
    ],
)
def test_each_rate_is_counted_by_its_own(room: Room, writer: User, settings: Any, rate: str, refused: set[str]) -> None:
    rooms.create_open_room(actor=None, name="べつの部屋", slug="elsewhere")
    settings.CHAT_RATE_LIMITS = True
    settings.CHAT_RATES = settings.CHAT_RATES | {rate: (1, 0.001)}
    others = [User.objects.create(name=name, is_guest=True) for name in ("隣の人", "知らない人")]
    people = {
        "the writer": (writer, "192.0.2.1"),
        "another tab": (writer, "192.0.2.2"),
        "a neighbour": (others[0], "192.0.2.1"),
        "a stranger": (others[1], "192.0.2.3"),
    }
    with Hubs(1) as hubs:

        def post_as(who: str, where: str) -> dict[str, Any]:
            socket, paper = hubs.connect(0, people[who][0])
            socket.address = people[who][1]
            hubs.say(socket, "message.post", room=where, client_id=str(uuid.uuid4()), body="ことば")
            hubs.settle()
            return paper.frames[-1]

        assert post_as("the writer", "chat")["type"] == "message.accepted"
        answers = {who: post_as(who, "chat") for who in people if who != "the writer"}
        assert {who for who, answer in answers.items() if answer["type"] == "refused"} == refused
        for who in refused:
            assert (answers[who]["code"], answers[who]["retry_after"] > 1) == ("rate", True)
        if rate == "post_room":
            assert post_as("a stranger", "elsewhere")["type"] == "message.accepted"


# Coming back after long -----------------------------------------------------------------------------------------------


def test_who_is_told_of_more_and_does_not_ask_is_sent_it(hubs: Hubs, writer: User) -> None:
    post(hubs, writer, count=450)
    _socket, paper = join(hubs, 1, after=0)
    hubs.advance(SYNC_GRACE - 0.1)
    assert len(paper.items()) == 200
    hubs.advance(0.1)
    post(hubs, writer)
    assert seqs(paper) == list(range(1, 452))


def test_who_asks_page_by_page_gets_each_event_once_however_long_it_takes(hubs: Hubs, writer: User) -> None:
    post(hubs, writer, count=600)
    socket, paper = join(hubs, 1, after=0)
    while paper.frames[-1]["type"] == "presence" or paper.frames[-1]["more"]:
        hubs.advance(SYNC_GRACE * 0.7)
        hubs.say(socket, "room.sync", room="chat", after=seqs(paper)[-1], limit=100)
        hubs.settle()
    hubs.advance(SYNC_GRACE * 1.3)
    post(hubs, writer)
    assert seqs(paper) == list(range(1, 602))


def test_who_catches_up_slowly_is_sent_a_page_at_a_time(
    hubs: Hubs, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(hubs, writer, count=800)
    _socket, paper = join(hubs, 0, after=0)
    takes = paper.flush

    def take_and_stop(writes: object) -> None:
        takes(writes)
        paper.full = bool(paper.items())

    monkeypatch.setattr(paper, "flush", take_and_stop)
    hubs.advance(SYNC_GRACE)
    assert len(paper.items()) == 400  # the page of the answer, one more, and then it waited
    assert (paper.code, paper.goodbye["code"]) == (4408, 4408)


# Between processes ----------------------------------------------------------------------------------------------------


def test_a_hint_of_nonsense_is_one_hint_lost(hubs: Hubs, writer: User) -> None:
    _socket, paper = join(hubs, 1)
    before = counted(metrics.HINTS, "unreadable")
    for nonsense in ({"body": b"\xc1"}, {"body": b"\x80"}, {}, {"body": "x"}):
        hubs.layer.held.append(nonsense)
        hubs.layer.deliver(len(hubs.layer.held) - 1)
    hubs.run(asyncio.sleep(0.5))
    assert counted(metrics.HINTS, "unreadable") == before + 4 * len(hubs.hubs)
    post(hubs, writer)
    assert seqs(paper) == [1]


def test_a_busy_moment_is_one_small_hint(hubs: Hubs, writer: User) -> None:
    _socket, paper = join(hubs, 1)
    socket, _paper = hubs.connect(0, writer)
    hubs.say(socket, "room.join", room="chat")
    hubs.settle()
    hubs.layer.direct, hubs.layer.held = False, []

    async def post_at_once() -> None:
        for number in range(200):
            words = {"client_id": str(uuid.uuid4()), "body": f"ことば{number}"}
            socket.feed(json.dumps({"type": "message.post", "ref": "", "room": "chat", **words}))

    hubs.run(post_at_once())
    hubs.settle()
    assert len(hubs.layer.held) == 1
    assert len(hubs.layer.held[0]["body"]) < 256
    hubs.layer.deliver(0)
    hubs.settle()
    assert seqs(paper) == list(range(1, 201))


def test_who_is_alone_tells_nobody_anything_until_somebody_comes(hubs: Hubs, writer: User) -> None:
    [alone, leaving], layer = hubs.hubs, hubs.layer
    hubs.settle()
    join(hubs, 0)

    def beat(hub: Hub) -> None:
        hubs.run(hub.beat())
        hubs.settle()

    def hints_of_a_post() -> int:
        before = counted(metrics.HINTS, "sent")
        post(hubs, writer)
        return int(counted(metrics.HINTS, "sent") - before)

    beat(alone)
    beat(leaving)
    assert hints_of_a_post() == 1
    layer.direct, layer.held = False, []
    for _ in range(7):  # its own publications come back, as they do each second
        hubs.advance(1.0)
        beat(alone)
        [own] = layer.held
        layer.held = []
        alone.parts.peers.on_message(own["sender"], own["body"])
    assert alone.parts.peers.is_alone
    assert hints_of_a_post() == 0
    beat(alone)
    assert len(layer.held) == 1  # that it is there it says each second
    layer.direct = True
    beat(leaving)
    assert hints_of_a_post() == 1
    layer.direct = False
    beat(alone)
    said = [decode_publication(publication["body"])[0] for publication in layer.held]
    assert [count for each in said for _room, count in each.presence][-1] == 1


def test_who_hears_nothing_at_all_is_not_sure_to_be_alone(hubs: Hubs, writer: User) -> None:
    peers = hubs.hubs[0].parts.peers
    hubs.settle()
    hubs.layer.forget()
    hubs.advance(ALONE_SECONDS + 1)
    assert peers.is_degraded
    assert not peers.is_alone
    before = counted(metrics.HINTS, "sent")
    post(hubs, writer)
    assert counted(metrics.HINTS, "sent") == before + 1


def test_a_layer_that_hangs_holds_up_nothing_and_gathers_nothing(hubs: Hubs, writer: User) -> None:
    _socket, paper = join(hubs, 1)
    hubs.layer.silent = True
    for _ in range(3):
        post(hubs, writer)
        hubs.advance(PUBLISH_SECONDS)
    assert len(hubs.hubs[0].parts.peers.pending.hints) <= 1
    assert seqs(paper) == []
    hubs.check_heads(1)
    assert seqs(paper) == [1, 2, 3]
    hubs.layer.silent = False
    post(hubs, writer)
    assert seqs(paper) == [1, 2, 3, 4]


def test_a_subscription_that_stalled_is_made_anew(hubs: Hubs, writer: User) -> None:
    hubs.settle()
    _socket, paper = join(hubs, 1)
    hubs.layer.forget()
    post(hubs, writer)
    assert seqs(paper) == []
    hubs.advance(STALLED_SECONDS + 2)
    post(hubs, writer)
    assert seqs(paper) == [1, 2]


def test_what_is_told_while_the_log_is_being_read_is_read_as_well(
    hubs: Hubs, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers_module, "HINT_BYTES", 0)  # hints carry the head only
    _socket, paper = join(hubs, 1)
    reading, go_on = threading.Event(), threading.Event()
    read = messages.log_after

    def slowly(room: uuid.UUID, seq: int, limit: int) -> Any:
        found = read(room, seq, limit)
        if not go_on.is_set():
            reading.set()
            go_on.wait(10)
        return found

    monkeypatch.setattr(messages, "log_after", slowly)

    async def post_twice() -> None:
        await asyncio.to_thread(reading.wait, 10)

    socket, _paper = hubs.connect(0, writer)
    hubs.say(socket, "message.post", room="chat", client_id=str(uuid.uuid4()), body="一")
    hubs.run(post_twice())
    hubs.say(socket, "message.post", room="chat", client_id=str(uuid.uuid4()), body="二")
    hubs.run(asyncio.sleep(0.3))
    go_on.set()
    hubs.settle()
    assert seqs(paper) == [1, 2]


# The gate -------------------------------------------------------------------------------------------------------------


def test_the_gate_counts_as_shut_while_the_database_is_mute(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = hubs.hubs[0].parts.gate
    hubs.run(watch.look())
    assert watch.snapshot.checklist is not None
    answer = threading.Event()

    def beat(instance: uuid.UUID, *_: object) -> gate.Snapshot:
        answer.wait(10)
        return gate.current()

    monkeypatch.setattr(gate, "heartbeat", beat)

    async def look() -> None:
        looking = asyncio.ensure_future(watch.look())
        await asyncio.sleep(0.01)
        await hubs.clock.advance(ANSWER_SECONDS)
        await looking

    for _ in range(5):
        hubs.run(look())
    assert watch.snapshot.checklist is not None  # a moment without an answer is no reason
    for _ in range(6):
        hubs.run(look())
    assert watch.snapshot.checklist is None
    with pytest.raises(Refused) as refused:
        watch.permit(Feature.MATCH_PAIR, "ja")
    assert refused.value.code is Code.GATE
    watch.permit(Feature.ROOM_OPEN, "ja")
    answer.set()
    hubs.run(watch.look())
    assert watch.snapshot.checklist is not None


def test_each_reader_has_the_log_in_the_end(hubs: Hubs, writer: User, room: Room) -> None:
    _socket, paper = join(hubs, 1, after=0)
    post(hubs, writer, count=5)
    assert paper.items() == fresh(room.id)


# Elsewhere ------------------------------------------------------------------------------------------------------------


def test_who_leaves_last_is_not_shown_elsewhere_any_more(hubs: Hubs, writer: User, room: Room) -> None:
    hubs.layer.direct = True
    (leaver, _), (_, paper) = hubs.connect(0, writer), hubs.connect(1, None)
    for hub in hubs.hubs:
        for socket in hub.parts.registry.connections:
            assert isinstance(socket, Connection)
            hubs.say(socket, "room.join", room=room.key)
    hubs.settle()

    def shown() -> int:
        for hub in hubs.hubs:
            hubs.run(hub.beat())
            hubs.settle()
        hubs.check_heads(1)
        return int([frame["count"] for frame in paper.frames if frame["type"] == "presence"][-1])

    assert shown() == 2
    hubs.say(leaver, "room.leave", room=room.key)
    hubs.settle()
    assert shown() == 1
