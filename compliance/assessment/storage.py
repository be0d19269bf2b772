"""Stores assessments: the draft of each person, and the one that LAW-01 is signed with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from compliance import gate, law
from compliance.assessment import features
from compliance.assessment.case import LOCAL_GOVERNMENT, OPERATOR_AND_ONE_USER, Case, offers
from compliance.assessment.documents import STATED_FACTS
from compliance.law import ITEM, RULES, Answer, say
from compliance.models import Assessment, Signature

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


RECORDED_BESIDES: Final = (*STATED_FACTS, "assessed_on")
"""The fields of LAW-01 that a person fills in. The others follow from the case."""


def draft_of(person: AbstractBaseUser) -> Assessment:
    """Return the person's unfinished assessment, or a new unsaved one."""
    found = Assessment.objects.filter(answered_by_id=person.pk, signature__isnull=True).first()
    return found or Assessment(answered_by_id=person.pk)


def case_from(stored: Assessment) -> Case:
    """Return a stored assessment as a case with the current doors. Unknown values count as not answered."""
    words = {answer.value: answer for answer in Answer}
    given = {key: words[value] for key, value in stored.answers.items() if value in words}
    return Case(given=given, notes={key: str(note) for key, note in stored.notes.items()}, doors=features.doors())


def save_answers(person: AbstractBaseUser, given: Mapping[str, Answer], notes: Mapping[str, str]) -> Assessment:
    """Add answers and reasons, by node id, to the person's draft. It is kept until it is recorded or discarded."""
    with transaction.atomic():
        Assessment.objects.get_or_create(answered_by_id=person.pk, signature=None)
        stored = Assessment.objects.select_for_update().get(answered_by_id=person.pk, signature__isnull=True)
        stored.answers |= {key: answer.value for key, answer in given.items()}
        stored.notes |= notes
        stored.changed_at = timezone.now()
        stored.save()
    return stored


def discard_draft(person: AbstractBaseUser) -> None:
    """Delete the person's draft."""
    Assessment.objects.filter(answered_by_id=person.pk, signature__isnull=True).delete()


def evidence(case: Case, facts: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return the evidence of LAW-01.

    Args:
        case: its verdict, answers and features go in.
        facts: the fields that a person fills in, see `RECORDED_BESIDES`.
        language: `ja` or `en`, in which it is written.

    Returns:
        JSON values by LAW-01's evidence keys.
    """
    verdict = case.verdict()
    answers = [" → ".join(verdict.path)]
    for step in case.trail():
        said = f"{step.node.id} {say(step.title, language)}: {say(step.said, language)}"
        answers.append(f"{said} – {step.note}" if step.note else said)
    listed = [
        f"{feature.value} {say(RULES[feature].title, language)}: {say(offered, language)}"
        for feature, offered in offers(case).items()
    ]
    if case.is_own("N7"):
        listed.append(f"N7: {say(OPERATOR_AND_ONE_USER, language)}")
    return {
        "profiles": False,
        "scanning": False,
        "assessed_on": timezone.localdate().isoformat(),
        **facts,
        **({LOCAL_GOVERNMENT: "yes"} if case.given.get(LOCAL_GOVERNMENT) is Answer.YES else {}),
        "verdict": verdict.outcome.value,
        "answers": "\n".join(answers),
        "features": "\n".join(listed) or "–",
        "law_version": law.LAW_VERSION,
    }


def record(case: Case, facts: Mapping[str, Any], actor: AbstractBaseUser, language: str) -> Assessment:
    """Sign LAW-01 with the case as its evidence. Store its answers and features beside the signature.

    Args:
        case: answered to its end; unknown answers are allowed.
        facts: the fields that a person fills in, see `RECORDED_BESIDES`.
        actor: the staff account that signs.
        language: `ja` or `en`, in which the evidence is written.

    Raises:
        ValidationError: a required piece of the evidence is missing.
    """
    described = features.as_recorded(case.offered())
    stored = draft_of(actor)

    def keep_with(signature: Signature) -> None:
        stored.answers = {key: answer.value for key, answer in case.given.items()}
        stored.notes = dict(case.notes)
        stored.features, stored.fingerprint = described, features.fingerprint(described)
        stored.outcome, stored.law_version = case.verdict().outcome.value, law.LAW_VERSION
        stored.changed_at = signature.signed_at
        stored.signature = signature
        stored.save()

    recorded = evidence(case, facts, language)
    gate.sign(item=ITEM["LAW-01"], evidence=recorded, actor=actor, beside=keep_with)
    return stored
