"""System checks: what makes the deployment's legal standing incomplete or unsafe. They report; the gate decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register  # noqa: A004 -- Django's own names
from django.db import connection
from django.utils import timezone

from compliance import diary
from compliance.law import SEEN_UNTIL
from compliance.models import LedgerEntry
from compliance.standing import Mode, Status

STALE: Final = timedelta(days=400)
"""After how long the law is to be read anew; no statute sets it."""


@register(Tags.security)
def standing_is_complete(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Report each part that the declared status requires and the environment does not give."""
    return [
        Error(problem.en, hint=f"{problem.ja} ({problem.variable})", id="compliance.E001")
        for problem in settings.STANDING.problems
    ]


@register(Tags.security)
def closed_talk_has_keys(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Report a deployment that could open closed chat but has nothing to seal it with."""
    if settings.STANDING.turned and not settings.CLOSED_CHAT_KEYS:
        return [
            Error(
                "Closed chat could be switched on, but there is no key to seal its messages with.",
                hint="Set CLOSED_CHAT_KEYS to at least one 32-byte key; see .env.example.",
                id="compliance.E002",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def the_checklist_is_enforced(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Warn where the environment's key alone opens closed chat."""
    if settings.STANDING.mode is Mode.advise:
        return [
            Warning(
                "COMPLIANCE_CHECKLIST=advise: closed chat opens without the operator's signatures.",
                hint="Set COMPLIANCE_CHECKLIST=enforce once the checklist is signed.",
                id="compliance.W001",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def closed_chat_is_meant_to_be_off(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Say that no filing is set: right for open rooms only, and a forgotten variable otherwise."""
    if settings.STANDING.status is Status.none:
        return [
            Info(
                "TELECOM_REGISTRATION=none: open rooms run, closed chat stays off.",
                hint="manage.py gate --explain room.match_pair shows the way to on.",
                id="compliance.I001",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def the_law_was_read_lately(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Warn where the rules were written from texts that have grown old."""
    if timezone.localdate() - date.fromisoformat(SEEN_UNTIL) > STALE:
        return [
            Warning(
                f"The rules were written from the law as seen until {SEEN_UNTIL}.",
                hint="Compare the revision ids in docs/law.md with e-Gov, and update Todoke.",
                id="compliance.W002",
            )
        ]
    return []


@register(Tags.database, deploy=True)
def logs_are_purged(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> Sequence[CheckMessage]:
    """Warn where the job that erases what is past its period has not run for days (`check --deploy --database`)."""
    if not databases or LedgerEntry._meta.db_table not in connection.introspection.table_names():  # noqa: SLF001 -- Django's own name
        return []
    since = diary.purge_owed_since(timezone.now())
    if since is None:
        return []
    return [
        Warning(
            f"The purge of logs has not run since {timezone.localtime(since):%Y-%m-%d %H:%M %Z}.",
            hint="Run manage.py purge daily by a timer: docs/howto/run-in-production.md.",
            id="compliance.W003",
        )
    ]
