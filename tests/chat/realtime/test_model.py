"""People post, change, take back, join, lose what is sent, come back, in any order: each sees what a newcomer sees."""

from __future__ import annotations

import uuid
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as walk_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from chat import rooms
from chat.models import Message, Room, User
from chat.realtime import Connection
from tests.chaos.crowd import replay
from tests.kit.harness import Hubs, fresh, head
from tests.kit.transport import FakeTransport

PROCESSES, READERS = 2, 3
processes = st.integers(0, PROCESSES - 1)
anybody = st.integers(0, READERS - 1)
words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "So")), min_size=1, max_size=12)


class Reader:
    """Somebody on paper, with what they have so far, across connections."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.kept: list[dict[str, Any]] = []
        self.socket: Connection | None = None
        self.paper: FakeTransport | None = None

    @property
    def last(self) -> int:
        """The last seq they have."""
        return self.kept[-1]["seq"] if self.kept else 0

    def take(self) -> None:
        """Reads what has come on this connection: each event must be the next one."""
        if self.paper is not None:
            for item in self.paper.items():
                assert item["seq"] == self.last + 1, f"{item['seq']} came after {self.last}"
                self.kept.append(item)
            self.paper.frames.clear()

    def hang_up(self) -> None:
        """Their connection breaks."""
        self.take()
        if self.socket is not None:
            self.socket.gone()
        self.socket = self.paper = None


class Talk(RuleBasedStateMachine):
    """One room, two processes, a layer that loses what it likes, and readers who may be slow."""

    hubs: Hubs

    @initialize()
    def open_a_room(self) -> None:
        self.hubs = Hubs(PROCESSES)
        self.room: Room = rooms.create_open_room(actor=None, name="雑談", slug=f"talk-{uuid.uuid4().hex}")
        self.writers = [User.objects.create(name=f"書き手{hub}", is_guest=True) for hub in range(PROCESSES)]
        self.pens = [self.hubs.connect(hub, user)[0] for hub, user in enumerate(self.writers)]
        for pen in self.pens:  # from inside, posts pass without a look at the room
            self.hubs.say(pen, "room.join", room=self.room.key)
        self.readers = [Reader(User.objects.create(name="読み手", is_guest=True)) for _ in range(READERS)]
        for number, reader in enumerate(self.readers):
            self._join(reader, number % PROCESSES)

    # --- writing ------------------------------------------------------------------------------------------------

    @rule(at=processes, body=words, lost=st.booleans())
    def post(self, at: int, body: str, *, lost: bool) -> None:
        """Somebody posts; perhaps the answer is lost, and they post again, at the other process."""
        client_id = str(uuid.uuid4())
        receipts = []
        for hub in (at, (at + 1) % PROCESSES) if lost else (at,):
            socket, paper = self.hubs.connect(hub, self.writers[at])
            self.hubs.say(socket, "message.post", room=self.room.key, client_id=client_id, body=body)
            self.hubs.settle()
            receipts.append([paper.frames[-1][name] for name in ("type", "client_id", "seq", "at")])
            socket.gone()
        assert receipts[0] == receipts[-1]
        assert receipts[0][0] == "message.accepted"

    @rule(at=processes, count=st.sampled_from([3, 70, 230]))
    def post_at_once(self, at: int, count: int) -> None:
        """A busy moment: one commit, one hint; perhaps more than memory holds, or than a page."""
        for number in range(count):
            client_id = str(uuid.uuid4())
            self.hubs.say(self.pens[at], "message.post", room=self.room.key, client_id=client_id, body=f"{number}")
        self.hubs.settle()

    @rule(at=processes, kind=st.sampled_from(["edit", "delete"]), body=words, back=st.integers(0, 4))
    def change(self, at: int, kind: Literal["edit", "delete"], body: str, back: int) -> None:
        """Somebody changes one of their messages, or takes it back; perhaps it was taken back before."""
        mine = Message.objects.filter(room_id=self.room.id, author=self.writers[at], kind="message").order_by("-seq")
        fields = {"body": body} if kind == "edit" else {}
        for seq in mine.values_list("seq", flat=True)[back : back + 1]:
            self.hubs.say(self.pens[at], f"message.{kind}", room=self.room.key, seq=seq, **fields)
            self.hubs.settle()

    # --- reading ------------------------------------------------------------------------------------------------

    @rule(who=anybody, at=processes)
    def come_back(self, who: int, at: int) -> None:
        """Somebody's connection breaks, and they resume at some process."""
        self.readers[who].hang_up()
        self._join(self.readers[who], at)

    @rule(who=anybody)
    def go(self, who: int) -> None:
        """Somebody's connection breaks, and they are away for a while."""
        self.readers[who].hang_up()

    @rule(who=anybody, at=processes, count=st.sampled_from([1, 70, 230]))
    def join_while_others_post(self, who: int, at: int, count: int) -> None:
        """Somebody joins while a commit is under way, at the same process or the other."""
        reader = self.readers[who]
        reader.hang_up()
        for number in range(count):
            client_id = str(uuid.uuid4())
            self.hubs.say(self.pens[at], "message.post", room=self.room.key, client_id=client_id, body=f"{number}")
        self._join(reader, 0)

    @rule(who=anybody, full=st.booleans())
    def stop_or_go_on_reading(self, who: int, *, full: bool) -> None:
        """Somebody takes nothing any more. Once something does not fit they are let go, and later come back."""
        reader = self.readers[who]
        if reader.paper is None or reader.socket is None:
            return
        reader.paper.full = full
        if reader.paper.code is not None:
            assert (reader.paper.code, reader.paper.goodbye["code"]) == (4408, 4408)
            reader.hang_up()

    def _join(self, reader: Reader, at: int) -> None:
        reader.socket, reader.paper = self.hubs.connect(at, reader.user)
        self.hubs.say(reader.socket, "room.join", room=self.room.key, after=reader.last)
        self.hubs.settle()
        while any(frame.get("more") for frame in reader.paper.frames):
            reader.take()
            self.hubs.say(reader.socket, "room.sync", room=self.room.key, after=reader.last, limit=50)
            self.hubs.settle()
        reader.take()

    # --- between the processes ----------------------------------------------------------------------------------

    @rule(index=st.integers(0, 5), fate=st.sampled_from(["arrives", "comes twice", "is lost"]))
    def hint(self, index: int, fate: str) -> None:
        """A hint meets its fate, perhaps out of its turn; all others wait."""
        held = self.hubs.layer.held
        if not held:
            return
        index %= len(held)
        if fate == "is lost":
            held.pop(index)
        else:
            self.hubs.layer.deliver(index, keep=fate == "comes twice")
            self.hubs.settle()

    @rule(at=processes)
    def look(self, at: int) -> None:
        """A process compares its rooms with the log, and then everybody who reads there has everything."""
        self.hubs.check_heads(at)
        for reader in self.readers:
            if (
                reader.socket in self.hubs.hubs[at].parts.registry.connections
                and reader.paper
                and not reader.paper.full
            ):
                reader.take()
                assert reader.last == head(self.room.id)
                assert replay(reader.kept) == replay(fresh(self.room.id))

    # --- always -------------------------------------------------------------------------------------------------

    @invariant()
    def each_event_comes_once_and_in_order(self) -> None:
        for reader in self.readers:
            reader.take()

    def teardown(self) -> None:
        """In the end everybody sees what somebody sees who comes now."""
        if not hasattr(self, "hubs"):
            return
        try:
            for at in range(PROCESSES):
                self.look(at)
            for who in range(READERS):
                self.come_back(who, who % PROCESSES)
            log = fresh(self.room.id)
            assert [item["seq"] for item in log] == list(range(1, head(self.room.id) + 1))
            for reader in self.readers:
                assert [item["id"] for item in reader.kept] == [item["id"] for item in log]
                assert replay(reader.kept) == replay(log)
        finally:
            self.hubs.close()


@pytest.fixture(autouse=True)
def no_limits(settings: Any) -> None:
    """One address may do as much as many."""
    settings.CHAT_RATE_LIMITS = False


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("examples", "steps"),
    [pytest.param(20, 30, id="briefly"), pytest.param(400, 60, id="long", marks=pytest.mark.long)],
)
def test_whatever_happens_a_reader_sees_what_a_fresh_load_shows(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Talk,
        settings=walk_settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
