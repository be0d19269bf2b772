"""Notices that the database went back to an earlier state, and begins another epoch: the name of its history.

A lagging replica that is promoted, a recovery to a point in time and a file that is put back all lose what was
committed. A process compares the database with what it remembers of it: its own row's beat, which it raises every
second, and the head of the ledger. A commit lies before the next beat, so whatever loses the commit loses the beat.
What happened since the last beat is compared by whoever delivered it (`WentBack` of chat's streams).

Closed chat is off until the operator has confirmed what the database holds: a stop that was pulled meanwhile, or a
signature that was withdrawn, may be missing.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from compliance.database import Trouble, trouble_of
from compliance.gate.instances import (
    FORGOTTEN_AFTER,
    INSTANCE_TTL,
    measure_clock,
    note_ledger,
    now,
    register,
    seen_now,
)
from compliance.gate.periods import reconcile
from compliance.gate.snapshot import Snapshot
from compliance.gate.state import advance_revision, lock_exclusive
from compliance.models import GateState, Instance, LedgerEntry
from compliance.models.gate import new_epoch
from compliance.records import Event, ledger

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

BEAT: Final = timedelta(seconds=1)
"""How often a process raises the number in its row."""
_BEGINS: Final = (Event.DATABASE_WENT_BACK.value, Event.SERVICE_RESTORED.value)

_LOOK: Final = """
SELECT s.epoch, i.beat, h.seq, h.hash, e.hash
FROM (SELECT 1 AS one) o
LEFT JOIN compliance_gatestate s ON s.id = o.one
LEFT JOIN compliance_instance i ON i.id = %s
LEFT JOIN compliance_ledgerhead h ON h.id = o.one
LEFT JOIN compliance_ledgerentry e ON e.seq = %s
"""


class WentBack(Exception):
    """The database holds less than it did. Its argument names what showed it: `beat`, `ledger`, `epoch`, `room`."""


class NotWhole(DatabaseError):
    """The database is being restored: the row of the gate, or primary keys, are still missing."""


@dataclass(slots=True)
class Memory:
    """What a server process remembers of the database.

    Attributes:
        epoch: which it knows; empty before the first look.
        beat: the number that it stored last; 0 before.
        beat_at: when it did.
        head: number and hash of the last entry of the ledger.
        left: whether it has taken itself off the list of running processes.
    """

    epoch: str = ""
    beat: int = 0
    beat_at: datetime | None = None
    head: tuple[int, str] | None = None
    left: bool = False

    def forget(self) -> None:
        """Remember nothing of an epoch that is over."""
        self.epoch, self.beat, self.beat_at, self.head = "", 0, None, None


def heartbeat(instance: uuid.UUID, memory: Memory | None = None) -> Snapshot:
    """Report that a server process runs, and return the reconciled gate. Each process calls it twice a second.

    Where the report cannot be stored, as in a read-only database or while somebody has locked the row, the gate is
    read all the same.

    Args:
        instance: the id that the process gave itself at its start.
        memory: of the process; None for one that remembers nothing.

    Raises:
        WentBack: the database is behind what the process remembers. Nothing was written; `move_epoch` comes next.
        DatabaseError: the database did not answer; the caller decides how long to trust its last snapshot.
    """
    memory = memory or Memory()
    measure_clock()
    if memory.left:
        return reconcile()
    found_by = _look(instance, memory)
    if found_by:
        raise WentBack(found_by)
    try:
        register(instance)
        _beat(instance, memory)
    except DatabaseError as error:
        if trouble_of(error) not in {Trouble.READ_ONLY, Trouble.FULL, Trouble.BLOCKED}:
            raise
    return reconcile()


def _look(instance: uuid.UUID, memory: Memory) -> str | None:
    """Compare the database with what a process remembers; return what shows that it went back, or None."""
    known = memory.head or (0, "")
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, [Instance._meta.pk.get_db_prep_value(instance, connection), known[0]])  # noqa: SLF001 -- Django's own name
        epoch, beat, seq, newest, same = cursor.fetchone()
    if memory.epoch and epoch != memory.epoch:
        if epoch is None or not _is_over(memory.epoch):
            return "epoch"
        memory.forget()  # another process was faster, or the operator began one
    elif memory.head and same != memory.head[1]:
        return "ledger"
    elif memory.beat and memory.beat_at and (beat is None or beat < memory.beat):
        if beat is not None or timezone.now() - memory.beat_at < FORGOTTEN_AFTER / 2:
            return "beat"
        memory.beat = 0  # the process slept so long that its row was taken away
    memory.epoch = epoch or ""
    memory.head = (seq, newest) if seq else None
    return None


def _beat(instance: uuid.UUID, memory: Memory) -> None:
    at = timezone.now()
    if memory.beat_at is not None and abs(at - memory.beat_at) < BEAT:
        return
    if Instance.objects.filter(id=instance).update(beat=memory.beat + 1):
        memory.beat, memory.beat_at = memory.beat + 1, at


def _is_over(epoch: str) -> bool:
    """Return whether the ledger says that another epoch began instead of this one."""
    return LedgerEntry.objects.filter(event__in=_BEGINS, payload__instead_of=epoch).exists()


# Another epoch --------------------------------------------------------------------------------------------------------


def move_epoch(instance: uuid.UUID, memory: Memory, found_by: str) -> Snapshot:
    """Begin another epoch because the database went back, unless another process has done it; close closed chat.

    Args:
        instance: the process that noticed it.
        memory: what it remembers; forgotten afterwards.
        found_by: what showed it, as `WentBack` says.

    Returns:
        the gate as it is afterwards.

    Raises:
        NotWhole: the database is being restored at this moment.
        SpecimenLedger: a demo's database stands in its place. Nothing is written there.
        DatabaseError: it does not answer, or takes no writes yet.
    """
    if not GateState.objects.filter(id=1).exists() or tables_without_key():
        raise NotWhole
    with transaction.atomic():
        state = lock_exclusive()
        if not _is_over(memory.epoch):
            last = LedgerEntry.objects.order_by("-seq").first()
            payload: dict[str, Any] = {
                "found_by": found_by,
                "remembered": {"seq": memory.head[0], "hash": memory.head[1]} if memory.head else None,
                "found": {"seq": last.seq, "hash": last.hash} if last else None,
            }
            try:
                _begin(state, Event.DATABASE_WENT_BACK, instead_of=memory.epoch, payload=payload)
            except ledger.SpecimenLedger:
                note_ledger(is_specimen=True)
                raise
    memory.forget()
    return heartbeat(instance, memory)


def begin_epoch(reason: str) -> str:
    """Begin another epoch after a restore, and close closed chat until the operator confirms what was restored.

    Args:
        reason: what was restored, for the ledger.

    Returns:
        the name of the new epoch.
    """
    with transaction.atomic():
        state = lock_exclusive()
        _begin(state, Event.SERVICE_RESTORED, instead_of=state.epoch, payload={"reason": reason})
        return state.epoch


def _begin(state: GateState, event: Event, *, instead_of: str, payload: dict[str, Any]) -> None:
    epoch = new_epoch()
    ledger.append(event, actor=None, payload={"epoch": epoch, "instead_of": instead_of, **payload})
    state.epoch = epoch
    state.restored_at = state.restored_at or now()
    advance_revision(state)
    reconcile(by_hand=True)


def confirm_restore(*, reason: str, actor: AbstractBaseUser) -> None:
    """Confirm what the database holds after it went back; closed chat comes back if both keys are turned.

    Raises:
        ValidationError: no reason was given, or nothing is to be confirmed.
    """
    reason = reason.strip()
    if not reason:
        raise ValidationError({"reason": _("Say what you checked: the record keeps it.")})
    with transaction.atomic():
        state = lock_exclusive()
        if not state.restored_at:
            raise ValidationError({"__all__": _("There is no restore to confirm.")})
        ledger.append(Event.RESTORE_CONFIRMED, actor=actor, payload={"reason": reason})
        state.restored_at = None
        advance_revision(state)
        reconcile(by_hand=True)


# What stands in the way -----------------------------------------------------------------------------------------------


def processes_running() -> int:
    """Return how many server processes were seen in the last seconds."""
    return Instance.objects.filter(seen_at__gt=seen_now() - INSTANCE_TTL).count()


def tables_without_key() -> list[str]:
    """Return the tables that have no primary key.

    PostgreSQL's restore makes the keys last. Where a process wrote a row meanwhile that the dump holds, too, the key
    cannot be made, and the table is left without. On SQLite a key is part of its table.
    """
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()"
            "::regnamespace AND NOT EXISTS"
            " (SELECT 1 FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p') ORDER BY 1"
        )
        return [name for (name,) in cursor.fetchall()]
