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

from chat.protocol import Access
from chat.realtime.streams import AHEAD, RECENT, Stream, Subscriber, Subscription, items_frame
from chat.realtime.transports import Frame


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


def a_stream() -> Stream:
    return Stream(uuid4(), "chat", Access("room.open", 0))


def joined(stream: Stream, at: int) -> tuple[Listener, Subscription]:
    """A reader whose join was answered with everything up to a seq."""
    listener = Listener()
    reader = stream.add(cast("Subscriber", listener), listener)
    stream.begin(at)
    reader.sent = at
    reader.is_behind = False
    return listener, reader


def nobody_is_behind(reader: Subscription) -> None:
    raise AssertionError(f"a reader at {reader.sent} was left behind")


# One step after another -----------------------------------------------------------------------------------------------


def test_what_follows_is_handed_on_at_once_and_what_comes_early_waits() -> None:
    stream = a_stream()
    listener, _ = joined(stream, 3)
    assert stream.publish([(4, item(4))], nobody_is_behind) == 1
    assert stream.publish([(6, item(6))], nobody_is_behind) == 0
    assert stream.has_hole()
    assert stream.publish([(5, item(5))], nobody_is_behind) == 2
    assert not stream.has_hole()
    assert listener.seqs == [4, 5, 6]
    assert listener.frames == 2


def test_a_batch_is_one_frame_and_the_same_frame_for_all() -> None:
    stream = a_stream()
    listeners = [joined(stream, 0)[0] for _ in range(3)]
    assert stream.publish([(seq, item(seq)) for seq in range(1, 51)], nobody_is_behind) == 150
    assert [(len(listener.seqs), listener.frames) for listener in listeners] == [(50, 1)] * 3


def test_what_was_handed_on_before_is_dropped() -> None:
    stream = a_stream()
    listener, _ = joined(stream, 2)
    for _ in range(3):
        stream.publish([(1, item(1)), (2, item(2)), (3, item(3))], nobody_is_behind)
    assert listener.seqs == [3]
    assert stream.ahead == {}


def test_before_the_log_was_read_nothing_is_handed_on_and_nothing_is_lost() -> None:
    stream = a_stream()
    listener = Listener()
    reader = stream.add(cast("Subscriber", listener), listener)
    assert stream.publish([(7, item(7)), (8, item(8)), (9, item(9))], nobody_is_behind) == 0
    assert not stream.has_hole()
    stream.begin(7)
    reader.sent, reader.is_behind = 7, False
    stream.publish([], nobody_is_behind)
    assert listener.seqs == [8, 9]


def test_a_second_beginning_changes_nothing() -> None:
    stream = a_stream()
    listener, _ = joined(stream, 5)
    stream.begin(2)
    stream.begin(9)
    stream.publish([(6, item(6))], nobody_is_behind)
    assert listener.seqs == [6]


@pytest.mark.parametrize("at", [4, 5])
def test_a_reader_ahead_of_the_feed_gets_only_the_rest(at: int) -> None:
    """Whoever joined last read the log later than what was handed on here."""
    stream = a_stream()
    first, _ = joined(stream, 3)
    second, reader = joined(stream, 3)
    reader.sent = at
    stream.publish([(seq, item(seq)) for seq in (4, 5, 6)], nobody_is_behind)
    assert first.seqs == [4, 5, 6]
    assert second.seqs == [4, 5, 6][at - 3 :]


def test_a_reader_behind_the_feed_is_named_and_given_nothing_out_of_order() -> None:
    stream = a_stream()
    joined(stream, 3)
    late, reader = joined(stream, 3)
    reader.sent = 1
    behind: list[Subscription] = []
    stream.publish([(4, item(4))], behind.append)
    assert behind == [reader]
    assert late.seqs == []


def test_who_is_being_filled_up_is_left_alone() -> None:
    stream = a_stream()
    joined(stream, 3)
    listener, reader = joined(stream, 3)
    reader.is_behind = True
    stream.publish([(4, item(4))], nobody_is_behind)
    assert (listener.seqs, reader.sent) == ([], 3)


# Memory ---------------------------------------------------------------------------------------------------------------


def test_memory_reaches_back_a_while_and_says_when_it_does_not() -> None:
    stream = a_stream()
    joined(stream, 0)
    assert stream.remembered(0) is None
    stream.publish([(seq, item(seq)) for seq in range(1, RECENT + 11)], nobody_is_behind)
    assert stream.remembered(9) is None
    assert [seq for seq, _ in stream.remembered(10) or ()] == list(range(11, RECENT + 11))
    assert stream.remembered(RECENT + 9) == [(RECENT + 10, item(RECENT + 10))]
    assert stream.remembered(RECENT + 10) == []


def test_words_that_were_taken_back_are_not_repeated_from_memory() -> None:
    stream = a_stream()
    joined(stream, 0)
    stream.publish([(1, item(1, body="ひみつ")), (2, item(2)), (3, item(3, "delete")), (4, item(4))], nobody_is_behind)
    assert stream.remembered(0) is None
    assert [seq for seq, _ in stream.remembered(2) or ()] == [3, 4]


def test_nobody_can_write_a_message_that_passes_for_a_deletion() -> None:
    stream = a_stream()
    joined(stream, 0)
    stream.publish(
        [(1, item(1)), (2, item(2, body='"kind":"delete"')), (3, item(3, body='\\"kind\\":"delete"'))], nobody_is_behind
    )
    assert len(stream.remembered(0) or ()) == 3


def test_a_page_comes_from_memory_where_all_of_it_is_there() -> None:
    stream = a_stream()
    assert stream.page(None, 3) is None
    joined(stream, 10)
    assert stream.page(None, 3) is None  # nobody has read it yet
    stream.begin(10, [(seq, item(seq)) for seq in (8, 9, 10)])
    assert [seq for seq, _ in stream.page(None, 3) or ()] == [8, 9, 10]
    assert stream.page(None, 4) is None
    stream.publish([(11, item(11))], nobody_is_behind)
    assert [seq for seq, _ in stream.page(None, 3) or ()] == [9, 10, 11]
    assert [seq for seq, _ in stream.page(9, 3) or ()] == [10, 11]
    assert stream.page(11, 3) == []
    assert stream.page(6, 3) is None
    assert stream.page(12, 3) is None  # somebody knows more than this process
    stream.publish([(12, item(12, "delete"))], nobody_is_behind)
    assert stream.page(None, 3) is None


def test_a_page_that_the_log_has_outgrown_is_not_kept() -> None:
    """It was read before the last message, which may have taken words of it back."""
    stream = a_stream()
    joined(stream, 3)
    stream.publish([(4, item(4, "delete"))], nobody_is_behind)
    stream.begin(3, [(seq, item(seq)) for seq in (1, 2, 3)])
    assert stream.page(None, 4) is None
    assert stream.head == 4


def test_the_whole_of_a_young_log_is_a_page() -> None:
    stream = a_stream()
    joined(stream, 2)
    stream.begin(2, [(1, item(1)), (2, item(2))])
    assert [seq for seq, _ in stream.page(None, 50) or ()] == [1, 2]


# People ---------------------------------------------------------------------------------------------------------------


def test_one_person_in_two_windows_counts_once_and_other_processes_count_while_they_speak() -> None:
    stream = a_stream()
    windows = [cast("Subscriber", Listener()) for _ in range(3)]
    for window, who in zip(windows, ("a", "a", "b"), strict=True):
        stream.add(window, who)
    assert stream.count(0.0, 30.0) == 2
    stream.elsewhere["another process"] = (5, 100.0)
    assert stream.count(129.0, 30.0) == 7
    assert stream.count(130.0, 30.0) == 2
    assert stream.remove(windows[0], "a")
    assert not stream.remove(windows[0], "a")
    assert stream.count(130.0, 30.0) == 2
    stream.remove(windows[1], "a")
    assert stream.count(130.0, 30.0) == 1


def test_joining_again_starts_again_and_does_not_count_twice() -> None:
    stream = a_stream()
    listener, _ = joined(stream, 0)
    reader = stream.add(cast("Subscriber", listener), listener)
    assert reader.is_behind
    assert len(stream.subscriptions) == 1
    assert stream.count(0.0, 30.0) == 1


@pytest.mark.parametrize("key", ["chat", 'a"b\\c', "日本"])
def test_the_frame_names_its_room_in_json(key: str) -> None:
    assert json.loads(items_frame(key, [item(1)]).payload)["room"] == key
    assert json.loads(items_frame(key, []).payload)["items"] == []


# In any order ---------------------------------------------------------------------------------------------------------


class World:
    """A room's log in the database, one process's stream of it, and readers who come and go: a model of the hub."""

    def __init__(self) -> None:
        self.log: list[bytes] = []
        self.stream = a_stream()
        self.readers: list[tuple[Listener, Subscription, int]] = []
        self.waiting: list[tuple[Listener, Subscription]] = []

    def write(self, number: int) -> None:
        """Commit events; nobody is told by that alone."""
        self.log += [item(len(self.log) + 1 + n) for n in range(number)]

    def hint(self, seqs: Iterable[int]) -> None:
        """Some of the log arrives, in some order."""
        self.stream.publish([(seq, self.log[seq - 1]) for seq in seqs if 0 < seq <= len(self.log)], self.catch_up)

    def knock(self) -> None:
        """A reader joins; the log is read for them later."""
        listener = Listener()
        self.waiting.append((listener, self.stream.add(cast("Subscriber", listener), listener)))

    def admit(self, after: int | None) -> None:
        """The log was read for whoever waits longest: answer their join as the hub does."""
        if not self.waiting:
            return
        listener, reader = self.waiting.pop(0)
        head = len(self.log)
        start = head if after is None else min(after, head)
        self.stream.begin(head)
        page = self.log[start:]
        listener.seqs += [json.loads(encoded)["seq"] for encoded in page]
        reader.sent = start + len(page)
        reader.is_behind = False
        self.readers.append((listener, reader, start))
        assert self.stream.head is not None
        if reader.sent < self.stream.head:
            self.catch_up(reader)

    def catch_up(self, reader: Subscription) -> None:
        """Fill a reader up, from memory if that reaches, else from the log."""
        assert self.stream.head is not None
        remembered = self.stream.remembered(reader.sent)
        if remembered is None:
            remembered = [(seq, self.log[seq - 1]) for seq in range(reader.sent + 1, self.stream.head + 1)]
        if remembered:
            reader.sent = remembered[-1][0]
            reader.subscriber.push(items_frame("chat", [encoded for _seq, encoded in remembered]))

    def repair(self) -> None:
        """Read what the log has beyond what was handed on here."""
        if self.stream.head is not None:
            self.hint(range(self.stream.head + 1, len(self.log) + 1))
        for _listener, reader, _start in self.readers:
            if self.stream.head is not None and reader.sent < self.stream.head:
                self.catch_up(reader)

    def leave(self, which: int) -> None:
        """A reader goes."""
        if self.readers:
            listener, _reader, _start = self.readers.pop(which % len(self.readers))
            self.stream.remove(cast("Subscriber", listener), listener)


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
    assert world.stream.ahead.keys() <= set(range((world.stream.head or 0) + 1, len(world.log) + 1))


def test_what_comes_too_early_takes_a_bounded_place_and_what_is_due_gets_through() -> None:
    stream = a_stream()
    listener, _reader = joined(stream, 0)
    early = range(10, 10 + 2 * AHEAD)
    stream.publish([(seq, item(seq)) for seq in early], nobody_is_behind)
    assert len(stream.ahead) == AHEAD
    stream.publish([(seq, item(seq)) for seq in range(1, 10)], nobody_is_behind)
    assert listener.seqs == list(range(1, 10 + AHEAD))
    assert not stream.has_hole()


def test_page_from_memory_holds_messages_and_what_changed_between_them() -> None:
    stream = a_stream()
    joined(stream, 0)
    kinds = ["message", "message", "edit", "message", "edit", "edit"]
    stream.publish([(seq, item(seq, kind)) for seq, kind in enumerate(kinds, 1)], nobody_is_behind)
    assert [seq for seq, _item in stream.page(None, 2) or ()] == [2, 3, 4, 5, 6]
    assert [seq for seq, _item in stream.page(None, 9) or ()] == [1, 2, 3, 4, 5, 6]
    stream.publish([(seq, item(seq, "edit")) for seq in range(7, 7 + RECENT)], nobody_is_behind)
    assert stream.page(None, 2) is None
