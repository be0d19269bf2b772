"""Batches lookups: callers that ask at the same time are answered by one query."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class BatchedLookup(Generic[Key, Value]):
    """Runs one batch at a time. A key that arrives meanwhile goes into the next batch.

    Each answer is therefore of a moment after its question.

    Args:
        find: returns what exists of a batch of distinct keys, by key.
    """

    def __init__(self, find: Callable[[Collection[Key]], Awaitable[Mapping[Key, Value]]]) -> None:
        self._find = find
        self._waiting: list[tuple[Key, asyncio.Future[Value | None]]] = []
        self._running: asyncio.Task[None] | None = None

    async def get(self, key: Key) -> Value | None:
        """Return the value of one key, or None if there is none.

        Raises:
            Exception: what `find` raised for the batch.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Value | None] = loop.create_future()
        self._waiting.append((key, answer))
        if self._running is None:
            self._running = loop.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                try:
                    found = await self._find({key for key, _answer in waiting})
                except Exception as error:  # noqa: BLE001 -- each caller gets it
                    for _key, answer in waiting:
                        if not answer.done():
                            answer.set_exception(error)
                    continue
                for key, answer in waiting:
                    if not answer.done():
                        answer.set_result(found.get(key))
        finally:
            self._running = None
