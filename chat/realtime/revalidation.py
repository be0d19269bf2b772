"""Asks who may read a room now, after something spoke against what this process remembers. Until then nothing goes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from django.utils import translation
from django.utils.translation import gettext as _

from chat.protocol import Code, Refused
from chat.realtime.ports import LogReader, Readership
from chat.realtime.registry import Registry
from chat.realtime.streams import Stream

log = structlog.get_logger("todoke.hub")


class Revalidation:
    """Stops streams in doubt, and lets them go on.

    Args:
        reader: knows who may read a room.
        registry: the streams.
        is_shut: whether the gate refuses a feature, as this process last saw it.
        spawn: runs something beside.

    Attributes:
        resume: is called with a stream that is in doubt no more, to deliver what has waited.
        on_changed: is called with it after that.
    """

    def __init__(
        self,
        reader: LogReader,
        registry: Registry,
        is_shut: Callable[[str], bool],
        spawn: Callable[[Coroutine[Any, Any, Any]], Any],
    ) -> None:
        self._reader = reader
        self._registry = registry
        self._is_shut = is_shut
        self._spawn = spawn
        self.resume: Callable[[Stream], None] = lambda _stream: None
        self.on_changed: Callable[[Stream], None] = lambda _stream: None

    def doubt(self, stream: Stream) -> None:
        """Deliver nothing more of a room until it is known who may read it now."""
        stream.doubt()
        if not stream.is_revalidating:
            stream.is_revalidating = True
            self._spawn(self._revalidate(stream))

    async def _revalidate(self, stream: Stream) -> None:
        """Ask the database who may read a room, put everybody else out, and deliver what has waited.

        While the database does not answer the room stays in doubt; the next head check doubts it again.
        """
        try:
            while stream.doubts and stream.in_use:
                doubts = stream.doubts
                found = await self._reader.readership_of(stream.id)
                self._put_out(stream, found)
                if found is None:
                    return
                if stream.doubts == doubts:
                    self._trust(stream, found)
        except Exception as error:  # noqa: BLE001 -- whatever it is, nothing is delivered until the next look
            log.warning("hub.look_failed", room=str(stream.id), error=type(error).__name__)
        finally:
            stream.is_revalidating = False

    def _trust(self, stream: Stream, found: Readership) -> None:
        is_moved = stream.key != found.key
        if is_moved:
            self._registry.forget_key(stream)
        stream.trust(found.key, found.access)
        if is_moved:
            self._registry.announce_move(stream, list(stream.subscriptions))
        stream.shown = 0  # who came meanwhile does not know how many are here
        self.resume(stream)
        self.on_changed(stream)

    def _put_out(self, stream: Stream, found: Readership | None) -> None:
        """Put everybody out of a room who may not read it."""
        is_over = found is None or found.ended
        is_shut = found is not None and self._is_shut(found.access.feature)
        for subscriber in list(stream.subscriptions):
            if found is not None and found.admits(subscriber.pk) and not is_shut:
                continue
            if is_over or is_shut:
                self._registry.put_out(stream, subscriber, "ended" if is_over else "gate")
                continue
            key = stream.key_for(subscriber)
            self._registry.leave(subscriber, stream)
            with translation.override(subscriber.language):
                subscriber.refuse(Refused(Code.FORBIDDEN, _("This room is closed to you now.")), room=key)
