"""One fault at a time, inside the process: a transport in pieces, a nonsensical hint, a mute layer, a mute database."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError

from chat import hub as hub_module
from chat import metrics, queries, rooms, wire
from chat.consumers import FLOOD_REFUSALS, chat_socket
from chat.models import Room, User
from chat.throttle import Rate, Throttle
from chat.wire import Close, Code, Refused
from compliance import gate
from compliance.law import Feature
from tests.hubs import Hubs, Paper, fresh

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


def post(hubs: Hubs, writer: User, at: int = 0, count: int = 1) -> Paper:
    """Posts at a hub, over a socket of its own; returns what that socket heard."""
    socket, paper = hubs.connect(at, writer)
    hubs.say(socket, "room.join", room="chat")  # from inside, posts pass without a look at the room
    hubs.settle()
    for number in range(count):
        hubs.say(socket, "message.post", room="chat", client_id=str(uuid.uuid4()), body=f"ことば{number}")
    hubs.settle()
    socket.gone()
    return paper


def join(hubs: Hubs, at: int, **fields: Any) -> tuple[Any, Paper]:
    """Joins the room at a hub as somebody who only reads."""
    socket, paper = hubs.connect(at, None)
    hubs.say(socket, "room.join", room="chat", **fields)
    hubs.settle()
    return socket, paper


def seqs(paper: Paper) -> list[int]:
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
    assert papers[1][0] not in hubs.hubs[0].sockets


def test_a_receipt_that_cannot_be_handed_over_costs_nobody_else_theirs(hubs: Hubs, writer: User) -> None:
    _socket, paper = join(hubs, 0)
    done: list[Any] = []

    async def commit() -> None:
        from chat.messages import Entry  # noqa: PLC0415
        from chat.models import Message  # noqa: PLC0415
        from chat.queries import Person  # noqa: PLC0415

        def fail(outcome: Any) -> None:
            raise RuntimeError("whoever waited is in pieces")

        for handler in (fail, done.append):
            room = Room.objects.values_list("id", flat=True)
            entry = Entry((await asyncio.to_thread(room.get)), Person.of(writer), Message.Kind.MESSAGE, "ことば")
            hubs.hubs[0].post(entry, handler)

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
        broken.setattr(queries, "readable_room", fail)  # while it is served
        hubs.say(socket, "room.join", room="chat")
        hubs.settle()
        broken.setattr(wire, "decode", fail)  # as it comes in
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

    monkeypatch.setattr(queries, "readable_room", hang)
    socket, paper = hubs.connect(0, None)
    hubs.say(socket, "room.join", room="chat")
    hubs.run(asyncio.to_thread(asked.wait, 10))
    hubs.say(socket, "ping")
    hubs.run(asyncio.sleep(0.01))
    assert [frame["type"] for frame in paper.frames] == ["pong"]
    socket.gone()
    assert socket not in hubs.hubs[0].sockets
    go_on.set()
    hubs.settle()


def served(hubs: Hubs, *frames: dict[str, Any], end: Exception | None = None) -> list[dict[str, Any]]:
    """Serves a socket at the first hub as a server does, until it goes or `end` is raised; returns what was sent."""
    sent: list[dict[str, Any]] = []
    coming = [{"type": "websocket.connect"}, *({"type": "websocket.receive", "text": json.dumps(f)} for f in frames)]

    async def receive() -> dict[str, Any]:
        if coming:
            return coming.pop(0)
        await asyncio.gather(*(socket._worker for socket in hubs.hubs[0].sockets if socket._worker))
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
    monkeypatch.setattr(hub_module, "_hub", hub)
    inside: list[int] = []
    remove = hub.remove

    def look_and_remove(socket: Any) -> None:
        inside.append(len(socket.feeds))
        remove(socket)

    monkeypatch.setattr(hub, "remove", look_and_remove)
    with pytest.raises(RuntimeError, match="the server"):
        served(hubs, {"type": "room.join", "ref": "1", "room": "chat"}, end=RuntimeError("the server breaks"))
    assert inside[0] == 1  # it was in the room
    assert (hub.sockets, hub.feeds, hub.people) == (set(), {}, {})


@pytest.mark.parametrize(
    ("why", "code"), [("draining", Close.DRAINING), ("hurry", Close.FLOOD), ("database", Close.DRAINING)]
)
def test_who_cannot_be_let_in_is_told_why(
    hubs: Hubs, why: str, code: Close, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = hubs.hubs[0]
    monkeypatch.setattr(hub_module, "_hub", hub)
    hub.draining = why == "draining"
    if why == "hurry":
        settings.CHAT_RATE_LIMITS = True
        hub.throttles["connect"] = Throttle(Rate(0, 1))
    if why == "database":

        def fail(*_: object) -> None:
            raise OperationalError

        monkeypatch.setattr(queries, "who", fail)
    accepted, said, closed = served(hubs)
    assert accepted["type"] == "websocket.accept"
    goodbye = json.loads(said["text"])
    assert (goodbye["type"], goodbye["code"], closed["code"]) == ("closing", code, code)
    assert goodbye["reason"]
    assert goodbye["retry_after"] > 0
    assert hub.sockets == set()


def test_no_socket_lives_for_ever_and_not_all_end_at_once(hubs: Hubs, settings: Any) -> None:
    begun = hubs.loop.time()
    ages = sorted(hubs.connect(0, None)[0]._timer.when() - begun for _ in range(100))
    assert ages[0] >= 5.4 * 3600
    assert ages[-1] <= 6.6 * 3600 + 60
    assert ages[-1] - ages[0] > 600
    settings.CHAT_LIMITS = settings.CHAT_LIMITS | {"max_age": 0.05}
    _socket, paper = hubs.connect(0, None)
    hubs.run(asyncio.sleep(0.2))
    assert (paper.code, paper.goodbye["type"], paper.goodbye["code"]) == (4504, "closing", 4504)
    assert 0 <= paper.goodbye["retry_after"] <= 2


# Too much -------------------------------------------------------------------------------------------------------------


def test_who_floods_is_told_once_and_put_out_and_their_frames_are_not_read(
    hubs: Hubs, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHAT_RATE_LIMITS = True
    settings.CHAT_RATES = settings.CHAT_RATES | {"frame": (10, 0.001)}
    socket, paper = hubs.connect(0, None)
    read: list[str | bytes] = []
    decode = wire.decode

    def count(text: str | bytes) -> wire.ClientFrame:
        read.append(text)
        return decode(text)

    monkeypatch.setattr(wire, "decode", count)
    for _ in range(10 + FLOOD_REFUSALS):
        hubs.say(socket, "ping")
    assert [frame["type"] for frame in paper.frames] == ["pong"] * 10 + ["refused"]
    assert (paper.frames[-1]["code"], paper.code) == ("rate", None)
    hubs.say(socket, "ping")
    hubs.settle()
    assert (paper.code, paper.goodbye["code"]) == (4429, 4429)
    assert len(read) == 10


@pytest.mark.parametrize(("per_second", "code"), [(60, None), (90, None), (1_000, 4429)])
def test_who_sends_much_more_than_allowed_is_put_out_although_some_of_it_is_taken(
    hubs: Hubs, settings: Any, monkeypatch: pytest.MonkeyPatch, per_second: int, code: int | None
) -> None:
    settings.CHAT_RATE_LIMITS = True
    settings.CHAT_RATES = settings.CHAT_RATES | {"frame": (10, 50)}
    now = 1000.0
    monkeypatch.setattr("chat.consumers.time", SimpleNamespace(monotonic=lambda: now))
    socket, paper = hubs.connect(0, None)
    for _ in range(2 * per_second):
        now += 1 / per_second
        hubs.say(socket, "ping")
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


def test_who_is_told_of_more_and_does_not_ask_is_sent_it(
    hubs: Hubs, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "SYNC_GRACE", 0.05)
    post(hubs, writer, count=450)
    _socket, paper = join(hubs, 1, after=0)

    while len(paper.items()) < 450:
        hubs.run(asyncio.sleep(0.02))
    post(hubs, writer)
    assert seqs(paper) == list(range(1, 452))


def test_who_asks_page_by_page_gets_each_event_once_however_long_it_takes(
    hubs: Hubs, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "SYNC_GRACE", 0.3)
    post(hubs, writer, count=600)
    socket, paper = join(hubs, 1, after=0)
    while paper.frames[-1]["type"] == "presence" or paper.frames[-1]["more"]:
        hubs.run(asyncio.sleep(0.2))
        hubs.say(socket, "room.sync", room="chat", after=seqs(paper)[-1], limit=100)
        hubs.settle()
    hubs.run(asyncio.sleep(0.4))
    post(hubs, writer)
    assert seqs(paper) == list(range(1, 602))


def test_who_catches_up_slowly_is_sent_a_page_at_a_time(
    hubs: Hubs, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "SYNC_GRACE", 0.05)
    monkeypatch.setattr(hub_module, "DRAIN_SECONDS", 0.5)
    post(hubs, writer, count=800)
    _socket, paper = join(hubs, 0, after=0)
    takes = paper.flush

    def take_and_stop(writes: object) -> None:
        takes(writes)
        paper.full = bool(paper.items())

    monkeypatch.setattr(paper, "flush", take_and_stop)
    end = hubs.loop.time() + 20
    while paper.code is None and hubs.loop.time() < end:
        hubs.run(asyncio.sleep(0.01))
    assert len(paper.items()) == 400  # the page of the answer, one more, and then it waited
    assert (paper.code, paper.goodbye["code"]) == (4408, 4408)


# Between processes ----------------------------------------------------------------------------------------------------


def test_a_hint_of_nonsense_is_one_hint_lost(hubs: Hubs, writer: User) -> None:
    _socket, paper = join(hubs, 1)
    before = counted(metrics.HINTS, "unreadable")
    for nonsense in ({"told": b"\xc1"}, {"told": b"\x80"}, {}, {"told": "x"}):
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
    assert len(hubs.layer.held[0]["told"]) < 256
    hubs.layer.deliver(0)
    hubs.settle()
    assert seqs(paper) == list(range(1, 201))


def test_who_is_alone_tells_nobody_anything_until_somebody_comes(
    hubs: Hubs, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "ALONE_SECONDS", 1.0)
    [alone, leaving], layer = hubs.hubs, hubs.layer
    hubs.settle()
    join(hubs, 0)

    def beat(hub: hub_module.Hub) -> None:
        hubs.run(hub._show_presence())
        hubs.settle()

    def hints_of_a_post() -> int:
        before = counted(metrics.HINTS, "sent")
        post(hubs, writer)
        return int(counted(metrics.HINTS, "sent") - before)

    beat(alone)
    beat(leaving)
    assert hints_of_a_post() == 1
    layer.direct, layer.held = False, []
    end = time.monotonic() + 10
    while not alone.alone:
        assert time.monotonic() < end
        hubs.run(asyncio.sleep(0.05))
    assert hints_of_a_post() == 0
    beat(alone)
    assert len(layer.held) == 1  # that it is there it says each second
    layer.direct = True
    beat(leaving)
    assert hints_of_a_post() == 1
    told = hub_module._told_decoder.decode
    layer.direct = False
    beat(alone)
    assert [count for publication in layer.held for _room, count in told(publication["told"]).presence][-1] == 1


def test_who_hears_nothing_at_all_is_not_sure_to_be_alone(
    hubs: Hubs, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "ALONE_SECONDS", 0.0)
    hub = hubs.hubs[0]
    hubs.settle()
    assert hub.degraded
    assert not hub.alone
    before = counted(metrics.HINTS, "sent")
    post(hubs, writer)
    assert counted(metrics.HINTS, "sent") == before + 1


def test_a_layer_that_hangs_holds_up_nothing_and_gathers_nothing(
    hubs: Hubs, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "TELL_SECONDS", 0.05)
    _socket, paper = join(hubs, 1)
    hubs.layer.silent = True
    for _ in range(3):
        post(hubs, writer)
        hubs.run(asyncio.sleep(0.3))
    assert len(hubs.hubs[0]._told.hints) <= 1
    assert seqs(paper) == []
    hubs.look(1)
    assert seqs(paper) == [1, 2, 3]
    hubs.layer.silent = False
    post(hubs, writer)
    assert seqs(paper) == [1, 2, 3, 4]


def test_a_subscription_that_went_deaf_is_made_anew(room: Room, writer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "DEAF_SECONDS", 0.2)
    with Hubs(2) as hubs:
        hubs.layer.direct = True
        hubs.settle()
        _socket, paper = join(hubs, 1)
        hubs.layer.forget()
        post(hubs, writer)
        assert seqs(paper) == []
        posts = 1
        while not seqs(paper):
            assert posts < 30, "nobody listens any more"
            hubs.run(asyncio.sleep(0.3))
            post(hubs, writer)
            posts += 1
        assert seqs(paper) == list(range(1, posts + 1))


def test_what_is_told_while_the_log_is_being_read_is_read_as_well(
    hubs: Hubs, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "HINT_BYTES", 0)  # hints carry the head only
    _socket, paper = join(hubs, 1)
    reading, go_on = threading.Event(), threading.Event()
    read = hub_module.Hub._log_after

    def slowly(room: uuid.UUID, seq: int) -> Any:
        found = read(room, seq)
        if not go_on.is_set():
            reading.set()
            go_on.wait(10)
        return found

    monkeypatch.setattr(hub_module.Hub, "_log_after", staticmethod(slowly))

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
    hub = hubs.hubs[0]
    monkeypatch.setattr(hub_module, "HEAD_SECONDS", 0.05)
    monkeypatch.setattr(hub_module, "TRUST_SECONDS", 0.2)
    hubs.run(hub._look_at_gate())
    assert hub.gate.checklist is not None
    answer = threading.Event()

    def beat(instance: uuid.UUID) -> gate.Snapshot:
        answer.wait(10)
        return gate.current()

    monkeypatch.setattr(gate, "beat", beat)

    async def look_for(seconds: float) -> None:
        end = hubs.loop.time() + seconds
        while hubs.loop.time() < end:
            await hub._look_at_gate()

    hubs.run(look_for(0.1))
    assert hub.gate.checklist is not None  # a moment without an answer is no reason
    hubs.run(look_for(0.4))
    assert hub.gate.checklist is None
    with pytest.raises(Refused) as refused:
        hub.permit(hubs.connect(0, None)[0], Feature.MATCH_PAIR)
    assert refused.value.code is Code.GATE
    hub.permit(hubs.connect(0, None)[0], Feature.ROOM_OPEN)
    answer.set()
    hubs.run(look_for(0.2))
    assert hub.gate.checklist is not None


def test_each_reader_has_the_log_in_the_end(hubs: Hubs, writer: User, room: Room) -> None:
    _socket, paper = join(hubs, 1, after=0)
    post(hubs, writer, count=5)
    assert paper.items() == fresh(room.id)


# Elsewhere ------------------------------------------------------------------------------------------------------------


def test_who_leaves_last_is_not_shown_elsewhere_any_more(hubs: Hubs, writer: User, room: Room) -> None:
    hubs.layer.direct = True
    (leaver, _), (_, paper) = hubs.connect(0, writer), hubs.connect(1, None)
    for hub in hubs.hubs:
        for socket in hub.sockets:
            hubs.say(socket, "room.join", room=room.key)
    hubs.settle()

    def shown() -> int:
        for hub in hubs.hubs:
            hubs.run(hub._show_presence())
            hubs.settle()
        hubs.run(hubs.hubs[1]._show_presence())
        return int([frame["count"] for frame in paper.frames if frame["type"] == "presence"][-1])

    assert shown() == 2
    hubs.say(leaver, "room.leave", room=room.key)
    hubs.settle()
    assert shown() == 1
