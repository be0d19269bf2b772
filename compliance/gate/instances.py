"""Server processes: which of them run, whether they agree, and how far each one's clock is from the database's."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from compliance import law
from compliance.law import Problem, Standing
from compliance.models import Instance

INSTANCE_TTL: Final = timedelta(seconds=15)
"""A process counts as running for this long after it was last seen."""
FORGOTTEN_AFTER: Final = timedelta(days=1)
"""After this time a process that was not seen loses its row."""
_REFRESH: Final = timedelta(seconds=5)
"""How often a process stores that it was seen."""

EDITION: Final = f"{law.LAW_VERSION} 02"
"""Of the rules by which this code judges: its number is raised whenever what is compared changes. While processes of
two editions run, those of the newer one move the gate, so that neither undoes what the other did."""
CLOCK_TOLERANCE: Final = timedelta(seconds=5)
"""How far a process's clock may be from the database's."""

KEYLESS: Final = Problem(
    variable="CLOSED_CHAT_KEYS",
    ja="クローズド・チャットを封じる鍵がありません。CLOSED_CHAT_KEYS に32バイトの鍵を設定してください。",
    en="There is no key to seal closed talk with. Set CLOSED_CHAT_KEYS to at least one 32-byte key.",
)
CLOCK: Final = Problem(
    variable="system clock",
    ja="このサーバーの時計がデータベースの時計と合っていません。時刻同期（NTP）を確かめてください。",
    en="The clock of this server differs from the database's. Check its time synchronisation (NTP).",
)
SPECIMEN: Final = Problem(
    variable="DATABASE_URL",
    ja="この記録台帳は見本（make demo）のものです。本物の記録としては使えません。別のデータベースを指定してください。",
    en="The ledger of this database was begun in a demo. It is no record of a service. Use another database.",
)
DRIFT: Final = Problem(
    variable="TELECOM_REGISTRATION",
    ja="稼働中のサーバーのあいだで届出の設定が食い違っています。すべてのサーバーを同じ環境変数で起動し直してください。",
    en="The running servers disagree about the telecom filing. Restart all of them with the same environment.",
    drift=True,
)

# The clock ------------------------------------------------------------------------------------------------------------

_skew = timedelta(0)  # the database's clock minus this process's, as last measured
_has_specimen = False


def now() -> datetime:
    """Return the time by which the gate judges: the database's, as far as this process has measured it."""
    return timezone.now() + _skew


def has_own_clock() -> bool:
    """Return whether the database has a clock of its own; SQLite runs in this very process."""
    return connection.vendor == "postgresql"


def measure_clock() -> None:
    """Measure the difference between the two clocks. The duration of the query itself does not count."""
    global _skew  # noqa: PLW0603 -- one clock a process
    before = timezone.now()
    measured = _database_time()
    after = timezone.now()
    _skew = timedelta(0) if measured is None else measured - min(max(measured, before), after)


def _database_time() -> datetime | None:
    if not has_own_clock():
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        measured: datetime = cursor.fetchone()[0]
    return measured


def seen_now() -> Any:
    """Return the value for `seen_at`: the database's time, since a process with a slow clock would miss the others."""
    return Now() if has_own_clock() else timezone.now()


# This process ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def fingerprint_of(standing: Standing) -> str:
    """Return the fingerprint of a standing, computed once."""
    return standing.fingerprint


def own_faults() -> tuple[Problem, ...]:
    """Return what keeps this process alone from running closed chat, beside what its environment says."""
    keyless = settings.STANDING.turned and not settings.CLOSED_CHAT_KEYS
    skewed = abs(_skew) > CLOCK_TOLERANCE
    found = ((KEYLESS, keyless), (CLOCK, skewed), (SPECIMEN, _has_specimen))
    return tuple(problem for problem, holds in found if holds)


def note_ledger(*, is_specimen: bool) -> None:
    """Take note whether the ledger is a demo's, and this process runs none."""
    global _has_specimen  # noqa: PLW0603 -- of the one database of this process
    _has_specimen = is_specimen


def own_fingerprint() -> str:
    """Return the fingerprint that this process stands for; empty while it cannot run closed chat itself."""
    return "" if settings.STANDING.problems or own_faults() else fingerprint_of(settings.STANDING)


def own_standing(fingerprints: frozenset[str], faults: tuple[Problem, ...]) -> Standing:
    """Return this process's standing, with the problems that only the running service shows.

    Args:
        fingerprints: of the processes that run now.
        faults: of this process, from `own_faults`.
    """
    standing: Standing = settings.STANDING
    drifted = not standing.problems and not fingerprints <= {fingerprint_of(standing)}
    found = (*((DRIFT,) if drifted or len(fingerprints) > 1 else ()), *faults)
    return replace(standing, problems=(*standing.problems, *found)) if found else standing


# All processes --------------------------------------------------------------------------------------------------------


def register(instance: uuid.UUID) -> None:
    """Store that a server process runs, and with which environment; at most every five seconds while it stays the same.

    Args:
        instance: the id that the process gave itself at its start.
    """
    fingerprint = own_fingerprint()
    seen_at = seen_now()
    fresh = Instance.objects.filter(id=instance, fingerprint=fingerprint, seen_at__gt=seen_at - _REFRESH).exists()
    if not fresh:
        values = {"fingerprint": fingerprint, "edition": EDITION, "seen_at": seen_at}
        Instance.objects.update_or_create(id=instance, defaults=values)
        Instance.objects.filter(seen_at__lt=seen_at - FORGOTTEN_AFTER).delete()


def deregister(instance: uuid.UUID) -> None:
    """Remove a server process that ends, so that a successor with another environment does not count as drift."""
    Instance.objects.filter(id=instance).delete()
