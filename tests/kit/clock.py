"""A clock that a test turns by hand; see `chat.realtime.clock.Clock`."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

MOMENT: Final = 0.05
"""Waits up to this long are real: they let something else happen first."""


class FakeTimer:
    """A call that waits for the clock to be turned."""

    def __init__(self, at: float, call: Callable[[], Any]) -> None:
        self.at = at
        self.call = call
        self.is_cancelled = False

    def cancel(self) -> None:
        """Make the call no more."""
        self.is_cancelled = True


class FakeClock:
    """Stands still until `advance`.

    Args:
        now: where it stands first.
    """

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self._timers: list[tuple[float, int, FakeTimer]] = []
        self._order = itertools.count()

    def monotonic(self) -> float:
        """Where it stands."""
        return self.now

    def call_later(self, seconds: float, call: Callable[..., Any], *args: Any) -> FakeTimer:
        """Makes a call once the clock is turned that far."""
        timer = FakeTimer(self.now + seconds, lambda: call(*args))
        heapq.heappush(self._timers, (timer.at, next(self._order), timer))
        return timer

    def call_soon(self, call: Callable[..., Any], *args: Any) -> Any:
        """Makes a call in the next turn of the event loop."""
        return asyncio.get_running_loop().call_soon(call, *args)

    async def sleep(self, seconds: float) -> None:
        """Waits until the clock is turned that far; for a moment, by the real clock."""
        if seconds <= MOMENT:
            await asyncio.sleep(seconds)
            return
        over = asyncio.Event()
        self.call_later(seconds, over.set)
        await over.wait()

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[None]:
        """Ends its block with TimeoutError once the clock is turned that far."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(None) as block:

            def end() -> None:
                if not block.expired():
                    block.reschedule(loop.time())

            timer = self.call_later(seconds, end)
            try:
                yield
            finally:
                timer.cancel()

    async def advance(self, seconds: float) -> None:
        """Turns the clock; each timer is called at its own time, and the loop works between them."""
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            at, _number, timer = heapq.heappop(self._timers)
            if not timer.is_cancelled:
                self.now = max(self.now, at)
                timer.call()
                for _ in range(5):
                    await asyncio.sleep(0)
        self.now = end
        for _ in range(5):
            await asyncio.sleep(0)
