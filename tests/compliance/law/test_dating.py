"""The second gate: four questions, a number, an age check; beside the telecom gate and never through it."""

from itertools import product
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from chat.models import User
from compliance import gate
from compliance.law import ITEM, Answer, Cause, Facts, Feature, Status, cite, dating, decide
from compliance.law.dating import QUESTIONS, AgeCheck, Outcome, judge
from compliance.models import Signature
from compliance.testing import evidence_for, sign_all
from tests.compliance.cases import DATING, NOW, signed, standing

KEYS = [question.key for question in QUESTIONS]
PAGE = "/admin/compliance/checklist/LAW-20/questions/"


# Y-1 ------------------------------------------------------------------------------------------------------------------


def test_all_four_make_it_a_dating_business() -> None:
    verdict = judge(dict.fromkeys(KEYS, Answer.YES))
    assert (verdict.outcome, verdict.because) == (Outcome.BUSINESS, QUESTIONS)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("rest", [Answer.YES, Answer.UNKNOWN, Answer.NO])
def test_one_no_is_enough(key: str, rest: Answer) -> None:
    verdict = judge(dict.fromkeys(KEYS, rest) | {key: Answer.NO})
    assert verdict.outcome is Outcome.NOT
    assert key in {question.key for question in verdict.because}


@pytest.mark.parametrize("key", KEYS)
def test_an_unknown_answer_is_a_question_to_the_police(key: str) -> None:
    for answers in (
        dict.fromkeys(KEYS, Answer.YES) | {key: Answer.UNKNOWN},
        dict.fromkeys(set(KEYS) - {key}, Answer.YES),
    ):
        verdict = judge(answers)
        assert (verdict.outcome, [question.key for question in verdict.because]) == (Outcome.ASK, [key])


@given(st.dictionaries(st.sampled_from([*KEYS, "else"]), st.sampled_from(Answer)))
def test_the_questions_are_total(answers: dict[str, Answer]) -> None:
    assert judge(answers).outcome in Outcome


def test_everything_is_said_in_both_languages() -> None:
    for question in QUESTIONS:
        for text in (question, question.plain, question.yes, question.no):
            assert text.ja
            assert text.en
    for outcome in Outcome:
        assert outcome.ja
        assert outcome.en
        assert outcome.next_step.ja
        assert outcome.next_step.en
    assert all(method.ja and method.en for method in AgeCheck)
    assert all(cite(article) for article in dating.ARTICLES)


# The two gates --------------------------------------------------------------------------------------------------------

CHECKED, UNCHECKED = Facts(age_checked=True), Facts(age_checked=False)


@pytest.mark.parametrize(
    ("filed", "number", "signature", "method"),
    list(product([True, False], repeat=4)),
    ids=lambda on: "yes" if on else "no",
)
def test_the_gates_are_independent_and_both_are_asked(filed: bool, number: bool, signature: bool, method: bool) -> None:  # noqa: FBT001 -- columns of a table
    keys = standing(Status.notified if filed else Status.none, **(DATING if number else {}))
    checklist = signed(without=() if signature else ["LAW-20"], facts=CHECKED if method else UNCHECKED)
    telecom = decide(Feature.MATCH_PAIR, keys, checklist, None, NOW)
    dating_door = decide(Feature.PROFILE_DATING, keys, checklist, None, NOW)
    assert telecom.allowed is filed
    assert dating_door.allowed is (filed and number and signature and method)
    causes = {reason.cause for reason in dating_door.reasons}
    assert (Cause.environment in causes) is not filed
    assert (Cause.dating in causes) is (not number or (signature and not method))
    assert (Cause.checklist in causes) is not signature


def test_an_advised_checklist_softens_neither_number_nor_age_check() -> None:
    advised = standing(COMPLIANCE_CHECKLIST="advise", **DATING)
    assert not decide(Feature.PROFILE_DATING, advised, signed(facts=UNCHECKED), None, NOW).allowed
    assert decide(Feature.MATCH_PAIR, advised, signed(facts=UNCHECKED), None, NOW).allowed


@pytest.mark.parametrize(
    ("evidence", "checked"),
    [
        (None, None),
        ({}, False),
        ({"age_check": ""}, False),
        ({"age_check": None}, False),
        ({"age_check": "none"}, False),
        ({"age_check": "document"}, True),
        ({"age_check": "運転免許証の画像"}, True),  # as it was written before the methods were named
    ],
)
def test_the_age_check_is_read_from_law_20(evidence: dict[str, object] | None, checked: bool | None) -> None:  # noqa: FBT001 -- a column
    assert Facts.from_evidence({}, None, evidence).age_checked is checked


# The page -------------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def forgetful_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_answers_go_from_the_questions_into_law_20(language: str, desk: Client) -> None:
    desk.cookies["django_language"] = language
    asked = desk.get(PAGE).content.decode()
    for question in QUESTIONS:
        assert (question.ja if language == "ja" else question.en) in asked.replace("&#x27;", "'")
    answer = desk.post(PAGE, dict.fromkeys(KEYS, "yes"))
    assert 'data-outcome="BUSINESS"' in answer.content.decode()
    form = desk.get("/admin/compliance/checklist/LAW-20/").context["form"]
    assert form.initial["outcome"] == "BUSINESS"
    assert len(form.initial["test"].splitlines()) == 4
    given_evidence = evidence_for(ITEM["LAW-20"]) | form.initial | {"_sign": "1"}
    assert desk.post("/admin/compliance/checklist/LAW-20/", given_evidence).status_code == 302
    recorded = Signature.objects.get(item_id="LAW-20").evidence
    assert (recorded["outcome"], recorded["age_check"]) == ("BUSINESS", "document")
    assert recorded["test"] == form.initial["test"]


@pytest.mark.django_db
def test_every_question_wants_an_answer(desk: Client) -> None:
    answer = desk.post(PAGE, {"wishes": "yes"})
    assert "data-outcome" not in answer.content.decode()
    assert answer.content.decode().count("errorlist") == 3


@pytest.mark.django_db
def test_the_running_gate_asks_both(client: Client, operator: User, settings: Any) -> None:
    def features() -> dict[str, Any]:
        found: dict[str, Any] = client.get("/api/gate/").json()["features"]
        return found

    settings.STANDING = standing(Status.notified)
    sign_all(operator)
    assert features()["room.match_pair"]["allowed"]
    assert features()["profile.dating"]["causes"] == ["dating"]
    settings.STANDING = standing(Status.notified, **DATING)
    assert features()["profile.dating"]["allowed"]
    unchecked = evidence_for(ITEM["LAW-20"]) | {"age_check": "none"}
    gate.sign(item=ITEM["LAW-20"], evidence=unchecked, actor=operator)
    assert features()["profile.dating"]["causes"] == ["dating"]
    assert features()["room.match_pair"]["allowed"]
    settings.STANDING = standing(Status.none, **DATING)
    assert not features()["profile.dating"]["allowed"]
    assert not features()["room.match_pair"]["allowed"]
