"""The registry of retention jobs: each capability registers how its rows are found and erased.

The periods stand in `compliance.law.retention`, which the public page shows. A job serves one row of that table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from django.db.models import QuerySet
from django.utils import timezone

from compliance.law import retention
from compliance.records.holds import Live

Rows: TypeAlias = "QuerySet[Any, Any]"
Due: TypeAlias = Callable[[datetime, Live], Rows]


@dataclass(frozen=True, slots=True)
class Job:
    """How one row of the table is erased: what is due before a moment, and what is done to it."""

    due: Due
    erase: Callable[[Rows], int]
    words: bool = False
    """It erases the words of talks and leaves their history, which is all that a freeze request keeps."""
    of_talks: bool = False
    """Its number stays out of the ledger: where few talk, "1" tells that a talk took place, or that one was held."""


_jobs: Final[dict[str, tuple[Job, ...]]] = {}
JOBS: Final[Mapping[str, tuple[Job, ...]]] = MappingProxyType(_jobs)
"""The registered jobs, by key of the retention table. Tests compare the keys with those of the table."""


def register(key: str, *jobs: Job) -> None:
    """Register the jobs that serve a row of the retention table.

    Args:
        key: of the row.
        jobs: how rows of the database are found and erased; their counts are added up.

    Raises:
        ValueError: the table has no such row, or the row has jobs already.
    """
    if key not in retention.ROW:
        raise ValueError(f"the retention table has no row {key!r}")
    if key in _jobs:
        raise ValueError(f"the row {key!r} has its jobs already")
    _jobs[key] = jobs


def overdue(key: str) -> Rows:
    """Return the rows past their period, whatever a hold keeps of them.

    No page and no export shows these: what is there because of a hold alone would tell whoever sees it of the hold.

    Args:
        key: of a row of the table; of several jobs, the first one counts.
    """
    return JOBS[key][0].due(kept_since(key), Live())


def kept_since(key: str) -> datetime:
    """Return the moment before which a row of the table is past its period."""
    return timezone.now() - timedelta(days=retention.ROW[key].days or 0)


def older(model: Any, column: str) -> Due:
    """Return how rows are found whose column lies before the moment, whatever a hold names."""

    def due(before: datetime, held: Live) -> Rows:
        rows: Rows = model.objects.filter(**{f"{column}__lt": before})
        return rows

    return due


def delete(model: Any, rows: Rows) -> int:
    """Delete rows of a model; return how many."""
    chosen = list(rows.values_list("pk", flat=True))
    model.objects.filter(pk__in=chosen).delete()  # with what hangs on each, but only the rows themselves are counted
    return len(chosen)


def forget(column: str, model: Any, rows: Rows) -> int:
    """Empty a column of rows of a model; return how many."""
    updated: int = model.objects.filter(pk__in=list(rows.values_list("pk", flat=True))).update(**{column: None})
    return updated
