"""Takes out of cases that ended long ago what names people. Number, kind, days and outcome stay."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from compliance.models import Case, CasePaper, Disclosure, Letter, Signature
from compliance.records import evidence
from compliance.records.holds import Live


def ended_before(before: datetime, _held: Live) -> QuerySet[Case]:
    """Return the cases that ended before a moment and still name people. A hold ends before its case does."""
    return Case.objects.filter(closed_at__lt=before, emptied_at__isnull=True)


def forget(rows: QuerySet[Any, Any]) -> int:
    """Take out of cases whatever names people, and their files with it.

    Returns:
        how many cases.
    """
    chosen = list(rows.values_list("pk", flat=True))
    papers = CasePaper.objects.filter(case__in=chosen)
    disclosures = Disclosure.objects.filter(case__in=chosen)
    files = {*papers.values_list("sha256", flat=True), *disclosures.values_list("sha256", flat=True)} - {""}
    elsewhere = set(CasePaper.objects.exclude(case__in=chosen).values_list("sha256", flat=True))
    signed = {
        each.sha256
        for recorded in Signature.objects.values_list("evidence", flat=True)
        for each in evidence.attachments(recorded)
    }
    for sha256 in files - elsewhere - signed:
        evidence.erase(sha256)
    papers.update(name="")
    Letter.objects.filter(case__in=chosen).update(text="")
    disclosures.update(rooms=[], people=[], reason="", refusal="", finding="")
    return Case.objects.filter(pk__in=chosen).update(
        sender="", reference="", contact="", about="", reason="", emptied_at=timezone.now()
    )
