"""The ASGI lifespan: starts the hub under any server, and drains it on a signal to end before the server stops."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from chat.realtime import hub
from chat.realtime.transports import daphne

log = structlog.get_logger("todoke.service")

DRAIN_SECONDS = 3.5
DATABASE_SECONDS = 0.5
EXIT_SECONDS = 4.7  # after the signal; what hangs then (a database, a peer) is let go: nothing in it has a receipt

Application = Callable[[Any, Any, Any], Awaitable[Any]]


class Lifespan:
    """The outermost layer of the application.

    Daphne knows no lifespan, and on SIGTERM or Ctrl+C it cuts its sockets without a word. So the hub starts with the
    first request of any kind, and the signal comes to us first: not ready, pending commits, `closing` to each
    connection, then the server's own handler. Servers with a lifespan start and end the hub with it.

    Args:
        application: serves pages and sockets.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._started = False

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        """Serve one connection, request or lifespan (ASGI application)."""
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        if not self._started:
            self._start(send)
        return await self._application(scope, receive, send)

    def _start(self, send: Any) -> None:
        self._started = True
        daphne.examine(send)
        _tune_collector()
        _take_signals(asyncio.get_running_loop())
        starting = asyncio.get_running_loop().create_task(hub.current())
        starting.add_done_callback(_report)

    async def _live(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._start(send)
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await _drain()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _tune_collector() -> None:
    """Raise the thresholds of the garbage collector and freeze start-up objects: each collection pauses the event loop.

    A busy moment has thousands of messages under way. At its usual pace the collector would look through them several
    times, and every second through all that the connections hold, and find nothing: a closed connection leaves none.
    """
    gc.collect()
    gc.freeze()  # what was loaded stays
    gc.set_threshold(10_000, 10, 10)


def _report(starting: asyncio.Task[Any]) -> None:
    if not starting.cancelled() and starting.exception() is not None:
        log.error("service.start_failed", error=repr(starting.exception()))


async def _drain() -> None:
    running = hub.running()
    if running is None or running.loop is not asyncio.get_running_loop():
        return
    try:
        await asyncio.wait_for(running.drain(), DRAIN_SECONDS)
    except TimeoutError:
        log.warning("service.drain_timed_out")
    await running.backend.shut_down(DATABASE_SECONDS)


def _take_signals(loop: asyncio.AbstractEventLoop) -> None:
    """Drain first, whichever signal asks the process to end: SIGTERM, Ctrl+C, or a terminal that is closed."""
    if threading.current_thread() is not threading.main_thread():
        return
    tasks: set[asyncio.Task[None]] = set()

    async def finish(pass_on: Callable[[], None]) -> None:
        try:
            await _drain()
        finally:
            pass_on()

    def begin(number: int, pass_on: Callable[[], None]) -> None:
        if not tasks:
            tasks.add(loop.create_task(finish(pass_on)))
            last = threading.Timer(EXIT_SECONDS, os._exit, (128 + number,))
            last.daemon = True
            last.start()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        _take_signal(loop, number, begin)


def _take_signal(
    loop: asyncio.AbstractEventLoop, number: signal.Signals, begin: Callable[[int, Callable[[], None]], None]
) -> None:
    # A server that uses the loop's own handlers leaves only a stand-in with `signal`; its handle is with the loop,
    # which goes on calling it, whatever `signal` is told, until it has another.
    handles: dict[int, asyncio.Handle] = getattr(loop, "_signal_handlers", {})
    handle = handles.get(number)
    previous = signal.getsignal(number)
    if previous is signal.SIG_IGN:  # as `nohup` sets it
        return

    def pass_on() -> None:
        if handle is not None:
            handle._run()  # noqa: SLF001 -- there is no public way to call the handler that was there before
        elif callable(previous) and previous is not signal.default_int_handler:
            previous(number, None)
        else:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    if handle is not None:
        loop.add_signal_handler(number, begin, number, pass_on)
    else:
        signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(begin, number, pass_on))
