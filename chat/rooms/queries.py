"""Reads rooms: which there are, who may read one, who is inside, and which of them changed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Exists, FilteredRelation, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from msgspec import Struct, json

from chat.models import HeldWord, Participant, Room, User
from chat.protocol import Access, Code, Refused
from compliance.records.holds import Live

PAGE = 50
_KEY = re.compile(r"[-0-9A-Za-z_]{1,60}")
_INSIDE = Q(left_at__isnull=True, user__is_active=True, user__is_guest=False)


@dataclass(frozen=True, slots=True)
class RoomsPage:
    """A page of a list of rooms; `more` says whether another one follows."""

    rooms: Sequence[Room]
    page: int
    more: bool


def open_rooms(words: str = "", page: int = 1) -> RoomsPage:
    """Return a page of the listed open rooms: those in which somebody wrote, latest first, then those without a word.

    Args:
        words: what must stand in name or description; width, compatibility forms and case do not matter.
        page: which page, from 1 on.
    """
    found = Room.objects.filter(kind=Room.Kind.OPEN, ended_at__isnull=True)
    for word in unicodedata.normalize("NFKC", words).split():
        found = found.filter(Q(name__icontains=word) | Q(description__icontains=word))
    written, silent = (found.filter(condition).order_by("-last_at", "name") for condition in (Q(head__gt=0), Q(head=0)))
    start, end = (page - 1) * PAGE, page * PAGE + 1  # one more tells whether there is a next page
    rooms = list(written[start:end])
    if len(rooms) < end - start:
        before = start + len(rooms) if rooms or not start else written.count()
        rooms += silent[max(0, start - before) : end - before]
    return RoomsPage(rooms[:PAGE], page, len(rooms) > PAGE)


def room_by_key(key: str) -> Room | None:
    """Return the room with this public id, open or closed, or None. Says nothing about who may read it."""
    lookup = _lookup(key)
    return Room.objects.filter(lookup).first() if lookup is not None else None


def room_by_id(room: UUID) -> Room | None:
    """Return a room by its primary key, or None."""
    return Room.objects.filter(pk=room).first()


def name_of_room(room: UUID) -> str | None:
    """Return the name of an open room of this id, an empty text for a closed one, None where there is none."""
    found = Room.objects.filter(pk=room).values_list("kind", "name").first()
    return None if found is None else found[1] if found[0] == Room.Kind.OPEN else ""


def is_participant(room: Room, person_pk: int | None) -> bool:
    """Return whether somebody is inside a closed room now."""
    return (
        person_pk is not None
        and room.ended_at is None
        and Participant.objects.filter(_INSIDE, room=room, user_id=person_pk).exists()
    )


def room_left_by(room: UUID, person_pk: int) -> Room | None:
    """Return a closed room that somebody was in and is in no more: it ended, or they left. None for everybody else."""
    mine = Participant.objects.filter(room=room, room__kind=Room.Kind.CLOSED, user_id=person_pk)
    over = mine.filter(Q(left_at__isnull=False) | Q(room__ended_at__isnull=False)).select_related("room").first()
    return over.room if over is not None else None


def readable_room(key: str, person_pk: int | None) -> Room:
    """Return a room that this person may read: any open one, or a closed one that they are in.

    Raises:
        Refused: `missing`, in the same words whether it does not exist or is not theirs to know of.
    """
    found = readable(key, person_pk).first()
    if found is None:
        raise missing()
    return found


def readers(room: Room) -> Sequence[User]:
    """Return who can read a closed room now, by the time they came in."""
    inside = Participant.objects.filter(_INSIDE, room=room).select_related("user").order_by("joined_at", "id")
    return [participant.user for participant in inside]


def readable(room: str | UUID, person_pk: int | None) -> QuerySet[Room]:
    """Return the room with this public id or primary key, if this person may read it at the moment of the query."""
    lookup = Q(id=room) if isinstance(room, UUID) else _lookup(room)
    if lookup is None:
        return Room.objects.none()
    rooms = Room.objects.filter(lookup)
    if person_pk is None:
        return rooms.filter(kind=Room.Kind.OPEN)
    inside = Exists(Participant.objects.filter(_INSIDE, room=OuterRef("pk"), user_id=person_pk))
    return rooms.filter(Q(kind=Room.Kind.OPEN) | Q(inside, ended_at__isnull=True))


def _lookup(key: str) -> Q | None:
    if not _KEY.fullmatch(key):
        return None
    try:
        return Q(id=UUID(key), kind=Room.Kind.CLOSED)
    except ValueError:
        return Q(slug=key)


def missing() -> Refused:
    """Return the refusal that is the same for a room that does not exist and one that a person may not know of."""
    return Refused(Code.MISSING, _("There is no such room, or it is not open to you."))


def closed_rooms_of(person_pk: int) -> Sequence[tuple[Room, Sequence[User]]]:
    """Return the closed rooms that somebody is in, newest first, with the others in each."""
    mine = _live_closed_rooms(person_pk)
    inside = Participant.objects.filter(_INSIDE, room__in=mine).select_related("room", "user")
    found: dict[Room, list[User]] = {}
    for place in inside.order_by("joined_at", "id"):
        others = found.setdefault(place.room, [])
        if place.user_id != person_pk:
            others.append(place.user)
    return sorted(found.items(), key=lambda talk: talk[0].created_at, reverse=True)


def _live_closed_rooms(person_pk: int) -> QuerySet[Room]:
    inside = Exists(Participant.objects.filter(_INSIDE, room=OuterRef("pk"), user_id=person_pk))
    return Room.objects.filter(inside, kind=Room.Kind.CLOSED, ended_at__isnull=True)


def ended_rooms(before: datetime, held: Live) -> QuerySet[Room]:
    """Return closed rooms that ended, or that everybody has left, before a moment, without those that a hold keeps."""
    inside = Participant.objects.filter(room=OuterRef("pk"), left_at__isnull=True)
    closed = Room.objects.filter(kind=Room.Kind.CLOSED).annotate(
        over_at=Coalesce("ended_at", Max("participants__left_at"), "created_at")
    )
    over = closed.filter(Q(ended_at__isnull=False) | ~Exists(inside), over_at__lt=before)
    theirs = Participant.objects.filter(room=OuterRef("pk"), user__public_id__in=held.people)
    left = HeldWord.objects.filter(room=OuterRef("pk"), copy__person__in=held.people)  # whom a hold names, and who left
    return over.exclude(pk__in=held.rooms).filter(~Exists(theirs), ~Exists(left))


# Subqueries and LATERAL with LIMIT: row by row by the key, where the planner, which takes any JSON for a hundred rows,
# would read whole tables for a few.
_MOVED = """
SELECT k.room, coalesce(r.head, 0), (r.feature = k.feature AND r.revision = k.revision) IS NOT TRUE
FROM json_to_recordset(%s) AS k(room uuid, head bigint, feature text, revision bigint)
LEFT JOIN LATERAL (SELECT id, head, feature, revision FROM chat_room WHERE id = k.room LIMIT 1) r ON TRUE
WHERE r.id IS NULL OR r.head <> k.head OR r.feature <> k.feature OR r.revision <> k.revision
"""


class KnownRoom(Struct, frozen=True):
    """What a process takes a room to be: the last seq that it delivered (None: nothing yet), and who may read it."""

    room: UUID
    head: int | None
    feature: str
    revision: int


class RoomChange(NamedTuple):
    """What a room is by now: its head, and whether it has to be looked at, because it is gone or its access changed."""

    head: int
    changed: bool


def changed_rooms(rooms: Iterable[KnownRoom]) -> dict[UUID, RoomChange]:
    """Return those rooms that are not what a process takes them to be.

    Asked every second about every room with readers; so the database compares, and answers with the few.
    """
    rooms = list(rooms)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_MOVED, [json.encode(rooms).decode()])
            return {room: RoomChange(head, changed) for room, head, changed in cursor.fetchall()}
    columns = ("id", "head", "feature", "revision")
    found = {row[0]: row for row in Room.objects.filter(id__in=[known.room for known in rooms]).values_list(*columns)}
    result: dict[UUID, RoomChange] = {}
    for known in rooms:
        _id, head, feature, revision = found.get(known.room, (known.room, 0, "", -1))
        changed = (feature, revision) != (known.feature, known.revision)
        if changed or known.head not in (None, head):
            result[known.room] = RoomChange(head, changed)
    return result


#: Who may read these rooms, as an array of their ids.
ACCESS = b"SELECT id, feature, revision FROM chat_room WHERE id = ANY ($1::uuid[])"


def accesses(rooms: Iterable[UUID]) -> dict[UUID, Access]:
    """Return who may read each of these rooms now; those that are gone are left out."""
    found = Room.objects.filter(id__in=list(rooms)).values_list("id", "feature", "revision")
    return {room: Access(feature, revision) for room, feature, revision in found}


@dataclass(frozen=True, slots=True)
class Readership:
    """Who may read a room, and where it stands, all of one moment.

    Attributes:
        key: the room's public id.
        access: under which this holds.
        ended: whether it has ended.
        inside: the primary keys of those in a closed room.
    """

    key: str
    access: Access
    ended: bool
    inside: frozenset[int]

    def admits(self, person_pk: int | None) -> bool:
        """Return whether somebody may read the room."""
        return not self.ended and (self.access.is_open or person_pk in self.inside)


def readership_of(room: UUID) -> Readership | None:
    """Return who may read a room now; None if it is gone."""
    inside = FilteredRelation("participants", condition=Q(participants__left_at__isnull=True))
    found = Room.objects.filter(pk=room).annotate(place=inside)
    rows = list(
        found.values_list(
            "slug", "feature", "revision", "ended_at", "place__user", "place__user__is_active", "place__user__is_guest"
        )
    )
    if not rows:
        return None
    slug, feature, revision, ended_at, *_place = rows[0]
    people = frozenset(pk for *_room, pk, active, guest in rows if active and not guest)
    return Readership(slug or str(room), Access(feature, revision), ended_at is not None, people)
