"""Two keys and no emergency stop open closed chat; nothing else does, and nothing shuts open rooms."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.law import (
    CLOSED_TALK,
    ITEMS,
    RULES,
    BadValue,
    Cause,
    Checklist,
    Decision,
    Ending,
    Facts,
    Feature,
    Filer,
    Mode,
    Outcome,
    Problem,
    Required,
    Restored,
    Rule,
    SignatureFact,
    Standing,
    Status,
    Stop,
    Text,
    blocking,
    decide,
    foremost,
    judge,
    read_standing,
)
from compliance.law.checklist import WIND_DOWN
from compliance.law.comparison import contradictions, dating_number, said_not_offered
from compliance.law.dating import Outcome as DatingOutcome
from compliance.law.decision import JAPAN
from compliance.law.sentences import changed, pending
from compliance.law.variables import OFFER_WORDS
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


def closed_chat(
    at: Standing, checklist: Checklist | None, stop: Stop | None, now: datetime, ending: Ending | None = None
) -> Decision:
    """The decision on closed chat as a whole."""
    return foremost(decide(feature, at, checklist, stop, now, ending) for feature in CLOSED_TALK)


GROUND = [Feature.READ_CLOSED, Feature.SCAN_CLOSED]
FREE = [feature for feature in Feature if feature not in {*GATED, *GROUND}]
KEYED = {Required.NOTIFIED, Required.DATING}
END = date(2027, 1, 10)

CHECKLISTS = {
    "none signed": Checklist({}),
    "all but one": signed(without=["LAW-07"]),
    "all signed": signed(),
    "all expired": signed(at=NOW - timedelta(days=150), until=NOW - timedelta(days=35)),
    "all grown old": signed(at=NOW - timedelta(days=150), until=NOW - timedelta(days=5)),
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
            and (mode is Mode.advise or name in {"all signed", "all grown old"})
        )
        expected = {
            Required.NONE: True,
            Required.THIRD_ITEM: True,
            Required.NOTIFIED: keys,
            # LAW-20 is not softened by `advise`, so it must be among the valid signatures.
            Required.DATING: keys and name in {"all signed", "all but one", "all grown old"},
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


def test_an_expired_signature_has_another_sentence_than_a_missing_one() -> None:
    expired = signed(at=NOW - timedelta(days=150), until=NOW - WIND_DOWN)
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


def test_a_restore_that_is_not_confirmed_shuts_what_the_law_gates_and_nothing_else() -> None:
    restored = Restored(NOW - timedelta(hours=1))
    for feature in Feature:
        before = decide(feature, standing(**DATING), signed(), None, NOW)
        after = decide(feature, standing(**DATING), signed(), None, NOW, None, restored)
        assert after.allowed is (before.allowed and feature not in GATED), feature
        if feature not in GATED:
            assert after == before
    stopped = decide(Feature.DM_TEXT, standing(Status.none), signed(), STOP, NOW, None, restored)
    assert causes(stopped) == [Cause.emergency_stop, Cause.restored, Cause.environment]
    winding = decide(
        Feature.DM_TEXT, standing(), signed(), None, NOW, Ending(NOW, (NOW + timedelta(days=40)).date()), restored
    )
    assert (causes(winding), winding.winding_down) == ([Cause.restored], None)
    reason = winding.reasons[0]
    for words in (reason.ja, reason.en):
        assert restored.since.astimezone(JAPAN).strftime("%Y-%m-%d %H:%M JST") in words
    assert reason.step.ja
    assert reason.step.en


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
    assert causes(decision) == [Cause.contradiction]
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


# Two sources that disagree --------------------------------------------------------------------------------------------

TRUE: dict[str, Any] = {
    "number": "A-08-12345",
    "number_notified_on": "2026-06-10",
    "arrived_on": "2026-05-18",
    "purge_seen": True,
}
NAMED = {"name": "例示株式会社", "address": "東京都千代田区"}


def told(key: Standing, checklist: Checklist, feature: Feature = Feature.DM_TEXT) -> list[tuple[Cause, str]]:
    """Causes and reasons in English; a contradiction is told alike in both modes."""
    both = [decide(feature, replace(key, mode=mode), checklist, None, NOW) for mode in Mode]
    found: list[list[tuple[Cause, str]]] = [
        [(each.cause, each.en) for each in one.reasons if each.cause is Cause.contradiction] for one in both
    ]
    assert found[0] == found[1]
    assert all(one.allowed is not bool(one.reasons) for one in both)
    return found[0]


def case_ids(rows: list[Any]) -> list[str]:
    """Name each case by its place, its status and the facts that it sets.

    The names are plain ASCII: pytest escapes other letters anew each time that one process collects the module, so
    `make mutate` would not find the case again.
    """
    return ["-".join((f"{place:02}", status, *says)) for place, (status, says, *_) in enumerate(rows)]


CONTRADICTIONS: list[tuple[Status, dict[str, Any], tuple[str, ...]]] = [
    (Status.notified, {"number": "A-08-99999"}, ("TELECOM_REGISTRATION_NUMBER", "A-08-12345", "A-08-99999", "LAW-04")),
    (
        Status.notified,
        {"arrived_on": "2026-05-19"},
        ("TELECOM_REGISTRATION_DATE", "2026-05-18", "2026-05-19", "LAW-03"),
    ),
    (Status.filed, {"arrived_on": "2026-05-17"}, ("TELECOM_REGISTRATION_DATE", "2026-05-17", "LAW-03")),
    (Status.filed, {"arrived_on": "in May"}, ("TELECOM_REGISTRATION_DATE", "in May")),
    (Status.registered, {"arrived_on": "2026-05-19"}, ("TELECOM_REGISTRATION_DATE", "2026-05-18", "2026-05-19")),
    (Status.notified, {"number_notified_on": "2026-05-17"}, ("the day of the notice", "2026-05-17", "LAW-04")),
    (Status.registered, {"number_notified_on": "2026-05-17"}, ("the day of the notice", "2026-05-17")),
    (Status.notified, {"filers": (Filer("LAW-03", "別の会社", ""),)}, ("TELECOM_OPERATOR_NAME", "別の会社", "LAW-03")),
    (Status.filed, {"filers": (Filer("LAW-04", "", "大阪府"),)}, ("TELECOM_OPERATOR_ADDRESS", "大阪府", "LAW-04")),
    (Status.notified, {"filers": (Filer("filing", **NAMED | {"name": "例示(株)"}),)}, ("form 8", "例示(株)")),
    (Status.notified, {"carries_messages": False}, ("N1", "LAW-01")),
    (Status.exempt, {"carries_messages": False}, ("N1", "LAW-01")),
    (Status.exempt, {"verdict": Outcome.OUT_NO_SERVICE}, ("LAW-01", "no telecommunications service")),
    (Status.notified, {"verdict": Outcome.OUT_NO_SERVICE}, ("LAW-01", "no telecommunications service")),
    (Status.notified, {"verdict": Outcome.REGISTER}, ("LAW-01", "REGISTER", "notified")),
    (Status.exempt, {"verdict": Outcome.NOTIFY}, ("LAW-01", "NOTIFY", "exempt")),
    (Status.exempt, {"purge_seen": False}, ("LAW-12", "ledger")),
    (Status.notified, {"purge_seen": False}, ("LAW-12", "ledger")),
    (Status.notified, {"not_offered": frozenset({Feature.DM_TEXT})}, ("LAW-01", "Direct messages", "CLOSED_FEATURES")),
]


@pytest.mark.parametrize(("status", "says", "words"), CONTRADICTIONS, ids=case_ids(CONTRADICTIONS))
def test_two_sources_that_disagree_shut_in_either_mode_and_are_shown_side_by_side(
    status: Status, says: dict[str, Any], words: tuple[str, ...]
) -> None:
    [(cause, reason)] = told(standing(status), signed(facts=Facts(**TRUE | says)))
    assert cause is Cause.contradiction
    assert [word for word in words if word not in reason] == []
    if "not_offered" in says:  # one feature's own
        assert told(standing(status), signed(facts=Facts(**TRUE | says)), Feature.MATCH_PAIR) == []


AGREEING: list[tuple[Status, dict[str, Any]]] = [
    (Status.notified, {}),
    (Status.notified, {"number": " Ａ－０８−１２３４５ "}),
    (Status.notified, {"number": "a-08-12345"}),
    *(
        (Status.notified, {"arrived_on": day})
        for day in ("2026/05/18", "2026.05.18", "2026年5月18日", "令和8年5月18日")
    ),
    (Status.notified, {"number_notified_on": "2026-05-18"}),
    (Status.notified, {"number_notified_on": "soon after"}),
    (
        Status.filed,
        {"number_notified_on": "2026-01-01", "number": "A-08-99999"},
    ),  # signed ahead of the restart that gives it
    (Status.registered, {"arrived_on": "2026-03-01"}),
    (Status.registered, {"arrived_on": "in March"}),
    (Status.registered, {"verdict": Outcome.NOTIFY}),
    (Status.notified, {"filers": (Filer("LAW-03", "例示 株式 会社", "東京都 千代田区\u200b"), Filer("filing"))}),
    (Status.exempt, {"filers": (Filer("filing", "別の会社", "大阪府"),), "number": "A-08-99999", "arrived_on": "no"}),
    (Status.notified, {"filed_features": frozenset(CLOSED_TALK)}),
    (Status.notified, {"carries_messages": True}),
    (Status.notified, {"verdict": Outcome.OUT_NOT_FOR_GAIN}),
]


@pytest.mark.parametrize(("status", "says"), AGREEING, ids=case_ids(AGREEING))
def test_sources_that_differ_in_writing_only_agree(status: Status, says: dict[str, Any]) -> None:
    assert told(standing(status), signed(facts=Facts(**TRUE | says))) == []
    assert decide(Feature.DM_TEXT, standing(status), signed(facts=Facts(**TRUE | says)), None, NOW).allowed


@pytest.mark.parametrize(("item", "shuts"), [("LAW-03", True), ("LAW-04", True), ("LAW-06", False)])
def test_items_that_prove_the_filing_cannot_be_signed_before_it(item: str, *, shuts: bool) -> None:
    filing = datetime.fromisoformat("2026-05-17T23:59:59+09:00")
    for early, expected in ((filing, shuts), (filing + timedelta(seconds=1), False)):
        signatures = {**signed().signatures, item: SignatureFact(item, early)}
        found = told(standing(), Checklist(signatures))
        assert bool(found) is expected
        assert all("2026-05-17" in reason for _cause, reason in found)
    pending_number = Checklist({**signed().signatures, "LAW-04": SignatureFact("LAW-04", filing)})
    assert told(standing(Status.filed), pending_number) == []


def test_a_name_that_differs_in_two_sources_gives_one_contradiction() -> None:
    filers = (Filer("LAW-03", "別の会社"), Filer("LAW-04", "別の会社"), Filer("filing", "第三の会社", "大阪府"))
    assert len(told(standing(), signed(facts=Facts(filers=filers)))) == 2


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ("LAW-01", {"verdict": Outcome.OUT_NO_SERVICE}),
        ("LAW-01", {"verdict": Outcome.REGISTER}),
        ("LAW-01", {"carries_messages": False}),
        ("LAW-03", {"arrived_on": "2026-05-19"}),
        ("LAW-03", {"filers": (Filer("filing", **NAMED | {"name": "例示(株)"}),)}),
        ("LAW-04", {"filers": (Filer("LAW-04", "", "大阪府"),)}),
        ("LAW-04", {"number": "A-08-99999"}),
        ("LAW-04", {"number_notified_on": "2026-05-17"}),
        ("LAW-12", {"purge_seen": False}),
    ],
)
def test_a_contradiction_belongs_to_the_item_that_says_it(item: str, says: dict[str, Any]) -> None:
    [found] = contradictions(standing(), signed(facts=Facts(**TRUE | says)))
    assert found.item == item


@pytest.mark.parametrize("item", ["LAW-03", "LAW-04"])
def test_a_signature_before_the_filing_belongs_to_its_item_and_both_days_are_shown(item: str) -> None:
    early = SignatureFact(item, datetime.fromisoformat("2026-05-17T12:00:00+09:00"))
    [found] = contradictions(standing(), Checklist({**signed().signatures, item: early}))
    assert found.item == item
    assert found.one.ja == "TELECOM_REGISTRATION_DATE は「2026-05-18」"
    assert found.one.en == "TELECOM_REGISTRATION_DATE is “2026-05-18”"
    assert found.other.ja.endswith("）の署名した日は、それより前の「2026-05-17」")
    assert found.other.en.endswith(") has an earlier one as the day of the signature, “2026-05-17”")


def test_a_feature_not_offered_belongs_to_law_01_and_the_dating_number_to_law_20() -> None:
    assert said_not_offered(RULES[Feature.DM_TEXT]).item == "LAW-01"
    found = dating_number(standing(**DATING), Facts(dating_number="30999999999"))
    assert found is not None
    assert found.item == "LAW-20"


def test_while_nothing_is_filed_there_is_nothing_to_compare() -> None:
    facts = Facts(**TRUE | {"verdict": Outcome.OUT_NO_SERVICE, "purge_seen": False, "number": "A-08-99999"})
    assert causes(decide(Feature.DM_TEXT, standing(Status.none), signed(facts=facts), None, NOW)) == [Cause.environment]
    consult = signed(facts=Facts(verdict=Outcome.CONSULT))
    assert causes(decide(Feature.DM_TEXT, standing(Status.none), consult, None, NOW)) == [Cause.environment]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    ("outcome", "number", "age_checked", "lacks"),
    [
        (DatingOutcome.NOT, "", False, 0),
        (DatingOutcome.NOT, "30123456789", True, 0),
        (DatingOutcome.ASK, "30123456789", True, 1),
        ("something else", "30123456789", True, 1),
        (DatingOutcome.BUSINESS, "", True, 1),
        (DatingOutcome.BUSINESS, "30123456789", False, 1),
        (DatingOutcome.BUSINESS, "", False, 2),
        (DatingOutcome.BUSINESS, "30123456789", True, 0),
        (None, "", None, 0),
    ],
)
def test_profiles_that_may_be_a_dating_business_shut_every_closed_feature(
    *, outcome: str | None, number: str, age_checked: bool | None, lacks: int, mode: Mode
) -> None:
    key = standing(DATING_NOTIFICATION_NUMBER=number, COMPLIANCE_CHECKLIST=mode)
    facts = Facts(profiles=True, dating_outcome=outcome, age_checked=age_checked)
    for feature in NOTIFIED:
        decision = decide(feature, key, signed(facts=facts), None, NOW)
        assert causes(decision) == [Cause.dating] * lacks
        assert len(set(decision.reasons)) == lacks
        without = decide(feature, key, signed(facts=replace(facts, profiles=False)), None, NOW)
        assert without.allowed
    unsigned = decide(Feature.DM_TEXT, key, signed(without=["LAW-20"], facts=Facts(profiles=True)), None, NOW)
    assert causes(unsigned) == [Cause.checklist]


def test_another_number_in_law_20_shuts_the_features_that_the_dating_law_concerns() -> None:
    facts = Facts(profiles=True, dating_outcome=DatingOutcome.NOT, dating_number="30999999999", age_checked=True)
    for feature in GATED:
        [(_cause, reason)] = told(standing(**DATING), signed(facts=facts), feature)
        assert "30123456789" in reason
        assert "30999999999" in reason
    assert told(standing(**DATING), signed(facts=replace(facts, profiles=False))) == []
    same = replace(facts, dating_number="３０１２３４５６７８９")
    assert told(standing(**DATING), signed(facts=same), Feature.PROFILE_DATING) == []
    assert causes(decide(Feature.PROFILE_DATING, standing(), signed(facts=facts), None, NOW)) == [Cause.dating]


def test_a_malformed_dating_number_shuts_the_dating_gate_only() -> None:
    key = standing(DATING_NOTIFICATION_NUMBER="123")
    assert key.turned
    for feature in NOTIFIED:
        assert decide(feature, key, signed(), None, NOW).allowed
    decision = decide(Feature.PROFILE_DATING, key, signed(), None, NOW)
    assert causes(decision) == [Cause.dating]
    assert "11 digits" in decision.reason("en")


# What is not offered --------------------------------------------------------------------------------------------------


def test_a_feature_that_is_not_offered_is_off_for_that_reason_alone_and_the_others_run() -> None:
    key = standing(CLOSED_FEATURES="invite")
    assert decide(Feature.INVITE_ONLY, key, signed(), None, NOW).allowed
    for feature in set(NOTIFIED) - {Feature.INVITE_ONLY}:
        for checklist, stop in product((signed(), None), (None, STOP)):
            decision = decide(feature, key, checklist, stop, NOW)
            assert (causes(decision), decision.allowed, decision.offered) == ([Cause.not_offered], False, False)
            assert (decision.feature, decision.rule) == (feature, RULES[feature])
            assert RULES[feature].title_en in decision.reason("en")
    assert decide(Feature.PROFILE_DATING, standing(CLOSED_FEATURES="invite", **DATING), signed(), None, NOW).allowed


# Signatures that only grew old ----------------------------------------------------------------------------------------


def expired_signatures(*item_ids: str, days: int = 5) -> Checklist:
    """Signed throughout, but these ran out so many days ago."""
    old = {
        item_id: SignatureFact(item_id, NOW - timedelta(days=150), NOW - timedelta(days=days)) for item_id in item_ids
    }
    return Checklist({**signed().signatures, **old})


@pytest.mark.parametrize("feature", NOTIFIED)
def test_running_rooms_go_on_for_thirty_days_after_a_signature_expired_and_nothing_new_begins(feature: Feature) -> None:
    checklist = expired_signatures("LAW-11", "LAW-12", days=3)
    using = decide(feature, standing(), checklist, None, NOW)
    assert using.allowed
    assert [warning.cause for warning in using.warnings] == [Cause.aged]
    assert judge(RULES[feature], standing(), checklist, None, NOW) == using
    creating = decide(feature, standing(), checklist, None, NOW, creating=True)
    assert causes(creating) == [Cause.aged]
    assert creating.warnings == ()
    assert using.winding_down == creating.winding_down == date(2026, 12, 19)
    for words in (creating.reason("ja"), creating.next_step("ja")):
        assert "2026年12月19日" in words
        assert "LAW-11" in words
    assert "LAW-12" in creating.reason("en")
    assert "19 December 2026" in creating.next_step("en")


def test_the_wind_down_lasts_from_the_end_of_the_signature_for_thirty_days_to_the_second() -> None:
    signature = SignatureFact("LAW-11", NOW - timedelta(days=100), NOW)
    checklist = Checklist({**signed().signatures, "LAW-11": signature})
    for after, runs, begins in (
        (timedelta(seconds=-1), True, True),
        (timedelta(0), True, False),
        (WIND_DOWN - timedelta(seconds=1), True, False),
        (WIND_DOWN, False, False),
    ):
        assert decide(Feature.DM_TEXT, standing(), checklist, None, NOW + after).allowed is runs
        decision = decide(Feature.DM_TEXT, standing(), checklist, None, NOW + after, creating=True)
        assert decision.allowed is begins
        assert (decision.winding_down is not None) is (runs and not begins)


def test_the_earliest_end_counts_and_any_other_missing_signature_shuts_at_once() -> None:
    older = {**expired_signatures("LAW-11", days=3).signatures, **expired_signatures("LAW-12", days=20).signatures}
    older["LAW-11"] = expired_signatures("LAW-11", days=3).signatures["LAW-11"]
    decision = decide(Feature.DM_TEXT, standing(), Checklist(older), None, NOW)
    assert decision.winding_down == date(2026, 12, 2)
    announced = decide(Feature.DM_TEXT, standing(), Checklist(older), None, NOW, Ending(NOW, date(2026, 12, 1)))
    assert announced.winding_down == date(2026, 12, 1)
    assert [warning.cause for warning in announced.warnings] == [Cause.winding_down, Cause.aged]
    withdrawn = Checklist({name: fact for name, fact in older.items() if name != "LAW-07"})
    shut = decide(Feature.DM_TEXT, standing(), withdrawn, None, NOW)
    assert causes(shut) == [Cause.checklist]
    assert shut.winding_down is None
    for item in ("LAW-07", "LAW-11", "LAW-12"):
        assert item in shut.reason("en")
    stopped = decide(Feature.DM_TEXT, standing(), Checklist(older), STOP, NOW, creating=True)
    assert causes(stopped) == [Cause.emergency_stop, Cause.aged]
    assert stopped.winding_down is None
    ahead = Checklist({**signed().signatures, "LAW-11": SignatureFact("LAW-11", NOW + timedelta(1), NOW)})
    assert causes(decide(Feature.DM_TEXT, standing(), ahead, None, NOW)) == [Cause.checklist]


def test_where_a_missing_signature_only_warns_an_old_one_does_too() -> None:
    advised = standing(COMPLIANCE_CHECKLIST="advise", **DATING)
    decision = decide(Feature.DM_TEXT, advised, expired_signatures("LAW-11", "LAW-20"), None, NOW, creating=True)
    assert decision.allowed
    assert decision.winding_down is None
    assert [warning.cause for warning in decision.warnings] == [Cause.checklist]
    dating = decide(Feature.PROFILE_DATING, advised, expired_signatures("LAW-11", "LAW-20"), None, NOW)
    assert dating.winding_down is not None
    assert [warning.cause for warning in dating.warnings] == [Cause.aged, Cause.checklist]


def test_a_period_that_is_not_open_yet_and_one_that_is_continued_say_so() -> None:
    reason = pending(RULES[Feature.DM_TEXT])
    assert reason.cause is Cause.pending
    assert "ダイレクトメッセージ" in reason.ja
    assert "Direct messages" in reason.en
    because = changed(Text("届出番号", "the number"))
    assert because.cause is Cause.changed
    assert "届出番号" in because.ja
    assert "the number" in because.en


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


def test_an_expired_age_check_has_another_sentence_than_a_missing_one() -> None:
    never = signed(without=["LAW-20"])
    expired = Checklist({**never.signatures, "LAW-20": SignatureFact("LAW-20", NOW - WIND_DOWN, NOW - WIND_DOWN)})
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
            told = [cause for cause in causes(decision) if cause not in {Cause.unreachable, Cause.emergency_stop}]
            assert told[0] is (Cause.winding_down if ending is day else Cause.ended)
        else:
            assert decision.reasons == without.reasons
        winds_down = ending is day and without.allowed and RULES[feature].required in KEYED
        assert decision.winding_down == (END if winds_down else None)


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


def test_an_unknown_requirement_opens_nothing() -> None:
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


@pytest.mark.slow
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


@pytest.mark.slow
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
        lasting = [item for item in checklist.open_items(key, now) if item.id not in checklist.signatures]
        assert key.mode is Mode.advise or not lasting
        assert feature is not Feature.PROFILE_DATING or key.dating_number
    assert not (decision.allowed and feature in GROUND)
    assert decision.allowed or feature not in FREE


@pytest.mark.slow
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
            assert all(warning.cause is Cause.aged for warning in enforced.warnings)


def test_the_headline_is_on_while_any_offered_feature_is() -> None:
    offers = [frozenset(OFFER_WORDS.values()), *(frozenset({feature}) for feature in OFFER_WORDS.values())]
    lists = [*CHECKLISTS.values(), *(signed(facts=Facts(filed_features=frozenset({one}))) for one in CLOSED_TALK)]
    for checklist, stop, ending, offered in product(lists, (None, STOP), (None, Ending(NOW, END)), offers):
        key = replace(standing(), offered=offered)
        headline = closed_chat(key, checklist, stop, NOW, ending)
        judged = [decide(feature, key, checklist, stop, NOW, ending) for feature in CLOSED_TALK]
        assert headline in judged
        assert headline.allowed is any(decision.allowed for decision in judged)
        assert headline.offered
    nothing = closed_chat(replace(standing(), offered=frozenset()), signed(), None, NOW)
    assert (nothing.allowed, nothing.offered) == (False, False)
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
