"""What processes share for a while, as how often somebody tried to sign in; each counts alone while Redis is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

log = structlog.get_logger("todoke.cache")

AWAY_SECONDS = 5.0  # after a failure, before Redis is asked again


class _Client:
    """Asks Redis; and what Redis does not answer, this process's own memory."""

    def __init__(self, servers: list[str], **options: Any) -> None:
        self._shared = RedisCacheClient(servers, **options)
        self._own = LocMemCache("todoke", {})
        self._away_until = 0.0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*args: Any) -> Any:
            if time.monotonic() >= self._away_until:
                try:
                    return getattr(self._shared, name)(*args)
                except RedisError as error:
                    self._away_until = time.monotonic() + AWAY_SECONDS
                    log.warning("cache.away", error=type(error).__name__)
            return getattr(self._own, name)(*args)

        return ask


class SharedCache(RedisCache):
    """Django's cache on Redis, without which nobody is kept from signing in, and attempts are counted all the same."""

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _Client
