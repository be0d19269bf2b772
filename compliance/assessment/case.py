"""A case: the service as its operator describes it, and the verdict of the decision procedure (届出の要否)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from compliance import law
from compliance.assessment import features
from compliance.assessment.consequences import NOT_DUE
from compliance.assessment.features import CLOSED_ROOM
from compliance.law import (
    NODES,
    RULES,
    Answer,
    Answers,
    Feature,
    FeatureAnswers,
    Node,
    Text,
    Verdict,
    answers_of,
    assess,
    mediates,
)
from compliance.law.questions import ANSWERS, GUIDES

LOCAL_GOVERNMENT: Final = "local_government"
"""The key in `Case.given` that says whether the operator is a local government (TBA 165)."""


def own_key(name: str) -> str:
    """Return the key in `Case.given` that says: only the operator and one user talk through this feature (or N7)."""
    return f"own:{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A service as its operator describes it. `N7` in `given` answers for features of other software."""

    given: Mapping[str, Answer] = field(default_factory=dict)
    """Answers by node id, by feature name (is it offered? default: yes), and by `own_key` and `LOCAL_GOVERNMENT`
    (default: no)."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """The reasons, by node id."""
    doors: tuple[Feature, ...] = ()

    def offered(self) -> dict[Feature, Answer]:
        """Return for each feature with a door whether users have it, or will have it."""
        return {feature: self.given.get(feature.value, Answer.YES) for feature in self.doors}

    def answers(self) -> Answers:
        """Return the facts that the decision procedure asks for."""
        answered = [
            _as_offered(feature, answer) for feature, answer in self.offered().items() if feature in features.TRAITS
        ]
        others = self.given.get("N7", Answer.UNKNOWN)
        if others is not Answer.NO:
            answered.append(_closed("N7") if others is Answer.YES else FeatureAnswers(name="N7"))
        return Answers(
            features=tuple(
                replace(feature, operator_and_one_user=Answer.YES) if self.is_own(feature.name) else feature
                for feature in answered
                if feature
            ),
            local_government=self.given.get(LOCAL_GOVERNMENT, Answer.UNKNOWN),
            **{node.field: self.given.get(node.id, Answer.UNKNOWN) for node in NODES.values() if node.id != "N7"},
        )

    def is_own(self, name: str) -> bool:
        """Return whether only the operator (with its staff) and one user talk through a feature (or in N7)."""
        return self.given.get(own_key(name)) is Answer.YES

    def verdict(self) -> Verdict:
        """Return the result of the decision procedure. A missing answer counts as unknown."""
        return assess(self.answers())

    def next(self) -> str | None:
        """Return the id of the node that waits for an answer, or None at the end of the procedure."""
        return next((node for node in self.verdict().path if node not in self.given), None)

    def answer(self, node: str) -> Answer:
        """Return the answer to a node. The answer to N7 follows from the features."""
        if node != "N7":
            return self.given.get(node, Answer.UNKNOWN)
        found = {mediates(feature) for feature in self.answers().features}
        return next((answer for answer in (Answer.YES, Answer.UNKNOWN) if answer in found), Answer.NO)

    def basis(self) -> Text | None:
        """Return a sentence on the answer that decides a verdict without a filing; None for other verdicts.

        The articles were read. Nobody verified that the answer is true, and the sentence says so.
        """
        verdict = self.verdict()
        if verdict.outcome not in NOT_DUE:
            return None
        node = NODES[verdict.path[-1]]
        title, said = GUIDES[node.id].title, ANSWERS[self.answer(node.id)]
        return Text(
            f"この結論は、{node.id}（{title.ja}）への「{said.ja}」という答えによります。答えが事実に合うかどうかを、"
            f"このソフトウェアは確かめていません。条文で確認したのは{law.cite_all(node.articles, 'ja')}の定めだけです"
            f"。",
            f"This verdict hangs on the answer “{said.en}” to {node.id} ({title.en}). Whether that answer is true was "
            f"not "
            f"checked. What was read is what the law says there ({law.cite_all(node.articles, 'en')}).",
        )

    def doubts(self) -> tuple[Text, ...]:
        """Return the doubts: answers that contradict each other, and questions that the sources leave open."""
        verdict = self.verdict()
        shared = [
            RULES[feature].title
            for feature, answer in self.offered().items()
            if feature in features.TRAITS and answer is not Answer.NO and not self.is_own(feature)
        ]
        if verdict.path[-1] != "N2" or self.answer("N2") is not Answer.NO or not shared:
            return verdict.doubts
        names_ja, names_en = "」「".join(title.ja for title in shared), ", ".join(f"“{title.en}”" for title in shared)
        return (
            Text(
                f"N2 への「いいえ」は、運営者が必ず一方の当事者になる場合だけの答えです。"
                f"「{names_ja}」では利用者どうしが"
                "やり取りします。利用者に提供するなら、N2 は「はい」です。",
                f"No is the answer to N2 only where the operator is one side of every conversation. Through {names_en} "
                "users talk with each other: if you offer that, N2 is yes.",
            ),
            *verdict.doubts,
        )

    def trail(self) -> list[Step]:
        """Return the questions with their answers, in the order in which they were asked."""
        return [
            Step(NODES[node], self.answer(node), self.notes.get(node, ""))
            for node in self.verdict().path
            if node in self.given
        ]


@dataclass(frozen=True, slots=True)
class Step:
    """One question with its answer and the reason for it."""

    node: Node
    answer: Answer
    note: str

    @property
    def title(self) -> Text:
        """The question in a few words."""
        return GUIDES[self.node.id].title

    @property
    def said(self) -> Text:
        """The answer in words."""
        return ANSWERS[self.answer]


def _closed(name: str) -> FeatureAnswers:
    return answers_of(CLOSED_ROOM, name)


def _as_offered(feature: Feature, offered: Answer) -> FeatureAnswers | None:
    facts = answers_of(features.TRAITS[feature], feature.value)
    if offered is Answer.NO:
        return None
    if offered is Answer.UNKNOWN and mediates(facts) is not Answer.NO:
        return FeatureAnswers(name=feature.value)
    return facts


OFFERED: Final[Mapping[Answer, Text]] = {
    Answer.YES: Text("提供する", "offered"),
    Answer.NO: Text("提供しない", "not offered"),
    Answer.UNKNOWN: Text("未定", "not decided"),
}
"""Whether a feature is offered, in words."""
OPERATOR_AND_ONE_USER: Final = Text("運営者と利用者一人の間だけ", "only between the operator and one user")


def offers(case: Case) -> dict[Feature, Text]:
    """Return for each feature in words whether it is offered, and whether only the operator and one user talk."""
    return {
        feature: Text(
            f"{OFFERED[answer].ja}（{OPERATOR_AND_ONE_USER.ja}）", f"{OFFERED[answer].en} ({OPERATOR_AND_ONE_USER.en})"
        )
        if answer is not Answer.NO and case.is_own(feature)
        else OFFERED[answer]
        for feature, answer in case.offered().items()
    }
