"""The steps open the feature: it is on exactly when every step that shuts is done."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.gate import explain
from compliance.law import (
    ITEM,
    RULES,
    BadValue,
    Checklist,
    Facts,
    Feature,
    Mode,
    Problem,
    Required,
    Standing,
    Status,
    Stop,
    blocking,
    cite,
    decide,
    read_standing,
)
from compliance.testing import TurnKeys
from tests.compliance.cases import DATING, NOW, STOP, TODAY, checklists, environments, moments, signed, standing, stops
from tests.compliance.test_commands import Done

GATED = [feature for feature, rule in RULES.items() if rule.required in {Required.NOTIFIED, Required.DATING}]


def way(
    feature: Feature, at: Standing, checklist: Checklist | None, stop: Stop | None = None, now: datetime = NOW
) -> tuple[explain.Step, ...]:
    return explain.steps_to_open(decide(feature, at, checklist, stop, now), at, checklist, now)


@given(
    feature=st.sampled_from(Feature),
    environment=environments,
    checklist=st.none() | checklists,
    stop=stops,
    now=moments,
)
def test_a_feature_is_on_exactly_when_each_step_that_shuts_is_done(
    feature: Feature, environment: dict[str, str], checklist: Checklist | None, stop: Stop | None, now: datetime
) -> None:
    try:
        at = read_standing(environment, TODAY)
    except BadValue:
        return
    steps = way(feature, at, checklist, stop, now)
    assert decide(feature, at, checklist, stop, now).allowed is all(step.done for step in steps if step.shuts)
    for step in steps:
        assert step.what.ja
        assert step.what.en
        assert step.done or step.how.ja
        assert step.done or step.how.en
        assert step.who.ja != step.who.en
        for article in step.articles:
            assert cite(article).article


@pytest.mark.parametrize("feature", GATED)
def test_an_empty_deployment_is_shown_the_whole_way_in_order(feature: Feature) -> None:
    steps = way(feature, Standing(), Checklist({}, Facts()))
    assert not any(step.done for step in steps)
    assert steps[0].what.en.startswith("LAW-01")
    assert [step.who for step in steps[:3]] == [explain.Who.operator, explain.Who.operator, explain.Who.deployer]
    assert "TELECOM_REGISTRATION_NUMBER" in steps[2].how.en
    told = {step.what.en.partition(" ")[0] for step in steps}
    assert told >= {item.id for item in blocking(Standing(), Facts())}
    assert any(step.articles == ("DSA 7(1)",) for step in steps) is (RULES[feature].required is Required.DATING)


def test_the_way_taken_is_shown_as_taken() -> None:
    steps = way(Feature.MATCH_PAIR, standing(Status.notified), signed())
    assert steps
    assert all(step.done for step in steps)


@pytest.mark.parametrize("item_id", [item.id for item in blocking(standing(Status.notified), Facts())])
def test_the_one_item_that_lacks_is_the_one_step_left(item_id: str) -> None:
    [left] = [
        step for step in way(Feature.MATCH_PAIR, standing(Status.notified), signed(without=[item_id])) if not step.done
    ]
    assert left.what.en == f"{item_id} {ITEM[item_id].en}"
    assert f"/admin/compliance/checklist/{item_id}/" in left.how.ja
    assert left.articles == ITEM[item_id].articles
    assert left.shuts


def test_each_obstacle_is_a_step_with_the_role_that_removes_it() -> None:
    drift = replace(
        standing(Status.notified), problems=(Problem("TELECOM_REGISTRATION", "再起動。", "Restart.", drift=True),)
    )
    [restart] = [step for step in way(Feature.MATCH_PAIR, drift, signed()) if not step.done]
    assert (restart.who, restart.how.en) == (explain.Who.deployer, "Restart.")
    [lift] = [step for step in way(Feature.MATCH_PAIR, standing(Status.notified), signed(), STOP) if not step.done]
    assert lift.who is explain.Who.operator
    assert "lift the stop" in lift.how.en
    blind = way(Feature.MATCH_PAIR, standing(Status.notified), None)
    [reach] = [step for step in blind if step.who is explain.Who.deployer and not step.done]
    assert "database" in reach.how.en


def test_in_advise_mode_no_signature_shuts() -> None:
    advised = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    steps = way(Feature.MATCH_PAIR, advised, signed(without=["LAW-07"]))
    assert [(step.what.en[:6], step.shuts) for step in steps if not step.done] == [("LAW-07", False)]


def test_no_step_opens_what_secrecy_forbids_in_general() -> None:
    for feature in (Feature.READ_CLOSED, Feature.SCAN_CLOSED):
        steps = way(feature, standing(Status.notified, **DATING), signed())
        assert [step.shuts for step in steps if not step.done] == [True]


def test_open_rooms_are_on_and_show_their_duties() -> None:
    steps = way(Feature.ROOM_OPEN, Standing(), Checklist({}, Facts()))
    assert steps
    assert not any(step.shuts or step.done for step in steps)


# The command ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ja", ("オフ", "運営者", "サーバーの担当者", "電気通信事業法16条1項")),
        ("en", ("OFF", "operator", "deployer", "Article 16(1)")),
    ],
)
def test_gate_explains_the_way_in_both_languages(language: str, words: tuple[str, ...], db: None) -> None:
    told = Done("gate", "--explain", "room.match_pair", "--language", language)
    assert (told.code, told.err) == (0, "")
    for word in (*words, "K-3", "LAW-01", "LAW-07", "TELECOM_REGISTRATION", "[ ] 1."):
        assert word in told.out


def test_gate_explains_a_way_that_was_taken(turn_keys: TurnKeys) -> None:
    turn_keys()
    told = Done("gate", "--explain", "room.match_pair", "--language", "en").out
    assert "ON" in told.splitlines()[0]
    assert "[ ]" not in told
    assert "to go" not in told


def test_gate_explains_to_machines(db: None) -> None:
    facts = json.loads(Done("gate", "--explain", "profile.dating", "--json").out)
    assert facts["feature"] == "profile.dating"
    assert {step["who"] for step in facts["steps"]} == {"operator", "deployer"}
    assert ["DSA 7(1)"] in [step["articles"] for step in facts["steps"]]
