"""記録台帳: the append-only, hash-chained record of what the gate and its operators did. Never a message body."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction
from django.utils import timezone

from compliance import law
from compliance.models import LedgerEntry

GENESIS = "0" * 64
_APPEND_LOCK = 0x746F646F6B6C  # advisory lock that serialises the tail on PostgreSQL


@dataclass(frozen=True, slots=True)
class Fault:
    """The first entry whose link does not hold: its number, and what is wrong in a sentence."""

    seq: int
    what: str


def canonical(entry: Mapping[str, Any]) -> bytes:
    """Return the bytes that are hashed: UTF-8 JSON, sorted keys, no spaces (RFC 8785 for this subset of values)."""
    return json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def as_dict(entry: LedgerEntry) -> dict[str, Any]:
    """Return what an entry's hash covers: everything but the hash itself."""
    return {
        "seq": entry.seq,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "event": entry.event,
        "actor": entry.actor_id,
        "actor_name": entry.actor_name,
        "payload": entry.payload,
        "law_version": entry.law_version,
        "previous_hash": entry.previous_hash,
    }


def digest(entry: LedgerEntry) -> str:
    """Return the hex SHA-256 of the entry's canonical form."""
    return hashlib.sha256(canonical(as_dict(entry))).hexdigest()


def append(event: str, *, actor: AbstractBaseUser | None, payload: Mapping[str, Any]) -> LedgerEntry:
    """Add an entry to the chain, in the caller's transaction if there is one.

    Args:
        event: `subject.verb` in the past tense, such as `gate.opened`.
        actor: who did it; None when the service did.
        payload: JSON values without floats. Ids and reasons, never a message body.

    Returns:
        The stored entry.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_APPEND_LOCK])
        last = LedgerEntry.objects.order_by("-seq").first()
        entry = LedgerEntry(
            seq=last.seq + 1 if last else 1,
            at=timezone.now(),
            event=event,
            actor_id=actor.pk if actor else None,
            actor_name=str(actor) if actor else "",
            # What the database gives back must hash as what was given: a round trip settles tuples and keys now.
            payload=json.loads(json.dumps(payload)),
            law_version=law.LAW_VERSION,
            previous_hash=last.hash if last else GENESIS,
        )
        entry.hash = digest(entry)
        entry.save(force_insert=True)
        return entry


def entries(start: datetime | None = None, end: datetime | None = None) -> Iterator[LedgerEntry]:
    """Yield the entries of [start, end), oldest first, without loading all of them."""
    rows = LedgerEntry.objects.order_by("seq")
    if start:
        rows = rows.filter(at__gte=start)
    if end:
        rows = rows.filter(at__lt=end)
    return rows.iterator(chunk_size=1000)


def verify() -> Fault | None:
    """Walk the whole chain.

    Returns:
        None if each number, link and hash holds; else the first fault.
    """
    previous, expected = GENESIS, 1
    for entry in entries():
        if entry.seq != expected:
            return Fault(expected, f"entry {expected} is missing: the next one found is {entry.seq}")
        if entry.previous_hash != previous:
            return Fault(entry.seq, f"entry {entry.seq} does not follow entry {entry.seq - 1}")
        if entry.hash != digest(entry):
            return Fault(entry.seq, f"entry {entry.seq} was changed after it was written")
        previous, expected = entry.hash, expected + 1
    return None


def export(start: datetime | None = None, end: datetime | None = None) -> dict[str, Any]:
    """Return the entries of [start, end) with their hashes, and the head of the chain, as JSON values."""
    head = LedgerEntry.objects.order_by("-seq").first()
    return {
        "law_version": law.LAW_VERSION,
        "revisions": dict(law.REVISIONS),
        "head": {"seq": head.seq, "hash": head.hash} if head else None,
        "entries": [{**as_dict(entry), "hash": entry.hash} for entry in entries(start, end)],
    }
