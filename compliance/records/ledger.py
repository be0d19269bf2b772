"""記録台帳: the append-only, hash-chained record of what the gate and its operators did. Never a message body."""

from __future__ import annotations

import json
import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import Max, Min, QuerySet
from django.utils import timezone

from compliance import law
from compliance.law import Standing
from compliance.models import Actor, LedgerEntry, LedgerHead
from compliance.records.events import Event
from compliance.records.replay import GENESIS, Replay
from compliance.records.replay import digest as digest_of

PAGE: Final = 1000
"""Entries that are read at once."""
ROLES: Final = ("operator", "compliance", "moderator", "auditor")
"""The groups whose names are roles; the first that somebody is in is the role that an entry names."""
APPEND_LOCK = 0x746F646F6B6C  # advisory lock that serialises the tail on PostgreSQL


@dataclass(frozen=True, slots=True)
class Fault:
    """The first entry whose link does not hold: its number, and what is wrong in a sentence."""

    seq: int
    what: str


_ANCHOR: Final = re.compile(r"todoke-anchor\s+1\s+([0-9]+)\s+([0-9a-f]{64})\s+([0-9T:.+-]+)")
# Any text without blanks around an at sign counts as an address: addresses have more forms than a rule can describe.
_ADDRESS: Final = re.compile(r"[^\s<>()（）「」『』、,;，；]+[@＠﹫][^\s<>()（）「」『』、,;，；]+")
_NO_ADDRESS: Final = "[e-mail]"


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of the chain at one moment, to be kept where the owner of the database cannot write.

    Its text is one line: `todoke-anchor 1 <number> <hash> <time in UTC>`.
    """

    seq: int
    hash: str
    at: str

    def __str__(self) -> str:
        return f"todoke-anchor 1 {self.seq} {self.hash} {self.at}"

    @property
    def stamped(self) -> bytes:
        """The bytes of which an authority stamps the time: the line and its end."""
        return f"{self}\n".encode()

    @classmethod
    def of(cls, entry: LedgerEntry) -> Anchor:
        """Return an entry as an anchor."""
        return cls(entry.seq, entry.hash, stamp(entry.at))

    @staticmethod
    def find(text: str) -> list[Anchor]:
        """Return every anchor in a text, such as a file of lines or a mail that wrapped them."""
        return [Anchor(int(seq), digest, at) for seq, digest, at in _ANCHOR.findall(text)]


class SpecimenLedger(RuntimeError):
    """The ledger belongs to a demo: whatever is written behind its entries would pass for the record of a service."""


def is_foreign(entry: LedgerEntry) -> bool:
    """Return whether an entry was written in a demo, and this process runs none."""
    return bool(entry.payload.get("demo")) and not settings.DEMO


def stamp(at: datetime) -> str:
    """Return a time as entries carry it: ISO 8601 in UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def as_dict(entry: LedgerEntry) -> dict[str, Any]:
    """Return what an entry's hash covers: everything but the hash itself."""
    return {
        "seq": entry.seq,
        "at": stamp(entry.at),
        "event": entry.event,
        "actor": entry.actor_id,
        "role": entry.role,
        "payload": entry.payload,
        "law_version": entry.law_version,
        "previous_hash": entry.previous_hash,
    }


def digest(entry: LedgerEntry) -> str:
    """Return the hex SHA-256 of the entry's canonical form."""
    return digest_of(as_dict(entry))


def with_hash(entry: LedgerEntry) -> dict[str, Any]:
    """Return an entry with its hash, as proofs carry it."""
    return {**as_dict(entry), "hash": entry.hash}


def without_addresses(value: Any) -> Any:
    """Return a JSON value with each e-mail address in its texts replaced by `[e-mail]`, however deep.

    The ledger is given to third persons, and a reason or evidence may contain an address.
    """
    match value:
        case str():
            return _ADDRESS.sub(_NO_ADDRESS, value)
        case dict():
            return {without_addresses(key): without_addresses(inner) for key, inner in value.items()}
        case list() | tuple():
            return [without_addresses(inner) for inner in value]
        case _:
            return value


def actor_of(user: AbstractBaseUser) -> Actor:
    """Return the reference by which the ledger names an account; it is created on first use."""
    actor, _ = Actor.objects.get_or_create(user_id=user.pk, defaults={"ref": f"p-{secrets.token_hex(6)}"})
    return actor


def role_of(user: AbstractBaseUser) -> str:
    """Return the role in which an account acts now: the first of `ROLES` whose group it is in, else by its flags."""
    groups = getattr(user, "groups", None)
    found = set(groups.filter(name__in=ROLES).values_list("name", flat=True)) if groups is not None else set()
    flags = [name for name in ("superuser", "staff") if getattr(user, f"is_{name}", False)]
    return next((name for name in (*ROLES, *flags) if name in found or name in flags), "member")


def append(event: Event, *, actor: AbstractBaseUser | None, payload: Mapping[str, Any]) -> LedgerEntry:
    """Add an entry to the chain, in the caller's transaction if there is one.

    Args:
        event: what it is about.
        actor: who did it; None when the service did. The entry carries a reference and a role, never a name.
        payload: JSON values without floats. Ids and reasons, never a message body; e-mail addresses are left out.
            In a demo each entry says `demo`, so none of them passes for an entry of a deployment.

    Returns:
        The stored entry.

    Raises:
        ValueError: the event is not one of `Event`.
        SpecimenLedger: the ledger is a demo's, and this process runs no demo.
    """
    event = Event(event)
    with transaction.atomic():
        lock()
        last = LedgerEntry.objects.order_by("-seq").first()
        if last and is_foreign(last):
            raise SpecimenLedger("this ledger was begun in a demo; no service goes on with it")
        entry = LedgerEntry(
            seq=last.seq + 1 if last else 1,
            # Never before the entry before it, whatever the clock does: so an entry at the end of a period shows that
            # none of the period comes later.
            at=max(timezone.now(), last.at) if last else timezone.now(),
            event=event.value,
            actor=actor_of(actor) if actor else None,
            role=role_of(actor) if actor else "service",
            # The value read back must hash as the value written: a round trip makes tuples lists and keys texts now.
            payload=without_addresses(json.loads(json.dumps(payload))) | ({"demo": True} if settings.DEMO else {}),
            law_version=law.LAW_VERSION,
            previous_hash=last.hash if last else GENESIS,
        )
        entry.hash = digest(entry)
        entry.save(force_insert=True)
        return entry


def standing_as_dict(standing: Standing) -> dict[str, Any]:
    """Return a standing as entries carry it: status, number, date, operator and address."""
    return {
        "status": standing.status.value,
        "number": standing.number,
        "date": standing.filed_on.isoformat() if standing.filed_on else None,
        "operator": standing.operator_name,
        "address": standing.operator_address,
    }


def lock() -> None:
    """Hold back other writers of the ledger until the caller's transaction ends."""
    # SQLite needs none: its transactions begin IMMEDIATE, so there is one writer at a time.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [APPEND_LOCK])


def replay(until: int | None = None) -> Replay:
    """Replay the entries up to a number (default: all), from the last anchor before it on.

    Raises:
        replay.Refused: the entries contradict each other.
    """
    earlier = LedgerEntry.objects.filter(event=Event.LEDGER_ANCHORED.value)
    start = (earlier if until is None else earlier.filter(seq__lte=until)).order_by("-seq").first()
    state = Replay(start.payload["running"] if start else None)
    for entry in entries(start.seq + 1 if start else 1, until):
        state.apply(as_dict(entry))
    return state


def anchor() -> Anchor:
    """Anchor the chain by an entry, and return that entry as the anchor: the list of anchors is itself on record.

    The entry carries the head before it and what ran then (period, stop, announced end, signatures), so a proof of a
    later period begins with it. The caller verifies the chain first; an anchor of a broken chain would vouch for it.

    Raises:
        replay.Refused: the entries contradict each other.
    """
    with transaction.atomic():
        lock()
        head = LedgerEntry.objects.order_by("-seq").first()
        replayed = replay()
        state = replayed.state(stamp(timezone.now()))
        payload = {
            "head": {"seq": head.seq, "hash": head.hash} if head else None,
            "closed_chat": state["closed_chat"],
            "authorisation": state["authorisation"],
            "running": replayed.running(),
        }
        return Anchor.of(append(Event.LEDGER_ANCHORED, actor=None, payload=payload))


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
    return walk(rows if last is None else rows.filter(seq__lte=last))


def walk(rows: QuerySet[LedgerEntry]) -> Iterator[LedgerEntry]:
    """Yield entries in their order, page by page. A pooler could lose a cursor of the server between two pages."""
    after = 0
    while page := list(rows.filter(seq__gt=after).order_by("seq")[:PAGE]):
        yield from page
        after = page[-1].seq


def verify(anchors: Iterable[Anchor] = ()) -> Fault | None:
    """Walk the whole chain, and compare it with anchors that were kept elsewhere.

    A chain alone shows every change but two: an end that was cut off (or all of it), and a chain that was written anew
    from some entry on. The head, which the database keeps in a row of its own, shows both; an anchor from before shows
    them even to whom the head was rewritten, too.

    Returns:
        None if each number, link, hash and anchor holds; else the first fault.
    """
    kept: defaultdict[int, list[Anchor]] = defaultdict(list)
    for known in anchors:
        kept[known.seq].append(known)
    head = LedgerHead.objects.first()  # read before the walk: what is appended meanwhile lies beyond it
    previous, expected = GENESIS, 1
    for entry in entries():
        if what := _wrong(entry, expected, previous, kept.pop(entry.seq, ()), head):
            return Fault(expected, what)
        previous, expected = entry.hash, expected + 1
    if head and head.seq >= expected:
        return Fault(expected, f"entry {expected} is missing: the head knows entry {head.seq}, so the end was cut off")
    if kept:
        what = f"entry {expected} is missing: an anchor knows entry {max(kept)}, so the end was cut off"
        return Fault(expected, what)
    head = LedgerHead.objects.first()
    known_to_head = head.seq if head else 0
    if known_to_head < expected - 1:
        beyond = known_to_head + 1
        return Fault(beyond, f"entry {beyond} is not known to the head: it was not appended by the service")
    return None


def _wrong(
    entry: LedgerEntry, expected: int, previous: str, kept: Iterable[Anchor], head: LedgerHead | None
) -> str | None:
    """Return the fault of the entry that the walk has reached, or None."""
    seq = entry.seq
    if is_foreign(entry):
        return f"entry {seq} was written in a demo: this is a specimen and no record of a service"
    if seq != expected:
        return f"entry {expected} is missing: the next one found is {seq}"
    faults = (
        (entry.previous_hash != previous, f"entry {seq} does not follow entry {seq - 1}"),
        (entry.hash != digest(entry), f"entry {seq} was changed after it was written"),
        (
            any(known != Anchor.of(entry) for known in kept),
            f"entry {seq} is not the one that was anchored: the chain was rewritten",
        ),
        (
            head is not None and head.seq == seq and head.hash != entry.hash,
            f"entry {seq} is not the one that the head knows: the chain was rewritten",
        ),
    )
    return next((what for holds, what in faults if holds), None)
