"""What was disclosed without a second person, and by when one has to look at it."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from compliance.law.duties import within
from compliance.models import Disclosure

REVIEW_DAYS: Final = 7
"""Within how many days a second person reviews what the operator carried out alone. This software sets it."""


def awaiting_review() -> QuerySet[Disclosure]:
    """Return what was carried out alone and nobody else has looked at yet."""
    return Disclosure.objects.filter(alone=True, reviewed_at__isnull=True).order_by("asked_at")


def review_due(disclosure: Disclosure) -> date:
    """Return the last day of its review."""
    return within(timezone.localdate(disclosure.asked_at), REVIEW_DAYS)
