"""Keepers of open rooms: who they are, and what they restrict. The room's legal class stays as it is: open."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from chat import rooms
from chat.models import Keeper, Room, User
from chat.protocol import Code, Refused
from chat.realtime import call_soon
from compliance.law.powers import Power
from compliance.powers import may_act
from compliance.records import ledger
from compliance.records.events import Event

KEEPERS: Final = 20
SLOW: Final = (0, 5, 10, 30, 60, 300, 900, 3600)
"""The seconds between two messages that slow mode offers."""


def may_keep(room: Room, user: User) -> bool:
    """Return whether somebody may restrict an open room: its owner, its keepers, and staff with the power."""
    return room.is_open and user.is_active and (rooms.keeps(room, user.pk) or may_act(user, Power.WORDS))


def may_name(room: Room, user: User) -> bool:
    """Return whether somebody may name and remove keepers: the owner, and staff with the power."""
    return room.is_open and user.is_active and (room.created_by_id == user.pk or may_act(user, Power.WORDS))


def restrict_room(
    *, room: Room, actor: User, slow_seconds: int, members_only: bool, announce_only: bool, archived: bool
) -> Room:
    """Restrict who writes in an open room, and how fast; archive it, or open it again.

    Anybody still finds, reads and joins it: so it stays an open room before the law.

    Args:
        room: an open room.
        actor: who keeps it, or staff.
        slow_seconds: between two messages of one person; 0 for none.
        members_only: whether guests only read.
        announce_only: whether only keepers and staff write.
        archived: whether nobody writes any more.

    Returns:
        the room as it is now.

    Raises:
        Refused: `forbidden`; `missing` for a closed room; `protocol` for a slow mode that is not offered.
    """
    if slow_seconds not in SLOW:
        raise Refused(Code.PROTOCOL, _("Choose one of the times that are offered."))
    with transaction.atomic():
        room = Room.objects.select_for_update().get(pk=room.pk)
        if not room.is_open:
            raise rooms.missing()
        if not may_keep(room, actor):
            raise Refused(Code.FORBIDDEN, _("You may not do this."))
        before = _rules(room)
        was_archived = room.archived_at is not None
        room.slow_seconds, room.members_only, room.announce_only = slow_seconds, members_only, announce_only
        if archived != was_archived:
            room.archived_at = timezone.now() if archived else None
        room.save(update_fields=("slow_seconds", "members_only", "announce_only", "archived_at"))
        _show(room)
        if before != _rules(room):
            ledger.append(Event.ROOM_RESTRICTED, actor=actor, payload={"room": str(room.pk)} | _rules(room))
        if archived != was_archived:
            payload = {"room": str(room.pk), "archived": archived}
            ledger.append(Event.ROOM_ARCHIVED, actor=actor, payload=payload)
    return room


def _show(room: Room) -> None:
    """Have the open pages of a room look again at once, in every process; where no hint arrives, by the revision."""
    Room.objects.filter(pk=room.pk).update(revision=F("revision") + 1)
    transaction.on_commit(lambda: call_soon(lambda parts: parts.revalidate(room.pk)))


def _rules(room: Room) -> dict[str, Any]:
    return {name: getattr(room, name) for name in ("slow_seconds", "members_only", "announce_only")}


def name_keeper(*, room: Room, actor: User, user: User) -> None:
    """Make a member a keeper of an open room.

    Raises:
        Refused: `forbidden` for whoever is not the owner, and of a guest; `conflict` where there are as many as may be.
    """
    with transaction.atomic():
        room = Room.objects.select_for_update().get(pk=room.pk)
        if not may_name(room, actor):
            raise Refused(Code.FORBIDDEN, _("You may not do this."))
        if user.is_guest or not user.is_active:
            raise Refused(Code.FORBIDDEN, _("Only members keep a room."))
        if user.pk == room.created_by_id:
            return
        if Keeper.objects.filter(room=room).exclude(user=user).count() >= KEEPERS:
            raise Refused(Code.CONFLICT, _("A room has at most %(n)d keepers.") % {"n": KEEPERS})
        _keeper, is_new = Keeper.objects.get_or_create(room=room, user=user, defaults={"named_by": actor})
        if is_new:
            _show(room)
            ledger.append(Event.KEEPER_NAMED, actor=actor, payload=_who(room, user))


def remove_keeper(*, room: Room, actor: User, user: User) -> None:
    """Take a room from a keeper; each keeper may step back by themselves.

    Raises:
        Refused: `forbidden`.
    """
    with transaction.atomic():
        room = Room.objects.select_for_update().get(pk=room.pk)
        if actor.pk != user.pk and not may_name(room, actor):
            raise Refused(Code.FORBIDDEN, _("You may not do this."))
        if Keeper.objects.filter(room=room, user=user).delete()[0]:
            _show(room)
            ledger.append(Event.KEEPER_REMOVED, actor=actor, payload=_who(room, user))


def _who(room: Room, user: User) -> dict[str, Any]:
    return {"room": str(room.pk), "account": ledger.actor_of(user).ref}
