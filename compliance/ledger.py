"""記録台帳: the append-only, hash-chained record of what the gate and its operators did. Never a message body."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import Max, Min
from django.utils import timezone

from compliance import law
from compliance.models import LedgerEntry

GENESIS = "0" * 64
ANCHORED: Final = "ledger.anchored"
_APPEND_LOCK = 0x746F646F6B6C  # advisory lock that serialises the tail on PostgreSQL


@dataclass(frozen=True, slots=True)
class Fault:
    """The first entry whose link does not hold: its number, and what is wrong in a sentence."""

    seq: int
    what: str


_ANCHOR: Final = re.compile(r"todoke-anchor\s+1\s+([0-9]+)\s+([0-9a-f]{64})\s+([0-9T:.+-]+)")


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of the chain at one moment, to be kept where whoever owns the database cannot write.

    Its text is one line: `todoke-anchor 1 <number> <hash> <time in UTC>`.
    """

    seq: int
    hash: str
    at: str

    def __str__(self) -> str:
        return f"todoke-anchor 1 {self.seq} {self.hash} {self.at}"

    @classmethod
    def of(cls, entry: LedgerEntry) -> Anchor:
        """Return an entry as an anchor."""
        return cls(entry.seq, entry.hash, stamp(entry.at))

    @staticmethod
    def find(text: str) -> list[Anchor]:
        """Return every anchor in a text, such as a file of lines or a mail that wrapped them."""
        return [Anchor(int(seq), digest, at) for seq, digest, at in _ANCHOR.findall(text)]


def stamp(at: datetime) -> str:
    """Return a time as entries carry it: ISO 8601 in UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def canonical(entry: Mapping[str, Any]) -> bytes:
    """Return the bytes that are hashed: UTF-8 JSON, sorted keys, no spaces (RFC 8785 for this subset of values)."""
    return json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def as_dict(entry: LedgerEntry) -> dict[str, Any]:
    """Return what an entry's hash covers: everything but the hash itself."""
    return {
        "seq": entry.seq,
        "at": stamp(entry.at),
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


def anchor() -> Anchor:
    """Write that the chain is anchored, and return that entry as the anchor: the list of anchors is itself on record.

    The caller has verified the chain before, or the anchor vouches for what nobody looked at.
    """
    return Anchor.of(append(ANCHORED, actor=None, payload={}))


def last_anchor() -> Anchor | None:
    """Return the newest anchor that was written, or None."""
    entry = LedgerEntry.objects.filter(event=ANCHORED).order_by("-seq").first()
    return Anchor.of(entry) if entry else None


def span(start: datetime | None = None, end: datetime | None = None) -> tuple[int, int]:
    """Return the first and the last number of [start, end); with nothing in it, the first is one past the last.

    A clock that was put back leaves times out of order. What stands between two entries of the period belongs to it,
    so that the numbers have no hole.
    """
    rows = LedgerEntry.objects.all()
    until = rows.filter(at__lt=end) if end else rows
    last = until.aggregate(seq=Max("seq"))["seq"] or 0
    first = rows.filter(at__gte=start).aggregate(seq=Min("seq"))["seq"] if start else 1
    return (last + 1 if first is None else min(first, last + 1)), last


def entries(first: int = 1, last: int | None = None) -> Iterator[LedgerEntry]:
    """Yield the entries from one number to another, both included, without loading all of them."""
    rows = LedgerEntry.objects.filter(seq__gte=first).order_by("seq")
    return (rows if last is None else rows.filter(seq__lte=last)).iterator(chunk_size=1000)


def verify(anchors: Iterable[Anchor] = ()) -> Fault | None:
    """Walk the whole chain, and hold it against anchors that were kept elsewhere.

    A chain alone shows every change but two: an end that was cut off, and a chain that was written anew from some
    entry on. An anchor from before shows both.

    Returns:
        None if each number, link, hash and anchor holds; else the first fault.
    """
    kept: defaultdict[int, list[Anchor]] = defaultdict(list)
    for known in anchors:
        kept[known.seq].append(known)
    previous, expected = GENESIS, 1
    for entry in entries():
        if entry.seq != expected:
            return Fault(expected, f"entry {expected} is missing: the next one found is {entry.seq}")
        if entry.previous_hash != previous:
            return Fault(entry.seq, f"entry {entry.seq} does not follow entry {entry.seq - 1}")
        if entry.hash != digest(entry):
            return Fault(entry.seq, f"entry {entry.seq} was changed after it was written")
        for known in kept.pop(entry.seq, ()):
            if known != Anchor.of(entry):
                return Fault(entry.seq, f"entry {entry.seq} is not the one that was anchored: the chain was rewritten")
        previous, expected = entry.hash, expected + 1
    if kept:
        return Fault(
            expected, f"entry {expected} is missing: an anchor knows entry {max(kept)}, so the end was cut off"
        )
    return None


def export(start: datetime | None = None, end: datetime | None = None) -> dict[str, Any]:
    """Return the entries of [start, end) as JSON values, with what ties them to the chain before and after.

    Returns:
        `previous_hash`, which the first entry must carry; `entries` with their hashes; `last`, the number and hash
        at which they end; `head`, those of the whole chain at this moment.
    """
    head = LedgerEntry.objects.order_by("-seq").first()
    first, last = span(start, end)
    last = min(last, head.seq if head else 0)
    before = LedgerEntry.objects.filter(seq=first - 1).first()
    told = [{**as_dict(entry), "hash": entry.hash} for entry in entries(first, last)]
    previous_hash = before.hash if before else GENESIS
    return {
        "law_version": law.LAW_VERSION,
        "revisions": dict(law.REVISIONS),
        "head": {"seq": head.seq, "hash": head.hash} if head else None,
        "previous_hash": previous_hash,
        "last": {"seq": last, "hash": told[-1]["hash"] if told else previous_hash},
        "entries": told,
    }
