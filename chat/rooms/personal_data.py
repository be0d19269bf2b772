"""What of rooms belongs to a person: the open rooms that they made, the closed ones that they are or were in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from chat.models import Participant, Room
from chat.personal_data import Column, Fate, Link, Part, Reader, Section, Type, register
from chat.retention import overdue
from chat.rooms.queries import closed_rooms_of


def _made(reader: Reader) -> Iterator[Mapping[str, Any]]:
    made = Room.objects.filter(created_by=reader.user, kind=Room.Kind.OPEN).order_by("created_at")
    for room in made.iterator(chunk_size=500):
        yield {"room": room.key, "name": room.name, "description": room.description, "created_at": room.created_at}


def _closed(reader: Reader) -> Iterator[Mapping[str, Any]]:
    """Yield the closed rooms of somebody; with whom only while they are in it, as the page says it only then."""
    others = {room.pk: [person.name for person in people] for room, people in closed_rooms_of(reader.user.pk)}
    places = Participant.objects.filter(user=reader.user).exclude(room__in=overdue("closed_history").values("pk"))
    places = places.order_by("joined_at", "pk")
    for place in places.iterator(chunk_size=500):
        with_whom = others.get(place.room_id) if reader.themselves else None
        yield {"room": place.room_id, "joined_at": place.joined_at, "left_at": place.left_at, "people": with_whom}


register(
    Part(
        links=(
            Link("chat.Room.created_by", Fate.UNLINKED, "rooms"),
            Link("chat.Participant.user", Fate.GOES, "closed_rooms"),
        ),
        sections=(
            Section(
                30,
                "rooms",
                _("Open rooms that you made"),
                (
                    Column("room", Type.TEXT, _("room")),
                    Column("name", Type.TEXT, _("name")),
                    Column("description", Type.TEXT, _("what it is about")),
                    Column("created_at", Type.TIME, _("made")),
                ),
                _made,
            ),
            Section(
                40,
                "closed_rooms",
                _("Closed talks that you are or were in"),
                (
                    Column("room", Type.ID, _("talk")),
                    Column("joined_at", Type.TIME, _("from")),
                    Column("left_at", Type.TIME, _("until")),
                    Column("people", Type.NAMES, _("with")),
                ),
                _closed,
            ),
        ),
    )
)
