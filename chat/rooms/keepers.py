"""Who keeps an open room: its owner, who created it, and the keepers whom the owner named."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q

from chat.models import Keeper, Room, User


def keepers_in(rooms: Collection[UUID], pks: Collection[int]) -> set[tuple[UUID, int]]:
    """Return which of these people keep which of these rooms, as (room, person), owners among them."""
    if not rooms or not pks:
        return set()
    named = Keeper.objects.filter(room__in=rooms, room__kind=Room.Kind.OPEN, user__in=pks)
    owned = Room.objects.filter(pk__in=rooms, kind=Room.Kind.OPEN, created_by__in=pks)
    found = {*named.values_list("room_id", "user_id")}
    return found | {(room.pk, room.created_by_id) for room in owned.only("created_by") if room.created_by_id}


def keeps(room: Room, person_pk: int | None) -> bool:
    """Return whether somebody keeps an open room."""
    return person_pk is not None and bool(keepers_in([room.pk], [person_pk]))


def keepers_of(room: Room) -> list[User]:
    """Return the named keepers of a room, in the order in which they were named. The owner is not among them."""
    return list(User.objects.filter(pk__in=Keeper.objects.filter(room=room).values("user")).order_by("name", "pk"))


def rooms_kept_by(person_pk: int) -> list[Room]:
    """Return the open rooms that somebody keeps."""
    mine = Q(created_by=person_pk) | Q(pk__in=Keeper.objects.filter(user=person_pk).values("room"))
    return list(Room.objects.filter(mine, kind=Room.Kind.OPEN).order_by("name"))
