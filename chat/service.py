"""Starts and ends the process's hub under any ASGI server; on SIGTERM it drains before the server stops."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from chat import hub, offload

log = structlog.get_logger("todoke.service")

DRAIN_SECONDS = 3.5
DATABASE_SECONDS = 0.5
EXIT_SECONDS = 4.7  # after SIGTERM; what hangs then (a database, a peer) is let go: nothing in it has a receipt

Application = Callable[[Any, Any, Any], Awaitable[Any]]


class Service:
    """The outermost layer of the application.

    Daphne knows no lifespan and cuts its sockets on SIGTERM without a word; so the hub starts with the first request of
    any kind, and the signal is ours first: not ready, `closing` to each socket, pending commits, then the server's own
    handler. Servers with a lifespan start and end the hub with it.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._started = False

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        """Serve one connection, request or lifespan (ASGI application)."""
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        if not self._started:
            self._start()
        return await self._application(scope, receive, send)

    def _start(self) -> None:
        self._started = True
        _spare_the_collector()
        _take_signal(asyncio.get_running_loop())
        starting = asyncio.get_running_loop().create_task(hub.current())
        starting.add_done_callback(_report)

    async def _live(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await _drain()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _spare_the_collector() -> None:
    """Have the garbage collector look rarely, and at what comes and goes only: each look holds up everybody.

    A busy moment has thousands of messages under way, which at its own pace it would look through several times, and
    every second through all that the sockets hold, to find nothing: who leaves leaves no cycle behind.
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
    await asyncio.to_thread(offload.close, DATABASE_SECONDS)


def _take_signal(loop: asyncio.AbstractEventLoop) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    # A server that uses the loop's own handlers leaves only a stand-in with `signal`; its handle is with the loop,
    # which goes on calling it, whatever `signal` is told, until it has another.
    handles: dict[int, asyncio.Handle] = getattr(loop, "_signal_handlers", {})
    handle = handles.get(signal.SIGTERM)
    previous = signal.getsignal(signal.SIGTERM)

    def pass_on() -> None:
        if handle is not None:
            handle._run()  # noqa: SLF001 -- there is no public way to call the handler that was there before
        elif callable(previous):
            previous(signal.SIGTERM, None)
        else:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTERM)

    async def finish() -> None:
        try:
            await _drain()
        finally:
            pass_on()

    tasks: set[asyncio.Task[None]] = set()

    def begin() -> None:
        if not tasks:
            tasks.add(loop.create_task(finish()))
            last = threading.Timer(EXIT_SECONDS, os._exit, (128 + signal.SIGTERM,))
            last.daemon = True
            last.start()

    if handle is not None:
        loop.add_signal_handler(signal.SIGTERM, begin)
    else:
        signal.signal(signal.SIGTERM, lambda _number, _frame: loop.call_soon_threadsafe(begin))
