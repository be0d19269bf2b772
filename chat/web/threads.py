"""Runs what blocks for a page or a file on threads of their own, which stay: a request changes threads once."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

#: At most. Each is started when all others are at work. A page that waits for the database holds one meanwhile, and no
#: more connections than DATABASE_POOL allows.
THREADS: Final = 64
QUEUE: Final = 512  # of those that wait for a thread; more are refused

_executor: ThreadPoolExecutor | None = None
_under_way = 0


class Full(Exception):
    """Too many wait already."""


async def in_thread(job: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking job on a thread, in a context of its own.

    Raises:
        Full: too many wait for a thread already.
    """
    global _executor, _under_way  # noqa: PLW0603 -- one pool a process; counted on the event loop only
    if _under_way >= THREADS + QUEUE:
        raise Full
    if _executor is None:
        _executor = ThreadPoolExecutor(THREADS, thread_name_prefix="pages")
    context = contextvars.copy_context()

    def run() -> Any:
        return context.run(job, *args, **kwargs)

    _under_way += 1
    try:
        result: T = await asyncio.get_running_loop().run_in_executor(_executor, run)
    finally:
        _under_way -= 1
    return result
