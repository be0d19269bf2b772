"""The ledger (記録台帳) and what it proves. Its modules are the face: `from compliance.records import ledger`."""

from compliance.records import (
    agreement,
    approvals,
    evidence,
    guards,
    holds,
    ledger,
    powers,
    proof,
    replay,
    stamping,
    starts,
    transparency,
)
from compliance.records.events import Event
from compliance.records.holders import groups_of, holders, make_groups, may, powers_of, would_hold

__all__ = [
    "Event",
    "agreement",
    "approvals",
    "evidence",
    "groups_of",
    "guards",
    "holders",
    "holds",
    "ledger",
    "make_groups",
    "may",
    "powers",
    "powers_of",
    "proof",
    "replay",
    "stamping",
    "starts",
    "transparency",
    "would_hold",
]
