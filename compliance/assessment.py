"""Must I file? What the code offers and what a person answered, the verdict on both, and what was recorded of it.

The verdict belongs to the service with its features: when those change, what was recorded is asked for again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.urls import URLResolver, get_resolver
from django.utils import timezone

from compliance import checklist, gate, law, signing
from compliance.classify import (
    CONSEQUENCES,
    NODES,
    Answer,
    Answers,
    Entry,
    FeatureAnswers,
    Node,
    Origin,
    Outcome,
    Traits,
    Verdict,
    answers_of,
    assess,
    mediates,
)
from compliance.law import PENALTIES, RULES, Feature, Penalty, Text, say
from compliance.models import Assessment, Signature
from compliance.questions import ANSWERS, GUIDES
from compliance.standing import Standing

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


# What the code offers -------------------------------------------------------------------------------------------------

_PUBLIC: Final = Traits(
    anyone_may_read=True,
    listed=True,
    entry=Entry.anyone,
    designated_recipients=False,
    made_by=Origin.person,
    capacity_hides=False,
    members_only_history=False,
)
_SHUT: Final = replace(
    _PUBLIC, anyone_may_read=False, listed=False, designated_recipients=True, members_only_history=True
)

TRAITS: Final[Mapping[Feature, Traits]] = MappingProxyType(
    {
        Feature.ROOM_OPEN: _PUBLIC,
        Feature.MATCH_PAIR: replace(_SHUT, entry=Entry.pairing, made_by=Origin.pairing, capacity_hides=True),
        Feature.RECRUIT: replace(_SHUT, entry=Entry.pairing, made_by=Origin.recruiting, capacity_hides=True),
        Feature.INVITE_ONLY: replace(_SHUT, entry=Entry.invitation),
        Feature.DM_TEXT: replace(_SHUT, entry=Entry.invitation, capacity_hides=True),
    }
)
"""The features that carry words between users, and the traits of the rooms in which they do.

Tests hold these against the rooms that chat really makes.
"""

_NO_FEATURE_OF_LAW: Final = frozenset({Feature.SERVICE, Feature.ACCOUNT, Feature.OPERATOR})


def doors() -> tuple[Feature, ...]:
    """Return the features that this deployment's pages serve, as their views declare them at the gate.

    A feature without a page has no door, however complete its rule is.
    """
    declared = set(_declared(get_resolver())) - _NO_FEATURE_OF_LAW
    return tuple(feature for feature in Feature if feature in declared)


def _declared(resolver: URLResolver) -> Iterator[Feature]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _declared(pattern)
            continue
        declared = getattr(pattern.callback, "feature", None)
        if isinstance(declared, Feature):
            yield declared


def _as_coded(offered: Mapping[Feature, Answer]) -> dict[str, dict[str, Any]]:
    """What is recorded of each feature: whether it is offered, what it needs, and its rooms' traits."""
    return {
        feature.value: {
            "offered": answer.value,
            "required": RULES[feature].required.value,
            "traits": asdict(TRAITS[feature]) if feature in TRAITS else None,
        }
        for feature, answer in offered.items()
    }


def fingerprint(features: Mapping[str, Mapping[str, Any]]) -> str:
    """Return SHA-256 (hex) of features as recorded, so that any difference shows."""
    return hashlib.sha256(json.dumps(features, sort_keys=True).encode()).hexdigest()


# What a person answers ------------------------------------------------------------------------------------------------


class BadAnswers(ValueError):
    """The answers given cannot be read. Its text is one line that names the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A service as its operator describes it. `N7` in `given` answers for features beyond those of this software."""

    given: Mapping[str, Answer] = field(default_factory=dict)
    """Answers by node id, and by feature name whether it is offered (yes unless said otherwise)."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """Why, by node id."""
    doors: tuple[Feature, ...] = ()

    def offered(self) -> dict[Feature, Answer]:
        """Say of each feature with a door whether it is, or will be, offered to users."""
        return {feature: self.given.get(feature.value, Answer.YES) for feature in self.doors}

    def answers(self) -> Answers:
        """Return the facts that the decision procedure asks for."""
        features = [_as_offered(feature, answer) for feature, answer in self.offered().items() if feature in TRAITS]
        others = self.given.get("N7", Answer.UNKNOWN)
        if others is not Answer.NO:
            features.append(_shut("N7") if others is Answer.YES else FeatureAnswers(name="N7"))
        return Answers(
            features=tuple(feature for feature in features if feature),
            **{node.field: self.given.get(node.id, Answer.UNKNOWN) for node in NODES.values() if node.id != "N7"},
        )

    def verdict(self) -> Verdict:
        """Walk the decision procedure. What nobody answered counts as not known."""
        return assess(self.answers())

    def next(self) -> str | None:
        """Return the node at which the procedure waits for an answer, or None where it has come to its end."""
        return next((node for node in self.verdict().path if node not in self.given), None)

    def answer(self, node: str) -> Answer:
        """Return the answer to a node; to N7 it follows from the features."""
        if node != "N7":
            return self.given.get(node, Answer.UNKNOWN)
        found = {mediates(feature) for feature in self.answers().features}
        return next((answer for answer in (Answer.YES, Answer.UNKNOWN) if answer in found), Answer.NO)

    def trail(self) -> list[Step]:
        """Return what was asked and answered, in order."""
        return [
            Step(NODES[node], self.answer(node), self.notes.get(node, ""))
            for node in self.verdict().path
            if node in self.given
        ]


@dataclass(frozen=True, slots=True)
class Step:
    """One question with its answer and the reason that was given for it."""

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


def _shut(name: str) -> FeatureAnswers:
    return answers_of(_SHUT, name)


def _as_offered(feature: Feature, offered: Answer) -> FeatureAnswers | None:
    facts = answers_of(TRAITS[feature], feature.value)
    if offered is Answer.NO:
        return None
    if offered is Answer.UNKNOWN and mediates(facts) is not Answer.NO:
        return FeatureAnswers(name=feature.value)
    return facts


# Facts that LAW-01 keeps besides the answers, and what each may be.
_FACTS: Final[Mapping[str, Callable[[object], bool]]] = MappingProxyType(
    {
        "operator_in_japan": lambda value: value in ("yes", "no"),
        "paid": lambda value: value in ("yes", "no"),
        "profiles": lambda value: isinstance(value, bool),
        "scanning": lambda value: isinstance(value, bool),
        "assessed_by": lambda value: isinstance(value, str),
    }
)
_NODE_OF: Final = {node.id: node.id for node in NODES.values()} | {
    node.field: node.id for node in NODES.values() if node.id != "N7"
}


def read(document: object, doors: tuple[Feature, ...]) -> tuple[Case, dict[str, Any]]:
    """Read answers from a JSON document, by node (`"N1": "yes"`) or by fact (`"carries_messages": "yes"`).

    `features` says by name which are offered, `why` gives reasons by node; the facts that LAW-01 keeps besides
    (`operator_in_japan`, `paid`: yes or no; `profiles`, `scanning`: true or false; `assessed_by`: text) are optional.

    Returns:
        the case, and those facts.

    Raises:
        BadAnswers: something is not understood; nothing is guessed.
    """
    if not isinstance(document, dict):
        raise BadAnswers("the answers are not a JSON object")
    given: dict[str, Answer] = {}
    notes: dict[str, str] = {}
    facts: dict[str, Any] = {}
    for key, value in document.items():
        if key in _NODE_OF:
            given[_NODE_OF[key]] = _word(key, value)
        elif key == "features" and isinstance(value, dict):
            for name, answer in value.items():
                if name not in doors:
                    raise BadAnswers(f"features: {name!r} is none of {', '.join(doors)}")
                given[name] = _word(f"features: {name}", answer)
        elif key == "why" and isinstance(value, dict):
            notes |= {node: str(reason) for node, reason in value.items() if node in NODES}
        elif key in _FACTS and _FACTS[key](value):
            facts[key] = value
        else:
            raise BadAnswers(f"{key}: {value!r} is not understood")
    return Case(given=given, notes=notes, doors=doors), facts


def _word(key: str, value: object) -> Answer:
    # A lookup by text: neither `true` nor an Answer of another spelling is taken for a word.
    if isinstance(value, str) and value in {answer.value for answer in Answer}:
        return Answer(value)
    raise BadAnswers(f"{key}: {value!r} is none of {', '.join(Answer)}")


# What follows ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Threat:
    """A penalty that would apply, and to which part of it that is limited, if it is."""

    penalty: Penalty
    only: Text | None = None

    @property
    def cited(self) -> str:
        """The articles, in the reader's language."""
        return law.cite_all(self.penalty.articles, gate.spoken())

    @property
    def maximum(self) -> Text:
        """The most that the law sets, in words."""
        most, staff, note = self.penalty.maximum, self.penalty.staff, self.penalty.note
        if most is None:
            return note or Text("–", "–")
        if staff is None:
            return Text(most.ja, most.en)
        return Text(f"{most.ja}（従事者は{staff.ja}）", f"{most.en} (staff: {staff.en})")


_WHOLE: Final = None
_TRANSMISSION: Final = Text("外部送信の規律に関する部分だけ", "only as far as external transmission goes")
_REPORTS: Final = Text("報告と検査に関する部分だけ", "only as far as reports and inspections go")
_IF_NOTIFY: Final = Text("届出が必要だった場合", "if a notification was due")
_IF_REGISTER: Final = Text("登録が必要だった場合", "if a registration was due")
_SECRECY: Final[Mapping[str, Text | None]] = {"P-3": _WHOLE, "P-4": _WHOLE, "P-5": _WHOLE}
_HOBBY: Final[Mapping[str, Text | None]] = {"P-13": _WHOLE}

PENALTIES_OF: Final[Mapping[Outcome, Mapping[str, Text | None]]] = MappingProxyType(
    {
        Outcome.NOTIFY: dict.fromkeys(("P-2", *_SECRECY, "P-6", "P-7", "P-8", "P-9", "P-10", "P-11", "P-12"), _WHOLE),
        # P-7 and P-9 are about changes to a notification; a registration has provisions of its own for them.
        Outcome.REGISTER: dict.fromkeys(("P-1", *_SECRECY, "P-6", "P-8", "P-10", "P-11", "P-12"), _WHOLE),
        Outcome.THIRD_ITEM: {
            **_SECRECY,
            "P-6": _TRANSMISSION,
            "P-8": _REPORTS,
            "P-10": _WHOLE,
            "P-11": _WHOLE,
            "P-12": _TRANSMISSION,
        },
        Outcome.EXEMPT_ITEM1: {**_SECRECY, "P-10": _WHOLE},
        Outcome.EXEMPT_ITEM2: {**_SECRECY, "P-10": _WHOLE},
        Outcome.OUT_NO_SERVICE: _HOBBY,
        Outcome.OUT_OWN_DEMAND: _HOBBY,
        Outcome.OUT_NOT_BUSINESS: _HOBBY,
        Outcome.OUT_NOT_FOR_GAIN: _HOBBY,
        Outcome.CONSULT: {"P-2": _IF_NOTIFY, "P-1": _IF_REGISTER, **_SECRECY, "P-10": _WHOLE},
    }
)
"""The rows of the penalties that concern a service with that verdict, the nearest first (TBA 164(3), 177 to 193)."""

_PENALTY: Final = MappingProxyType({penalty.id: penalty for penalty in PENALTIES})


def penalties(outcome: Outcome) -> tuple[Threat, ...]:
    """Return the penalties that would apply to a service with this verdict."""
    return tuple(Threat(_PENALTY[row], only) for row, only in PENALTIES_OF[outcome].items())


def wants_the_bureau(outcome: Outcome) -> bool:
    """Whether the bureau's answer must be on record (LAW-02) before closed chat follows from this verdict."""
    return checklist.CONDITIONS["LAW-02"].holds(Standing(), checklist.Facts(verdict=outcome))


# On record ------------------------------------------------------------------------------------------------------------

RECORDED_BESIDES: Final = (*_FACTS, "assessed_on")
"""The fields of LAW-01 that a person fills in; the others follow from the case."""


def draft(person: AbstractBaseUser) -> Assessment:
    """Return the person's unfinished assessment, or a new one that is not stored yet."""
    found = Assessment.objects.filter(answered_by_id=person.pk, signature__isnull=True).first()
    return found or Assessment(answered_by_id=person.pk)


def case_of(stored: Assessment) -> Case:
    """Read a stored assessment against the doors of today. What is no longer understood counts as not answered."""
    words = {answer.value: answer for answer in Answer}
    given = {key: words[value] for key, value in stored.answers.items() if value in words}
    return Case(given=given, notes={key: str(note) for key, note in stored.notes.items()}, doors=doors())


def keep(person: AbstractBaseUser, given: Mapping[str, Answer], notes: Mapping[str, str]) -> Assessment:
    """Add answers and reasons to the person's draft; it stays until it is recorded, on any device."""
    with transaction.atomic():
        Assessment.objects.get_or_create(answered_by_id=person.pk, signature=None)
        stored = Assessment.objects.select_for_update().get(answered_by_id=person.pk, signature__isnull=True)
        stored.answers |= {key: answer.value for key, answer in given.items()}
        stored.notes |= notes
        stored.changed_at = timezone.now()
        stored.save()
    return stored


def drop(person: AbstractBaseUser) -> None:
    """Throw the person's draft away."""
    Assessment.objects.filter(answered_by_id=person.pk, signature__isnull=True).delete()


def evidence(case: Case, facts: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return LAW-01's evidence: the checklist's own fields, from the case and from what a person states besides."""
    verdict = case.verdict()
    answers = [" → ".join(verdict.path)]
    for step in case.trail():
        said = f"{step.node.id} {say(step.title, language)}: {say(step.said, language)}"
        answers.append(f"{said} – {step.note}" if step.note else said)
    features = [
        f"{feature.value} {say(RULES[feature].title, language)}: {say(OFFERED[answer], language)}"
        for feature, answer in case.offered().items()
    ]
    return {
        "profiles": False,
        "scanning": False,
        "assessed_on": timezone.localdate().isoformat(),
        **facts,
        "verdict": verdict.outcome.value,
        "answers": "\n".join(answers),
        "features": "\n".join(features) or "–",
        "law_version": law.LAW_VERSION,
    }


OFFERED: Final[Mapping[Answer, Text]] = {
    Answer.YES: Text("提供する", "offered"),
    Answer.NO: Text("提供しない", "not offered"),
    Answer.UNKNOWN: Text("未定", "not decided"),
}
"""Whether a feature is offered, in words."""


def inquiry(case: Case) -> str:
    """Write the question to the bureau, in Japanese: the service, the answers, and what is not known or doubtful."""
    verdict = case.verdict()
    facts = [f"・{step.title.ja}：{step.said.ja}" + (f"（{step.note}）" if step.note else "") for step in case.trail()]
    features = [f"・{RULES[feature].title_ja}：{OFFERED[answer].ja}" for feature, answer in case.offered().items()]
    doubts = [f"・{doubt.ja}" for doubt in verdict.doubts]
    return "\n".join(
        [
            "電気通信事業の届出の要否について、お尋ねします。",
            "",
            "■ サービスの内容（こちらで確かめた事実）",
            *facts,
            "",
            "■ 機能",
            *(features or ["・（なし）"]),
            "",
            "■ こちらの読み方",
            f"・{CONSEQUENCES[verdict.outcome].ja}",
            "",
            "■ 確かめられていないこと",
            *doubts,
            "",
            "この内容で、届出が必要かどうかをご教示ください。",
        ]
    )


def record(case: Case, facts: Mapping[str, Any], actor: AbstractBaseUser, language: str) -> Assessment:
    """Sign LAW-01 with the case as its evidence, and keep the answers and the features that it was about.

    Args:
        case: answered to its end, or with what is not known left open.
        facts: what LAW-01 keeps besides, see `RECORDED_BESIDES`.
        actor: the staff account that signs.
        language: `ja` or `en`, in which the evidence is written.

    Raises:
        ValidationError: a required piece of the evidence is missing.
    """
    features = _as_coded(case.offered())
    with transaction.atomic():
        signature = signing.sign(item=checklist.ITEM["LAW-01"], evidence=evidence(case, facts, language), actor=actor)
        stored = draft(actor)
        stored.answers = {key: answer.value for key, answer in case.given.items()}
        stored.notes = dict(case.notes)
        stored.features, stored.fingerprint = features, fingerprint(features)
        stored.outcome, stored.law_version = case.verdict().outcome.value, law.LAW_VERSION
        stored.changed_at = signature.signed_at
        stored.signature = signature
        stored.save()
    return stored


# Whether it still holds -----------------------------------------------------------------------------------------------


class Footing(StrEnum):
    """How LAW-01 stands to the questions."""

    none = "none"
    by_hand = "by_hand"
    recorded = "recorded"


@dataclass(frozen=True, slots=True)
class Position:
    """What is on record of the assessment, and what has changed since."""

    footing: Footing
    assessment: Assessment | None = None
    changes: tuple[Text, ...] = ()

    @property
    def outcome(self) -> Outcome | None:
        """The recorded verdict."""
        return Outcome(self.assessment.outcome) if self.assessment else None


def position(snapshot: gate.Snapshot) -> Position:
    """Compare what is recorded with what the code offers and the gate lets through now.

    A feature that came or went, rooms of other traits, a rule or a law version that changed, paid features: each asks
    for the assessment again.
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
    now = _as_coded(dict.fromkeys(doors(), Answer.YES))
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
    open_doors = set(doors())
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
