"""What follows from a verdict: penalties, further items of the checklist, and the bureau."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from compliance import law
from compliance.language import current_language
from compliance.law import CONDITIONS, ITEM, OUTSIDE, PENALTIES, Facts, Item, Outcome, Penalty, Standing, Text


@dataclass(frozen=True, slots=True)
class ApplicablePenalty:
    """A penalty that would apply. `only` limits it to a part or a condition, or says how sure it is."""

    penalty: Penalty
    only: Text | None = None

    @property
    def cited(self) -> str:
        """The articles in the language of the request."""
        return law.cite_all(self.penalty.articles, current_language())

    @property
    def maximum(self) -> Text:
        """The maximum that the law sets, in words."""
        most, staff, note = self.penalty.maximum, self.penalty.staff, self.penalty.note
        if most is None:
            return note or Text("–", "–")
        if staff is None:
            return Text(most.ja, most.en)
        return Text(f"{most.ja}（従事者は{staff.ja}）", f"{most.en} (staff: {staff.en})")


_WHOLE: Final = None
_TRANSMISSION: Final = Text("外部送信の規律に関する部分だけ", "only as far as external transmission goes")
_REPORTS: Final = Text("報告と検査に関する部分だけ", "only as far as reports and inspections go")
_BOTH_INFERRED: Final = Text(
    "推論。164条3項は190条を挙げておらず、この事業にも及ぶかは確認できていない",
    "our inference: 164(3) does not name Article 190, so whether it reaches this business has not been confirmed",
)
_IF_NOTIFY: Final = Text("届出が必要だった場合", "if a notification was due")
_IF_DATING: Final = Text("異性紹介事業に当たる場合", "if it is a dating-site business")
_IF_REGISTER: Final = Text("登録が必要だった場合", "if a registration was due")
_SECRECY: Final[Mapping[str, Text | None]] = {"P-3": _WHOLE, "P-4": _WHOLE, "P-5": _WHOLE}
_HOBBY: Final[Mapping[str, Text | None]] = {"P-13": _WHOLE}
PENALTIES_OF: Final[Mapping[Outcome, Mapping[str, Text | None]]] = MappingProxyType(
    {
        Outcome.NOTIFY: dict.fromkeys(("P-2", *_SECRECY, "P-6", "P-7", "P-8", "P-9", "P-10", "P-11", "P-12"), _WHOLE),
        # P-7 is about changes to a notification; P-14 is what a registration has in its place.
        Outcome.REGISTER: dict.fromkeys(
            ("P-1", *_SECRECY, "P-6", "P-14", "P-8", "P-9", "P-10", "P-11", "P-12"), _WHOLE
        ),
        Outcome.THIRD_ITEM: {
            **_SECRECY,
            "P-6": _TRANSMISSION,
            "P-8": _REPORTS,
            "P-10": _BOTH_INFERRED,
            "P-11": _WHOLE,
            "P-12": _TRANSMISSION,
        },
        Outcome.EXEMPT_ITEM1: {**_SECRECY, "P-10": _BOTH_INFERRED},
        Outcome.EXEMPT_ITEM2: {**_SECRECY, "P-10": _BOTH_INFERRED},
        Outcome.OUT_NO_SERVICE: _HOBBY,
        Outcome.OUT_OWN_DEMAND: _HOBBY,
        Outcome.OUT_NOT_BUSINESS: _HOBBY,
        Outcome.OUT_NOT_FOR_GAIN: _HOBBY,
        Outcome.CONSULT: {"P-2": _IF_NOTIFY, "P-1": _IF_REGISTER, **_SECRECY, "P-10": _WHOLE},
    }
)
"""The penalties for each verdict, the most relevant first (TBA 164(3), 177 to 193)."""
_PENALTY: Final = MappingProxyType({penalty.id: penalty for penalty in PENALTIES})
_DATING: Final = ("P-15", "P-16", "P-17", "P-18")


def penalties(outcome: Outcome, facts: Mapping[str, Any] | None = None) -> tuple[ApplicablePenalty, ...]:
    """Return the penalties that would apply to a service.

    Args:
        outcome: the verdict on the service.
        facts: the other facts of LAW-01, if known.
    """
    rows = dict(PENALTIES_OF[outcome])
    if (facts or {}).get("profiles") is True:
        rows |= dict.fromkeys(_DATING, _IF_DATING)
    return tuple(ApplicablePenalty(_PENALTY[row], only) for row, only in rows.items())


_CALLED_BY: Final = ("LAW-10", "LAW-20", "LAW-24", "LAW-25")


def items_called_for(facts: Mapping[str, Any]) -> tuple[Item, ...]:
    """Return the checklist items that the facts of LAW-01 call for: profiles, scanning, operator abroad, paid features.

    A missing fact calls for no item.
    """
    known = Facts.from_evidence(facts)
    known = replace(known, operator_in_japan=known.operator_in_japan is not False, paid=known.paid is True)
    return tuple(ITEM[item] for item in _CALLED_BY if CONDITIONS[item].holds(Standing(), known))


NOT_DUE: Final = OUTSIDE | {Outcome.OUT_NO_SERVICE}
"""The verdicts without a filing."""


def needs_bureau_answer(outcome: Outcome) -> bool:
    """Return whether closed chat needs the bureau's answer on record (LAW-02) after this verdict.

    After a verdict without a filing, closed chat opens as `exempt` only, and that always needs the answer.
    """
    return outcome in NOT_DUE or CONDITIONS["LAW-02"].holds(Standing(), Facts(verdict=outcome))
