"""Other writes on messages: how far somebody has read, and sealing with a newer key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Model

from chat.models import Message, Participant, RemovedMessage, Report, ReportedMessage, TakenBack
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
        for sealed in _SEALED:
            if done := sealed.reseal(limit):
                return done
    return 0


@dataclass(frozen=True, slots=True)
class _Sealed:
    """One column of sealed words."""

    model: type[Model]
    column: str
    place: Callable[[Any], vault.Place]

    def reseal(self, limit: int) -> int:
        newest = vault.current_prefix()
        manager = self.model._default_manager  # noqa: SLF001 -- Django's own name
        old = manager.filter(**{f"{self.column}__isnull": False}).exclude(
            **{f"{self.column}__gte": newest, f"{self.column}__lt": newest + b"\xff" * 64}
        )
        rows = list(old[:limit])
        for row in rows:
            sealed = bytes(getattr(row, self.column))
            anew = vault.reseal(self.place(row), sealed)
            # Only if it is still there: words deleted meanwhile must not come back.
            manager.filter(pk=row.pk, **{self.column: sealed}).update(**{self.column: anew})
        return len(rows)


_SEALED: Final = (
    _Sealed(Message, "sealed", lambda row: vault.Place(row.room_id, row.seq, row.author_id, row.kind, row.target)),
    _Sealed(TakenBack, "sealed", lambda row: row.place),
    _Sealed(ReportedMessage, "sealed", lambda row: row.place),
    _Sealed(Report, "note_sealed", lambda row: row.place),
    _Sealed(RemovedMessage, "sealed", lambda row: vault.Place(row.room_id, row.seq, None, vault.REMOVED)),
)
