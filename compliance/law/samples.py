"""Evidence with which an item can be signed where nothing is at stake: in a demo and in the tests of a deployment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from compliance.law.items import EvidenceField, Item
from compliance.law.standing import Standing

_FACTS: Final = {"operator_in_japan": "yes", "verdict": "NOTIFY", "paid": "no"}
_URL: Final = "https://chat.example.jp/"
_FILED_ON: Final = "2026-05-18"
_NUMBER: Final = "A-08-12345"
_NOT_TICKED: Final = frozenset({"profiles", "scanning"})


def sample_evidence(item: Item, standing: Standing, text: Callable[[EvidenceField], str]) -> dict[str, Any]:
    """Return evidence for an item, true of a plain notified deployment in Japan.

    Args:
        item: of the catalogue.
        standing: whose numbers and day of filing are taken, where it has them.
        text: returns what a field of free text says.
    """
    known = {("LAW-04", "number"): standing.number or _NUMBER, ("LAW-20", "number"): standing.dating_number}
    evidence: dict[str, Any] = {}
    for field in item.evidence:
        if (item.id, field.key) in known:
            evidence[field.key] = known[item.id, field.key]
        elif field.key in _FACTS:
            evidence[field.key] = _FACTS[field.key]
        elif field.kind == "check":
            evidence[field.key] = field.key not in _NOT_TICKED
        elif field.choices:
            evidence[field.key] = field.choices[0].value
        elif field.kind == "date":
            evidence[field.key] = standing.filed_on.isoformat() if standing.filed_on else _FILED_ON
        else:
            evidence[field.key] = _URL if field.kind == "url" else text(field)
    return evidence
