"""What one process delivers of one room: its readers, how far each has got, and what arrived too early. No I/O."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from chat.outlets import Frame

if TYPE_CHECKING:
    from collections.abc import Hashable

    from chat.consumers import Socket
    from chat.models import Room

AHEAD = 1024  # items kept that came too early; more are read from the log once it answers
RECENT = 64  # items kept encoded, so that a reader who is a little behind costs no query

_DELETION = b'"kind":"delete"'  # quotes inside a body are escaped, so nobody can write this

_encoder = msgspec.json.Encoder()


def items_frame(key: str, items: Sequence[bytes]) -> Frame:
    """Return a `messages` frame of items that are encoded already."""
    return Frame(b'{"type":"messages","room":' + _encoder.encode(key) + b',"items":[' + b",".join(items) + b"]}")


class Reader:
    """A socket in a room: the last seq handed to it, and whether somebody is filling it up from the log."""

    __slots__ = ("asked", "catching_up", "feed", "sent", "socket")

    def __init__(self, socket: Socket, feed: Feed) -> None:
        self.socket = socket
        self.feed = feed
        self.sent = 0
        self.catching_up = True  # until the join has been answered
        self.asked = 0.0  # when it last got a page that it asked for, on the loop's clock


class Feed:
    """One room in one process.

    Every reader gets each seq once and in order. `offer` takes items in any order, from any source, any number of
    times; what cannot be delivered yet waits in `ahead`.
    """

    def __init__(self, room: Room) -> None:
        self.id: UUID = room.id
        self.key: str = room.key
        self.is_open: bool = room.is_open
        self.feature: str = room.feature
        self.head: int | None = None  # the last seq delivered here; None until the first join has read it
        self.readers: dict[Socket, Reader] = {}
        self.people: Counter[Hashable] = Counter()
        self.elsewhere: dict[str, tuple[int, float]] = {}  # people counted by other processes, and when they said so
        self.shown = 0  # the number of people last shown to readers
        self.told = 0  # the number of people last told to other processes
        self.ahead: dict[int, bytes] = {}
        self.recent: deque[tuple[int, bytes]] = deque(maxlen=RECENT)
        self.due = 0  # how far the log is known to go
        self.repairing = False

    def add(self, socket: Socket, who: Hashable) -> Reader:
        """Take in a reader (again: from the start)."""
        self.remove(socket, who)
        reader = self.readers[socket] = Reader(socket, self)
        self.people[who] += 1
        return reader

    def remove(self, socket: Socket, who: Hashable) -> bool:
        """Let a reader go; False if it was none."""
        if self.readers.pop(socket, None) is None:
            return False
        self.people[who] -= 1
        if self.people[who] <= 0:
            del self.people[who]
        return True

    def begin(self, head: int, newest: Sequence[tuple[int, bytes]] = ()) -> None:
        """Say where the log stood when a reader read it, and what its newest items were.

        The head counts for the first reader only; the items are kept for the next ones, if nothing came since.
        """
        if self.head is None:
            self.head = head
            self.ahead = {seq: item for seq, item in self.ahead.items() if seq > head}
        if newest and newest[-1][0] == self.head and len(newest) > len(self.recent):
            self.recent = deque(newest, maxlen=RECENT)

    def offer(self, items: Iterable[tuple[int, bytes]], behind: Callable[[Reader], None]) -> int:
        """Take items as (seq, JSON) and deliver what has become contiguous.

        Args:
            items: new, old or early ones.
            behind: called for each reader who misses something before what was delivered now.

        Returns:
            how many items were handed to sockets.
        """
        head, ahead = self.head, self.ahead
        ready: list[bytes] = []
        due = 0 if head is None else head + 1
        for seq, encoded in items:
            if head is not None and seq == due:
                ready.append(encoded)
                due += 1
            elif seq >= due and len(ahead) < AHEAD:
                ahead.setdefault(seq, encoded)
        if head is None:
            return 0
        if ahead:
            while (found := ahead.get(due)) is not None:
                ready.append(found)
                due += 1
            for seq in range(head + 1, due):
                ahead.pop(seq, None)
        if not ready:
            return 0
        for seq, encoded in enumerate(ready, head + 1):
            if _DELETION in encoded:
                self.recent.clear()  # words that were taken back are not repeated from memory
            self.recent.append((seq, encoded))
        self.head = due - 1
        return self._deliver(head + 1, ready, behind)

    def _deliver(self, first: int, ready: list[bytes], behind: Callable[[Reader], None]) -> int:
        last = first + len(ready) - 1
        frame = items_frame(self.key, ready)
        handed = 0
        for reader in list(self.readers.values()):
            if reader.catching_up or reader.sent >= last:
                continue
            if reader.sent == first - 1:
                reader.sent = last
                reader.socket.push(frame)
                handed += len(ready)
            elif reader.sent >= first:
                missing = ready[reader.sent - first + 1 :]
                reader.sent = last
                reader.socket.push(items_frame(self.key, missing))
                handed += len(missing)
            else:
                behind(reader)
        return handed

    def has_hole(self) -> bool:
        """Return whether something arrived whose predecessor did not."""
        return self.head is not None and bool(self.ahead)

    def remembered(self, after: int) -> list[tuple[int, bytes]] | None:
        """Return what follows a seq if all of it is still in memory, else None."""
        if self.head is None or not self.recent or self.recent[0][0] > after + 1:
            return None
        return [(seq, encoded) for seq, encoded in self.recent if seq > after]

    def page(self, after: int | None, size: int) -> list[tuple[int, bytes]] | None:
        """Return what a reader needs who comes now, if all of it is still in memory, else None.

        Args:
            after: the last seq that they have; None for somebody who wants the newest items.
            size: how many of those.
        """
        if self.head is None or (after is not None and after > self.head):
            return None
        return self.remembered(max(self.head - size, 0) if after is None else after)

    def count(self, now: float, ttl: float) -> int:
        """Return how many people are here, in all processes that spoke within `ttl` seconds."""
        self.elsewhere = {sender: told for sender, told in self.elsewhere.items() if now - told[1] < ttl}
        return len(self.people) + sum(count for count, _at in self.elsewhere.values())
