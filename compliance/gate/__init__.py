"""The only door: what the policy decides now, for every view, frame and write. `locks` compares the ways to ask."""

from compliance.gate import explain
from compliance.gate.epoch import (
    Memory,
    WentBack,
    begin_epoch,
    confirm_restore,
    heartbeat,
    move_epoch,
    processes_running,
    tables_without_key,
)
from compliance.gate.http import context, declare, door, of, refusal, wants_json
from compliance.gate.instances import INSTANCE_TTL, deregister, now
from compliance.gate.locks import FeatureClosed, OptimisticToken, lock_shared, optimistic, transaction
from compliance.gate.periods import invalidate, reconcile
from compliance.gate.present import (
    as_json,
    closed_reasons,
    features_as_json,
    headline,
    keys,
    on_the_wire,
    planned_end,
)
from compliance.gate.refusals import count_refusal, write_refusals
from compliance.gate.signatures import ask_to_lift_stop, lift_stop, pull_stop, sign, withdraw
from compliance.gate.snapshot import Snapshot, current, read, unreachable
from compliance.gate.state import advance_revision, lock_exclusive
from compliance.records.ledger import SpecimenLedger

__all__ = [
    "INSTANCE_TTL",
    "FeatureClosed",
    "Memory",
    "OptimisticToken",
    "Snapshot",
    "SpecimenLedger",
    "WentBack",
    "advance_revision",
    "as_json",
    "ask_to_lift_stop",
    "begin_epoch",
    "closed_reasons",
    "confirm_restore",
    "context",
    "count_refusal",
    "current",
    "declare",
    "deregister",
    "door",
    "explain",
    "features_as_json",
    "headline",
    "heartbeat",
    "invalidate",
    "keys",
    "lift_stop",
    "lock_exclusive",
    "lock_shared",
    "move_epoch",
    "now",
    "of",
    "on_the_wire",
    "optimistic",
    "planned_end",
    "processes_running",
    "pull_stop",
    "read",
    "reconcile",
    "refusal",
    "sign",
    "tables_without_key",
    "transaction",
    "unreachable",
    "wants_json",
    "withdraw",
    "write_refusals",
]
