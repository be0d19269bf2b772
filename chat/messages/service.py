"""Other writes on messages: how far somebody has read, and sealing with a newer key."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from chat.models import Message, Participant
from chat.realtime import Person
from compliance import vault


def mark_seen(*, person: Person, room: UUID, seq: int) -> None:
    """Store how far somebody has read in a closed talk. Goes forward only."""
    Participant.objects.filter(room_id=room, user_id=person.pk, left_at__isnull=True, seen__lt=seq).update(seen=seq)


def reseal(*, limit: int) -> int:
    """Seal up to `limit` bodies with the newest key that an older one sealed. Nothing is shown to anybody.

    Returns:
        how many were sealed anew; 0 when none is left.

    Raises:
        Unsealable: a body's key is not in CLOSED_CHAT_KEYS any more, or the body was changed or moved.
    """
    with transaction.atomic():
        old = Message.objects.filter(sealed__isnull=False).exclude(
            sealed__gte=vault.current_prefix(), sealed__lt=vault.current_prefix() + b"\xff" * 64
        )
        rows = list(old[:limit])
        for row in rows:
            sealed = bytes(row.sealed or b"")
            place = vault.Place(row.room_id, row.seq, row.author_id, row.kind, row.target)
            # Only if it is still there: words deleted meanwhile must not come back.
            Message.objects.filter(room_id=row.room_id, seq=row.seq, sealed=sealed).update(
                sealed=vault.reseal(place, sealed)
            )
        return len(rows)
