"""What processes share and do not forget, as how often somebody tried to sign in: rows of the database."""

from __future__ import annotations

import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

from chat.models import Counter

SWEEP_SECONDS = 60.0  # how often a process removes what has expired
_NEVER = datetime.max.replace(tzinfo=UTC)


class DurableCache(BaseCache):
    """Django's cache in a table of ours: nobody pushes an entry out before its time, and a restart keeps it.

    Keys are kept as keyed digests only, for they hold addresses of people; values are JSON. What was kept under an
    earlier SECRET_KEY, or under the next one by a process that has it already, is found under all of them.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._swept = time.monotonic()

    def add(self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Store a value if the key has none; return whether it had none. Only one of many processes gets a yes."""
        self._sweep()
        kept, *others = self._kept(key, version)
        Counter.objects.filter(key__in=[kept, *others], expires_at__lte=_now()).delete()
        if others and Counter.objects.filter(key__in=others).exists():
            return False
        defaults = {"value": json.dumps(value), "expires_at": self._end(timeout)}
        return Counter.objects.get_or_create(key=kept, defaults=defaults)[1]

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """Return a key's value."""
        live = Counter.objects.filter(key__in=self._kept(key, version), expires_at__gt=_now())
        value = live.values_list("value", flat=True).first()
        return default if value is None else json.loads(value)

    def set(self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Store a value."""
        self._sweep()
        kept, *others = self._kept(key, version)
        row = Counter(key=kept, value=json.dumps(value), expires_at=self._end(timeout))
        Counter.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["key"], update_fields=["value", "expires_at"]
        )
        if others:
            Counter.objects.filter(key__in=others).delete()

    def touch(self, key: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Give a key a new end."""
        live = Counter.objects.filter(key__in=self._kept(key, version), expires_at__gt=_now())
        return bool(live.update(expires_at=self._end(timeout)))

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Forget a key."""
        return bool(Counter.objects.filter(key__in=self._kept(key, version)).delete()[0])

    def clear(self) -> None:
        """Forget all."""
        Counter.objects.all().delete()

    def _kept(self, key: Any, version: int | None) -> list[str]:
        """Return the digests under which a key may be kept; that of today's SECRET_KEY first."""
        written = b"todoke.counter:" + self.make_key(key, version=version).encode()
        secrets = dict.fromkeys((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))
        return [hmac.digest(secret.encode(), written, "sha256").hex() for secret in secrets]

    def _end(self, timeout: float | None) -> datetime:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return _NEVER if seconds is None else _now() + timedelta(seconds=seconds)

    def _sweep(self) -> None:
        if time.monotonic() - self._swept > SWEEP_SECONDS:
            self._swept = time.monotonic()
            Counter.objects.filter(expires_at__lte=_now()).delete()


def _now() -> datetime:
    return datetime.now(UTC)
