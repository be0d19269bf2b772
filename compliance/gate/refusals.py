"""Counts refused attempts per feature and puts the sums into the ledger, never the single attempt."""

from __future__ import annotations

import threading
from collections import Counter

from compliance.law import Feature
from compliance.records import Event, ledger

_counts: Counter[str] = Counter()
_lock = threading.Lock()


def count_refusal(feature: Feature) -> None:
    """Count one refused attempt; `write_refusals` puts the sums into the ledger."""
    with _lock:
        _counts[feature.value] += 1


def write_refusals() -> None:
    """Write the refusals counted since the last call as one ledger entry. Called once a minute and at the end."""
    with _lock:
        counts = dict(_counts)
        _counts.clear()
    if counts:
        ledger.append(Event.GATE_REFUSED, actor=None, payload={"counts": counts})
