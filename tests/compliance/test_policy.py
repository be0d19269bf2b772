"""Two keys and no emergency stop open closed chat; nothing else does, and nothing shuts open rooms."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.checklist import ITEMS, Checklist, Facts, SignatureFact, blocking
from compliance.classify import Outcome
from compliance.law import RULES, Feature, Required, Rule
from compliance.policy import Cause, Decision, Ending, Stop, closed_chat, decide, judge
from compliance.standing import BadValue, Mode, Problem, Standing, Status, read_standing
from tests.compliance.cases import (
    DATING,
    NOW,
    STOP,
    TODAY,
    checklists,
    environments,
    moments,
    signed,
    standing,
    stops,
)

NOTIFIED = [feature for feature, rule in RULES.items() if rule.required is Required.NOTIFIED]
GATED = [*NOTIFIED, Feature.PROFILE_DATING]
GROUND = [Feature.READ_CLOSED, Feature.SCAN_CLOSED]
FREE = [feature for feature in Feature if feature not in {*GATED, *GROUND}]
KEYED = {Required.NOTIFIED, Required.DATING}
END = date(2027, 1, 10)

CHECKLISTS = {
    "none signed": Checklist({}),
    "all but one": signed(without=["LAW-07"]),
    "all signed": signed(),
    "all expired": signed(at=NOW - timedelta(days=400), until=NOW - timedelta(days=35)),
    "unreachable": None,
}


def causes(decision: Decision) -> list[Cause]:
    return [reason.cause for reason in decision.reasons]


@pytest.mark.parametrize("feature", Feature)
def test_the_truth_table(feature: Feature) -> None:
    for status, (name, checklist), stop, mode in product(Status, CHECKLISTS.items(), (None, STOP), Mode):
        key = standing(status, COMPLIANCE_CHECKLIST=mode, **DATING)
        decision = decide(feature, key, checklist, stop, NOW)
        keys = (
            status is not Status.none
            and stop is None
            and checklist is not None
            and (mode is Mode.advise or name == "all signed")
        )
        expected = {
            Required.NONE: True,
            Required.THIRD_ITEM: True,
            Required.NOTIFIED: keys,
            # LAW-20 is not softened by `advise`, so it must be among the valid signatures.
            Required.DATING: keys and name in {"all signed", "all but one"},
            Required.GROUND: False,
        }[RULES[feature].required]
        assert decision.allowed is expected, (status, name, stop, mode)
        assert decision.rule is RULES[feature]
        assert decision.feature is feature


@pytest.mark.parametrize("feature", GATED)
def test_a_door_that_the_keys_opened_says_that_the_filing_is_on_record(feature: Feature) -> None:
    decision = decide(feature, standing(**DATING), signed(), None, NOW)
    rule = RULES[feature]
    assert decision.reason("ja") == (
        f"必要な届出などの状況が整っているため、「{rule.title_ja}」を利用できます（{rule.article_ja}）。"
    )
    assert decision.reason("en") == (
        f"“{rule.title_en}” is open: the filing or basis that it needs is on record ({rule.article_en})."
    )
    assert decision.next_step("ja") == decision.next_step("en") == ""


@pytest.mark.parametrize("item", [item.id for item in blocking(standing(), Facts())])
@pytest.mark.parametrize("feature", NOTIFIED)
def test_each_blocking_item_shuts_closed_chat_by_itself_and_is_named(feature: Feature, item: str) -> None:
    decision = decide(feature, standing(), signed(without=[item]), None, NOW)
    assert not decision.allowed
    assert causes(decision) == [Cause.checklist]
    assert item in decision.reason("ja")
    assert item in decision.reason("en")
    assert item in decision.next_step("ja")


def test_advise_turns_missing_signatures_into_warnings() -> None:
    decision = decide(Feature.MATCH_PAIR, standing(COMPLIANCE_CHECKLIST="advise"), Checklist({}), None, NOW)
    assert decision.allowed
    assert [warning.cause for warning in decision.warnings] == [Cause.checklist]
    for item in blocking(standing(), Facts()):
        assert item.id in decision.warnings[0].ja
        assert item.id in decision.warnings[0].en
    assert "停止しており" not in decision.warnings[0].ja


def test_a_signature_that_ran_out_is_told_apart_from_one_never_given() -> None:
    expired = signed(at=NOW - timedelta(days=400), until=NOW)
    assert "期限切れ" in decide(Feature.DM_TEXT, standing(), expired, None, NOW).reason("ja")
    assert "expired" in decide(Feature.DM_TEXT, standing(), expired, None, NOW).reason("en")
    assert "expired" not in decide(Feature.DM_TEXT, standing(), Checklist({}), None, NOW).reason("en")


def test_an_expired_signature_beside_a_missing_one_is_not_called_expired_for_both() -> None:
    signatures = {**signed(without=["LAW-07"]).signatures, "LAW-06": SignatureFact("LAW-06", NOW, NOW)}
    decision = decide(Feature.DM_TEXT, standing(), Checklist(signatures), None, NOW)
    assert "expired" not in decision.reason("en")
    assert all(item in decision.reason("ja") for item in ("LAW-06", "LAW-07"))


def test_every_missing_key_is_named_and_the_most_urgent_first() -> None:
    assert causes(decide(Feature.MATCH_PAIR, standing(Status.none), None, STOP, NOW)) == [
        Cause.unreachable,
        Cause.emergency_stop,
        Cause.environment,
    ]
    spoilt = standing(TELECOM_REGISTRATION_NUMBER="", TELECOM_OPERATOR_NAME="")
    assert causes(decide(Feature.MATCH_PAIR, spoilt, Checklist({}), None, NOW)) == [
        Cause.environment_incomplete,
        Cause.environment_incomplete,
        Cause.checklist,
    ]


def test_servers_that_disagree_keep_closed_chat_off() -> None:
    drifted = replace(
        standing(), problems=(Problem("TELECOM_REGISTRATION", "再起動してください。", "Restart.", drift=True),)
    )
    decision = decide(Feature.MATCH_PAIR, drifted, signed(), None, NOW)
    assert causes(decision) == [Cause.drift]


def test_the_emergency_stop_says_when_in_japan_and_why() -> None:
    decision = decide(Feature.DM_TEXT, standing(), signed(), Stop(NOW, "障害の\n調査"), NOW)
    assert "2026-11-22 12:00 JST" in decision.reason("ja")
    assert "障害の 調査" in decision.reason("ja")
    assert "\n" not in decision.reason("ja") + decision.reason("en")


# Verdicts and filed features ------------------------------------------------------------------------------------------


def test_a_verdict_to_consult_keeps_closed_chat_off_though_all_is_signed() -> None:
    decision = decide(Feature.MATCH_PAIR, standing(), signed(facts=Facts(verdict=Outcome.CONSULT)), None, NOW)
    assert causes(decision) == [Cause.consult]


@pytest.mark.parametrize("verdict", [Outcome.THIRD_ITEM, Outcome.REGISTER, "something else"])
def test_a_verdict_that_a_notification_does_not_answer_keeps_it_off(verdict: str) -> None:
    decision = decide(Feature.MATCH_PAIR, standing(), signed(facts=Facts(verdict=verdict)), None, NOW)
    assert causes(decision) == [Cause.checklist]
    assert "LAW-01" in decision.reason("en")


def test_a_feature_that_form_4_does_not_list_stays_off_while_the_others_run() -> None:
    checklist = signed(facts=Facts(filed_features=frozenset({Feature.MATCH_PAIR})))
    assert decide(Feature.MATCH_PAIR, standing(), checklist, None, NOW).allowed
    assert causes(decide(Feature.DM_TEXT, standing(), checklist, None, NOW)) == [Cause.unfiled]
    assert decide(Feature.DM_TEXT, standing(Status.exempt), checklist, None, NOW).allowed
    advised = decide(Feature.DM_TEXT, standing(COMPLIANCE_CHECKLIST="advise"), checklist, None, NOW)
    assert advised.allowed
    assert [warning.cause for warning in advised.warnings] == [Cause.unfiled]


def test_where_no_filing_is_due_the_bureaus_answer_stands_in_for_it() -> None:
    filing = ["LAW-03", "LAW-04", "LAW-05"]
    exempt = standing(Status.exempt)
    assert decide(Feature.DM_TEXT, exempt, signed(without=filing), None, NOW).allowed
    assert not decide(Feature.DM_TEXT, exempt, signed(without=["LAW-02"]), None, NOW).allowed


def test_while_the_number_is_pending_it_need_not_be_shown_but_arrival_be_proven() -> None:
    filed = standing(Status.filed)
    assert decide(Feature.DM_TEXT, filed, signed(without=["LAW-04"]), None, NOW).allowed
    assert not decide(Feature.DM_TEXT, filed, signed(without=["LAW-03"]), None, NOW).allowed


# The dating gate ------------------------------------------------------------------------------------------------------


def test_dating_profiles_need_the_telecom_keys_and_their_own() -> None:
    dating = Feature.PROFILE_DATING
    assert decide(dating, standing(**DATING), signed(), None, NOW).allowed
    assert causes(decide(dating, standing(), signed(), None, NOW)) == [Cause.dating]
    assert causes(decide(dating, standing(**DATING), signed(without=["LAW-20"]), None, NOW)) == [Cause.checklist]
    assert causes(decide(dating, standing(**DATING), signed(without=["LAW-07"]), None, NOW)) == [Cause.checklist]
    assert Cause.environment in causes(decide(dating, standing(Status.none, **DATING), signed(), None, NOW))


def test_form_4_is_not_asked_about_dating_profiles_which_are_no_telecom_service() -> None:
    checklist = signed(facts=Facts(filed_features=frozenset({Feature.MATCH_PAIR})))
    assert decide(Feature.PROFILE_DATING, standing(**DATING), checklist, None, NOW).allowed


def test_the_dating_gate_does_not_touch_matching() -> None:
    assert decide(Feature.MATCH_PAIR, standing(), signed(without=["LAW-20"]), None, NOW).allowed


def test_profiles_that_are_on_make_their_item_block_matching_too() -> None:
    checklist = signed(without=["LAW-20"], facts=Facts(profiles=True))
    assert causes(decide(Feature.MATCH_PAIR, standing(), checklist, None, NOW)) == [Cause.checklist]


def test_an_age_check_whose_signature_ran_out_is_told_apart_from_one_never_given() -> None:
    never = signed(without=["LAW-20"])
    expired = Checklist({**never.signatures, "LAW-20": SignatureFact("LAW-20", NOW, NOW)})
    said = [
        decide(Feature.PROFILE_DATING, standing(**DATING), each, None, NOW).reason("en") for each in (never, expired)
    ]
    assert ["LAW-20" in reason for reason in said] == [True, True]
    assert ["expired" in reason for reason in said] == [False, True]


def test_advise_does_not_soften_the_age_check() -> None:
    advised = standing(COMPLIANCE_CHECKLIST="advise", **DATING)
    for facts in (Facts(), Facts(profiles=True)):
        decision = decide(Feature.PROFILE_DATING, advised, signed(without=["LAW-20"], facts=facts), None, NOW)
        assert causes(decision) == [Cause.checklist]
        assert decision.warnings == ()


# Reading and scanning -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("feature", "item"), [(Feature.READ_CLOSED, "LAW-08"), (Feature.SCAN_CLOSED, "LAW-10")])
def test_looking_into_closed_chat_is_never_open_in_general_and_says_which_item_leads_there(
    feature: Feature, item: str
) -> None:
    decision = decide(feature, standing(), signed(), None, NOW)
    assert causes(decision) == [Cause.ground]
    for language in ("ja", "en"):
        assert item in decision.reason(language)
        assert item in decision.next_step(language)


def test_a_rule_that_the_law_leaves_open_is_off_until_the_bureau_is_asked() -> None:
    paid_entry = Rule(
        id="E-6",
        feature=Feature.INVITE_ONLY,
        required=Required.CONSULT,
        article="TBA 16(1)",
        title_ja="有料の部屋",
        title_en="Paid rooms",
        ja="扱いを確認できていません。",
        en="How the law treats it is not settled.",
        confidence=RULES[Feature.INVITE_ONLY].confidence,
    )
    decision = judge(paid_entry, standing(), signed(), None, NOW)
    assert causes(decision) == [Cause.consult]
    assert "総合通信局" in decision.reason("ja")


# A planned end --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("feature", Feature)
def test_the_truth_table_with_an_end(feature: Feature) -> None:
    """An end takes away, never gives: from its announcement what is new, from its day all that needs the keys."""
    day = Ending(NOW - timedelta(days=1), END)
    ends = (None, day, replace(day, on=NOW.date()))
    keys = product(Status, (signed(), None), (None, STOP), Mode)
    for (status, checklist, stop, mode), ending, creating in product(keys, ends, (False, True)):
        key = standing(status, COMPLIANCE_CHECKLIST=mode, **DATING)
        without = decide(feature, key, checklist, stop, NOW)
        decision = decide(feature, key, checklist, stop, NOW, ending, creating=creating)
        shut = ending is not None and RULES[feature].required in KEYED and (ending is not day or creating)
        assert decision.allowed is (without.allowed and not shut), (status, stop, mode, ending, creating)
        if shut:
            assert decision.reasons[0].cause is (Cause.winding_down if ending is day else Cause.ended)
        else:
            assert decision.reasons == without.reasons


@given(
    feature=st.sampled_from(Feature),
    checklist=st.none() | checklists,
    stop=stops,
    now=moments,
    ending=st.none() | st.builds(Ending, moments, st.dates(date(2026, 1, 1), date(2028, 1, 1))),
    creating=st.booleans(),
)
def test_an_end_never_opens_anything_and_always_says_why(
    *,
    feature: Feature,
    checklist: Checklist | None,
    stop: Stop | None,
    now: datetime,
    ending: Ending | None,
    creating: bool,
) -> None:
    key = standing(**DATING)
    decision = decide(feature, key, checklist, stop, now, ending, creating=creating)
    assert decision.allowed is (not decision.reasons)
    assert not decision.allowed or decide(feature, key, checklist, stop, now).allowed
    assert not creating or not decision.allowed or decide(feature, key, checklist, stop, now, ending).allowed
    for said in (*decision.reasons, *decision.warnings):
        assert said.ja
        assert said.en
        assert said.step.ja


@pytest.mark.parametrize(
    ("now", "reached"),
    [
        ("2027-01-09T23:59:59+09:00", False),
        ("2027-01-10T00:00:00+09:00", True),
        ("2027-01-09T14:59:59+00:00", False),  # the same second, elsewhere
        ("2027-01-09T15:00:00+00:00", True),
    ],
)
def test_the_day_begins_at_midnight_in_japan(now: str, *, reached: bool) -> None:
    ending = Ending(NOW, END)
    at = datetime.fromisoformat(now)
    assert ending.reached(at) is reached
    assert closed_chat(standing(), signed(), None, at, ending).allowed is not reached


def test_the_reasons_name_the_day_and_the_articles() -> None:
    ending = Ending(NOW, END)
    creating = decide(Feature.MATCH_PAIR, standing(), signed(), None, NOW, ending, creating=True)
    assert "2027年1月10日" in creating.reason("ja")
    assert "26条の5第1項" in creating.reason("ja")
    assert "10 January 2027" in creating.reason("en")
    over = decide(Feature.MATCH_PAIR, standing(), signed(), None, ending.moment, ending)
    assert "18条1項" in over.next_step("ja")
    running = decide(Feature.MATCH_PAIR, standing(), signed(), None, NOW, ending)
    assert [warning.cause for warning in running.warnings] == [Cause.winding_down]


def test_a_requirement_that_nobody_thought_of_opens_nothing() -> None:
    unheard_of: Any = "unheard of"
    with pytest.raises(AssertionError, match="unheard of"):
        judge(replace(RULES[Feature.MATCH_PAIR], required=unheard_of), standing(), signed(), None, NOW)


# Open rooms -----------------------------------------------------------------------------------------------------------


def test_open_rooms_warn_about_their_duties_and_stay_open() -> None:
    decision = decide(Feature.ROOM_OPEN, standing(Status.none), signed(without=["LAW-11", "LAW-12"]), STOP, NOW)
    assert decision.allowed
    assert ["LAW-11" in warning.ja or "LAW-12" in warning.ja for warning in decision.warnings] == [True, True]


@pytest.mark.parametrize("feature", FREE)
def test_an_open_door_says_why_the_law_lets_it_be(feature: Feature) -> None:
    decision = decide(feature, standing(Status.none), None, STOP, NOW)
    assert decision.reason("ja") == RULES[feature].ja
    assert decision.reason("en") == RULES[feature].en


# What always holds ----------------------------------------------------------------------------------------------------


def read(values: dict[str, str]) -> Standing:
    """The standing; a start that a bad value stops has none, and is taken as nothing filed."""
    try:
        return read_standing(values, TODAY)
    except BadValue:
        return Standing()


everything = given(
    feature=st.sampled_from(Feature),
    values=environments,
    checklist=st.none() | checklists,
    stop=stops,
    now=moments,
)


@settings(max_examples=300)
@everything
def test_the_policy_is_total_and_always_gives_its_reasons(
    feature: Feature, values: dict[str, str], checklist: Checklist | None, stop: Stop | None, now: datetime
) -> None:
    decision = decide(feature, read(values), checklist, stop, now)
    assert decision.allowed is (not decision.reasons)
    assert decision.rule is RULES[feature]
    for said in (*decision.reasons, *decision.warnings):
        assert said.ja
        assert said.en
        assert said.step.ja
        assert said.step.en
    for language in ("ja", "en"):
        assert decision.reason(language)
        assert bool(decision.next_step(language)) is bool(decision.reasons or decision.warnings)


@settings(max_examples=300)
@everything
def test_nothing_opens_closed_chat_without_the_environments_key(
    feature: Feature, values: dict[str, str], checklist: Checklist | None, stop: Stop | None, now: datetime
) -> None:
    key = read(values)
    decision = decide(feature, key, checklist, stop, now)
    if decision.allowed and feature in GATED:
        assert key.status is not Status.none
        assert key.problems == ()
        assert checklist is not None
        assert stop is None
        assert key.mode is Mode.advise or checklist.open_items(key, now) == ()
        assert feature is not Feature.PROFILE_DATING or key.dating_number
    assert not (decision.allowed and feature in GROUND)
    assert decision.allowed or feature not in FREE


@settings(max_examples=300)
@everything
def test_taking_anything_away_never_opens(
    feature: Feature, values: dict[str, str], checklist: Checklist | None, stop: Stop | None, now: datetime
) -> None:
    key = read(values)
    before = decide(feature, key, checklist, stop, now).allowed
    fewer = [decide(feature, key, None, stop, now), decide(feature, key, checklist, STOP, now)]
    fewer.append(decide(feature, Standing(mode=key.mode), checklist, stop, now))
    if checklist:
        for withdrawn in checklist.signatures:
            rest: dict[str, SignatureFact] = {k: v for k, v in checklist.signatures.items() if k != withdrawn}
            fewer.append(decide(feature, key, replace(checklist, signatures=rest), stop, now))
        unknown = replace(checklist.facts, operator_in_japan=None, paid=None, closed_features_on=None)
        fewer.append(decide(feature, key, replace(checklist, facts=unknown), stop, now))
    assert before or not any(decision.allowed for decision in fewer)


@given(values=environments, checklist=st.none() | checklists, stop=stops, now=moments)
def test_enforcing_never_opens_what_advising_shuts(
    values: dict[str, str], checklist: Checklist | None, stop: Stop | None, now: datetime
) -> None:
    key = read(values)
    for feature in Feature:
        enforced = decide(feature, replace(key, mode=Mode.enforce), checklist, stop, now)
        advised = decide(feature, replace(key, mode=Mode.advise), checklist, stop, now)
        assert advised.allowed or not enforced.allowed
        if feature in GATED:
            assert enforced.warnings == ()


def test_the_headline_is_the_decision_on_using_a_matched_pair() -> None:
    for checklist, stop, ending in product(CHECKLISTS.values(), (None, STOP), (None, Ending(NOW, END))):
        headline = closed_chat(standing(), checklist, stop, NOW, ending)
        assert headline == decide(Feature.MATCH_PAIR, standing(), checklist, stop, NOW, ending)
        assert headline == judge(RULES[Feature.MATCH_PAIR], standing(), checklist, stop, NOW, ending)
    announced = closed_chat(standing(), signed(), None, NOW, Ending(NOW, END))
    assert announced.allowed  # what runs goes on to the day


@pytest.mark.parametrize("feature", [*GATED, *GROUND])
def test_a_refusal_names_feature_article_and_way_out_in_both_languages(feature: Feature) -> None:
    decision = decide(feature, standing(Status.none), Checklist({}), STOP, NOW)
    rule = RULES[feature]
    assert all(rule.title_ja in reason.ja and rule.title_en in reason.en for reason in decision.reasons)
    assert any("条" in reason.ja for reason in decision.reasons)
    assert any("Article" in reason.en for reason in decision.reasons)
    assert all(reason.ja.endswith("。") and reason.en.endswith(".") for reason in decision.reasons)


def test_every_item_has_a_sentence_in_each_mood() -> None:
    for item in ITEMS:
        if item.blocks:
            facts = Facts(profiles=True, scanning=True)
            for mode in Mode:
                decision = decide(
                    Feature.DM_TEXT,
                    standing(COMPLIANCE_CHECKLIST=mode),
                    signed(without=[item.id], facts=facts),
                    None,
                    NOW,
                )
                (said,) = decision.reasons or decision.warnings
                assert item.ja in said.ja
                assert item.en in said.en
