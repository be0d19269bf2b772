"""What pages ask of real time from their threads: rates, seats, and work on the hub's loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from chat.protocol import Code, Refused
from chat.realtime.dispatch import Parts
from chat.realtime.hub import running
from chat.realtime.limits import Rate, Throttle

T = TypeVar("T")
ANSWER_SECONDS = 20.0

_throttles: dict[str, Throttle] = {}
_lock = threading.Lock()


def limited(name: str, key: Hashable) -> float:
    """Take one piece of a page's rate.

    Args:
        name: of the rate in `CHAT_RATES`.
        key: whom it is counted by.

    Returns:
        0, or how many seconds to wait.
    """
    if not settings.CHAT_RATE_LIMITS:
        return 0.0
    with _lock:
        if name not in _throttles:
            _throttles[name] = Throttle(Rate(*settings.CHAT_RATES[name]))
        return _throttles[name].take(key, time.monotonic())


def has_no_seat_for(address: str) -> bool:
    """Return whether an address has as many sockets and streams open as it may."""
    hub = running()
    return settings.CHAT_RATE_LIMITS and hub is not None and hub.parts.limits.seats.are_full(address)


def people_in(room: UUID) -> int:
    """Return how many people are in an open room now, as far as this process knows."""
    hub = running()
    return hub.parts.presence.people_in(hub.parts.registry.streams.get(room)) if hub is not None else 0


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run something on the hub's loop, and wait for it.

    Raises:
        Refused: `unavailable` while no hub runs in this process.
    """
    hub = running()
    if hub is None or hub.loop.is_closed():
        work.close()
        raise Refused(Code.UNAVAILABLE, _("The service is starting. Please try again in a moment."))
    return asyncio.run_coroutine_threadsafe(work, hub.loop).result(timeout=ANSWER_SECONDS)


def call_soon(call: Callable[[Parts], object]) -> None:
    """Have something called on the hub's loop. Without a hub in this process the others' head checks find it."""
    hub = running()
    if hub is not None and not hub.loop.is_closed():
        hub.loop.call_soon_threadsafe(call, hub.parts)
