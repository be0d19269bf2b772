"""Runs the retention jobs: erases whatever is past its period, in small transactions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from chat.retention.jobs import JOBS, Job
from compliance.law.retention import TABLE, Eraser, Kept, version
from compliance.records import holds, ledger
from compliance.records.events import Event

BATCH: Final = 500
"""Rows erased in one transaction: locks stay short while people talk."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run erased (or would erase), by row of the table; whether a hold on everything stopped it."""

    counts: Mapping[str, int] = field(default_factory=dict)
    stopped: bool = False


def purge(*, dry_run: bool = False, now: datetime | None = None) -> Report:
    """Erase whatever is past its period, in small transactions; the ledger has the run, and the counts but of talks.

    Args:
        dry_run: count only; nothing is erased and nothing recorded.
        now: the moment from which periods are counted back; default: now.

    Returns:
        rows by key of the table. A legal hold on everything stops the run; others leave out what they name.
    """
    now = now or timezone.now()
    if holds.live().everything:
        report = Report(stopped=True)
    else:
        rows = [kept for kept in TABLE if kept.by is Eraser.JOB]
        report = Report(
            {kept.key: sum(_run(job, kept, now, dry_run=dry_run) for job in JOBS[kept.key]) for kept in rows}
        )
    if not dry_run:
        of_talks = {key for key, jobs in JOBS.items() if any(job.of_talks for job in jobs)}
        counted = {key: count for key, count in report.counts.items() if key not in of_talks}
        payload = {"counts": counted, "stopped": report.stopped, "table": version()}
        ledger.append(Event.RETENTION_PURGED, actor=None, payload=payload)
    return report


def _run(job: Job, kept: Kept, now: datetime, *, dry_run: bool) -> int:
    assert kept.days is not None
    before = now - timedelta(days=kept.days)
    if dry_run:
        return job.due(before, holds.live(words=job.words)).count()
    done = 0
    while True:
        with transaction.atomic():
            # Asked again for each batch: a hold that is placed meanwhile counts from then on.
            held = holds.live(words=job.words)
            count = 0 if held.everything else job.erase(job.due(before, held)[:BATCH])
        if not count:
            return done
        done += count
