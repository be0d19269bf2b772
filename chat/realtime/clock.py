"""The time of real time: one clock that every part is handed, so that a test can turn it by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol


class Timer(Protocol):
    """A call that waits for its time."""

    def cancel(self) -> None:
        """Make the call no more."""


class Clock(Protocol):
    """Monotonic seconds, and calls at a later time."""

    @property
    def monotonic(self) -> Callable[[], float]:
        """Return seconds that never go back."""

    def call_later(self, seconds: float, call: Callable[..., Any], *args: Any) -> Timer:
        """Call something after some seconds, on the event loop."""

    def call_soon(self, call: Callable[..., Any], *args: Any) -> Any:
        """Call something in the next turn of the event loop."""

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Wait; for 0 seconds, let one turn of the event loop pass."""

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """Return a context manager that raises TimeoutError in its block after some seconds."""


class LoopClock:
    """The clock of the running event loop. Its calls are the loop's own: nothing stands between."""

    __slots__ = ("call_later", "call_soon", "monotonic", "sleep", "timeout")

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.monotonic = time.monotonic
        self.call_later = loop.call_later
        self.call_soon = loop.call_soon
        self.sleep = asyncio.sleep
        self.timeout = asyncio.timeout
