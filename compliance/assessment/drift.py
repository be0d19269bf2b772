"""Compares the recorded assessment with the features and the law of today.

The verdict belongs to the service with its features: when they change, the assessment is due again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from compliance import gate, law
from compliance.assessment import features
from compliance.law import RULES, Answer, Feature, Outcome, Text
from compliance.models import Assessment, Signature


class Footing(StrEnum):
    """What LAW-01 rests on: nothing, a signature without the questions, or the questions."""

    none = "none"
    by_hand = "by_hand"
    recorded = "recorded"


@dataclass(frozen=True, slots=True)
class Position:
    """The recorded assessment, and what has changed since."""

    footing: Footing
    assessment: Assessment | None = None
    changes: tuple[Text, ...] = ()

    @property
    def outcome(self) -> Outcome | None:
        """The recorded verdict."""
        return Outcome(self.assessment.outcome) if self.assessment else None


def position(snapshot: gate.Snapshot) -> Position:
    """Compare the record with what the code offers and the gate allows now.

    Each change asks for a new assessment: a feature added or removed, other traits of a room, another rule or version
    of the law, paid features.

    Args:
        snapshot: of the gate, now.
    """
    live = Signature.objects.filter(withdrawn_at__isnull=True)
    signed = live.filter(item_id="LAW-01").select_related("assessment").first()
    if signed is None:
        return Position(Footing.none)
    stored: Assessment | None = getattr(signed, "assessment", None)
    if stored is None:
        return Position(Footing.by_hand)
    paid = live.filter(item_id="LAW-25", signed_at__gt=signed.signed_at).exists()
    changes = [*_differences(stored, snapshot), *_contradictions(signed.evidence, paid=paid)]
    return Position(Footing.recorded, stored, tuple(changes))


def _differences(stored: Assessment, snapshot: gate.Snapshot) -> Iterator[Text]:
    then: Mapping[str, Mapping[str, Any]] = stored.features
    now = features.as_recorded(dict.fromkeys(features.doors(), Answer.YES))
    for name in sorted({*then, *now}):
        feature = next((feature for feature in Feature if feature == name), None)
        title = RULES[feature].title if feature else Text(name, name)
        old, new = then.get(name), now.get(name)
        if old is None:
            yield Text(f"機能「{title.ja}」が加わりました。", f"“{title.en}” was added.")
        elif new is None:
            yield Text(f"機能「{title.ja}」がなくなりました。", f"“{title.en}” was removed.")
        else:
            if old.get("traits") != new["traits"]:
                yield Text(
                    f"「{title.ja}」の部屋の性質が変わりました。", f"The rooms of “{title.en}” changed their traits."
                )
            if old.get("required") != new["required"]:
                yield Text(f"「{title.ja}」に要るものが変わりました。", f"What “{title.en}” needs has changed.")
            if feature and old.get("offered") == Answer.NO and snapshot.decide(feature).allowed:
                yield Text(
                    f"提供しないと答えた「{title.ja}」が、いまは開いています。",
                    f"“{title.en}” was said not to be offered, and it is open now.",
                )
    if stored.law_version != law.LAW_VERSION:
        yield Text(
            f"法令の時点が {stored.law_version} から {law.LAW_VERSION} に変わりました。",
            f"The law version changed from {stored.law_version} to {law.LAW_VERSION}.",
        )


def _contradictions(recorded: Mapping[str, Any], *, paid: bool) -> Iterator[Text]:
    open_doors = set(features.doors())
    if paid and recorded.get("paid") == "no":
        yield Text(
            "有料の機能はないと記録されていますが、その後に LAW-25（有料機能の表示）が署名されました。",
            "No paid features are on record, but LAW-25 (paid-feature statements) was signed since.",
        )
    for key, feature in (("profiles", Feature.PROFILE_DATING), ("scanning", Feature.SCAN_CLOSED)):
        if feature in open_doors and recorded.get(key) is not True:
            title = RULES[feature].title
            yield Text(
                f"「{title.ja}」はないと記録されていますが、その機能があります。",
                f"“{title.en}” is recorded as absent, but the software has it.",
            )
