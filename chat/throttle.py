"""Token buckets: how much somebody may do at once, and how fast it comes back. Pure; time is passed in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
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
