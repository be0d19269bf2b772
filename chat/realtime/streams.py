"""What one process delivers of one room: order, gaps, recent items, and how far each subscriber has got. No I/O."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import islice
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct, json

from chat.protocol import Access, Refused, Reply, encode
from chat.realtime.transports import Frame

AHEAD = 1024  # items kept that came too early; more are read from the log once it answers
RECENT = 64  # items kept encoded, so that a subscriber who is a little behind costs no query

_DELETION = b'"kind":"delete"'  # quotes inside a body are escaped, so nobody can write this
_EDIT = b'"kind":"edit"'


class _Identity(Struct):
    id: str


_identity = json.Decoder(_Identity)


def _id_of(encoded: bytes) -> str:
    return _identity.decode(encoded).id


def items_frame(key: str, items: Sequence[bytes]) -> Frame:
    """Return a `messages` frame of items that are encoded already."""
    return Frame(b'{"type":"messages","room":' + encode(key) + b',"items":[' + b",".join(items) + b"]}")


class Subscriber(Protocol):
    """Somebody to whom streams are delivered: a connection, as far as delivery needs to know it."""

    streams: dict[str, Stream]  # what it receives, by the key under which it joined

    @property
    def pk(self) -> int | None:
        """The primary key of the person; None for somebody who only reads."""

    @property
    def who(self) -> Hashable:
        """Whom it counts as: several connections of one person are one."""

    @property
    def language(self) -> str:
        """`ja` or `en`."""

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can be sent."""

    @property
    def backlog(self) -> int:
        """Bytes that it has not taken yet."""

    def push(self, frame: Frame) -> None:
        """Queue an encoded frame."""

    def say(self, reply: Reply) -> None:
        """Queue a frame for this subscriber alone."""

    def refuse(self, refused: Refused, *, ref: str | None = None, room: str | None = None) -> None:
        """Queue a refusal."""

    async def close(self, code: Any, *, reason: str = "", retry_after: float | None = None) -> None:
        """Close the connection, after a word why."""


def _is_change(encoded: bytes) -> bool:
    """Return whether an event changes a message and is none itself."""
    return _EDIT in encoded or _DELETION in encoded


class Subscription:
    """A subscriber of a room: the last seq handed to it, and whether it is being brought up to date from the log."""

    __slots__ = ("asked", "is_behind", "sent", "stream", "subscriber")

    def __init__(self, subscriber: Subscriber, stream: Stream) -> None:
        self.subscriber = subscriber
        self.stream = stream
        self.sent = 0
        self.is_behind = True  # until the join has been answered
        self.asked = 0.0  # when it last got a page that it asked for, in seconds of the clock


class Stream:
    """One room in one process.

    Every subscriber gets each seq once and in order. `publish` takes items in any order, from any source, any number of
    times; what cannot be delivered yet waits in `ahead`.

    The subscribers are those who may read the room under `access`. Items stored under another access wait, too, until
    it is known who may read the room now (`doubt`, `trust`).

    Args:
        room: its primary key.
        key: its public id.
        access: who may read it.
    """

    __slots__ = (
        "access",
        "ahead",
        "announced",
        "contradicted",
        "doubts",
        "due",
        "elsewhere",
        "expected",
        "former",
        "head",
        "hinted",
        "id",
        "is_repairing",
        "is_revalidating",
        "key",
        "people",
        "recent",
        "shown",
        "subscriptions",
    )

    def __init__(self, room: UUID, key: str, access: Access) -> None:
        self.id = room
        self.key = key
        self.access = access
        self.former: dict[Subscriber, str] = {}  # the former key of the room, by those who joined under it
        self.doubts = 0  # how often something spoke against the access, since it was last known to hold
        self.is_revalidating = False  # whether it is being asked who may read the room
        self.expected = 0  # joins that are under way
        self.head: int | None = None  # the last seq delivered here; None until the first join has read it
        self.subscriptions: dict[Subscriber, Subscription] = {}
        self.people: Counter[Hashable] = Counter()
        self.elsewhere: dict[str, tuple[int, float]] = {}  # people counted by other processes, and when they said so
        self.shown = 0  # the number of people last shown to subscribers
        self.announced = 0  # the number of people last announced to other processes
        self.ahead: dict[int, bytes] = {}
        self.recent: deque[tuple[int, bytes]] = deque(maxlen=RECENT)
        self.hinted = float("-inf")  # when another process last said that it wrote here, in seconds of the clock
        self.due = 0  # how far the log is known to go
        self.contradicted = False  # whether the log has another event where one was delivered: it went back since
        self.is_repairing = False

    @property
    def is_open(self) -> bool:
        """Whether anybody may read the room."""
        return self.access.is_open

    @property
    def feature(self) -> str:
        """Under which the room is."""
        return self.access.feature

    @property
    def in_use(self) -> bool:
        """Whether anybody reads the room here, or is about to."""
        return bool(self.subscriptions or self.expected)

    def doubt(self) -> None:
        """Deliver nothing until `trust`: the people who may read the room may have changed."""
        self.doubts += 1

    def trust(self, key: str, access: Access) -> None:
        """Deliver again: all subscribers may read the room under this access. New ones know the room by this key."""
        if key != self.key:
            for subscriber in self.subscriptions:
                self.former.setdefault(subscriber, self.key)
        if access != self.access:
            self.recent.clear()  # an item may say now who wrote it in other words: see `personal_data.erase`
        self.key, self.access, self.doubts = key, access, 0

    def key_for(self, subscriber: Subscriber) -> str:
        """Return the key under which a subscriber knows the room."""
        return self.former.get(subscriber, self.key)

    def fits(self, access: Access) -> bool:
        """Return whether items stored under an access may go to the subscribers: this access or an earlier one."""
        mine = self.access
        return access.revision <= mine.revision and access.feature == mine.feature

    def add(self, subscriber: Subscriber, who: Hashable) -> Subscription:
        """Add a subscriber. One that is here already starts anew."""
        self.remove(subscriber, who)
        subscription = self.subscriptions[subscriber] = Subscription(subscriber, self)
        self.people[who] += 1
        return subscription

    def remove(self, subscriber: Subscriber, who: Hashable) -> bool:
        """Remove a subscriber; return False if it was none."""
        if self.subscriptions.pop(subscriber, None) is None:
            return False
        self.former.pop(subscriber, None)
        self.people[who] -= 1
        if self.people[who] <= 0:
            del self.people[who]
        return True

    def begin(self, head: int, newest: Sequence[tuple[int, bytes]] = ()) -> None:
        """Set `head` on the first subscription; cache `newest` for later subscribers if it still ends at `head`.

        Args:
            head: the room's last seq when its page was read.
            newest: the newest items of that page, as (seq, JSON).
        """
        if self.head is None:
            self.head = head
            self.due = max(self.due, head)
            self.ahead = {seq: item for seq, item in self.ahead.items() if seq > head}
        if newest and newest[-1][0] == self.head and len(newest) > len(self.recent):
            self.recent = deque(newest, maxlen=RECENT)

    def publish(self, items: Iterable[tuple[int, bytes]], behind: Callable[[Subscription], None]) -> int:
        """Take items as (seq, JSON) and deliver what has become contiguous.

        Args:
            items: new, old or early ones.
            behind: called for each subscriber who misses something before what is delivered now.

        Returns:
            how many items were handed to subscribers.
        """
        head = self.head
        if self.doubts:
            self._keep(items)
            return 0
        ready = self._sort(items)
        if head is None or self.contradicted:
            return 0
        if not ready:
            return 0
        for seq, encoded in enumerate(ready, head + 1):
            if _DELETION in encoded:
                self.recent.clear()  # words that were taken back are not repeated from memory
            self.recent.append((seq, encoded))
        self.head = head + len(ready)
        self.due = max(self.due, self.head)
        return self._deliver(head + 1, ready, behind)

    def _sort(self, items: Iterable[tuple[int, bytes]]) -> list[bytes]:
        """Return what has become contiguous; what came too early waits."""
        head, ahead = self.head, self.ahead
        ready: list[bytes] = []
        due = 0 if head is None else head + 1
        for seq, encoded in items:
            if head is not None and seq == due:
                ready.append(encoded)
                due += 1
            elif seq >= due:
                if len(ahead) < AHEAD:
                    ahead.setdefault(seq, encoded)
            elif self._contradicts(seq, encoded):
                self.contradicted = True
        if head is not None and ahead:
            while (found := ahead.get(due)) is not None:
                ready.append(found)
                due += 1
            for seq in range(head + 1, due):
                ahead.pop(seq, None)
        return ready

    def _contradicts(self, seq: int, encoded: bytes) -> bool:
        """Return whether an item is another event than the one that was delivered under its seq."""
        index = seq - self.recent[0][0] if self.recent else -1
        if not 0 <= index < len(self.recent) or self.recent[index][1] == encoded:
            return False
        return _id_of(self.recent[index][1]) != _id_of(encoded)

    def _keep(self, items: Iterable[tuple[int, bytes]]) -> None:
        for seq, encoded in items:
            if len(self.ahead) < AHEAD and (self.head is None or seq > self.head):
                self.ahead.setdefault(seq, encoded)

    def _deliver(self, first: int, ready: list[bytes], behind: Callable[[Subscription], None]) -> int:
        last = first + len(ready) - 1
        frame, former = items_frame(self.key, ready), self.former
        handed = 0
        for subscription in list(self.subscriptions.values()):
            if subscription.is_behind or subscription.sent >= last:
                continue
            if subscription.sent == first - 1:
                subscription.sent = last
                subscriber = subscription.subscriber
                subscriber.push(frame if not former else items_frame(self.key_for(subscriber), ready))
                handed += len(ready)
            elif subscription.sent >= first:
                missing = ready[subscription.sent - first + 1 :]
                subscription.sent = last
                subscription.subscriber.push(items_frame(self.key_for(subscription.subscriber), missing))
                handed += len(missing)
            else:
                behind(subscription)
        return handed

    def has_hole(self) -> bool:
        """Return whether something arrived whose predecessor did not."""
        return self.head is not None and bool(self.ahead) and not self.doubts

    def remembered(self, after: int) -> list[tuple[int, bytes]] | None:
        """Return what follows a seq if all of it is still in memory, else None."""
        if self.head is None or not self.recent or self.recent[0][0] > after + 1:
            return None
        return [(seq, encoded) for seq, encoded in self.recent if seq > after]

    def page(self, after: int | None, size: int) -> list[tuple[int, bytes]] | None:
        """Return the first page of a new subscriber if all of it is still in memory, else None.

        Args:
            after: the last seq that the subscriber has; None for the newest messages, and what stands between them.
            size: how many of those.
        """
        if self.head is None or (after is not None and after > self.head):
            return None
        if after is None:
            messages = (seq for seq, encoded in reversed(self.recent) if not _is_change(encoded))
            after = next(islice(messages, size - 1, None), 1) - 1
        return self.remembered(after)

    def count(self, now: float, ttl: float) -> int:
        """Return how many people are in the room, in all processes that spoke within `ttl` seconds."""
        self.elsewhere = {sender: said for sender, said in self.elsewhere.items() if now - said[1] < ttl}
        return len(self.people) + sum(count for count, _at in self.elsewhere.values())
