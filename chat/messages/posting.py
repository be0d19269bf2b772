"""What a page says in the composer's place: why somebody cannot write in a room, as the write would say it."""

from __future__ import annotations

from django.utils import timezone

from chat import rooms
from chat.messages import log
from chat.messages.policy import Standing, may_write
from chat.models import Role, Room, User
from chat.people import mutes_of
from chat.protocol import Refused


def why_silent(room: Room, user: User | None) -> str:
    """Return in a sentence why somebody cannot write in a room now; empty where nothing speaks against it.

    Args:
        room: one that they may read.
        user: who reads; None for somebody without a name, who could come in as a guest.
    """
    now = timezone.now()
    role = Role.GUEST if user is None else user.role
    if user is not None and role is Role.MEMBER and rooms.keeps(room, user.pk):
        role = Role.KEEPER
    mutes = mutes_of([user.pk], now).get(user.pk, []) if user is not None and user.muted_until is not None else []
    locked = log.LockedRoom(
        room.id,
        room.kind,
        room.feature,
        room.ended_at,
        room.head,
        room.revision,
        room.slow_seconds,
        room.members_only,
        room.announce_only,
        room.archived_at,
        room.created_by_id,
    )
    try:
        may_write(Standing(role, tuple(mutes), lambda: False), locked, now, lambda: None)
    except Refused as refused:
        return refused.reason
    return ""
