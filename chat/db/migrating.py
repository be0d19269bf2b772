"""Bounds what a migration may hold up: it waits for a lock for some seconds, and ends in words rather than wait on."""

from __future__ import annotations

from typing import Any, Final

from django.apps import apps
from django.db.models.signals import post_migrate, pre_migrate

from compliance.database import PAGE, Waits, wait_from_now

LOCK_SECONDS: Final = 5


def limit_locks() -> None:
    """Register the bounds for `migrate`, on PostgreSQL. A statement itself may take its time: it holds up nobody."""
    app = apps.get_app_config("chat")
    pre_migrate.connect(_before, sender=app, dispatch_uid="chat.db.migrating")
    post_migrate.connect(_after, sender=app, dispatch_uid="chat.db.migrating")


def _before(**_: Any) -> None:
    wait_from_now(Waits(lock=LOCK_SECONDS, statement=0))


def _after(**_: Any) -> None:
    wait_from_now(PAGE)
