"""Facts about the deployment that decide which items apply: what the operator recorded, and what the service knows.

What is not known counts as if the item applied.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from compliance.law.dating import AgeCheck
from compliance.law.rules import RULES, Feature, Required


@dataclass(frozen=True, slots=True)
class Filer:
    """The filer according to one source: the environment at the time an item was signed, or the draft."""

    source: str
    """The item's id, or `filing` for the draft of the notification."""
    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts about the deployment that decide which items apply. None means unknown, and then an item applies."""

    closed_features_on: frozenset[Feature] | None = None
    """The closed features that the deployment offers; the empty set means that it is open only."""
    operator_in_japan: bool | None = None
    profiles: bool = False
    """Public profiles with gender or a wish to date."""
    scanning: bool = False
    """Whether software processes the content of closed chat in any way."""
    paid: bool | None = None
    verdict: str | None = None
    """The `Outcome` recorded with LAW-01."""
    filed_features: frozenset[Feature] | None = None
    """The closed features that form 4 covers by LAW-05's evidence; None where the evidence names none."""
    age_checked: bool | None = None
    """Whether LAW-20 names a method by which users are checked to be 18; None where it is not signed."""
    dating_outcome: str | None = None
    """The `dating.Outcome` recorded with LAW-20."""
    dating_number: str | None = None
    """The number of the dating notification recorded with LAW-20."""
    arrived_on: str | None = None
    """The day on which the notification arrived, as recorded with LAW-03."""
    number: str | None = None
    """The number recorded with LAW-04."""
    number_notified_on: str | None = None
    """The day on which the bureau gave notice of that number, as recorded with LAW-04."""
    filers: tuple["Filer", ...] = ()
    """The filer, by each source that names one."""
    carries_messages: bool | None = None
    """The answer to N1 behind LAW-01; None if it is unknown, or the questions were not answered."""
    not_offered: frozenset[Feature] = frozenset()
    """The features that the answers behind LAW-01 call not offered."""
    purge_seen: bool | None = None
    """Whether the ledger shows a purge shortly before LAW-12 was signed; None where it is not signed."""

    @classmethod
    def from_evidence(
        cls,
        assessment: Mapping[str, object],
        filed: Mapping[str, object] | None = None,
        dating: Mapping[str, object] | None = None,
        *,
        arrival: Mapping[str, object] | None = None,
        number: Mapping[str, object] | None = None,
        **known: Any,
    ) -> "Facts":
        """Read the facts that the operator recorded with LAW-01 and, where given, with other items.

        LAW-05's signature alone means that all is filed; once it names features, the others count as not filed.

        Args:
            assessment: the evidence of LAW-01.
            filed: that of LAW-05.
            dating: that of LAW-20.
            arrival: that of LAW-03.
            number: that of LAW-04.
            known: facts by their names that no item's evidence holds.
        """
        named = frozenset(feature for feature in Feature if (filed or {}).get(feature) is True)
        verdict = assessment.get("verdict")
        return cls(
            dating_outcome=_stated(dating, "outcome"),
            dating_number=_stated(dating, "number"),
            arrived_on=_stated(arrival, "arrived_on"),
            number=_stated(number, "number"),
            number_notified_on=_stated(number, "told_on"),
            operator_in_japan=_yes_or_no(assessment.get("operator_in_japan")),
            profiles=assessment.get("profiles") is True,
            scanning=assessment.get("scanning") is True,
            paid=_yes_or_no(assessment.get("paid")),
            verdict=verdict if isinstance(verdict, str) and verdict else None,
            filed_features=named or None,
            age_checked=None if dating is None else dating.get("age_check") not in {None, "", AgeCheck.NONE},
            **known,
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the facts, to notice that one changed."""
        values = asdict(self)
        for name, value in values.items():
            if isinstance(value, frozenset):
                values[name] = sorted(value)
        return hashlib.sha256(json.dumps(values, ensure_ascii=False, sort_keys=True).encode()).hexdigest()

    def unfiled(self, offered: Iterable[Feature]) -> tuple[Feature, ...]:
        """Return the features among those offered that need a notification and are not on form 4 as recorded."""
        if self.filed_features is None:
            return ()
        return tuple(
            feature
            for feature in offered
            if RULES[feature].required is Required.NOTIFIED and feature not in self.filed_features
        )


def _stated(evidence: Mapping[str, object] | None, key: str) -> str | None:
    value = (evidence or {}).get(key)
    return value.strip() or None if isinstance(value, str) else None


def _yes_or_no(answer: object) -> bool | None:
    return {"yes": True, "no": False}.get(answer) if isinstance(answer, str) else None
