"""Whether people may write in rooms now, as pages say it: decided by the policy that decides about the write itself."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.utils import timezone, translation

from chat import rooms
from chat.messages import log
from chat.messages.policy import Standing, may_write, mute_in
from chat.models import Role, Room, User
from chat.people import Mute, Person, mutes_of, network_mutes, people_now
from chat.protocol import Refused


class Reader(NamedTuple):
    """Somebody at an open page of a room.

    Attributes:
        room: its primary key.
        person: their primary key; None for somebody without a name, who could come in as a guest.
        network: of a guest: the digest of the network.
        language: in which the reason is said.
    """

    room: UUID
    person: int | None
    network: str | None
    language: str


class Writing(NamedTuple):
    """Whether somebody may write in a room.

    Attributes:
        reason: why not, in a sentence; empty where they may.
        until: when that ends by itself.
        act: the act on them that it comes from; None where there is nothing to appeal against.
        slow: the seconds that they wait between two messages.
    """

    reason: str = ""
    until: datetime | None = None
    act: UUID | None = None
    slow: int = 0


FREELY: Final = Writing()
"""As usual: they write, and as fast as they like."""


def writing(room: Room, user: User | None, network: str | None = None) -> Writing:
    """Return whether somebody may write in a room that they may read, in the current language; see `writing_of`.

    Args:
        room: as it was just read.
        user: who reads it; None for somebody without a name.
        network: of a guest: the digest of the network.
    """
    now = timezone.now()
    role = Role.GUEST if user is None else user.role
    if user is not None and role is Role.MEMBER and room.is_open and rooms.keeps(room, user.pk):
        role = Role.KEEPER
    is_muted = user is not None and user.muted_until is not None and user.muted_until > now
    holds = mutes_of([user.pk], now).get(user.pk, []) if user is not None and is_muted else []
    if network is not None:
        holds += network_mutes([network], now).get(network, [])
    return _judge(role, tuple(holds), log.snapshot(room), now)


def writing_of(readers: Collection[Reader]) -> dict[Reader, Writing]:
    """Return whether people may write in rooms that they may read. Rooms that are gone are left out."""
    now = timezone.now()
    found = log.look({reader.room for reader in readers})
    # Who somebody is matters only where not everybody writes.
    ruled = {room.id for room in found.values() if room.is_open and _has_rules(room)}
    people = {reader.person for reader in readers if reader.person is not None}
    present = people_now({reader.person for reader in readers if reader.room in ruled and reader.person is not None})
    kept = rooms.keepers_in(ruled, list(present))
    mutes = mutes_of(people, now)
    networks = network_mutes({reader.network for reader in readers if reader.network is not None}, now)
    result: dict[Reader, Writing] = {}
    for reader in readers:
        room = found.get(reader.room)
        if room is None:
            continue
        holds = (*mutes.get(reader.person or 0, ()), *networks.get(reader.network or "", ()))
        if not holds and room.id not in ruled:
            result[reader] = FREELY
            continue
        role = _role(reader, present.get(reader.person or 0), is_keeper=(room.id, reader.person) in kept)
        with translation.override(reader.language):
            result[reader] = _judge(role, holds, room, now)
    return result


def _has_rules(room: log.LockedRoom) -> bool:
    return bool(room.slow_seconds or room.members_only or room.announce_only or room.archived_at)


def _role(reader: Reader, person: Person | None, *, is_keeper: bool) -> Role:
    if reader.person is None:
        return Role.GUEST
    role = Role(person.role) if person is not None else Role.MEMBER
    return Role.KEEPER if role is Role.MEMBER and is_keeper else role


def _judge(role: Role, mutes: tuple[Mute, ...], room: log.LockedRoom, now: datetime) -> Writing:
    standing = Standing(role, mutes, lambda: False)
    if (mute := mute_in(standing, room)) is not None:
        return Writing(mute.sentence, mute.until, mute.key)
    try:
        may_write(standing, room, now, lambda: None)
    except Refused as refused:
        return Writing(refused.reason)
    return Writing(slow=room.slow_seconds if room.is_open and role not in (Role.KEEPER, Role.STAFF) else 0)
