"""Puts each start of a server process into the ledger: version, environment, filing, and whether a key is another."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from compliance.models import LedgerEntry
from compliance.records import ledger, powers
from compliance.records.events import Event

MAX_PER_HOUR: Final = 6
"""Of starts with the same facts; a process that restarts again and again does not flood the ledger."""


def record_start() -> None:
    """Record that a server process started, after `powers.reconcile` recorded what changed while none ran.

    A further start with the same facts is left out where `MAX_PER_HOUR` of them were written within the hour.
    """
    facts: dict[str, Any] = {
        "version": settings.VERSION,
        "environment": settings.STANDING.fingerprint,
        "standing": ledger.standing_as_dict(settings.STANDING),
        "keys": {
            "closed_chat": _fingerprint(settings.CLOSED_CHAT_KEYS[0]) if settings.CLOSED_CHAT_KEYS else None,
            "secret": _fingerprint(settings.SECRET_KEY.encode()),
        },
    }
    powers.reconcile()
    with transaction.atomic():
        ledger.lock()
        starts = LedgerEntry.objects.filter(event=Event.SERVICE_STARTED.value).order_by("-seq")
        recent = starts.filter(at__gt=timezone.now() - timedelta(hours=1)).values_list("payload", flat=True)
        if sum(payload.items() >= facts.items() for payload in recent) >= MAX_PER_HOUR:
            return
        before = starts.values_list("payload", flat=True).first()
        ledger.append(Event.SERVICE_STARTED, actor=None, payload=facts)
        if before:
            _rotated(before["keys"], facts["keys"])


def _rotated(before: dict[str, Any], now: dict[str, Any]) -> None:
    for name, fingerprint in now.items():
        if before[name] != fingerprint:
            payload = {"key": name, "before": before[name], "now": fingerprint}
            ledger.append(Event.KEY_ROTATED, actor=None, payload=payload)


def _fingerprint(key: bytes) -> str:
    # Slow on purpose: the ledger is handed out, and a weak SECRET_KEY could be guessed from a fast digest of it.
    return hashlib.scrypt(key, salt=b"todoke key fingerprint", n=2**14, r=8, p=1, dklen=8).hex()
