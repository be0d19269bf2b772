"""A hub whose database went back: it forgets, delivers nothing from memory, and its readers begin anew."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from chat.protocol import Author, Item, Refused, encode
from chat.realtime import Connection
from chat.realtime.hub import Backend
from chat.realtime.ports import IDLE
from chat.realtime.publication import Hint, Publication
from tests.kit.harness import Hubs
from tests.kit.memory import MemoryBackend, Somebody, Words
from tests.kit.transport import FakeTransport

WRITER = Somebody(1, "書き手")


class Deployment:
    """Hubs on one log of ten messages, which can be put back to five."""

    def __init__(self, count: int = 2) -> None:
        self.memory = MemoryBackend("chat")
        self.room = self.memory.room("chat")
        self.say(10)

        def backends(count: int) -> Sequence[Backend]:
            return [self.memory] * count

        self.hubs = Hubs(count, backends)
        for hub in range(count):
            self.look(hub)

    def say(self, count: int, kind: str = "旧") -> None:
        """Messages are stored by somebody else."""
        for _ in range(count):
            self.room.write(WRITER, f"{kind}{len(self.room.items) + 1}")

    def put_back(self, head: int = 5) -> None:
        """The database goes back to an earlier state."""
        del self.room.items[head:]

    def look(self, hub: int = 0) -> None:
        """A hub looks at the gate, as it does twice a second."""
        self.hubs.run(self.hubs.hubs[hub].parts.gate.look())
        self.hubs.settle()

    def join(self, hub: int = 0, **fields: Any) -> tuple[Connection, FakeTransport]:
        """Somebody joins the room."""
        connection, transport = self.hubs.enter(hub, WRITER)
        self.hubs.run(self._welcome(connection))
        self.hubs.say(connection, "room.join", room="chat", **fields)
        self.hubs.settle()
        return connection, transport

    async def _welcome(self, connection: Connection) -> None:
        connection.welcome(IDLE, [])
        await asyncio.sleep(0)

    def hear(self, said: Publication) -> None:
        """Another process says something to the first hub."""

        async def hear() -> None:
            self.hubs.hubs[0]._on_publication("other", said)

        self.hubs.run(hear())
        self.hubs.settle()

    def post(self, body: str, hub: int = 0) -> Any:
        """A message is handed to a hub; returns its outcome."""
        outcomes: list[Any] = []

        async def post() -> None:
            self.hubs.hubs[hub].parts.committer.post(Words(self.room.id, WRITER, body), outcomes.append)

        self.hubs.run(post())
        self.hubs.settle()
        return outcomes[0]


@pytest.fixture
def place(settings: Any) -> Iterator[Deployment]:
    """A deployment without rates."""
    settings.CHAT_RATE_LIMITS = False
    made = Deployment()
    with made.hubs:
        yield made


def last(transport: FakeTransport, kind: str) -> dict[str, Any]:
    """The last frame of a type."""
    return next(frame for frame in reversed(transport.frames) if frame["type"] == kind)


def is_lost(place: Deployment, hub: int = 0) -> bool:
    """Whether a hub has noticed, and no other epoch has begun."""
    return place.hubs.hubs[hub].parts.gate.is_lost


def test_welcome_and_the_answer_to_a_join_name_the_epoch(place: Deployment) -> None:
    _reader, transport = place.join()
    assert [last(transport, kind)["epoch"] for kind in ("welcome", "room.joined")] == ["first", "first"]


def test_what_went_back_below_what_was_delivered_is_noticed_by_the_head_check(place: Deployment) -> None:
    _reader, transport = place.join()
    place.put_back()
    place.hubs.check_heads(0)
    assert is_lost(place)
    assert (transport.code, last(transport, "closing")["code"]) == (4503, 4503)
    assert place.hubs.hubs[0].parts.registry.streams == {}
    place.look()
    assert not is_lost(place)
    _again, later = place.join(after=10, epoch="first")
    joined = last(later, "room.joined")
    assert (joined["epoch"], joined["reset"], joined["head"]) == ("after first", True, 5)
    assert [item["seq"] for item in joined["items"]] == [1, 2, 3, 4, 5]


def test_a_demos_database_in_its_place_is_no_epoch_and_no_outage_and_the_service_comes_back_with_its_own(
    place: Deployment,
) -> None:
    place.memory.lost, place.memory.is_specimen = "epoch", True
    for _ in range(3):
        place.look()
        assert is_lost(place)
        assert place.hubs.hubs[0].parts.gate.is_database_up
    place.memory.is_specimen = False
    place.look()
    assert not is_lost(place)


def test_a_log_that_grew_again_beyond_what_was_delivered_is_noticed_as_another_one(place: Deployment) -> None:
    _reader, transport = place.join()
    place.put_back()
    place.say(7, "新")
    place.hubs.check_heads(0)
    assert is_lost(place)
    assert not any(item["body"].startswith("新") for item in transport.items())


def test_an_event_that_was_stored_where_another_one_was_delivered_is_noticed_at_once(place: Deployment) -> None:
    _reader, transport = place.join()
    place.put_back(9)
    place.post("新")  # the tenth message, again
    assert is_lost(place)
    assert transport.code == 4503


def test_a_hint_of_an_event_that_contradicts_what_was_delivered_is_noticed_at_once(place: Deployment) -> None:
    place.join(1)
    _reader, transport = place.join(0)
    place.put_back(9)
    place.hubs.hubs[1].parts.registry.forget()  # the writer's process knew nothing of it
    place.hubs.layer.direct = True
    place.post("新", hub=1)
    assert is_lost(place, 0)
    assert transport.code == 4503


def test_the_same_event_twice_is_no_contradiction(place: Deployment) -> None:
    _reader, transport = place.join()
    stream = place.hubs.hubs[0].parts.registry.streams[place.room.id]
    items = [(item.seq, encode(item)) for item in place.room.items]
    changed = Item(10, place.room.items[9].id, "message", Author("", "書き手"), "", "2026-06-01T00:00:00.000Z")
    place.hubs.hubs[0].parts.backfill.publish(stream, [*items, (10, encode(changed))], place.room.access)
    place.hubs.check_heads(0)
    assert not is_lost(place)
    assert transport.code is None


@pytest.mark.parametrize("found_by", ["beat", "ledger", "epoch"])
def test_a_hub_without_readers_notices_by_what_it_remembers(place: Deployment, found_by: str) -> None:
    place.memory.lost = found_by
    place.look()
    assert (is_lost(place), place.hubs.hubs[0].parts.gate.epoch) == (False, "after first")


def test_until_another_epoch_has_begun_nothing_is_delivered_and_nothing_stored(place: Deployment) -> None:
    place.join()
    place.put_back()
    place.hubs.check_heads(0)
    assert isinstance(place.post("間"), Refused)
    assert len(place.room.items) == 5
    place.memory.away = True
    place.look()
    assert is_lost(place)
    place.memory.away = False
    place.look()
    assert place.post("後").seq == 6


def test_a_hub_that_reads_of_another_epoch_has_its_readers_begin_anew(place: Deployment) -> None:
    _reader, transport = place.join()
    place.put_back()
    place.memory.epoch = "second"  # another process, or the operator, began it
    place.look()
    assert transport.code == 4503
    _again, later = place.join()
    assert [item["seq"] for item in later.items()] == [1, 2, 3, 4, 5]


def test_hints_of_another_epoch_are_not_taken(place: Deployment) -> None:
    place.put_back()
    place.memory.epoch = "second"
    place.look()
    _reader, transport = place.join()
    old = Item(6, place.room.items[0].id, "message", Author("", "書き手"), "旧6", "2026-06-01T00:00:00.000Z")
    hint = Hint(place.room.id, 6, "room.open", 0, [encode(old)])
    place.hear(Publication(hints=[hint], epoch="first"))
    assert "旧6" not in [item["body"] for item in transport.items()]
    place.hear(Publication(hints=[hint], epoch="second"))
    assert place.hubs.hubs[0].parts.registry.streams[place.room.id].head == 6


def test_an_after_beyond_the_head_is_answered_with_the_newest_page_and_reset(place: Deployment) -> None:
    reader, transport = place.join(after=99)
    joined = last(transport, "room.joined")
    assert (joined["reset"], joined["head"], len(joined["items"])) == (True, 10, 10)
    place.hubs.say(reader, "room.sync", room="chat", after=99)
    place.hubs.settle()
    page = last(transport, "messages")
    assert (page["reset"], page["head"], [item["seq"] for item in page["items"]]) == (True, 10, [*range(1, 11)])
    place.post("十一")
    assert transport.items()[-1]["seq"] == 11


def test_an_after_of_the_same_epoch_is_answered_as_ever(place: Deployment) -> None:
    for epoch in (None, "first"):
        _reader, transport = place.join(after=8, epoch=epoch)
        joined = last(transport, "room.joined")
        assert ("reset" in joined, [item["seq"] for item in joined["items"]]) == (False, [9, 10])
