"""Runs database work for sockets on a bounded set of threads, one connection each. The only thread hop in chat."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import ParamSpec, TypeVar

from django.db import connections
from django.utils import translation

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 3  # and two that the loop speaks itself (`libpq`), below the least DATABASE_POOL: pages need some, too

_threads: ThreadPoolExecutor | None = None


async def offload(language: str, job: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking job on a database thread.

    Args:
        language: in which refusals speak, `ja` or `en`.
        job: what to run.
        *args: its arguments.
        **kwargs: its named arguments.

    Returns:
        what the job returns; raises what it raises.
    """
    global _threads  # noqa: PLW0603 -- made with the first job, so that importing starts no thread
    if _threads is None:
        _threads = ThreadPoolExecutor(THREADS, thread_name_prefix="chat-database")

    def run() -> T:
        try:
            with translation.override(language):
                return job(*args, **kwargs)
        finally:
            _tidy()

    return await asyncio.get_running_loop().run_in_executor(_threads, run)


def _tidy() -> None:
    # Connections stay open on these few threads; one that failed is dropped, and the next job makes a new one.
    for connection in connections.all(initialized_only=True):
        connection.queries_log.clear()  # with DEBUG it keeps thousands of statements, and what people wrote in them
        if connection.errors_occurred or connection.in_atomic_block:
            connection.close()


def renew() -> None:
    """Let go of pooled connections that ended with the database: found one by one, each would cost a second or more."""
    for connection in connections.all():  # of this thread, but the pool is everybody's
        if (pool := getattr(connection, "pool", None)) is not None:
            pool.check()


def close(seconds: float = 5.0) -> None:
    """End the threads and their connections, after the last job.

    Args:
        seconds: how long to wait for it; a thread whose database hangs is left to itself.
    """
    global _threads
    if _threads is None:
        return
    together = threading.Barrier(THREADS)  # so that each thread takes exactly one of the jobs

    def leave() -> None:
        together.wait(timeout=seconds)
        connections.close_all()

    threads, _threads = _threads, None
    with suppress(TimeoutError, threading.BrokenBarrierError):
        for left in [threads.submit(leave) for _ in range(THREADS)]:
            left.result(timeout=seconds)
    threads.shutdown(wait=False, cancel_futures=True)
