"""What of safety waits at the desk, for the calendar and the checklist: reports and appeals. Never words or names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from django.utils import timezone

from chat.models import Appeal, Report
from chat.safety.reports import URGENT
from compliance import checklist
from compliance.duties import Work, register_work
from compliance.law import Confidence, Text
from compliance.law.duties import Duty, Term, within
from compliance.law.powers import Power

URGENT_DAYS: Final = 1
"""By how many days after it was filed an urgent report is answered. This service sets it, as the next one."""
DAYS: Final = 7
"""By how many days another report, and an appeal, is answered."""

_REPORTS: Final = Text("通報が回答を待っています。", "Reports wait for an answer.")
_URGENT: Final = Text("急ぎの通報が回答を待っています。", "Urgent reports wait for an answer.")
_APPEALS: Final = Text("不服申立てが決定を待っています。", "Appeals wait for a decision.")


def _waiting(_today: date) -> Iterator[Work]:
    for report in Report.objects.filter(answered_at__isnull=True).only("pk", "reason", "filed_at"):
        urgent = report.reason in URGENT
        duty = _duty(
            f"report-{report.pk}",
            Text("急ぎの通報への回答", "Answer an urgent report")
            if urgent
            else Text("通報への回答", "Answer a report"),
            within(timezone.localdate(report.filed_at), URGENT_DAYS if urgent else DAYS),
            "chat:desk_reports",
        )
        yield Work(duty, frozenset({Power.REPORTS_ANSWER}), _URGENT if urgent else _REPORTS, "chat:desk_reports")
    for appeal in Appeal.objects.filter(outcome="").only("pk", "at"):
        duty = _duty(
            f"appeal-{appeal.pk}",
            Text("不服申立ての決定", "Decide an appeal"),
            within(timezone.localdate(appeal.at), DAYS),
            "chat:desk_appeals",
        )
        yield Work(duty, frozenset({Power.PEOPLE}), _APPEALS, "chat:desk_appeals")


def _duty(key: str, title: Text, due: date, source: str) -> Duty:
    what = Text("期限は、このサービスが自ら定めたものです。", "The day is one that this service has set for itself.")
    return Duty(
        id=key,
        title=title,
        what=what,
        articles=("TBA 6",) if source == "chat:desk_appeals" else ("TBA 4(1)",),
        due=due,
        term=Term.HABIT,
        confidence=Confidence.INFERENCE,
        source=source,
        markable=False,
    )


register_work(_waiting)
checklist.register_page("LAW-09", "chat:desk_reports", Text("通報", "Reports"))
