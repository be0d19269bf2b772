"""How pages show a room."""

from __future__ import annotations

from typing import Any

from chat.models import Room
from compliance.law import Feature


def describe(room: Room) -> dict[str, Any]:
    """Return what templates show of a room.

    Returns:
        key, name, description, kind, url and head; `last_at` (None while nothing was written); `paired`: whether the
        service brought the two people in it together.
    """
    return {
        "key": room.key,
        "name": room.name,
        "description": room.description,
        "kind": room.kind,
        "paired": room.feature == Feature.MATCH_PAIR,
        "url": room.get_absolute_url(),
        "last_at": room.last_at if room.head else None,
        "head": room.head,
    }
