"""What of the log is erased: the words of closed talks that are over, and what was removed from open rooms."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db.models import Exists, OuterRef, Q

from chat import rooms
from chat.messages.taken_back import kept_back
from chat.models import Message, RemovedMessage, TakenBack
from chat.retention import Job, Rows, delete, register
from compliance.records.holds import Live


def _closed_words(before: datetime, held: Live) -> Rows:
    written = Q(body__isnull=False) | Q(sealed__isnull=False)
    return rooms.ended_rooms(before, held).filter(Exists(Message.objects.filter(written, room=OuterRef("pk"))))


def _silence(rows: Rows) -> int:
    """Take the words out of rooms and leave who wrote when."""
    silenced = list(rows.values_list("pk", flat=True))
    Message.objects.filter(room__in=silenced).update(body=None, sealed=None)
    return len(silenced)


register("taken_back", Job(kept_back, partial(delete, TakenBack), words=True, of_talks=True))


def _removed_words(before: datetime, held: Live) -> Rows:
    rows = RemovedMessage.objects.filter(at__lt=before)
    return rows.exclude(room__in=held.rooms).exclude(author__isnull=False, author__public_id__in=held.people)


register("removed_words", Job(_removed_words, partial(delete, RemovedMessage), words=True))
register("closed_words", Job(_closed_words, _silence, words=True, of_talks=True))
