"""Counts for the public, by month, from the ledger: refusals, disclosures, reports. Numbers only, never whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from django.core.cache import caches
from django.utils import timezone

from compliance.law import Text
from compliance.models import LedgerEntry
from compliance.records import ledger
from compliance.records.events import Event

MONTHS: Final = 12
SMALL: Final = 5
"""From this number on a count about people is told exactly. This service sets it; no statute does."""
_KEPT_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class Counted:
    """One column: its title, and the ledger event that is counted.

    `of_people`: it counts what was done about somebody's words, so a small number is not told: where few people talk,
    it would point to one of them.
    """

    event: Event
    title: Text
    of_people: bool = False

    def told(self, count: int) -> str:
        """Return a count as it is shown in public."""
        return f"1–{SMALL - 1}" if self.of_people and 0 < count < SMALL else str(count)


COLUMNS: Final[Mapping[str, Counted]] = MappingProxyType(
    {
        "refusals": Counted(Event.GATE_REFUSED, Text("ゲートが断った回数", "Refused by the gate")),
        "disclosures": Counted(
            Event.CASE_CLOSED,
            Text(
                "クローズド・チャットの開示（案件の終了後に計上）",
                "Closed talk disclosed (counted once its case ended)",
            ),
            of_people=True,
        ),
        "reports": Counted(Event.REPORT_FILED, Text("当事者からの通報", "Reports"), of_people=True),
        "stops": Counted(Event.STOP_PULLED, Text("緊急停止", "Stops")),
    }
)
"""What is counted. A refusal's entry carries sums by feature; of the others each entry is one."""


@dataclass(frozen=True, slots=True)
class Month:
    """One month in Japan that is over."""

    first: date
    counts: Mapping[str, int]


def months(today: date | None = None) -> list[Month]:
    """Return the last whole months, newest first, back to the ledger's first entry and at most a year.

    A month is shown once it is over: a count that changes while somebody watches would show when something happened.
    """
    began = LedgerEntry.objects.order_by("seq").values_list("at", flat=True).first()
    if began is None:
        return []
    earliest = timezone.localtime(began).date().replace(day=1)
    shown = [first for first in _back_from(today or timezone.localdate()) if first >= earliest]
    return [Month(first, _counts(first)) for first in shown]


def last_purge() -> datetime | None:
    """Return when the retention job last ran to its end."""
    runs = LedgerEntry.objects.filter(event=Event.RETENTION_PURGED.value).order_by("-seq")
    return runs.values_list("at", flat=True).first()


def _back_from(today: date) -> Iterator[date]:
    first = today.replace(day=1)
    for _each in range(MONTHS):
        first = _month_before(first)
        yield first


def _month_before(first: date) -> date:
    return date(first.year - (first.month == 1), (first.month - 2) % 12 + 1, 1)


def _month_after(first: date) -> date:
    return date(first.year + (first.month == 12), first.month % 12 + 1, 1)  # noqa: PLR2004 -- December


def _counts(first: date) -> dict[str, int]:
    # A month that is over does not change, and a public page must not read a year of entries at each request.
    key, memory = f"transparency-{first}", caches["memory"]
    counted: dict[str, int] | None = memory.get(key)
    if counted is None:
        counted = _counted(first)
        memory.set(key, counted, _KEPT_SECONDS)
    return counted


def _counted(first: date) -> dict[str, int]:
    zone = timezone.get_default_timezone()
    start, end = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (first, _month_after(first)))
    columns = {counted.event.value: name for name, counted in COLUMNS.items()}
    # In present danger there may be no case: then what one person did counts with its review, what two did at once.
    columns |= dict.fromkeys((Event.DISCLOSURE_REVIEWED.value, Event.DISCLOSURE_MADE.value), "disclosures")
    rows = LedgerEntry.objects.filter(at__gte=start, at__lt=end, event__in=columns)
    sums: Counter[str] = Counter()
    for entry in ledger.walk(rows):
        sums[columns[entry.event]] += _weight(entry.event, entry.payload)
    return {name: sums[name] for name in COLUMNS}


def _weight(event: str, payload: Any) -> int:
    if event == Event.CASE_CLOSED:  # a count while a case is live would show that there is one
        made = payload.get("disclosures", 0) if isinstance(payload, dict) else 0
        return made if isinstance(made, int) else 0
    if event in {Event.DISCLOSURE_REVIEWED, Event.DISCLOSURE_MADE}:
        told = {"alone_without_case", "two_without_case"}
        return int(isinstance(payload, dict) and any(payload.get(name) is True for name in told))
    if event != Event.GATE_REFUSED:
        return 1
    counts = payload.get("counts", {}) if isinstance(payload, dict) else {}
    return sum(count for count in counts.values() if isinstance(count, int))
