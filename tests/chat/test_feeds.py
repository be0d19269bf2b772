"""Whatever is lost, doubled or late between processes, each reader gets each event once and in order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from chat.consumers import Socket
from chat.feeds import AHEAD, RECENT, Feed, Reader, items_frame
from chat.models import Room
from chat.outlets import Frame


def item(seq: int, kind: str = "message", body: str = "") -> bytes:
    """An event as it travels: its JSON."""
    return json.dumps({"seq": seq, "kind": kind, "body": body or f"{seq}"}, separators=(",", ":")).encode()


class Listener:
    """Stands in for a socket: keeps what it is handed."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.frames = 0

    def push(self, frame: Frame) -> None:
        """Take a frame."""
        said = json.loads(frame.payload)
        assert said["type"] == "messages"
        assert said["room"] == "chat"
        self.seqs += [item["seq"] for item in said["items"]]
        self.frames += 1


def a_feed() -> Feed:
    return Feed(Room(id=uuid4(), slug="chat", kind="open"))


def joined(feed: Feed, at: int) -> tuple[Listener, Reader]:
    """A reader whose join was answered with everything up to a seq."""
    listener = Listener()
    reader = feed.add(cast("Socket", listener), listener)
    feed.begin(at)
    reader.sent = at
    reader.catching_up = False
    return listener, reader


def nobody_is_behind(reader: Reader) -> None:
    raise AssertionError(f"a reader at {reader.sent} was left behind")


# One step after another -----------------------------------------------------------------------------------------------


def test_what_follows_is_handed_on_at_once_and_what_comes_early_waits() -> None:
    feed = a_feed()
    listener, _ = joined(feed, 3)
    assert feed.offer([(4, item(4))], nobody_is_behind) == 1
    assert feed.offer([(6, item(6))], nobody_is_behind) == 0
    assert feed.has_hole()
    assert feed.offer([(5, item(5))], nobody_is_behind) == 2
    assert not feed.has_hole()
    assert listener.seqs == [4, 5, 6]
    assert listener.frames == 2


def test_a_batch_is_one_frame_and_the_same_frame_for_all() -> None:
    feed = a_feed()
    listeners = [joined(feed, 0)[0] for _ in range(3)]
    assert feed.offer([(seq, item(seq)) for seq in range(1, 51)], nobody_is_behind) == 150
    assert [(len(listener.seqs), listener.frames) for listener in listeners] == [(50, 1)] * 3


def test_what_was_handed_on_before_is_dropped() -> None:
    feed = a_feed()
    listener, _ = joined(feed, 2)
    for _ in range(3):
        feed.offer([(1, item(1)), (2, item(2)), (3, item(3))], nobody_is_behind)
    assert listener.seqs == [3]
    assert feed.ahead == {}


def test_before_the_log_was_read_nothing_is_handed_on_and_nothing_is_lost() -> None:
    feed = a_feed()
    listener = Listener()
    reader = feed.add(cast("Socket", listener), listener)
    assert feed.offer([(7, item(7)), (8, item(8)), (9, item(9))], nobody_is_behind) == 0
    assert not feed.has_hole()
    feed.begin(7)
    reader.sent, reader.catching_up = 7, False
    feed.offer([], nobody_is_behind)
    assert listener.seqs == [8, 9]


def test_a_second_beginning_changes_nothing() -> None:
    feed = a_feed()
    listener, _ = joined(feed, 5)
    feed.begin(2)
    feed.begin(9)
    feed.offer([(6, item(6))], nobody_is_behind)
    assert listener.seqs == [6]


@pytest.mark.parametrize("at", [4, 5])
def test_a_reader_ahead_of_the_feed_gets_only_the_rest(at: int) -> None:
    """Whoever joined last read the log later than what was handed on here."""
    feed = a_feed()
    first, _ = joined(feed, 3)
    second, reader = joined(feed, 3)
    reader.sent = at
    feed.offer([(seq, item(seq)) for seq in (4, 5, 6)], nobody_is_behind)
    assert first.seqs == [4, 5, 6]
    assert second.seqs == [4, 5, 6][at - 3 :]


def test_a_reader_behind_the_feed_is_named_and_given_nothing_out_of_order() -> None:
    feed = a_feed()
    joined(feed, 3)
    late, reader = joined(feed, 3)
    reader.sent = 1
    behind: list[Reader] = []
    feed.offer([(4, item(4))], behind.append)
    assert behind == [reader]
    assert late.seqs == []


def test_who_is_being_filled_up_is_left_alone() -> None:
    feed = a_feed()
    joined(feed, 3)
    listener, reader = joined(feed, 3)
    reader.catching_up = True
    feed.offer([(4, item(4))], nobody_is_behind)
    assert (listener.seqs, reader.sent) == ([], 3)


# Memory ---------------------------------------------------------------------------------------------------------------


def test_memory_reaches_back_a_while_and_says_when_it_does_not() -> None:
    feed = a_feed()
    joined(feed, 0)
    assert feed.remembered(0) is None
    feed.offer([(seq, item(seq)) for seq in range(1, RECENT + 11)], nobody_is_behind)
    assert feed.remembered(9) is None
    assert [seq for seq, _ in feed.remembered(10) or ()] == list(range(11, RECENT + 11))
    assert feed.remembered(RECENT + 9) == [(RECENT + 10, item(RECENT + 10))]
    assert feed.remembered(RECENT + 10) == []


def test_words_that_were_taken_back_are_not_repeated_from_memory() -> None:
    feed = a_feed()
    joined(feed, 0)
    feed.offer([(1, item(1, body="ひみつ")), (2, item(2)), (3, item(3, "delete")), (4, item(4))], nobody_is_behind)
    assert feed.remembered(0) is None
    assert [seq for seq, _ in feed.remembered(2) or ()] == [3, 4]


def test_nobody_can_write_a_message_that_passes_for_a_deletion() -> None:
    feed = a_feed()
    joined(feed, 0)
    feed.offer(
        [(1, item(1)), (2, item(2, body='"kind":"delete"')), (3, item(3, body='\\"kind\\":"delete"'))], nobody_is_behind
    )
    assert len(feed.remembered(0) or ()) == 3


def test_a_page_comes_from_memory_where_all_of_it_is_there() -> None:
    feed = a_feed()
    assert feed.page(None, 3) is None
    joined(feed, 10)
    assert feed.page(None, 3) is None  # nobody has read it yet
    feed.begin(10, [(seq, item(seq)) for seq in (8, 9, 10)])
    assert [seq for seq, _ in feed.page(None, 3) or ()] == [8, 9, 10]
    assert feed.page(None, 4) is None
    feed.offer([(11, item(11))], nobody_is_behind)
    assert [seq for seq, _ in feed.page(None, 3) or ()] == [9, 10, 11]
    assert [seq for seq, _ in feed.page(9, 3) or ()] == [10, 11]
    assert feed.page(11, 3) == []
    assert feed.page(6, 3) is None
    assert feed.page(12, 3) is None  # somebody knows more than this process
    feed.offer([(12, item(12, "delete"))], nobody_is_behind)
    assert feed.page(None, 3) is None


def test_a_page_that_the_log_has_outgrown_is_not_kept() -> None:
    """It was read before the last message, which may have taken words of it back."""
    feed = a_feed()
    joined(feed, 3)
    feed.offer([(4, item(4, "delete"))], nobody_is_behind)
    feed.begin(3, [(seq, item(seq)) for seq in (1, 2, 3)])
    assert feed.page(None, 4) is None
    assert feed.head == 4


def test_the_whole_of_a_young_log_is_a_page() -> None:
    feed = a_feed()
    joined(feed, 2)
    feed.begin(2, [(1, item(1)), (2, item(2))])
    assert [seq for seq, _ in feed.page(None, 50) or ()] == [1, 2]


# People ---------------------------------------------------------------------------------------------------------------


def test_one_person_in_two_windows_counts_once_and_other_processes_count_while_they_speak() -> None:
    feed = a_feed()
    windows = [cast("Socket", Listener()) for _ in range(3)]
    for window, who in zip(windows, ("a", "a", "b"), strict=True):
        feed.add(window, who)
    assert feed.count(0.0, 30.0) == 2
    feed.elsewhere["another process"] = (5, 100.0)
    assert feed.count(129.0, 30.0) == 7
    assert feed.count(130.0, 30.0) == 2
    assert feed.remove(windows[0], "a")
    assert not feed.remove(windows[0], "a")
    assert feed.count(130.0, 30.0) == 2
    feed.remove(windows[1], "a")
    assert feed.count(130.0, 30.0) == 1


def test_joining_again_starts_again_and_does_not_count_twice() -> None:
    feed = a_feed()
    listener, _ = joined(feed, 0)
    reader = feed.add(cast("Socket", listener), listener)
    assert reader.catching_up
    assert len(feed.readers) == 1
    assert feed.count(0.0, 30.0) == 1


@pytest.mark.parametrize("key", ["chat", 'a"b\\c', "日本"])
def test_the_frame_names_its_room_in_json(key: str) -> None:
    assert json.loads(items_frame(key, [item(1)]).payload)["room"] == key
    assert json.loads(items_frame(key, []).payload)["items"] == []


# In any order ---------------------------------------------------------------------------------------------------------


class World:
    """A room's log in the database, one process's feed of it, and readers who come and go: a model of the hub."""

    def __init__(self) -> None:
        self.log: list[bytes] = []
        self.feed = a_feed()
        self.readers: list[tuple[Listener, Reader, int]] = []
        self.waiting: list[tuple[Listener, Reader]] = []

    def write(self, number: int) -> None:
        """Commit events; nobody is told by that alone."""
        self.log += [item(len(self.log) + 1 + n) for n in range(number)]

    def hint(self, seqs: Iterable[int]) -> None:
        """Some of the log arrives, in some order."""
        self.feed.offer([(seq, self.log[seq - 1]) for seq in seqs if 0 < seq <= len(self.log)], self.catch_up)

    def knock(self) -> None:
        """A reader joins; the log is read for them later."""
        listener = Listener()
        self.waiting.append((listener, self.feed.add(cast("Socket", listener), listener)))

    def admit(self, after: int | None) -> None:
        """The log was read for whoever waits longest: answer their join as the hub does."""
        if not self.waiting:
            return
        listener, reader = self.waiting.pop(0)
        head = len(self.log)
        start = head if after is None else min(after, head)
        self.feed.begin(head)
        page = self.log[start:]
        listener.seqs += [json.loads(encoded)["seq"] for encoded in page]
        reader.sent = start + len(page)
        reader.catching_up = False
        self.readers.append((listener, reader, start))
        assert self.feed.head is not None
        if reader.sent < self.feed.head:
            self.catch_up(reader)

    def catch_up(self, reader: Reader) -> None:
        """Fill a reader up, from memory if that reaches, else from the log."""
        assert self.feed.head is not None
        remembered = self.feed.remembered(reader.sent)
        if remembered is None:
            remembered = [(seq, self.log[seq - 1]) for seq in range(reader.sent + 1, self.feed.head + 1)]
        if remembered:
            reader.sent = remembered[-1][0]
            reader.socket.push(items_frame("chat", [encoded for _seq, encoded in remembered]))

    def repair(self) -> None:
        """Read what the log has beyond what was handed on here."""
        if self.feed.head is not None:
            self.hint(range(self.feed.head + 1, len(self.log) + 1))
        for _listener, reader, _start in self.readers:
            if self.feed.head is not None and reader.sent < self.feed.head:
                self.catch_up(reader)

    def leave(self, which: int) -> None:
        """A reader goes."""
        if self.readers:
            listener, _reader, _start = self.readers.pop(which % len(self.readers))
            self.feed.remove(cast("Socket", listener), listener)


steps = st.one_of(
    st.tuples(st.just("write"), st.integers(1, 5)),
    st.tuples(st.just("hint"), st.lists(st.integers(1, 40), max_size=8)),
    st.tuples(st.just("hint"), st.integers(1, 40).map(lambda start: list(range(start, start + 6)))),
    st.tuples(st.just("knock"), st.none()),
    st.tuples(st.just("admit"), st.none() | st.integers(0, 40)),
    st.tuples(st.just("repair"), st.none()),
    st.tuples(st.just("leave"), st.integers(0, 5)),
)


@given_settings(max_examples=400)
@given(st.lists(steps, max_size=60))
def test_each_reader_gets_each_event_once_in_order_without_holes(story: list[tuple[str, Any]]) -> None:
    world = World()
    for step, value in story:
        if value is None and step in ("knock", "repair"):
            getattr(world, step)()
        else:
            getattr(world, step)(value)
        for listener, _reader, start in world.readers:
            assert listener.seqs == list(range(start + 1, start + 1 + len(listener.seqs)))
    world.repair()
    for listener, _reader, start in world.readers:
        assert listener.seqs == list(range(start + 1, len(world.log) + 1))
    assert world.feed.ahead.keys() <= set(range((world.feed.head or 0) + 1, len(world.log) + 1))


def test_what_comes_too_early_takes_a_bounded_place_and_what_is_due_gets_through() -> None:
    feed = a_feed()
    listener, _reader = joined(feed, 0)
    early = range(10, 10 + 2 * AHEAD)
    feed.offer([(seq, item(seq)) for seq in early], nobody_is_behind)
    assert len(feed.ahead) == AHEAD
    feed.offer([(seq, item(seq)) for seq in range(1, 10)], nobody_is_behind)
    assert listener.seqs == list(range(1, 10 + AHEAD))
    assert not feed.has_hole()
