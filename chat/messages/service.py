"""Other writes on messages: how far somebody has read, restoring what was removed, and sealing with a newer key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from chat import people
from chat.messages.events import NewEvent
from chat.messages.removed import KEPT
from chat.messages.slow_path import store_slowly
from chat.models import Message, Participant, RemovedMessage, Report, ReportedMessage, Room, TakenBack, User
from chat.protocol import Refused
from chat.realtime import Person
from compliance import vault
from compliance.language import current_language


def mark_seen(*, person: Person, room: UUID, seq: int) -> None:
    """Store how far somebody has read in a closed talk. Goes forward only."""
    Participant.objects.filter(room_id=room, user_id=person.pk, left_at__isnull=True, seen__lt=seq).update(seen=seq)


def removed_words(*, room: Room | None = None, author: User | None = None) -> list[RemovedMessage]:
    """Return what was removed lately and can be restored, in one open room or of one author, newest first."""
    found = RemovedMessage.objects.filter(at__gt=timezone.now() - KEPT, sealed__isnull=False, room__kind=Room.Kind.OPEN)
    found = found.filter(room=room) if room is not None else found.filter(author=author)
    return list(found.select_related("room", "author", "by").order_by("-at", "-pk"))


def restore_words(removed: RemovedMessage, actor: User) -> None:
    """Give a removed message its words back, as `message.restore` does.

    Raises:
        Refused: see `store_slowly`.
    """
    person = people.Person.of(actor, current_language())
    event = NewEvent(removed.room_id, person, Message.Kind.EDIT, target=removed.seq, restores=True)
    [outcome] = store_slowly([event]).outcomes
    if isinstance(outcome, Refused):
        raise outcome


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
