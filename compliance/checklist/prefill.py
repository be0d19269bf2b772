"""The initial evidence on an item's form: what the code knows, and the last signature's evidence."""

from __future__ import annotations

from typing import Any, Final

from compliance import assessment, gate, law
from compliance.checklist.shown import shown_on
from compliance.language import current_language
from compliance.law import Item, retention, transmissions
from compliance.models import Signature

_CURRENT: Final = ("law_version", "number", "list_version", "table_version")
"""Evidence that is read anew for each signature; the other fields may hold the operator's own words."""


def initial_evidence(item: Item, snapshot: gate.Snapshot, last: Signature | None) -> dict[str, Any]:
    """Return the values with which an item's form starts.

    The last evidence goes before what the code knows, except versions and numbers. Boxes that a person must tick each
    time stay empty.

    Args:
        item: of the catalogue.
        snapshot: of the gate, now.
        last: the newest signature on the item, withdrawn or not.
    """
    language = current_language()
    taken = {key: law.say(text, language) for key, text in shown_on(item).evidence.items()}
    known = taken | _known(item, snapshot, language)
    confirmed = {field.key for field in item.evidence if field.kind == "check" and field.required}
    earlier = {key: value for key, value in (last.evidence if last else {}).items() if key not in confirmed}
    return {**known, **earlier, **{key: known[key] for key in _CURRENT if known.get(key)}}


def _known(item: Item, snapshot: gate.Snapshot, language: str) -> dict[str, str]:
    """Return what the code knows of an item's evidence."""
    found: dict[str, dict[str, str]] = {
        "LAW-01": {"law_version": law.LAW_VERSION},
        "LAW-04": {"number": snapshot.standing.number},
        "LAW-05": {
            "map": "\n".join(
                f"{law.say(law.RULES[feature].title, language)}: "
                for feature in assessment.doors()
                if feature in law.CLOSED_FEATURES
            )
        },
        "LAW-09": {
            "procedure": f"/desk/reports/ ({law.LAW_VERSION})",
            "purpose": law.say(retention.ROW["reports"].why, language),
            "deletion": law.say(retention.ROW["reports"].period, language),
        },
        "LAW-11": {"transmissions": transmissions.as_text(language), "list_version": transmissions.version()},
        "LAW-12": {"table": retention.as_text(language), "table_version": retention.version()},
        "LAW-20": {"number": snapshot.standing.dating_number},
    }
    return found.get(item.id, {})
