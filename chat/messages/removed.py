"""What keepers and staff removed from open rooms: kept sealed for seven days, restored by them, each act on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.messages import log
from chat.messages.events import NewEvent
from chat.models import Message, RemovedMessage, User
from chat.protocol import Code, Refused
from compliance import vault
from compliance.law.retention import ROW
from compliance.records import ledger
from compliance.records.events import Event

logger = structlog.get_logger("todoke.messages")
KEPT: Final = timedelta(days=ROW["removed_words"].days or 0)


def keep_removed(events: Sequence[NewEvent]) -> None:
    """Keep the words that these deletions remove, let go of those that these edits restore; write both on record.

    To be called before the log changes, inside its transaction, under the rooms' locks.
    """
    actors = User.objects.in_bulk({event.person.pk for event in events}) if events else {}
    for event in events:
        assert event.target is not None
        rows = RemovedMessage.objects.filter(room_id=event.room, seq=event.target)
        author = User.objects.filter(
            pk__in=Message.objects.filter(room_id=event.room, seq=event.target).values("author")
        ).first()
        ref = ledger.actor_of(author).ref if author is not None else None
        where = {"room": str(event.room), "seq": event.target, "author": ref}
        rows.delete()
        if event.restores:
            ledger.append(Event.MESSAGE_RESTORED, actor=actors[event.person.pk], payload={**where, "as": event.by})
            continue
        RemovedMessage.objects.create(
            room_id=event.room,
            seq=event.target,
            sealed=_sealed(event.room, event.target, log.words_of(event.room, event.target)),
            author=author,
            by_id=event.person.pk,
            by_role=event.by,
            reason=event.reason,
        )
        # What a keeper gives as reason is the word of a user, and the ledger forgets nothing.
        why = {"rule": event.rule} if event.rule else {}
        why |= {"reason": event.reason} if event.by == "staff" else {}
        ledger.append(Event.MESSAGE_REMOVED, actor=actors[event.person.pk], payload={**where, "as": event.by, **why})


def _sealed(room: UUID, seq: int, words: str) -> bytes | None:
    try:
        return vault.seal(vault.Place(room, seq, None, vault.REMOVED), words)
    except vault.Unsealable:  # a service without closed chat may have no key: then the words are gone
        return None


def removed_as(room: UUID, seq: int) -> str:
    """Return as what a message was removed, `keeper` or `staff`; empty where nobody did, or its words are gone."""
    found = RemovedMessage.objects.filter(room_id=room, seq=seq).values_list("by_role", flat=True)
    return found.first() or ""


def words_to_restore(room: UUID, seq: int) -> str:
    """Return the words of a message that was removed within the last seven days.

    Raises:
        Refused: `missing`: its author deleted it, or the time is over.
    """
    found = RemovedMessage.objects.filter(room_id=room, seq=seq, at__gt=timezone.now() - KEPT).first()
    try:
        if found is not None and found.sealed is not None:
            place = vault.Place(room, seq, None, vault.REMOVED)
            return vault.unseal(place, bytes(found.sealed), vault.Purpose.RESTORING)
    except vault.Unsealable:  # its key is gone
        logger.exception("message.unreadable", room=str(room), seq=seq)
    raise Refused(Code.MISSING, _("These words are no longer kept, so they cannot be restored."))
