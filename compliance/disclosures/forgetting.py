"""Takes out of disclosures without a case what names people. Those of a case go with it: `cases.forget`."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from compliance.models import Disclosure
from compliance.records import evidence
from compliance.records.holds import Live


def ended_before(before: datetime, _held: Live) -> QuerySet[Disclosure]:
    """Return the disclosures without a case that ended before a moment and still name somebody.

    One ends when it was refused, or made by two persons, or made by one and reviewed. One that nobody answered or made
    ends with the request: nothing was opened.
    """
    made = Q(made_at__lt=before) & (Q(alone=False) | Q(reviewed_at__lt=before))
    never = Q(asked_at__lt=before, made_at__isnull=True)
    ended = Q(refused_at__lt=before) | made | never
    return Disclosure.objects.filter(ended, case__isnull=True).exclude(reason="")


def forget(rows: QuerySet[Disclosure]) -> int:
    """Take out of disclosures whom they were about, and erase their extracts; return how many. Days and staff stay."""
    chosen = Disclosure.objects.filter(pk__in=list(rows.values_list("pk", flat=True)))
    for sha256 in chosen.exclude(sha256="").values_list("sha256", flat=True):
        evidence.erase(sha256)
    return chosen.update(rooms=[], people=[], reason="", refusal="", finding="")
