"""The ledger (記録台帳) and what it proves. Its modules are the face: `from compliance.records import ledger`."""

from compliance.records import (
    agreement,
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

__all__ = [
    "Event",
    "agreement",
    "evidence",
    "guards",
    "holds",
    "ledger",
    "powers",
    "proof",
    "replay",
    "stamping",
    "starts",
    "transparency",
]
