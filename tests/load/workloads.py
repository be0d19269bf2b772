"""What is measured: each workload, how it is run, and what it should come to."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

from tests.load import matching, pages
from tests.load.client import Crowd, Talk
from tests.load.machine import Cores
from tests.load.stage import Limits, Side, Stage, Town, stored

Measured = dict[str, float]
WRITERS: Final = 5
PACED: Final = 10.0  # messages per second of all writers: 2,000 deliveries in a room of 200


class Size(Struct, frozen=True):
    """How much is measured: rounds, seconds of writing, and how many people come to what."""

    rounds: int = 3
    seconds: float = 8.0
    room: int = 200
    pairs: int = 250
    idle: int = 2_000
    arrivals: int = 400
    history: int = 200
    crowds: tuple[int, ...] = (1_000, 5_000)
    waiting: int = 10_000


FULL: Final = Size()
QUICK: Final = Size(rounds=1, seconds=2.5, arrivals=200, crowds=(1_000,), waiting=4_000)
SMOKE: Final = Size(1, 0.5, room=10, pairs=5, idle=20, arrivals=10, history=20, crowds=(20, 40), waiting=40)


class Rig:
    """Servers, people and load, ready to be measured; servers stay up for as many workloads as they serve."""

    def __init__(self, size: Size, cores: Cores, town: Town, crowd: Crowd) -> None:
        self.size = size
        self.cores = cores
        self.town = town
        self.crowd = crowd
        self._stages: dict[Side, Stage] = {}

    def stage(self, side: Side, count: int = 1, limits: Limits = "counted", *, fresh: bool = False) -> Stage:
        """The servers of a side: those of before, if they will do."""
        stage = self._stages.get(side)
        if stage is None or fresh or len(stage.servers) != count or stage.limits != limits:
            if stage is not None:
                stage.close()
            stage = self._stages[side] = Stage(side, count, self.cores, limits)
        return stage

    def logs(self) -> str:
        """What the running servers wrote."""
        return "\n".join(server.log for stage in self._stages.values() for server in stage.servers)

    def close(self) -> None:
        """End all servers."""
        for stage in self._stages.values():
            stage.close()
        self._stages.clear()

    # --- delivery -----------------------------------------------------------------------------------------------

    def one_room(self, stage: Stage, people: int, talk: Talk, writers: int = WRITERS) -> Measured:
        """Some write into one room, all of it read."""
        room = self.town.open_room()
        inside = self.town.people(people)
        seats = [stage.seat(room, person.cookie, n + 1 if n < writers else 0) for n, person in enumerate(inside)]
        self.crowd.connect(stage.protocol, seats)
        return self._talk(stage, talk, [room])

    def pairs(self, stage: Stage, talk: Talk) -> Measured:
        """Everybody writes to one other in a closed room; with two processes each of the two is at another one."""
        talks = self.town.pair_up(self.size.pairs)
        seats = [
            stage.seat(room, person.cookie, 2 * n + half + 1, half)
            for n, (room, *two) in enumerate(talks)
            for half, person in enumerate(two)
        ]
        self.crowd.connect(stage.protocol, seats)
        return self._talk(stage, talk, [room for room, *_two in talks])

    def _talk(self, stage: Stage, talk: Talk, rooms: Sequence[str]) -> Measured:
        before = stage.calm()
        told = self.crowd.talk(talk)
        used = stage.used() - before
        self.crowd.leave()
        stage.calm()
        written = sum(count for writers in told.sent.values() for count in writers.values())
        if stage.side == "todoke":
            assert told.receipts == written, f"{told.receipts} receipts for {written} messages"
            kept = sum(stored(room) for room in rooms)
            assert kept == written, f"{kept} stored of {written}"
        micro = 1e6 / told.deliveries
        seconds = told.last - told.first
        measured = {
            "cpu": used.servers * micro,
            "database": used.database * micro,
            "redis": used.redis * micro,
            "rate": told.deliveries / seconds,
            "messages": written,
            "client": told.cpu / seconds,
        }
        for name, delays in (("delay", told.delays), ("receipt", told.receipt_delays)):
            if delays:
                cuts = statistics.quantiles(delays, n=100)
                measured |= {f"{name}_p50": cuts[49], f"{name}_p99": cuts[98]}
        return measured

    # --- coming and staying -------------------------------------------------------------------------------------

    def idle(self, stage: Stage) -> Measured:
        """Sockets that were opened, joined a room, and now do nothing."""
        rooms = [self.town.open_room() for _ in range(max(1, self.size.idle // 100))]
        people = self.town.people(self.size.idle)
        seats = [stage.seat(rooms[n % len(rooms)], person.cookie) for n, person in enumerate(people)]
        self.crowd.connect(stage.protocol, seats[:20])  # what the first sockets load, the others find loaded
        self.crowd.leave()
        stage.calm()
        empty = sum(server.rss for server in stage.servers)
        self.crowd.connect(stage.protocol, seats)
        before = stage.calm()
        full = sum(server.rss for server in stage.servers)
        time.sleep(self.size.seconds)
        used = stage.used() - before
        self.crowd.leave()
        stage.calm()
        return {"kib": (full - empty) / 1024 / len(seats), "share": 100 * used.servers / self.size.seconds}

    def arrive(self, stage: Stage) -> Measured:
        """People who come, each with their session, into a room with something to read."""
        room = self.town.open_room(self.size.history)
        seats = [stage.seat(room, person.cookie) for person in self.town.people(self.size.arrivals)]
        before = stage.calm()
        self.crowd.connect(stage.protocol, seats, at_once=4)
        used = stage.used() - before
        self.crowd.leave()
        stage.calm()
        milli = 1e3 / len(seats)
        return {"ms": used.servers * milli, "database": used.database * milli, "redis": used.redis * milli}

    def match(self, stage: Stage) -> Measured:
        """Many wait, and every process brings them together."""
        self.town.queue_up(self.size.waiting, matching.TOPIC)
        before = stage.calm()
        with matching.seekers(stage.servers):
            made, seconds = matching.wait(self.size.waiting // 2)
            used = stage.used() - before
        matching.check(made)
        stage.calm()
        milli = 1e3 / made
        return {"rate": made / seconds, "ms": used.servers * milli, "database": used.database * milli}


# --- the table ---------------------------------------------------------------------------------------------------

Medians = Mapping[tuple[str, Side], Measured]  # by workload and side
Verdict = Callable[[Measured, Measured, Medians], bool]


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Args:
        name: how it is asked for.
        title: what happens in it.
        unit: of what `headline` measures.
        headline: the figure that counts.
        target: in words.
        met: whether Todoke's figures meet it, given the peer's and everybody's medians.
        run: measures it once.
        against_peer: whether the peer can do it, too.
        more_is_better: of what the headline measures.
    """

    name: str
    title: str
    unit: str
    headline: str
    target: str
    met: Verdict
    run: Callable[[Rig, Side], Measured]
    against_peer: bool = True
    more_is_better: bool = False

    @property
    def sides(self) -> tuple[Side, ...]:
        """Who is measured."""
        return ("todoke", "peer") if self.against_peer else ("todoke",)


def _saturation(rig: Rig, window: int = 1) -> Talk:
    return Talk(rig.size.seconds, window=window)


def _paced(rig: Rig, side: Side) -> Measured:
    each = PACED / WRITERS
    talk = Talk(max(rig.size.seconds, 2 / each), per_second=each)
    # The service's own limits: this is what they allow.
    return rig.one_room(rig.stage(side, limits="real", fresh=True), rig.size.room, talk)


def _crowd(people: int) -> Workload:
    return Workload(
        f"crowd-{people}",
        f"one room of {people:,}, five writers",
        "µs",
        "cpu",
        "≤ 1.5 × room",
        lambda own, _peer, medians: own["cpu"] <= 1.5 * medians.get(("room", "todoke"), own)["cpu"],
        lambda rig, side: rig.one_room(rig.stage(side), people, _saturation(rig)),
        against_peer=False,
    )


def _page(row: str) -> Workload:
    _path, _times, most, title = pages.PAGES[row]
    return Workload(
        row,
        title,
        "ms",
        "ms",
        f"≤ {most:g} ms",
        lambda own, _peer, _medians: own["ms"] <= most,
        lambda rig, _side: pages.ask(rig, row),
        against_peer=False,
    )


def table(size: Size) -> list[Workload]:
    """The rows in the order in which they are run: those that share servers beside each other."""
    return [
        Workload(
            "room",
            f"one open room of {size.room}, five writers, as fast as it goes",
            "µs",
            "cpu",
            "≤ 1/30 of the peer",
            lambda own, peer, _medians: own["cpu"] * 30 <= peer["cpu"],
            lambda rig, side: rig.one_room(rig.stage(side), rig.size.room, _saturation(rig)),
        ),
        Workload(
            "lone",
            f"one writer, room of {size.room}",
            "µs",
            "cpu",
            "≤ 10 µs or 1/20 of the peer",
            lambda own, peer, _medians: own["cpu"] <= 10 or own["cpu"] * 20 <= peer["cpu"],
            lambda rig, side: rig.one_room(rig.stage(side), rig.size.room, _saturation(rig), writers=1),
        ),
        Workload(
            "deep",
            f"room of {size.room}, five writers with four messages under way each",
            "/s",
            "rate",
            "≥ 40 × the peer's deliveries per second",
            lambda own, peer, _medians: own["rate"] >= 40 * peer["rate"],
            lambda rig, side: rig.one_room(rig.stage(side), rig.size.room, _saturation(rig, window=4)),
            more_is_better=True,
        ),
        Workload(
            "pairs",
            f"{size.pairs} closed rooms of two, everybody writes, sealed and stored",
            "µs",
            "cpu",
            "≤ 1/8 of the peer",
            lambda own, peer, _medians: own["cpu"] * 8 <= peer["cpu"],
            lambda rig, side: rig.pairs(rig.stage(side), _saturation(rig)),
        ),
        Workload(
            "arrivals",
            f"connect, session, join a room with {size.history} messages",
            "ms",
            "ms",
            "≤ 2.5 ms",
            lambda own, _peer, _medians: own["ms"] <= 2.5,
            lambda rig, side: rig.arrive(rig.stage(side)),
        ),
        *(_page(row) for row in pages.PAGES),
        *(_crowd(people) for people in size.crowds),
        Workload(
            "split",
            f"{size.pairs} closed rooms of two, the two at different processes",
            "µs",
            "cpu",
            "≤ 1/8 of the peer",
            lambda own, peer, _medians: own["cpu"] * 8 <= peer["cpu"],
            lambda rig, side: rig.pairs(rig.stage(side, 2), _saturation(rig)),
        ),
        Workload(
            "matching",
            f"{size.waiting:,} people wait, two processes bring them together",
            "pairs/s",
            "rate",
            "≥ 1,000 pairs/s",
            lambda own, _peer, _medians: own["rate"] >= 1_000,
            lambda rig, side: rig.match(rig.stage(side, 2)),
            against_peer=False,
            more_is_better=True,
        ),
        Workload(
            "delay",
            f"{PACED * size.room:,.0f} deliveries/s in one room of {size.room}, the service's own limits",
            "ms, p50",
            "delay_p50",
            "p50 ≤ 4 ms, p99 ≤ 10 ms",
            lambda own, _peer, _medians: own["delay_p50"] <= 4 and own["delay_p99"] <= 10,
            _paced,
        ),
        Workload(
            "idle",
            f"{size.idle:,} sockets that do nothing",
            "KiB each",
            "kib",
            "≤ 40 KiB",
            lambda own, _peer, _medians: own["kib"] <= 40,
            lambda rig, side: rig.idle(rig.stage(side, fresh=True)),
        ),
    ]
