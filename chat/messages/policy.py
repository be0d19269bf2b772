"""Decides who may write in an open room, and who may change, remove or restore a message.

The actor of an act is told apart from the author of the message. Each rule about it lives here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.utils.translation import gettext as _

from chat.messages.log import LockedRoom
from chat.models import Role
from chat.people import Mute
from chat.protocol import Code, Refused


class Actor(Protocol):
    """Somebody who acts, such as a `Person`."""

    @property
    def pk(self) -> int:
        """The primary key of their account."""


class Authored(Protocol):
    """A message, as far as this policy asks: a row of the log, or what a write knows of it."""

    @property
    def author_id(self) -> int | None:
        """The primary key of its author's account; None where the account is gone."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is in a room at this moment.

    Attributes:
        role: as which they write there.
        mutes: the acts and the mutes of their network that keep them from writing somewhere.
        may_moderate: says whether they hold the power over words of open rooms; asked only where it matters.
    """

    role: Role
    mutes: tuple[Mute, ...]
    may_moderate: Callable[[], bool]

    @property
    def is_keeper(self) -> bool:
        """Whether they keep the room."""
        return self.role is Role.KEEPER


def mute_in(standing: Standing, room: LockedRoom) -> Mute | None:
    """Return what keeps somebody from writing in a room: the mute that holds longest; None where none does."""
    return next((mute for mute in standing.mutes if mute.room in (None, room.id)), None)


def may_write(standing: Standing, room: LockedRoom, now: datetime, last_at: Callable[[], datetime | None]) -> None:
    """Let somebody post or edit in a room, or refuse it: a mute, or what the room's keepers restrict.

    Args:
        standing: who they are there.
        room: where, read under its lock.
        now: the moment.
        last_at: returns when they posted last, within the room's slow mode; None for edits.

    Raises:
        Refused: `forbidden`, with reason and time where there is one; `rate` in slow mode.
    """
    if (mute := mute_in(standing, room)) is not None:
        raise mute.refusal(now)
    if not room.is_open:
        return
    if room.archived_at is not None:
        raise Refused(Code.FORBIDDEN, _("This room is archived: it can be read, and nothing new is written."))
    if standing.role in (Role.KEEPER, Role.STAFF):
        return
    if room.announce_only:
        raise Refused(Code.FORBIDDEN, _("Only the people who keep this room write here."))
    if room.members_only and standing.role is Role.GUEST:
        raise Refused(Code.FORBIDDEN, _("Only members write in this room. With an account you can, too."))
    if room.slow_seconds and (last := last_at()) is not None:
        wait = (last + timedelta(seconds=room.slow_seconds) - now).total_seconds()
        if wait > 0:
            words = _("Slow mode: one message every %(n)d seconds here.") % {"n": room.slow_seconds}
            raise Refused(Code.RATE, words, retry_after=round(wait + 0.1, 1))


def may_change(actor: Actor, message: Authored) -> None:
    """Let somebody give a message other words, or refuse it.

    Args:
        actor: who wants to change it.
        message: what they want to change.

    Raises:
        Refused: `forbidden` to everybody but its author.
    """
    if message.author_id is None or message.author_id != actor.pk:
        raise Refused(Code.FORBIDDEN, _("Only its author can change a message."))


def may_remove(actor: Actor, message: Authored, standing: Standing, room: LockedRoom, reason: str) -> str:
    """Let somebody take a message out of a room, or refuse it.

    Args:
        actor: who wants to remove it.
        message: what they want to remove.
        standing: who they are in the room.
        room: where it stands.
        reason: why; what is one's own takes none.

    Returns:
        as what they remove it: `keeper` or `staff`; empty for its author.

    Raises:
        Refused: `forbidden`: in a closed room to everybody but its author; in an open one keepers and staff give a
            reason.
    """
    if message.author_id is not None and message.author_id == actor.pk:
        return ""
    by = Role.KEEPER if standing.is_keeper else Role.STAFF
    if not room.is_open or not (standing.is_keeper or standing.may_moderate()):
        raise Refused(Code.FORBIDDEN, _("Only its author can change a message."))
    if not reason:
        raise Refused(Code.FORBIDDEN, _("Say why you remove this message."))
    return by.value


def may_restore(standing: Standing, room: LockedRoom, removed_by: str) -> str:
    """Let somebody give a removed message its words back, or refuse it.

    Args:
        standing: who they are in the room.
        room: where it stands.
        removed_by: as what it was removed: `keeper` or `staff`; empty where it was not.

    Returns:
        as what they restore it: `keeper` or `staff`.

    Raises:
        Refused: `forbidden`: in open rooms staff restore what was removed, and keepers what keepers removed.
    """
    if room.is_open and standing.may_moderate():
        return Role.STAFF.value
    if not room.is_open or not standing.is_keeper:
        text = _("Only the keepers of this room and the people who run this service restore a message.")
        raise Refused(Code.FORBIDDEN, text)
    if removed_by == Role.STAFF.value:
        raise Refused(Code.FORBIDDEN, _("The people who run this service removed this message. Only they restore it."))
    return Role.KEEPER.value
