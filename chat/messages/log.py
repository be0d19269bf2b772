"""The log's own SQL, for the one transaction that every message passes through. No rule lives here.

PostgreSQL gets one statement a step, whatever the size of the batch, or one function for all of them (`POST`); SQLite
goes through the ORM.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Max, Q
from msgspec import Struct, json

from chat.models import Keeper, Message, Participant, Room
from chat.protocol import Access
from compliance.gate import OptimisticToken

_encoder = json.Encoder()
_LOCKED = (
    "id",
    "kind",
    "feature",
    "ended_at",
    "head",
    "revision",
    "slow_seconds",
    "members_only",
    "announce_only",
    "archived_at",
    "created_by_id",
)


@dataclass(slots=True)
class LockedRoom:
    """What a write needs of a room, read under its lock."""

    id: UUID
    kind: str
    feature: str
    ended_at: datetime | None
    head: int
    revision: int
    slow_seconds: int
    members_only: bool
    announce_only: bool
    archived_at: datetime | None
    owner: int | None

    @property
    def is_open(self) -> bool:
        """Whether anyone may read it."""
        return self.kind == "open"

    @property
    def access(self) -> Access:
        """Who may read what is stored under this lock."""
        return Access(self.feature, self.revision)


class Row(Struct, omit_defaults=True):
    """One event to append; fields as the columns of Message."""

    room: UUID
    seq: int
    id: UUID
    kind: str
    author: int
    author_name: str
    client_id: UUID | None = None
    client_id_written: str | None = None  # where that is not `str(client_id)`
    body: str | None = None
    sealed: bytes | None = None
    reply_to: int | None = None
    target: int | None = None
    author_role: str = ""
    feature: str | None = None  # of its room; `POST` checks that it still is
    head: int | None = None  # of its room, as far as its writer knows: `seals` are for the seqs that follow it
    seals: list[bytes] | None = None  # for `POST`: the words sealed for the seq after that head, the next one, …
    origin: str | None = None  # of a guest: the digest of the network; `POST` stores nothing that it keeps from writing
    by: str = ""  # of a deletion or an edit: see `Message.by`


@dataclass(slots=True)
class Answer:
    """What `POST` says: of which rooms it stored the messages, and the heads and membership revisions of all."""

    stored: set[UUID]
    heads: dict[UUID, int]
    revisions: dict[UUID, int]


# Rows travel as one JSON parameter: an array for each column costs the service several times as much.
_APPEND = (
    "INSERT INTO chat_message (room_id, seq, id, kind, author_id, author_name, author_role, client_id,"
    " client_id_written, body, sealed, reply_to, target, by, at) SELECT room, seq, id, kind, author, author_name,"
    " coalesce(author_role, ''), client_id, client_id_written, body, decode(sealed, 'base64'), reply_to, target,"
    " coalesce(by, ''), %s"
    " FROM json_to_recordset(%s) AS e(room uuid, seq bigint, id uuid, kind text, author bigint, author_name text,"
    " author_role text, client_id uuid, client_id_written text, body text, sealed text, reply_to bigint,"
    " target bigint, by text)"
)
#: Locks the rooms, appends messages and advances the heads, in one transaction: all or nothing.
POST = "SELECT room_id, head, revision, stored FROM chat_post({}, {}, {}, {}, {}, {})"


def lock(rooms: Iterable[UUID]) -> dict[UUID, LockedRoom]:
    """Lock rooms against other writers until the transaction ends.

    In order of id, so that two processes with overlapping batches wait for each other instead of deadlocking.
    """
    rows = Room.objects.filter(id__in=list(rooms)).order_by("id")
    if connection.features.has_select_for_no_key_update:
        rows = rows.select_for_update(no_key=True)
    return {row[0]: LockedRoom(*row) for row in rows.values_list(*_LOCKED)}


def look(rooms: Iterable[UUID]) -> dict[UUID, LockedRoom]:
    """Return what `lock` returns, without the locks: for what is shown, not for what is stored."""
    rows = Room.objects.filter(id__in=list(rooms))
    return {row[0]: LockedRoom(*row) for row in rows.values_list(*_LOCKED)}


def snapshot(room: Room) -> LockedRoom:
    """Return what `look` returns, of a room that was read already."""
    return LockedRoom(*(getattr(room, name) for name in _LOCKED))


def inside(rooms: Sequence[UUID]) -> set[tuple[UUID, int]]:
    """Return who is inside these closed rooms, as (room, person)."""
    if not rooms:
        return set()
    return set(Participant.objects.filter(room__in=rooms, left_at__isnull=True).values_list("room_id", "user_id"))


def keepers(rooms: Sequence[UUID], people: Sequence[int]) -> set[tuple[UUID, int]]:
    """Return which of these people are named keepers of these rooms, as (room, person); owners are not among them."""
    return set(Keeper.objects.filter(room__in=rooms, user__in=people).values_list("room_id", "user_id"))


def last_post(room: UUID, author: int, since: datetime) -> datetime | None:
    """Return when somebody last posted in a room after a moment; None if they did not."""
    mine = Message.objects.filter(room_id=room, author_id=author, kind=Message.Kind.MESSAGE, at__gt=since)
    last: datetime | None = mine.aggregate(last=Max("at"))["last"]
    return last


def words_of(room: UUID, seq: int) -> str:
    """Return the latest words of a message of an open room; empty where it has none."""
    said = Message.objects.filter(Q(seq=seq) | Q(target=seq), room_id=room, body__isnull=False)
    return said.order_by("-seq").values_list("body", flat=True).first() or ""


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
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_APPEND, [at, _encode(rows)])
        return
    Message.objects.bulk_create(
        Message(
            room_id=row.room,
            seq=row.seq,
            id=row.id,
            kind=row.kind,
            author_id=row.author,
            author_name=row.author_name,
            author_role=row.author_role,
            client_id=row.client_id,
            client_id_written=row.client_id_written,
            body=row.body,
            sealed=row.sealed,
            reply_to=row.reply_to,
            target=row.target,
            by=row.by,
            at=at,
        )
        for row in rows
    )


def arguments(
    rooms: Iterable[UUID | str], rows: Sequence[Row], at: datetime, token: OptimisticToken | None
) -> list[str | None]:
    """Return what `POST` takes, as text.

    It returns no rows and stores nothing if a precondition fails: a room that is gone, ended, restricted or under
    another feature, an author who is muted somewhere or not inside, a guest from a network that is muted, a client id
    that the log has, an answer to what does not exist, or a gate that moved. The caller then takes the slow path. Of a
    room whose words are not sealed for the seqs that they would get it stores nothing and returns the head.

    Args:
        rooms: those that the rows are of.
        rows: with the seqs 1, 2, … of each room's new messages, which the room's head is added to.
        at: now.
        token: optimistic, of the gate, where rooms of a feature are among them that it can shut.
    """
    asked = (str(token.revision), token.since.isoformat(), token.fingerprint) if token else (None, None, None)
    return ["{" + ",".join(map(str, rooms)) + "}", _encode(rows), at.isoformat(), *asked]


def answer(rows: Sequence[tuple[UUID, int, int, bool]]) -> Answer | None:
    """Return what the rows of `POST` say; None if there are none."""
    if not rows:
        return None
    stored = {room for room, _head, _revision, stored in rows if stored}
    return Answer(stored, {row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows})


def _encode(rows: Sequence[Row]) -> str:
    return _encoder.encode(rows).decode()


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
