"""Periodic jobs and hooks that capabilities register, and the tasks that run beside: faults are logged and survived."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import structlog

from chat.realtime.clock import Clock

log = structlog.get_logger("todoke.hub")


J = TypeVar("J", bound=Callable[[Any], Awaitable[None]])


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do again and again.

    Attributes:
        period: seconds from one end to the next beginning.
        run: does it; is handed the hub's parts (`dispatch.Parts`).
    """

    period: float
    run: Callable[[Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Registered:
    """What capabilities registered."""

    jobs: list[Job] = field(default_factory=list)
    on_join: list[Callable[[Any, Any, Any], None]] = field(default_factory=list)
    on_last_leave: list[Callable[[Any, Any], None]] = field(default_factory=list)
    on_moved: list[Callable[[Any, Collection[int]], None]] = field(default_factory=list)
    on_room_changed: list[Callable[[Any, Any], None]] = field(default_factory=list)


_registered: Final = Registered()


def every(seconds: float) -> Callable[[J], J]:
    """Register a coroutine function as a periodic job of each process. It is handed the hub's parts."""

    def register(run: J) -> J:
        _registered.jobs.append(Job(seconds, run))
        return run

    return register


def on_join(hook: Callable[[Any, Any, Any], None]) -> Callable[[Any, Any, Any], None]:
    """Register a function that is called with the parts, the stream and the subscriber that has just joined it."""
    _registered.on_join.append(hook)
    return hook


def on_last_leave(hook: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """Register a function that is called with the parts and a person whose last connection here went."""
    _registered.on_last_leave.append(hook)
    return hook


def on_moved(hook: Callable[[Any, Collection[int]], None]) -> Callable[[Any, Collection[int]], None]:
    """Register a function that is called with the parts and the primary keys of people who do something else now."""
    _registered.on_moved.append(hook)
    return hook


def on_room_changed(hook: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """Register a function that is called with the parts and a stream whose room was looked at again (`revalidate`)."""
    _registered.on_room_changed.append(hook)
    return hook


def registered() -> Registered:
    """Return the jobs and the hooks that are registered."""
    return _registered


class Tasks:
    """The tasks of one process that run beside its connections, kept alive until they end.

    Args:
        clock: by which periods are waited for.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.running: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something beside; what it raises is logged."""
        task = self._loop.create_task(work)
        self.running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("hub.task_failed", error=type(error).__name__, exc_info=error)

    def repeat(self, period: float, step: Callable[..., Awaitable[None]], *args: Any) -> None:
        """Run a step every `period` seconds for ever."""
        self.spawn(self._repeat(period, step, args))

    async def _repeat(self, period: float, step: Callable[..., Awaitable[None]], args: tuple[Any, ...]) -> None:
        while True:
            await self._clock.sleep(period)
            try:
                await step(*args)
            except Exception:
                # One failed step (most often: the database is away) must not end the loop that would see it come back.
                log.warning("hub.step_failed", step=getattr(step, "__name__", ""), exc_info=True)

    def cancel(self) -> None:
        """End all of them."""
        for task in list(self.running):
            task.cancel()
