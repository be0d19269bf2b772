"""Real time built from its parts: a clock that is turned by hand, a transport on paper, a log in memory."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest

from chat.protocol import Access, Author, Refused, encode, replies, requests
from chat.realtime import Connection, Stream, Way, handles, jobs
from chat.realtime.backfill import REPAIR_SECONDS
from chat.realtime.dispatch import routes
from chat.realtime.hub import HEAD_SECONDS, Backend
from tests.kit.harness import Hubs
from tests.kit.memory import MemoryBackend, MemoryRoom, Somebody, Words
from tests.kit.transport import FakeTransport

WRITER = Somebody(1, "書き手")
READER = Somebody(2, "読み手")
CLOSED = Access("room.match_pair", 1)  # as long as the gate cannot be read, it is shut


class Deployment:
    """Two hubs on one log."""

    def __init__(self) -> None:
        self.memory = MemoryBackend("chat")
        self.room = self.memory.room("chat")

        def backends(count: int) -> Sequence[Backend]:
            return [self.memory] * count

        self.hubs = Hubs(2, backends)

    def join(self, hub: int, **fields: Any) -> FakeTransport:
        """Somebody joins the room at a hub; returns what they are sent."""
        connection, transport = self.hubs.enter(hub, None)
        self.hubs.say(connection, "room.join", room="chat", **fields)
        self.hubs.settle()
        return transport

    def post(self, hub: int, *bodies: str) -> list[Any]:
        """Messages are committed at a hub; returns their outcomes."""
        outcomes: list[Any] = []

        async def post() -> None:
            for body in bodies:
                self.hubs.hubs[hub].parts.committer.post(Words(self.room.id, WRITER, body), outcomes.append)

        self.hubs.run(post())
        self.hubs.settle()
        return outcomes


@pytest.fixture
def place(settings: Any) -> Iterator[Deployment]:
    """A deployment without rates."""
    settings.CHAT_RATE_LIMITS = False
    made = Deployment()
    with made.hubs:
        yield made


def seqs(transport: FakeTransport) -> list[int]:
    """The events that came."""
    return [item["seq"] for item in transport.items()]


def test_what_comes_at_once_is_one_transaction_one_frame_and_a_receipt_each(place: Deployment) -> None:
    reader = place.join(0)
    outcomes = place.post(0, "一", "二", "三")
    assert [outcome.seq for outcome in outcomes] == [1, 2, 3]
    assert place.memory.batches == [3]
    assert seqs(reader) == [1, 2, 3]
    assert reader.types().count("messages") == 1


def test_a_failed_transaction_answers_everybody_and_the_next_one_is_stored(place: Deployment) -> None:
    reader = place.join(0)
    place.memory.away = True
    assert {type(outcome) for outcome in place.post(0, "一", "二")} == {Refused}
    place.memory.away = False
    assert [outcome.seq for outcome in place.post(0, "三")] == [1]
    assert seqs(reader) == [1]


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ({"type": "match.seek", "topic": "x" * 41}, "この欄には長すぎます。"),
        ({"type": "match.seek", "topic": "a\n"}, "この欄には使えない文字が入っています。"),
        ({"type": "zip"}, "送信された内容は、このサービスの通信の形式ではありません。"),
    ],
)
def test_a_refusal_of_a_frame_speaks_the_language_of_the_person(
    place: Deployment, frame: dict[str, str], reason: str
) -> None:
    connection, transport = place.hubs.enter(0, None)
    kind = frame.pop("type")
    place.hubs.say(connection, kind, **frame)
    assert transport.frames[-1]["reason"].startswith(reason)


def test_a_gap_is_given_a_moment_then_read_from_the_log(place: Deployment) -> None:
    reader = place.join(0)
    place.room.write(WRITER, "behind the hub's back")
    hub = place.hubs.hubs[0]

    async def announce() -> None:
        item = place.room.write(WRITER, "二")
        stream = hub.parts.registry.streams[place.room.id]
        hub.parts.backfill.publish(stream, [(item.seq, encode(item))], place.room.access)

    place.hubs.run(announce())
    place.hubs.run(place.hubs.clock.advance(REPAIR_SECONDS / 2))
    assert seqs(reader) == []
    place.hubs.advance(REPAIR_SECONDS)
    assert seqs(reader) == [1, 2]


def test_a_lost_hint_is_found_by_the_head_check(place: Deployment) -> None:
    reader = place.join(1)
    place.post(0, "一")
    place.hubs.layer.held.clear()
    assert seqs(reader) == []
    place.hubs.check_heads(1)
    assert seqs(reader) == [1]


def test_nothing_is_delivered_while_a_changed_room_cannot_be_revalidated(place: Deployment) -> None:
    reader = place.join(0)
    place.room.access = Access("room.open", 1)
    place.memory.readership_of, answer = _mute, place.memory.readership_of  # type: ignore[method-assign]
    place.post(0, "一")
    assert seqs(reader) == []
    place.memory.readership_of = answer  # type: ignore[method-assign]
    place.hubs.check_heads(0)
    assert seqs(reader) == [1]


async def _mute(room: uuid.UUID) -> None:
    raise OSError("the database is away")


def test_loops_and_jobs_outlive_their_faults(place: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[float] = []

    async def job(parts: Any) -> None:
        done.append(parts.clock.monotonic())
        if len(done) == 1:
            raise RuntimeError("a job is broken")

    monkeypatch.setattr(jobs, "_registered", jobs.Registered([jobs.Job(7.0, job)]))
    hub = place.hubs.hubs[0]
    begun = place.hubs.clock.now
    reader = place.join(0)

    async def live() -> None:
        await hub.start()
        await asyncio.sleep(0)  # the loops begin to wait
        place.memory.away = True
        await place.hubs.clock.advance(3 * HEAD_SECONDS)
        place.memory.away = False
        place.room.write(WRITER, "一")
        await place.hubs.clock.advance(12.0)
        await asyncio.sleep(0.01)

    place.hubs.run(live())
    assert [at - begun for at in done] == [7.0, 14.0]
    assert seqs(reader) == [1]
    assert place.memory.beats > 20


def test_a_draining_hub_commits_what_is_pending_and_says_goodbye(place: Deployment) -> None:
    connection, transport = place.hubs.enter(0, None)
    place.hubs.say(connection, "room.join", room="chat")
    place.hubs.settle()
    outcomes: list[Any] = []
    hub = place.hubs.hubs[0]

    async def drain() -> None:
        hub.parts.committer.post(Words(place.room.id, WRITER, "最後"), outcomes.append)
        draining = asyncio.ensure_future(hub.drain())
        await asyncio.sleep(0.05)
        connection.gone()
        await draining

    place.hubs.run(drain())
    assert [outcome.seq for outcome in outcomes] == [1]
    assert seqs(transport) == [1]
    assert (transport.code, transport.goodbye["type"]) == (4503, "closing")
    assert hub.parts.registry.connections == set()


# --- a frame for the others, stored nowhere ---------------------------------------------------------------------------


class Others:
    """The writer at both hubs, readers at both, one of whom knows the room by a former key."""

    def __init__(self, place: Deployment) -> None:
        self.place = place
        self.writer, self.mine = self._enter(0, WRITER)
        _, self.also_mine = self._enter(1, WRITER)
        _, self.here = self._enter(0, READER)
        self.elsewhere, self.there = self._enter(1, READER)
        _, self.anonymous = self._enter(1, None)
        place.hubs.layer.direct = True

    def _enter(self, hub: int, person: Somebody | None) -> tuple[Connection, FakeTransport]:
        connection, transport = self.place.hubs.enter(hub, person)
        self.place.hubs.say(connection, "room.join", room="chat")
        self.place.hubs.settle()
        return connection, transport

    def stream(self, hub: int) -> Stream:
        """The room at a hub."""
        return self.place.hubs.hubs[hub].parts.registry.streams[self.place.room.id]

    def show(self) -> None:
        """The writer shows the others a frame."""
        frame = replies.SomebodyTyping("chat", Author(WRITER.id, WRITER.name))

        async def do() -> None:
            self.writer.parts.presence.show_others(self.writer, self.stream(0), frame)

        self.place.hubs.run(do())
        self.place.hubs.settle()

    def seen(self) -> list[int]:
        """How often each saw it: the reader at the writer's hub, the reader and the anonymous one at the other."""
        for mine in (self.mine, self.also_mine):
            assert "typing" not in mine.types()
        return [paper.types().count("typing") for paper in (self.here, self.there, self.anonymous)]


def test_a_frame_for_the_others_is_shown_in_every_process_and_to_nobody_of_the_same_person(place: Deployment) -> None:
    others = Others(place)
    others.show()
    assert others.seen() == [1, 1, 1]
    user = {"id": WRITER.id, "name": WRITER.name}
    for paper in (others.here, others.there):
        assert [f for f in paper.frames if f["type"] == "typing"] == [{"type": "typing", "room": "chat", "user": user}]


def test_a_frame_for_the_others_names_the_room_as_each_of_them_knows_it(place: Deployment) -> None:
    others = Others(place)
    others.stream(1).former[others.elsewhere] = "former"
    others.show()
    assert [f["room"] for f in others.there.frames if f["type"] == "typing"] == ["former"]
    assert [f["room"] for f in others.anonymous.frames if f["type"] == "typing"] == ["chat"]


def test_a_process_in_doubt_or_of_another_revision_does_not_show_it(place: Deployment) -> None:
    others = Others(place)
    others.stream(1).doubt()
    others.show()
    assert others.seen() == [1, 0, 0]
    others.stream(1).trust("chat", Access("room.open", 7))
    others.show()
    assert others.seen() == [2, 0, 0]


def test_nothing_is_shown_of_a_room_that_changed_or_cannot_be_asked_about(place: Deployment) -> None:
    others = Others(place)
    place.memory.away = True
    others.show()
    place.memory.away = False
    place.room.access = Access("room.open", 1)
    others.show()
    assert others.seen() == [0, 0, 0]
    others.show()  # it was revalidated at the writer's hub; the other one still knows the former access
    assert others.seen() == [1, 0, 0]


def test_nothing_is_shown_of_somebody_who_is_not_in_the_room_or_has_no_name(place: Deployment) -> None:
    others = Others(place)
    stream = others.stream(0)
    for person in (Somebody(3, "通りすがり"), None):
        outsider, _ = place.hubs.enter(0, person)

        async def show(outsider: Connection = outsider) -> None:
            frame = replies.SomebodyTyping("chat", Author("", ""))
            outsider.parts.presence.show_others(outsider, stream, frame)

        place.hubs.run(show())
        place.hubs.settle()
    assert others.seen() == [0, 0, 0]
    with pytest.raises(TypeError, match="names no room"):
        others.writer.parts.presence.show_others(others.writer, stream, replies.Pong())


# --- ways in which a request is carried out ---------------------------------------------------------------------------


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> list[Stream]:
    """The streams with which `room.history` is called, as if it was handled in the room."""
    found: list[Stream] = []
    monkeypatch.delitem(cast("dict[Any, Any]", routes), requests.RoomHistory)

    @handles(requests.RoomHistory, answer=replies.Messages, way=Way.IN_ROOM, rate="read", takes_person=True)
    async def handle(connection: Connection, request: requests.RoomHistory, stream: Stream) -> None:
        found.append(stream)

    return found


def refusals(transport: FakeTransport) -> list[tuple[str, str]]:
    """The codes of what was refused, with the requests' names."""
    return [(f["ref"], f["code"]) for f in transport.frames if f["type"] == "refused"]


def test_a_request_in_a_room_is_handed_the_room_that_was_joined_or_may_be_read(
    place: Deployment, handled: list[Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[str, str]] = []
    monkeypatch.setattr(Connection, "allow", lambda _self, rate, room="": taken.append((rate, room)))
    connection, transport = place.hubs.enter(0, READER)
    place.hubs.say(connection, "room.history", room="chat", before=1)
    place.hubs.settle()
    assert [stream.id for stream in handled] == [place.room.id]
    assert handled[0] not in place.hubs.hubs[0].parts.registry.streams.values()
    place.hubs.say(connection, "room.join", room="chat")
    place.hubs.say(connection, "room.history", room="chat", before=1)
    place.hubs.settle()
    assert handled[1:] == [place.hubs.hubs[0].parts.registry.streams[place.room.id]]
    assert [room for rate, room in taken if rate == "read"] == ["chat", "chat"]
    place.hubs.say(connection, "room.history", room="nowhere", before=1)
    place.hubs.settle()
    assert refusals(transport) == [("room.history", "missing")]
    assert len(handled) == 2


def test_a_request_in_a_room_asks_the_gate_before_its_handler(place: Deployment, handled: list[Stream]) -> None:
    joined, transport = place.hubs.enter(0, READER)
    place.hubs.say(joined, "room.join", room="chat")
    place.hubs.settle()
    stream = joined.streams["chat"]
    stream.access = CLOSED
    place.hubs.say(joined, "room.history", room="chat", before=1)
    place.hubs.settle()
    assert refusals(transport) == [("room.history", "gate")]
    stream.access = place.room.access
    stream.doubt()  # the database is asked: who may read the room is not known here
    place.room.ended = True
    place.hubs.say(joined, "room.history", room="chat", before=1)
    place.hubs.settle()
    assert refusals(transport)[1:] == [("room.history", "missing")]
    assert handled == []


def test_a_request_in_a_room_that_was_not_joined_asks_the_gate(place: Deployment, handled: list[Stream]) -> None:
    place.memory.find_room, find_room = _closed, place.memory.find_room  # type: ignore[method-assign]
    connection, transport = place.hubs.enter(0, READER)
    place.hubs.say(connection, "room.history", room="chat", before=1)
    place.hubs.settle()
    place.memory.find_room = find_room  # type: ignore[method-assign]
    assert refusals(transport) == [("room.history", "gate")]
    nameless, transport = place.hubs.enter(0, None)
    place.hubs.say(nameless, "room.history", room="chat", before=1)
    place.hubs.settle()
    assert refusals(transport) == [("room.history", "auth")]
    assert handled == []


async def _closed(language: str, key: str | uuid.UUID, person_pk: int | None) -> MemoryRoom:
    return MemoryRoom("chat", access=CLOSED)


def test_a_signal_goes_to_the_readers_of_a_room_that_its_person_may_read_behind_an_open_gate(
    place: Deployment,
) -> None:
    others = Others(place)
    place.hubs.say(others.writer, "typing", room="chat")
    place.hubs.settle()
    assert others.seen() == [1, 1, 1]
    passer, heard = place.hubs.enter(0, others.writer.person)  # as a request over HTTP: it has joined nothing
    place.hubs.say(passer, "typing", room="chat")
    place.hubs.settle()
    assert others.seen() == [2, 2, 2]
    assert [(frame["type"], frame["ref"]) for frame in heard.frames] == [("noted", "typing")]
    place.hubs.run(place.hubs.hubs[0].parts.gate.look())
    others.stream(0).access = place.room.access = CLOSED
    nameless, _ = place.hubs.enter(1, None)
    for speaker in (others.writer, passer, nameless):
        for ref in ("typing", None):
            place.hubs.say(speaker, "typing", room="chat", ref=ref)
    place.hubs.settle()
    assert others.seen() == [2, 2, 2]
    assert refusals(others.mine) == [("typing", "gate")]
    assert refusals(heard) == [("typing", "missing")]
