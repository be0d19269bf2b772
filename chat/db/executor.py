"""Runs blocking database work on a bounded pool of threads, one connection each: the only change of threads in chat."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import ParamSpec, TypeVar

from django.db import connections
from django.utils import translation

from chat.db.moved import close_moved
from compliance.database import JOB, bounded

P = ParamSpec("P")
T = TypeVar("T")

# The event loop has two more connections of its own (`libpq`). Together they stay below the least DATABASE_POOL,
# because pages need connections, too.
THREADS = 3
IDLE_SECONDS = 5.0  # after which a thread's connection may have ended without a sign

_executor: ThreadPoolExecutor | None = None
_apart: ThreadPoolExecutor | None = None
_used = threading.local()  # when the thread's connection was used last


async def run_in_executor(language: str, job: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking job on a database thread. Its transactions wait no longer for a lock than `JOB` says.

    Args:
        language: the language of refusals, `ja` or `en`.
        job: the function to call.
        *args: its arguments.
        **kwargs: its named arguments.

    Returns:
        what the job returns; raises what it raises.
    """
    global _executor  # noqa: PLW0603 -- created with the first job, so that an import starts no thread
    if _executor is None:
        _executor = ThreadPoolExecutor(THREADS, thread_name_prefix="chat-database")

    def run() -> T:
        close_moved()
        try:
            _check_idle_connections()
            with translation.override(language), bounded(JOB):
                return job(*args, **kwargs)
        finally:
            _close_broken_connections()
            _used.at = time.monotonic()

    return await asyncio.get_running_loop().run_in_executor(_executor, run)


async def run_apart(job: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking job beside the database threads, so that nothing that holds those up holds this up.

    One at a time. Afterwards its connection goes back to the pool: pages need it, too.
    """
    global _apart  # noqa: PLW0603 -- as above
    if _apart is None:
        _apart = ThreadPoolExecutor(1, thread_name_prefix="chat-apart")

    def run() -> T:
        close_moved()
        try:
            with bounded(JOB):
                return job(*args, **kwargs)
        finally:
            for connection in connections.all(initialized_only=True):
                connection.queries_log.clear()
                if connection.vendor == "postgresql" or connection.errors_occurred:
                    connection.close()

    return await asyncio.get_running_loop().run_in_executor(_apart, run)


def _check_idle_connections() -> None:
    """Have a connection that was idle for long checked before its next statement; Django replaces one that ended."""
    if time.monotonic() - getattr(_used, "at", 0.0) > IDLE_SECONDS:
        for connection in connections.all(initialized_only=True):
            connection.health_check_done = False  # type: ignore[attr-defined]


def _close_broken_connections() -> None:
    # A connection stays open on its thread. One that failed is closed, and the next job opens another.
    for connection in connections.all(initialized_only=True):
        connection.queries_log.clear()  # with DEBUG it keeps thousands of statements, with the words of people in them
        if connection.errors_occurred or connection.in_atomic_block:
            connection.close()


def check_pool() -> None:
    """Discard pooled connections that ended with the database. Without this, each costs its finder a second or more."""
    for connection in connections.all():  # the calling thread's; but all threads share its pool
        if (pool := getattr(connection, "pool", None)) is not None:
            pool.check()


def shutdown_executor(seconds: float = 5.0) -> None:
    """End the threads and their connections, after the last job.

    Args:
        seconds: how long to wait. A thread that waits for a hanging database is abandoned.
    """
    global _executor, _apart  # noqa: PLW0603 -- as above
    for ending, threads in ((_executor, THREADS), (_apart, 1)):
        if ending is not None:
            _end(ending, threads, seconds)
    _executor = _apart = None


def _end(ending: ThreadPoolExecutor, threads: int, seconds: float) -> None:
    barrier = threading.Barrier(threads)  # so that each thread takes exactly one of the jobs

    def close_connections() -> None:
        barrier.wait(timeout=seconds)
        connections.close_all()

    with suppress(TimeoutError, threading.BrokenBarrierError):
        for done in [ending.submit(close_connections) for _ in range(threads)]:
            done.result(timeout=seconds)
    ending.shutdown(wait=False, cancel_futures=True)
