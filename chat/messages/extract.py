"""Reads what a disclosure names from the log of closed rooms: rows as they are on record, their words still sealed."""

from __future__ import annotations

from collections.abc import Iterator

from chat.models import Message, Room
from chat.protocol import timestamp
from compliance import vault
from compliance.disclosures import Record, Scope

_COLUMNS = (
    "room_id",
    "seq",
    "id",
    "kind",
    "author_id",
    "author__public_id",
    "author_name",
    "author_role",
    "at",
    "reply_to",
    "target",
    "sealed",
)


def records_of(scope: Scope) -> Iterator[Record]:
    """Yield the events of closed rooms that a scope names, by room and number. Nothing is decrypted here.

    Args:
        scope: rooms, people, period; each condition holds for each event.
    """
    rows = Message.objects.filter(room__kind=Room.Kind.CLOSED, at__gte=scope.since, at__lt=scope.until)
    if scope.rooms:
        rows = rows.filter(room__in=scope.rooms)
    if scope.people:
        rows = rows.filter(author__public_id__in=scope.people)
    for room, seq, pk, kind, author, public_id, name, role, at, reply_to, target, sealed in rows.order_by(
        "room_id", "seq"
    ).values_list(*_COLUMNS):
        facts = {
            "room": str(room),
            "seq": seq,
            "id": str(pk),
            "kind": kind,
            "author": str(public_id) if public_id else None,
            "author_name": name,
            "author_role": role,
            "at": timestamp(at),
            "reply_to": reply_to,
            "target": target,
        }
        yield Record(vault.Place(room, seq, author, kind, target), bytes(sealed) if sealed else None, facts)
