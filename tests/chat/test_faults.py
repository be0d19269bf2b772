"""One fault at a time, inside the process: a transport in pieces, a nonsensical hint, a mute layer, a mute database."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from chat import hub as hub_module
from chat import metrics, rooms
from chat.models import Room, User
from chat.wire import Code, Refused
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

    def take_and_stop() -> None:
        takes()
        paper.full = bool(paper.items())

    monkeypatch.setattr(paper, "flush", take_and_stop)
    hubs.run(asyncio.sleep(0.3))
    assert len(paper.items()) == 400  # the page of the answer, one more, and then it waits
    hubs.run(asyncio.sleep(0.7))
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
