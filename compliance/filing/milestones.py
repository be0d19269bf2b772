"""The stages of a notification: before it, filed, number received; and the proof of each (APA 37; REG 9(15))."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from compliance import law
from compliance.language import current_language
from compliance.law import Standing, Text


class Stage(StrEnum):
    """How far the notification is."""

    none = "none"
    filed = "filed"
    notified = "notified"


@dataclass(frozen=True, slots=True)
class Milestone:
    """One stage: its meaning, its proof, the checklist item that records the proof, and what is recorded."""

    stage: Stage
    title: Text
    proof: Text
    articles: tuple[str, ...]
    item: str
    reached: bool
    now: bool
    recorded: tuple[str, ...] = ()

    @property
    def cited(self) -> str:
        """The articles, in the language of the request."""
        return law.cite_all(self.articles, current_language())


_MILESTONES: Final = (
    (
        Stage.none,
        Text("届出前", "Before the notification"),
        Text(
            "まだ何も届いていません。届出は事業を始める前に行います。",
            "Nothing has arrived yet. The notification comes before the start.",
        ),
        ("TBA 16(1)",),
        "",
    ),
    (
        Stage.filed,
        Text("届出済み・番号通知待ち", "Notified, number pending"),
        Text(
            "形式上の要件を満たした届出は、提出先の事務所に到達した時に済んだことになります。電子の提出は、相手方のファイルに"
            "記録された時に到達したとみなされます。証拠は、受付印のある控え・配達の記録・電子提出の受付の記録などです。",
            "A complete notification is done when it reaches the office; one sent electronically has arrived when it "
            "is recorded in the receiver's file. Proof: a stamped copy, a delivery record, the receipt of the "
            "electronic filing.",
        ),
        ("APA 37", "REG 70(2)"),
        "LAW-03",
    ),
    (
        Stage.notified,
        Text("届出番号の通知", "Number told"),
        Text(
            "到達の後に、届出番号が知らされます。証拠は、その通知書です。",
            "The number is told after the arrival. Proof: that notice.",
        ),
        ("REG 9(15)",),
        "LAW-04",
    ),
)
_SHOWN: Final = {"LAW-03": ("arrived_on", "arrival_proof"), "LAW-04": ("number", "told_on")}


def milestones_of(standing: Standing, evidence: Mapping[str, Mapping[str, Any]]) -> tuple[Milestone, ...]:
    """Return the three stages, which the deployment has reached, and what LAW-03 and LAW-04 hold as proof."""
    order = list(Stage)
    # A registration and a recorded basis for not filing are other ways; on them no stage is reached.
    stage = next((stage for stage in Stage if stage.value == standing.status.value), None)
    found = []
    for each, title, proof, articles, item in _MILESTONES:
        recorded = [str(evidence.get(item, {}).get(key, "")) for key in _SHOWN.get(item, ())]
        found.append(
            Milestone(
                each,
                title,
                proof,
                articles,
                item,
                reached=stage is not None and order.index(each) <= order.index(stage),
                now=each is stage,
                recorded=tuple(filter(None, recorded)),
            )
        )
    return tuple(found)
