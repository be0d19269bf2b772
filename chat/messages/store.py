"""The one way into the log, for every process and every test: the fast path where it is open, else the slow path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Protocol
from uuid import UUID

import structlog
from django.utils import translation
from django.utils.translation import gettext as _

from chat.messages import fast_path, log
from chat.messages.blocked import Blocked
from chat.messages.events import BatchResult, NewEvent
from chat.messages.slow_path import store_slowly
from chat.protocol import Code, Refused
from compliance.database import is_blocked, is_rejected, sqlstate
from compliance.gate import OptimisticToken
from compliance.law import Feature

logger = structlog.get_logger("todoke.messages")

RETRY_SECONDS: Final = 1.0


class Writer(Protocol):
    """How statements reach the database; see `writer.LogWriter`."""

    def post(
        self, rows: Sequence[log.Row], at: datetime, token: OptimisticToken | None
    ) -> Awaitable[log.Answer | None]:
        """Append messages by `log.POST`; return None if it declines."""

    def run(self, job: Callable[[Sequence[NewEvent]], Any], events: Sequence[NewEvent], /) -> Awaitable[Any]:
        """Run a job that blocks on the database."""


async def store(
    events: Sequence[NewEvent],
    heads: Mapping[UUID, int] = MappingProxyType({}),
    busy: Container[UUID] = (),
    *,
    writer: Writer,
    blocked: Blocked | None = None,
) -> BatchResult:
    """Store a batch of events across rooms; for the rules see `store_slowly`.

    A batch is one transaction, unless something is wrong with a part of it. What somebody else has locked is refused as
    `unavailable`, and the rest is stored without waiting for it. What the database rejects is found by halves and
    refused alone.

    Args:
        events: their bodies have passed `clean`.
        heads: of closed rooms, as far as the caller knows them; see `fast_path.Batch.seal`.
        busy: rooms in which another process may be faster.
        writer: how statements reach the database.
        blocked: what was found locked lately.

    Returns:
        an outcome for each event (None: another process was faster, try again), and per room the new items.
    """
    storing = _Storing(heads, busy, writer, blocked or Blocked())
    if storing.blocked.concerns(events):
        return await storing.without_blocked(events)
    return await storing.store(events)


class _Storing:
    """One batch on its way, whole or in parts."""

    def __init__(self, heads: Mapping[UUID, int], busy: Container[UUID], writer: Writer, blocked: Blocked) -> None:
        self._heads, self._busy, self._writer, self.blocked = dict(heads), busy, writer, blocked

    async def store(self, events: Sequence[NewEvent]) -> BatchResult:
        """Store events in one transaction, or in parts where that fails."""
        try:
            return await self._at_once(events)
        except Exception as error:
            if is_blocked(error):
                return await self.without_blocked(events)
            if not is_rejected(error):
                raise
            logger.warning("messages.rejected", entries=len(events), sqlstate=sqlstate(error))
            if len(events) == 1:
                return BatchResult([_rejected(events[0], error)])
        half = len(events) // 2
        return await self._in_turn([events[:half], events[half:]])

    async def without_blocked(self, events: Sequence[NewEvent]) -> BatchResult:
        """Store what nobody has locked. What still meets a lock then, as one on a table or on the gate, is refused."""
        held = await self.blocked.find(events, self._writer.run)
        free = [event for event, is_held in zip(events, held, strict=True) if not is_held]
        result = await self._unless_blocked(free)
        outcomes = iter(result.outcomes)
        result.outcomes = [
            _unavailable(event) if is_held else next(outcomes) for event, is_held in zip(events, held, strict=True)
        ]
        return result

    async def _unless_blocked(self, events: Sequence[NewEvent]) -> BatchResult:
        if not events:
            return BatchResult([])
        try:
            return await self._at_once(events)
        except Exception as error:
            if is_rejected(error):
                return await self.store(events)
            if not is_blocked(error):
                raise
        # The gate's lock concerns closed rooms only.
        is_open = [event.feature == Feature.ROOM_OPEN for event in events]
        if not any(is_open) or all(is_open):
            return BatchResult([_unavailable(event) for event in events])
        result = await self._unless_blocked([event for event, open_ in zip(events, is_open, strict=True) if open_])
        outcomes = iter(result.outcomes)
        result.outcomes = [
            next(outcomes) if open_ else _unavailable(event) for event, open_ in zip(events, is_open, strict=True)
        ]
        return result

    async def _in_turn(self, parts: Sequence[Sequence[NewEvent]]) -> BatchResult:
        whole = BatchResult([])
        for part in parts:
            result = await self.store(part)
            whole.outcomes += result.outcomes
            for room, items in result.items.items():
                whole.items[room].extend(items)
            whole.heads.update(result.heads)
            whole.access.update(result.access)
            whole.outrun.update(result.outrun)
            self._heads.update(result.heads)  # sealed words of the next part follow those of this one
        return whole

    async def _at_once(self, events: Sequence[NewEvent]) -> BatchResult:
        batch = fast_path.prepare(events, self._heads, self._busy)
        if batch is not None:
            answer = await self._writer.post(batch.rows, batch.at, batch.token)
            if answer is not None:
                return fast_path.result_of(batch, answer)
        result: BatchResult = await self._writer.run(store_slowly, events)
        return result


def _unavailable(event: NewEvent) -> Refused:
    with translation.override(event.person.language):
        reason = _("The message could not be stored just now. It will be tried again.")
    return Refused(Code.UNAVAILABLE, reason, retry_after=RETRY_SECONDS)


def _rejected(event: NewEvent, error: BaseException) -> Refused:
    """Return the answer to an event that the database rejects: the values are wrong, or somebody was faster."""
    if sqlstate(error).startswith("23") or "UNIQUE" in str(error):
        return _unavailable(event)  # the next try finds what it collided with, and says so
    with translation.override(event.person.language):
        reason = _("The message holds something that cannot be stored. Please change it, then send it again.")
    return Refused(Code.PROTOCOL, reason)
