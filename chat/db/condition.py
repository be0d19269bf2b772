"""The condition in which this process last found the database: examined with its beat, remembered for those who ask."""

from __future__ import annotations

import time
from typing import Final

import structlog

from chat import metrics
from compliance.database import Fault, examine

log = structlog.get_logger("todoke.database")

SECONDS: Final = 1.0

_fault: Fault | None = None
_examined = 0.0


def look() -> None:
    """Examine the database, at most once in `SECONDS`. A fault that comes or goes is logged in a sentence.

    Raises:
        DatabaseError: it does not answer.
    """
    global _fault, _examined  # noqa: PLW0603 -- one database a process
    now = time.monotonic()
    if now - _examined < SECONDS:
        return
    found = examine()
    _examined = now
    before, _fault = _fault, found
    if found == before:
        return
    if before is not None:
        metrics.DATABASE_FAULT.labels(before.code).set(0)
    if found is None:
        log.warning("database.serves_again")
    else:
        metrics.DATABASE_FAULT.labels(found.code).set(1)
        log.error("database.cannot_serve", fault=found.code, what=found.text.en)


def fault() -> Fault | None:
    """Return what was wrong with the database when it was examined last."""
    return _fault
