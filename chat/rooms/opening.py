"""Creates open rooms and locks them. Each write asks the gate inside its transaction."""

from __future__ import annotations

import secrets
from dataclasses import replace
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from chat.models import Message, Participant, Room, User
from chat.people import permit_person
from chat.protocol import Code, Refused
from chat.rooms.traits import LOCKED, OPEN_TO_ALL, columns
from compliance import gate
from compliance.law import Feature, Origin


def create_open_room(*, actor: User | None, name: str, description: str = "", slug: str = "") -> Room:
    """Create a room that anybody can find and read.

    Args:
        actor: the member who opens it; None when the operator's set-up does.
        name: what the lobby calls it.
        description: one line.
        slug: its address; chosen from the name if empty.

    Raises:
        Refused: `forbidden` for guests, and for whoever is muted everywhere: a name and a line are words, too.
    """
    if actor is not None and actor.is_guest:
        raise Refused(Code.FORBIDDEN, _("Guests can talk in every open room. To open one of your own, sign up."))
    if actor is not None:
        permit_person(actor.pk, timezone.now())
    origin = Origin.person if actor else Origin.operator
    stem = slug or slugify(name)[:40].strip("-")
    with gate.transaction(Feature.ROOM_OPEN):
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

    Members with a verified address who wrote here stay; everybody else is outside, guests whatever address they have.
    What was said before stays readable to those inside; what comes is sealed. The way back is never offered: a closed
    room's words do not become public.

    Raises:
        FeatureClosed: the gate says no to invited rooms.
        Refused: `forbidden` if the actor did not open the room, `conflict` if it is closed already.
    """
    if room.created_by_id != actor.pk:
        raise Refused(Code.FORBIDDEN, _("Only the person who opened this room can lock it."))
    with gate.transaction(Feature.INVITE_ONLY) as authorisation:
        locked = Room.objects.select_for_update().get(pk=room.pk)
        if not locked.is_open or locked.ended_at:
            raise Refused(Code.CONFLICT, _("This room is closed already."))
        for column, value in columns(LOCKED).items():
            setattr(locked, column, value)
        locked.slug, locked.feature, locked.authorisation_id = None, Feature.INVITE_ONLY.value, authorisation
        locked.save()
        wrote = set(Message.objects.filter(room_id=room.pk, author__isnull=False).values_list("author_id", flat=True))
        shown = EmailAddress.objects.filter(user__in=wrote, verified=True, user__is_guest=False, user__is_active=True)
        staying = set(shown.values_list("user_id", flat=True))
        Participant.objects.bulk_create([Participant(room=locked, user_id=pk) for pk in sorted(staying | {actor.pk})])
    return locked
