"""The gate's one row: its advisory lock, which writers share and a move takes alone, and its revision."""

from __future__ import annotations

import uuid
from typing import Final

from django.db import connection

from compliance.models import GateState
from compliance.models.gate import new_epoch

GATE_LOCK: Final = 0x746F646F6B67
"""PostgreSQL's advisory lock. The SQL function `compliance_gate_unmoved` takes the same one."""


def acquire_shared() -> None:
    """Keep the gate from being moved until the caller's transaction ends; other writers are not held back."""
    _advisory("pg_advisory_xact_lock_shared")


def lock_exclusive() -> GateState:
    """Wait until running writes end, and hold new ones back until the caller's transaction ends.

    Returns:
        the gate's row, to be changed and stored with `advance_revision`.
    """
    _advisory("pg_advisory_xact_lock")
    state = GateState.objects.get_or_create(id=1)[0]
    state.epoch = state.epoch or new_epoch()  # the row of a process that knows no epochs has none
    return state


def advance_revision(state: GateState) -> None:
    """Store the gate's row under a new revision, so that every process reads it again within a second."""
    state.revision = uuid.uuid4()
    state.save()


def _advisory(function: str) -> None:
    # SQLite needs none: its transactions begin IMMEDIATE, so there is one writer at a time.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [GATE_LOCK])
