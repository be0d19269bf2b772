"""Rate limits (token buckets) and seats (how many at once), and the sizes that sockets keep to. Pure."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket's size (pieces at once) and refill (pieces per second)."""

    burst: float
    per_second: float


class Bucket:
    """One bucket. Full at the start."""

    __slots__ = ("_at", "_left")

    def __init__(self, rate: Rate, now: float) -> None:
        self._left = rate.burst
        self._at = now

    def take(self, rate: Rate, now: float) -> float:
        """Take one piece.

        Args:
            rate: the bucket's rate.
            now: seconds of a monotonic clock.

        Returns:
            0 if there was one, else how many seconds until there will be.
        """
        left = self._left + (now - self._at) * rate.per_second
        if left > rate.burst:  # noqa: PLR1730 -- `min` costs more than all the rest, and every frame passes here
            left = rate.burst
        self._at = now
        if left >= 1:
            self._left = left - 1
            return 0.0
        self._left = left
        return (1 - left) / rate.per_second

    def is_full(self, rate: Rate, now: float) -> bool:
        """Return whether forgetting this bucket changes nothing."""
        return self._left + (now - self._at) * rate.per_second >= rate.burst


class Throttle:
    """Buckets by key under one rate. Bounded: the keys longest unused go first, and only full ones are free to go."""

    def __init__(self, rate: Rate, most: int = 50_000) -> None:
        self.rate = rate
        self._most = most
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()

    def take(self, key: Hashable, now: float) -> float:
        """Take one piece from a key's bucket; see `Bucket.take`."""
        bucket = self._buckets.get(key)
        if bucket is None:
            self._forget(now)  # before the new one is in: it is full, too
            bucket = self._buckets[key] = Bucket(self.rate, now)
        else:
            self._buckets.move_to_end(key)
        return bucket.take(self.rate, now)

    def _forget(self, now: float) -> None:
        for _ in range(2):
            oldest = next(iter(self._buckets.items()), None)
            if oldest is None or (len(self._buckets) < self._most and not oldest[1].is_full(self.rate, now)):
                return
            del self._buckets[oldest[0]]

    def __len__(self) -> int:
        return len(self._buckets)


class Seats:
    """Counts what is open at the same moment, by key, and has room for so many each."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[Hashable] = Counter()

    def are_full(self, key: Hashable) -> bool:
        """Return whether a key has no seat left. Safe to ask from another thread."""
        return self._taken[key] >= self._most

    @contextmanager
    def seat(self, key: Hashable) -> Iterator[bool]:
        """Take a seat for the time of a `with` block.

        Yields:
            whether there was one; without one, nothing is counted.
        """
        if self.are_full(key):
            yield False
            return
        self._taken[key] += 1
        try:
            yield True
        finally:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]

    def __len__(self) -> int:
        return len(self._taken)


@dataclass(frozen=True, slots=True)
class Options:
    """What a deployment sets for its sockets.

    Attributes:
        rates: by name, how many pieces at once and how many more per second (`CHAT_RATES`).
        limits: by name, sizes, numbers and seconds (`CHAT_LIMITS`).
        rate_limits: whether rates and seats are kept at all.
    """

    rates: Mapping[str, tuple[int, float]]
    limits: Mapping[str, int | float]
    rate_limits: bool = True


class Limit:
    """One named rate, counted by person, by address and by room as far as the deployment sets these.

    `post` takes from the rates `post` (by person), `post_address` and `post_room`. Somebody who is not signed in has no
    rate of a person: only that of their address counts, or if there is none, the first rate counts by address.
    """

    __slots__ = ("_address", "_person", "_room")

    def __init__(self, person: Throttle, address: Throttle | None, room: Throttle | None) -> None:
        self._person = person
        self._address = address
        self._room = room

    def take(self, person: int | None, address: str, room: str, now: float) -> float:
        """Take one piece from each; see `Bucket.take`. The first that has none answers, and the others are not asked.

        Args:
            person: the person's primary key; None for somebody who is not signed in.
            address: the network of the client.
            room: the public id of the room; only rates that count by room use it.
            now: seconds of a monotonic clock.
        """
        by_address = self._address
        wait = 0.0
        if person is not None:
            wait = self._person.take(person, now)
        elif by_address is None:
            wait = self._person.take(address, now)
        if not wait and by_address is not None:
            wait = by_address.take(address, now)
        if not wait and self._room is not None:
            wait = self._room.take(room, now)
        return wait


class Limits:
    """The rates and the seats of one process.

    Args:
        options: what the deployment sets.
    """

    def __init__(self, options: Options) -> None:
        self.is_on = options.rate_limits
        self.throttles = {name: Throttle(Rate(*rate)) for name, rate in options.rates.items()}
        self.seats = Seats(int(options.limits["sockets_per_address"]))
        self._limits: dict[str, Limit] = {}

    def of(self, name: str) -> Limit:
        """Return the limit with this name."""
        limit = self._limits.get(name)
        if limit is None:
            found = self.throttles
            limit = Limit(found[name], found.get(f"{name}_address"), found.get(f"{name}_room"))
            self._limits[name] = limit
        return limit
