"""Keeps the words of closed talk that are deleted: sealed, for a day, for those to whom they were delivered.

So a threat cannot be taken back before the other party has reported it. For readers the words are gone at once.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from chat.db import run_in_executor
from chat.models import Message, Participant, TakenBack, Ticket
from chat.realtime import Parts, every
from compliance.law.retention import ROW
from compliance.records import holds
from compliance.records.holds import Live

KEPT: Final = timedelta(days=ROW["taken_back"].days or 0)
"""For how long deleted words can be reported."""
PERIOD_SECONDS: Final = 900.0


@every(PERIOD_SECONDS)
async def forget(_parts: Parts) -> None:
    """Erase what was kept for a day: the nightly purge alone would leave it for two."""
    await run_in_executor("ja", _forget)


def _forget() -> None:
    kept_back(timezone.now() - KEPT, holds.live(words=True)).delete()


def kept_back(before: datetime, held: Live) -> QuerySet[TakenBack]:
    """Return what was taken back before a moment, without what a hold keeps."""
    if held.everything:
        return TakenBack.objects.none()
    theirs = Participant.objects.filter(room=OuterRef("room"), user__public_id__in=held.people)
    return TakenBack.objects.filter(~Exists(theirs), at__lt=before).exclude(room__in=held.rooms)


def keep(room: UUID, seq: int, *, before: Collection[int]) -> None:
    """Keep the words of a message of a closed room, and of its edits. Call this before they are erased.

    Args:
        room: the closed room.
        seq: the message's number.
        before: who has the room open in this process, by primary key.
    """
    written = Message.objects.filter(Q(seq=seq) | Q(target=seq), room_id=room, sealed__isnull=False)
    rows = list(written.order_by("seq"))
    had_by = sorted(_had(room, seq, before)) if rows else []
    TakenBack.objects.bulk_create(
        [
            TakenBack(
                room_id=room,
                seq=row.seq,
                message=seq,
                kind=row.kind,
                author_id=row.author_id,
                sealed=bytes(row.sealed or b""),
                written_at=row.at,
                had_by=had_by,
            )
            for row in rows
        ],
        ignore_conflicts=True,
    )


def _had(room: UUID, seq: int, before: Collection[int]) -> set[int]:
    """Return to whom a message was delivered: who has the room open, said that they read so far, or is in the talk.

    Who is no longer in a matched talk is put out of it after half a minute. Who never came has got nothing.
    """
    people = Participant.objects.filter(room_id=room)
    inside = people.filter(left_at__isnull=True)
    read = people.filter(seen__gte=seq) | inside.filter(user_id__in=list(before))
    came = Ticket.objects.filter(room_id=room, entered_at__isnull=False, user_id__in=inside.values("user_id"))
    return {*read.values_list("user_id", flat=True), *came.values_list("user_id", flat=True)}
