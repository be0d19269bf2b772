"""The log's own SQL, for the one transaction that every message passes through. No rule lives here.

PostgreSQL gets one statement a step, whatever the size of the batch, with arrays; SQLite goes through the ORM.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from chat.models import Message, Participant, Room

_PLACE = ("id", "kind", "feature", "ended_at", "head")


@dataclass(slots=True)
class Place:
    """What a write needs of a room, read under its lock."""

    id: UUID
    kind: str
    feature: str
    ended_at: datetime | None
    head: int

    @property
    def is_open(self) -> bool:
        """Whether anyone may read it."""
        return self.kind == "open"


@dataclass(slots=True)
class Row:
    """One event to append; fields as the columns of Message."""

    room: UUID
    seq: int
    id: UUID
    kind: str
    author: int
    author_name: str
    client_id: UUID | None
    body: str | None
    sealed: bytes | None
    reply_to: int | None
    target: int | None


def lock(rooms: Iterable[UUID]) -> dict[UUID, Place]:
    """Lock rooms against other writers until the transaction ends.

    In order of id, so that two processes with overlapping batches wait for each other instead of deadlocking.
    """
    rows = Room.objects.filter(id__in=list(rooms)).order_by("id")
    if connection.features.has_select_for_no_key_update:
        rows = rows.select_for_update(no_key=True)
    return {row[0]: Place(*row) for row in rows.values_list(*_PLACE)}


def inside(rooms: Sequence[UUID]) -> set[tuple[UUID, int]]:
    """Return who is inside these closed rooms, as (room, person)."""
    if not rooms:
        return set()
    return set(Participant.objects.filter(room__in=rooms, left_at__isnull=True).values_list("room_id", "user_id"))


def repeats(keys: Sequence[tuple[UUID, int, UUID]]) -> dict[tuple[UUID, int, UUID], tuple[int, datetime]]:
    """Return seq and time of those (room, author, client id) that the log has already."""
    if not keys:
        return {}
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT m.room_id, m.author_id, m.client_id, m.seq, m.at"
                " FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[]) k(room_id, author_id, client_id)"
                " JOIN chat_message m USING (room_id, author_id, client_id)",
                [list(column) for column in zip(*keys, strict=True)],
            )
            found = cursor.fetchall()
    else:
        found = list(
            Message.objects.filter(client_id__in=[key[2] for key in keys]).values_list(
                "room_id", "author_id", "client_id", "seq", "at"
            )
        )
    return {(room, author, client_id): (seq, at) for room, author, client_id, seq, at in found}


def append(rows: Sequence[Row], at: datetime) -> None:
    """Insert events; their seqs were counted under the rooms' locks."""
    if connection.vendor != "postgresql":
        Message.objects.bulk_create(
            Message(
                room_id=row.room,
                seq=row.seq,
                id=row.id,
                kind=row.kind,
                author_id=row.author,
                author_name=row.author_name,
                client_id=row.client_id,
                body=row.body,
                sealed=row.sealed,
                reply_to=row.reply_to,
                target=row.target,
                at=at,
            )
            for row in rows
        )
        return
    columns: list[list[Any]] = [
        [row.room for row in rows],
        [row.seq for row in rows],
        [row.id for row in rows],
        [row.kind for row in rows],
        [row.author for row in rows],
        [row.author_name for row in rows],
        [row.client_id for row in rows],
        [row.body for row in rows],
        [row.sealed for row in rows],
        [row.reply_to for row in rows],
        [row.target for row in rows],
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO chat_message (room_id, seq, id, kind, author_id, author_name, client_id, body, sealed,"
            " reply_to, target, at) SELECT *, %s FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[], %s::text[],"
            " %s::bigint[], %s::text[], %s::uuid[], %s::text[], %s::bytea[], %s::bigint[], %s::bigint[])",
            [at, *columns],
        )


def advance(heads: Mapping[UUID, int], at: datetime) -> None:
    """Store the new heads of rooms."""
    if connection.vendor != "postgresql":
        for room, head in heads.items():
            Room.objects.filter(id=room).update(head=head, last_at=at)
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE chat_room r SET head = v.head, last_at = %s FROM unnest(%s::uuid[], %s::bigint[]) v(id, head)"
            " WHERE r.id = v.id",
            [at, list(heads), list(heads.values())],
        )
