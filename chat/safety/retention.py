"""What of safety is erased: reports whose case has ended."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db.models import Exists, OuterRef

from chat.models import Report, ReportedMessage
from chat.retention import Job, Rows, delete, register
from compliance.records.holds import Live


def _answered(before: datetime, held: Live) -> Rows:
    theirs = ReportedMessage.objects.filter(report=OuterRef("pk"), author__public_id__in=held.people)
    answered = Report.objects.filter(answered_at__lt=before).exclude(room__in=held.rooms).filter(~Exists(theirs))
    return answered.exclude(reporter__public_id__in=held.people)


register("reports", Job(_answered, partial(delete, Report), words=True, of_talks=True))
