"""`messages.store` on the test's own database connection, without an event loop."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection

from chat import messages
from chat.messages import BatchResult, NewEvent, log
from chat.messages.fast_path import TRIES
from compliance.gate import OptimisticToken

T = TypeVar("T")


class ConnectionWriter:
    """Does at once, on the thread's own connection, what a hub's writer does on its loop."""

    async def post(self, rows: Sequence[log.Row], at: datetime, token: OptimisticToken | None) -> log.Answer | None:
        """Appends messages by `log.POST`."""
        with connection.cursor() as cursor:
            rooms = {row.room for row in rows}
            cursor.execute(log.POST.format(*["%s"] * 6), log.arguments(rooms, rows, at, token))
            return log.answer(cursor.fetchall())

    async def run(self, job: Callable[[Sequence[NewEvent]], BatchResult], events: Sequence[NewEvent], /) -> BatchResult:
        """Runs a job."""
        return job(events)


def store(events: Sequence[NewEvent], *, tries: int = TRIES) -> BatchResult:
    """Stores events as a hub does; those that another process outran, at the next try or by the slow path."""
    result = now(messages.store(events, writer=ConnectionWriter()))
    left = [place for place, outcome in enumerate(result.outcomes) if outcome is None]
    if left:
        again = [events[place] for place in left]
        for event in again:
            event.tries = tries
        rest = now(messages.store(again, result.outrun, writer=ConnectionWriter()))
        for place, outcome in zip(left, rest.outcomes, strict=True):
            result.outcomes[place] = outcome
        result.items |= rest.items
        result.heads |= rest.heads
        result.access |= rest.access
        result.outrun.clear()
    return result


def now(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    work.close()
    raise AssertionError("it waits for something")
