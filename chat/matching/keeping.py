"""What each process does about matching, again and again: keeps its people's places, tells their pages what changed.

The database decides what somebody does; what is remembered here is only what each connection was told. A hint from
another process, and whatever happens in this one, makes it look at once. Without any hint it looks once a second.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from uuid import UUID

from chat.db import run_in_executor
from chat.matching import queue, talks
from chat.matching.activity import Doing, activities, doings
from chat.protocol import Reply
from chat.protocol.replies import LeaveReason, MatchCancelled, MatchMade, MatchWaiting
from chat.realtime import IDLE, Activity, Parts, Person, Stream, Subscriber, every, on_join, on_last_leave, on_moved
from compliance.law import Feature

STEP_SECONDS = 1.0
STEPS_TO_ALL = 4  # so many steps, and all talks are looked at
GAP_SECONDS = 5.0  # between two steps; after more, this process may have missed people who were there


class Keeper:
    """What a process remembers between two steps.

    Attributes:
        waiting: the people who wait and are connected here, by primary key.
        due: those whose connections are to be told what they do.
        reasons: why somebody waits no more, where it is not their own doing.
    """

    def __init__(self) -> None:
        self.waiting: set[int] = set()
        self.due: set[int] = set()
        self.reasons: dict[int, str] = {}
        self.is_telling = False
        self.steps = 0
        self._since: tuple[float, datetime] | None = None
        self._last: tuple[float, datetime] | None = None

    def note_step(self, now: float, at: datetime) -> None:
        """Note that whoever is connected here was renewed. Where the machine slept, one of the two clocks stood still.

        Args:
            now: of the process's clock.
            at: the time of day.
        """
        if self._since is None or self._last is None or max(_seconds(self._last, (now, at))) > GAP_SECONDS:
            self._since = now, at
        self._last = now, at

    def note_miss(self) -> None:
        """Note that people may be connected here who were not renewed."""
        self._since = self._last = None

    @property
    def steady(self) -> float:
        """For how many seconds no step was missed. Before, people may have been here whom nobody noted."""
        return 0.0 if self._since is None or self._last is None else min(_seconds(self._since, self._last))


def _seconds(one: tuple[float, datetime], other: tuple[float, datetime]) -> tuple[float, float]:
    return other[0] - one[0], (other[1] - one[1]).total_seconds()


@every(STEP_SECONDS)
async def keep(parts: Parts) -> None:
    """Renew whoever is connected here, tell them what changed, match whoever was missed, and end what is over."""
    keeper = parts.state(Keeper)
    try:
        await _renew(parts, keeper)
    except BaseException:
        keeper.note_miss()
        raise
    if parts.gate.snapshot.decide(Feature.MATCH_PAIR).allowed:
        keeper.note_step(parts.clock.monotonic(), datetime.now(UTC))
    else:  # it keeps people out of their talks
        keeper.note_miss()
    if keeper.waiting:
        await _match(parts, keeper)
    keeper.steps += 1
    await _end(parts, keeper.steady, looks_at_all=keeper.steps % STEPS_TO_ALL == 0)


async def _renew(parts: Parts, keeper: Keeper) -> None:
    people = parts.registry.people
    members = [
        pk for pk, clients in people.items() if any(client.person and not client.person.guest for client in clients)
    ]
    places = _places(parts)
    found = await run_in_executor("ja", _renewed, members, places)
    keeper.waiting = {pk for pk, doing in found.items() if doing.room is None}
    look_at(parts, [pk for pk in members if not _is_told(parts, pk, found.get(pk))])


def _places(parts: Parts) -> dict[int, set[UUID]]:
    """Return the rooms of matched talks that are joined here, by the primary key of whoever joined them."""
    found: dict[int, set[UUID]] = {}
    for stream in parts.registry.streams.values():
        if stream.feature == Feature.MATCH_PAIR:
            for subscriber in stream.subscriptions:
                if subscriber.pk is not None:
                    found.setdefault(subscriber.pk, set()).add(stream.id)
    return found


def _renewed(members: Collection[int], places: dict[int, set[UUID]]) -> dict[int, Doing]:
    if places:
        talks.see(places)
    found = doings(members) if members else {}
    if waiting := [pk for pk, doing in found.items() if doing.room is None]:
        queue.beat(waiting)
    return found


def _is_told(parts: Parts, pk: int, doing: Doing | None) -> bool:
    told = [client.activity for client in parts.registry.people.get(pk, ())]
    return all(each == IDLE if doing is None else doing.is_told_by(each) for each in told)


async def _match(parts: Parts, keeper: Keeper) -> None:
    """Bring together whoever waits, or take them out of the queue where the gate lets nothing new begin."""
    if not parts.gate.snapshot.decide(Feature.MATCH_PAIR, creating=True).allowed:
        out = await run_in_executor("ja", queue.withdraw, keeper.waiting)
        keeper.reasons |= dict.fromkeys(out, "gate")
        parts.moved(out)
        return
    while matches := await run_in_executor("ja", queue.sweep):
        parts.moved([person.pk for match in matches for person in match.people])


async def _end(parts: Parts, steady: float, *, looks_at_all: bool) -> None:
    """Take out of the queue who is gone, and end the talks that somebody is gone from."""
    if steady >= queue.KEPT.total_seconds():
        parts.moved(await run_in_executor("ja", queue.expire))
    partings = await run_in_executor(
        "ja",
        talks.part,
        judges_coming=steady >= queue.COME.total_seconds(),
        judges_staying=steady >= talks.BACK.total_seconds(),
        looks_at_all=looks_at_all,
    )
    for parting in partings:
        for pk, reason in parting.reasons.items():
            parts.depart(parting.room, [pk], reason)
        parts.revalidate(parting.room)
        parts.moved(parting.reasons)


@on_join
def enter(parts: Parts, stream: Stream, subscriber: Subscriber) -> None:
    """Note at once that somebody came into their talk: they may be gone again before the next step."""
    if stream.feature == Feature.MATCH_PAIR and subscriber.pk is not None:
        parts.tasks.spawn(run_in_executor("ja", talks.see, {subscriber.pk: {stream.id}}))


@on_last_leave
def miss(parts: Parts, person: Person) -> None:
    """Pass over somebody who waits and whose last connection here went, until a process has them again."""
    if person.pk in parts.state(Keeper).waiting:
        parts.tasks.spawn(run_in_executor("ja", queue.miss, person.pk))


# --- telling ------------------------------------------------------------------------------------------------------


@on_moved
def look_at(parts: Parts, pks: Collection[int]) -> None:
    """Tell these people's connections here what they do now."""
    keeper = parts.state(Keeper)
    keeper.due.update(pk for pk in pks if pk in parts.registry.people)
    if keeper.due and not keeper.is_telling:
        keeper.is_telling = True
        parts.tasks.spawn(_tell(parts, keeper))


async def _tell(parts: Parts, keeper: Keeper) -> None:
    try:
        while keeper.due:
            asked, keeper.due = keeper.due, set()
            found = await run_in_executor("ja", activities, asked)
            for pk in asked - keeper.due:  # who did something meanwhile is looked at again
                reason = keeper.reasons.pop(pk, "cancelled")
                for client in list(parts.registry.people.get(pk, ())):
                    told, client.activity = client.activity, found.get(pk, IDLE)
                    for room, why in _over(told, client.activity):
                        parts.registry.depart(UUID(room), [pk], why)
                    for reply in _news(told, client.activity, reason):
                        client.say(reply)
    finally:
        keeper.is_telling = False


def _over(told: Activity, now: Activity) -> Iterator[tuple[str, LeaveReason]]:
    """Yield the rooms of talks that are over and of which nobody has said why."""
    going_on = {talk.room for talk in now.talks}
    for talk in told.talks:
        if talk.room not in going_on:
            yield talk.room, "partner_gone" if now.waiting else "ended"


def _news(told: Activity, now: Activity, reason: str) -> Iterator[Reply]:
    """Yield what somebody has to hear who was told one thing, and now does another."""
    known = {talk.room for talk in told.talks}
    for talk in now.talks:
        if talk.room not in known:
            yield MatchMade(talk.room, talk.partner, talk.entered)
    if now.waiting is not None and (told.waiting is None or told.waiting.since != now.waiting.since):
        yield MatchWaiting(now.waiting.since, datetime.now(UTC))
    if told.waiting is not None and now == IDLE:
        yield MatchCancelled(reason)
