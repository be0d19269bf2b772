"""What of rooms is erased: the history of closed rooms. Rooms in which nobody writes are ended."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db.models import Exists, OuterRef

from chat.models import Participant, Room
from chat.retention import Job, Rows, delete, register
from chat.rooms.closed import end_rooms
from chat.rooms.queries import ended_rooms
from compliance.records.holds import Live


def _idle_rooms(before: datetime, held: Live) -> Rows:
    """Closed rooms that run and in which nobody has written since a moment. Ending them erases nothing."""
    inside = Participant.objects.filter(room=OuterRef("pk"), left_at__isnull=True)
    running = Room.objects.filter(kind=Room.Kind.CLOSED, ended_at__isnull=True, last_at__lt=before)
    return running.filter(Exists(inside))


def _end(rows: Rows) -> int:
    """End rooms for everybody in them, so that the periods that count from a talk's end begin."""
    idle = list(rows.values_list("pk", flat=True))
    end_rooms(idle)
    return len(idle)


register("closed_running", Job(_idle_rooms, _end, of_talks=True))
register("closed_history", Job(ended_rooms, partial(delete, Room), of_talks=True))
