"""What of matching is erased: tickets of people who wait no more."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db.models import Q

from chat.models import Ticket
from chat.retention import Job, Rows, delete, register
from compliance.records.holds import Live


def _tickets(before: datetime, held: Live) -> Rows:
    over = Q(room__isnull=True) | Q(room__ended_at__isnull=False)
    return Ticket.objects.filter(over, heartbeat_at__lt=before).exclude(user__public_id__in=held.people)


register("tickets", Job(_tickets, partial(delete, Ticket), of_talks=True))
