"""Makes closed rooms for given people, lets people leave them, and ends them: one service for every capability.

A capability says which feature and traits its rooms have, and who is inside. It asks the gate, and passes on the period
that the gate named: `with gate.transaction(feature) as authorisation`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import Participant, Room
from chat.people import Person
from chat.protocol import Code, Refused
from chat.rooms.queries import is_participant
from chat.rooms.traits import columns
from compliance.law import Feature, Origin, Traits

Group = tuple[UUID, Sequence[int]]  # a room's id, and the primary keys of the people inside
OnEnd = Callable[[Collection[UUID], datetime, int | None], None]

_on_end: Final[list[OnEnd]] = []


@dataclass(frozen=True, slots=True)
class Departure:
    """What somebody's leaving did.

    Attributes:
        room: the closed room that they left.
        people: the primary keys of all who are inside no more: everybody, if the room ended by it.
    """

    room: UUID
    people: Sequence[int]


def on_end(function: OnEnd) -> OnEnd:
    """Register a function that is called with the ids of rooms that end, the moment, and who declined to come.

    It is called inside the transaction. A capability closes its own records of a room by it, whoever ends the room.
    """
    _on_end.append(function)
    return function


def create_closed_room(
    *, feature: Feature, people: Sequence[int], traits: Traits, authorisation: int | None, at: datetime | None = None
) -> UUID:
    """Make one closed room; see `create_closed_rooms`."""
    [room] = create_closed_rooms(feature=feature, groups=[people], traits=traits, authorisation=authorisation, at=at)
    return room


def create_closed_rooms(
    *,
    feature: Feature,
    groups: Sequence[Sequence[int]],
    traits: Traits,
    authorisation: int | None,
    at: datetime | None = None,
) -> list[UUID]:
    """Make a closed room for each group of people. On PostgreSQL, one statement stores all of them.

    Args:
        feature: of all the rooms.
        groups: for each room, the primary keys of the people inside, in the order in which pages name them.
        traits: of all the rooms.
        authorisation: the period that `gate.transaction` named. Call this inside that transaction.
        at: since when they are inside; default: now.

    Returns:
        the rooms' ids, in the order of the groups.

    Raises:
        ValueError: the traits are those of an open room.
        Refused: `gate`, see `columns`.
        IntegrityError: the period is missing or not open.
    """
    common = columns(traits)
    if common["kind"] != Room.Kind.CLOSED:
        raise ValueError(f"not the traits of a closed room: {traits}")
    made = [(uuid4(), people) for people in groups]
    if made:
        like = Room(feature=feature.value, authorisation_id=authorisation, **common)
        store = _store if connection.vendor == "postgresql" else _store_as_models
        store(made, _columns_of(like), at or timezone.now())
    return [key for key, _people in made]


def _columns_of(like: Room) -> dict[str, Any]:
    """Return the columns that a batch of rooms has in common: all but the id."""
    fields = [field.attname for field in Room._meta.concrete_fields if not field.primary_key]  # noqa: SLF001 -- Django's own name
    return {name: getattr(like, name) for name in fields}


# With what the rooms have in common said once: as models they cost twice as much.
_STORE = """
WITH rooms AS (
    INSERT INTO chat_room (id, {columns}) SELECT room, {values} FROM unnest(%(rooms)s::uuid[]) AS r(room)
)
INSERT INTO chat_participant (room_id, user_id, joined_at, seen)
SELECT room, person, %(now)s, 0 FROM unnest(%(places)s::uuid[], %(people)s::bigint[]) AS p(room, person)
"""


def _store(groups: Sequence[Group], common: Mapping[str, Any], at: datetime) -> None:
    """Store rooms and who is inside, in PostgreSQL.

    Args:
        groups: the rooms.
        common: the columns that all the rooms have in common.
        at: since when the people are inside.
    """
    places = [(room, pk) for room, people in groups for pk in people]
    rows: dict[str, Any] = {
        "rooms": [room for room, _people in groups],
        "places": [room for room, _pk in places],
        "people": [pk for _room, pk in places],
        "now": at,
    }
    statement = _STORE.format(columns=", ".join(common), values=", ".join(f"%({column})s" for column in common))
    with connection.cursor() as cursor:
        cursor.execute(statement, {**common, **rows})


def _store_as_models(groups: Sequence[Group], common: Mapping[str, Any], at: datetime) -> None:
    """Store the same, in any database."""
    Room.objects.bulk_create(Room(id=room, **common) for room, _people in groups)
    Participant.objects.bulk_create(
        Participant(room_id=room, user_id=pk, joined_at=at) for room, people in groups for pk in people
    )


def leave_room(*, person: Person, room: UUID, is_here: bool = True) -> Departure:
    """Let somebody leave a closed room. Always allowed, whatever the gate says.

    A room into which the service paired two people ends with the first who leaves. From others, one person goes.

    Args:
        person: who leaves.
        room: the room.
        is_here: whether they leave from inside; else they decline to come, unless they were inside before.

    Raises:
        Refused: `missing` if the person is not inside.
    """
    with transaction.atomic():
        found = Room.objects.select_for_update().filter(pk=room, kind=Room.Kind.CLOSED).first()
        if found is None or not is_participant(found, person.pk):
            raise Refused(Code.MISSING, _("There is no such talk, or you are not in it."))
        inside = Participant.objects.filter(room=found, left_at__isnull=True)
        if found.made_by == Origin.pairing:
            people = list(inside.values_list("user_id", flat=True))
            end_rooms([found.pk], declined_by=None if is_here else person.pk)
        else:
            people = [person.pk]
            inside.filter(user_id=person.pk).update(left_at=timezone.now())
    return Departure(room, people)


def end_rooms(rooms: Iterable[UUID], *, declined_by: int | None = None) -> None:
    """End closed rooms for everybody inside. Call this inside a transaction.

    Args:
        rooms: their ids.
        declined_by: the primary key of somebody who declined to come, if that is why.
    """
    ended, now = list(rooms), timezone.now()
    Room.objects.filter(pk__in=ended, ended_at__isnull=True).update(ended_at=now)
    Participant.objects.filter(room__in=ended, left_at__isnull=True).update(left_at=now)
    for function in _on_end:
        function(ended, now, declined_by)


def end_room(room: Room) -> None:
    """End one closed room; see `end_rooms`."""
    end_rooms([room.pk])
