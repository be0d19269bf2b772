"""For tests of a deployment: turn the keys, sign items, pull the stop. Never imported by the service."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from compliance import signing
from compliance.checklist import ITEMS, Item
from compliance.standing import Standing, read_standing

if TYPE_CHECKING:
    from datetime import date

    from django.contrib.auth.base_user import AbstractBaseUser

#: The environment of a deployment whose notification is done: key 1 turned.
NOTIFIED = {
    "TELECOM_REGISTRATION": "notified",
    "TELECOM_REGISTRATION_NUMBER": "A-08-12345",
    "TELECOM_REGISTRATION_DATE": "2026-06-01",
    "TELECOM_OPERATOR_NAME": "届チャット運営",
    "TELECOM_OPERATOR_ADDRESS": "東京都千代田区霞が関2-1-2",
    "TELECOM_OPERATOR_CONTACT": "contact@example.jp",
}

_FACTS = {"operator_in_japan": "yes", "verdict": "NOTIFY", "paid": "no"}
_BY_KIND = {"date": "2026-06-01", "url": "https://chat.example.jp/", "check": True}


def notified(today: date) -> Standing:
    """Return the standing of `NOTIFIED`."""
    return read_standing(NOTIFIED, today)


def evidence_for(item: Item) -> dict[str, Any]:
    """Return evidence with which an item can be signed, true of a plain notified deployment in Japan."""
    evidence: dict[str, Any] = {}
    for field in item.evidence:
        if field.key in _FACTS:
            evidence[field.key] = _FACTS[field.key]
        elif field.kind == "check":
            evidence[field.key] = field.key not in ("profiles", "scanning")
        elif field.choices:
            evidence[field.key] = field.choices[0].value
        else:
            evidence[field.key] = _BY_KIND.get(field.kind, f"{item.id} {field.key}")
    return evidence


def sign_all(actor: AbstractBaseUser, *, but: Collection[str] = ()) -> None:
    """Sign every item of the catalogue except those named: key 2 turned if none that blocks is left out."""
    for item in ITEMS:
        if item.id not in but:
            signing.sign(item=item, evidence=evidence_for(item), actor=actor)
