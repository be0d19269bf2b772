"""System checks: what makes the deployment's legal standing incomplete or unsafe. They report; the gate decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register  # noqa: A004 -- Django's own names
from django.db import connection
from django.utils import timezone

from compliance import duties, gate, law
from compliance.law import Mode, Status
from compliance.models import LedgerEntry, LedgerHead, guards


@register(Tags.security)
def standing_is_complete(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Report each part that the declared status requires and the environment does not give."""
    return [
        Error(problem.en, hint=f"{problem.ja} ({problem.variable})", id="compliance.E001")
        for problem in (*settings.STANDING.problems, *filter(None, (settings.STANDING.dating_problem,)))
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
    if law.is_old(timezone.localdate()):
        return [Warning(law.OLD.en, hint=law.OLD.ja, id="compliance.W002")]
    return []


@register(Tags.database)
def guards_are_on(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> Sequence[CheckMessage]:
    """Warn of a database whose guards are off (`check --database default`); an error would keep `migrate` from it."""
    if not databases or LedgerHead._meta.db_table not in connection.introspection.table_names():  # noqa: SLF001 -- Django's own name
        return []
    return [
        Warning(
            f"The database's guard {name} is missing, changed or disabled: records could be rewritten.",
            hint="Run manage.py migrate, which puts it back, and find out who took it away: manage.py ledger verify.",
            id="compliance.W004",
        )
        for name in guards.missing()
    ]


@register(Tags.database)
def tables_have_keys(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> Sequence[CheckMessage]:
    """Warn of tables without a primary key (`check --database default`): a restore under running processes does it."""
    if not databases:
        return []
    return [
        Warning(
            f"The table {name} has no primary key: a process wrote into it while it was being restored.",
            hint="Stop all processes, and restore the database again.",
            id="compliance.W008",
        )
        for name in gate.tables_without_key()
    ]


@register(Tags.database, deploy=True)
def logs_are_purged(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> Sequence[CheckMessage]:
    """Warn where the job that erases what is past its period has not run for days (`check --deploy --database`)."""
    if not databases or LedgerEntry._meta.db_table not in connection.introspection.table_names():  # noqa: SLF001 -- Django's own name
        return []
    since = duties.purge_owed_since(timezone.now())
    if since is None:
        return []
    return [
        Warning(
            f"The purge of logs has not run since {timezone.localtime(since):%Y-%m-%d %H:%M %Z}.",
            hint="Run manage.py purge daily by a timer: docs/howto/run-in-production.md.",
            id="compliance.W003",
        )
    ]
