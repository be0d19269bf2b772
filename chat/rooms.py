"""Writes on rooms: create an open one, lock it, end a closed one. Each asks the policy inside its transaction."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from chat.models import Message, Participant, Room, User
from chat.wire import Code, Refused
from compliance import gate
from compliance.classify import Entry, Origin, RoomClass, Traits, room_class
from compliance.law import Feature

OPEN_TO_ALL = Traits(
    anyone_may_read=True,
    listed=True,
    entry=Entry.anyone,
    designated_recipients=False,
    made_by=Origin.person,
    capacity_hides=False,
    members_only_history=False,
)
PAIRED = replace(
    OPEN_TO_ALL,
    anyone_may_read=False,
    listed=False,
    entry=Entry.pairing,
    designated_recipients=True,
    made_by=Origin.pairing,
    capacity_hides=True,
    members_only_history=True,
)
LOCKED = replace(
    OPEN_TO_ALL,
    anyone_may_read=False,
    listed=False,
    entry=Entry.invitation,
    designated_recipients=True,
    members_only_history=True,
)


def columns(traits: Traits) -> dict[str, Any]:
    """Return the traits and the kind that follows from them, as a room's columns.

    Raises:
        Refused: `gate` for traits whose class the law leaves open; such rooms are not offered.
    """
    kind = room_class(traits)
    if kind is RoomClass.CONSULT:
        raise Refused(Code.GATE, _("How the law treats such a room is not settled, so it is not offered."))
    return {
        "kind": kind.value,
        "anyone_may_read": traits.anyone_may_read,
        "listed": traits.listed,
        "entry": traits.entry.value,
        "designated_recipients": traits.designated_recipients,
        "made_by": traits.made_by.value,
        "capacity_hides": traits.capacity_hides,
        "members_only_history": traits.members_only_history,
    }


def create_open_room(*, actor: User | None, name: str, description: str = "", slug: str = "") -> Room:
    """Create a room that anybody can find and read.

    Args:
        actor: the member who opens it; None when the operator's set-up does.
        name: what the lobby calls it.
        description: one line.
        slug: its address; chosen from the name if empty.

    Raises:
        Refused: `forbidden` for guests.
    """
    if actor is not None and actor.is_guest:
        raise Refused(Code.FORBIDDEN, _("Guests can talk in every open room. To open one of your own, sign up."))
    origin = Origin.person if actor else Origin.operator
    stem = slug or slugify(name)[:40].strip("-")
    with gate.writing(Feature.ROOM_OPEN):
        for attempt in range(5):
            wanted = stem if _is_free(stem) and not attempt else "-".join(filter(None, (stem, secrets.token_hex(4))))
            try:
                with transaction.atomic():
                    return Room.objects.create(
                        slug=wanted,
                        name=name,
                        description=description,
                        created_by=actor,
                        **columns(replace(OPEN_TO_ALL, made_by=origin)),
                    )
            except IntegrityError:
                if slug:
                    raise
    raise Refused(Code.CONFLICT, _("No free address was found for this room. Choose another name."))


def _is_free(stem: str) -> bool:
    """Return whether a room can stand at this address: no page of ours does, and it reads as no closed room's id."""
    try:
        UUID(stem)
    except ValueError:
        return stem not in {"", "new"}
    return False


def lock_room(*, actor: User, room: Room) -> Room:
    """Shut an open room to those who have taken part in it: from now on it is closed chat (law N-c, E-11).

    Members with a verified address who wrote here stay; everybody else, guests included, is outside. What was said
    before stays readable to those inside; what comes is sealed. The way back is never offered: a closed room's words
    do not become public.

    Raises:
        Shut: the gate says no to invited rooms.
        Refused: `forbidden` if the actor did not open the room, `conflict` if it is closed already.
    """
    if room.created_by_id != actor.pk:
        raise Refused(Code.FORBIDDEN, _("Only the person who opened this room can lock it."))
    with gate.writing(Feature.INVITE_ONLY) as authorisation:
        locked = Room.objects.select_for_update().get(pk=room.pk)
        if not locked.is_open or locked.ended_at:
            raise Refused(Code.CONFLICT, _("This room is closed already."))
        for column, value in columns(LOCKED).items():
            setattr(locked, column, value)
        locked.slug, locked.feature, locked.authorisation_id = None, Feature.INVITE_ONLY.value, authorisation
        locked.save()
        wrote = set(Message.objects.filter(room_id=room.pk, author__isnull=False).values_list("author_id", flat=True))
        staying = set(EmailAddress.objects.filter(user__in=wrote, verified=True).values_list("user_id", flat=True))
        Participant.objects.bulk_create([Participant(room=locked, user_id=pk) for pk in sorted(staying | {actor.pk})])
    return locked


def end_room(room: Room) -> None:
    """End a closed room for everybody in it. Called inside a transaction."""
    now = timezone.now()
    Room.objects.filter(pk=room.pk, ended_at__isnull=True).update(ended_at=now)
    Participant.objects.filter(room=room, left_at__isnull=True).update(left_at=now)
