"""The operator's duties: complete, in both languages, and applying when they should."""

import re
from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given

from compliance.law import (
    CONDITIONS,
    ITEM,
    ITEMS,
    RULES,
    Checklist,
    Facts,
    Feature,
    Group,
    Item,
    Outcome,
    Required,
    Scope,
    SignatureFact,
    Status,
    applies,
    blocking,
    cite,
)
from compliance.law.checklist import verdict_fits
from tests.compliance.cases import NOW, checklists, facts, moments, signed, standing

BLOCKING = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 20, 22, 24}
FILING = [Status.filed, Status.notified, Status.registered, Status.exempt]
IN_JAPAN = Facts(operator_in_japan=True, paid=False, verdict=Outcome.NOTIFY)


def ids(items: tuple[Item, ...]) -> set[str]:
    return {item.id for item in items}


def test_the_items_are_law_01_to_law_25() -> None:
    assert [item.id for item in ITEMS] == [f"LAW-{number:02}" for number in range(1, 26)]
    assert list(ITEM.values()) == list(ITEMS)


def test_the_blocking_items_are_those_of_the_rule_base() -> None:
    assert {int(item.id[-2:]) for item in ITEMS if item.blocks} == BLOCKING


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_an_item_says_what_and_why_with_articles_and_evidence(item: Item) -> None:
    for ja in (item.ja, item.why_ja, item.articles_ja, item.group.ja, item.scope.ja):
        assert re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", ja)
    assert all((item.en, item.why_en, item.articles_en, item.group.en, item.scope.en))
    assert item.why_ja.endswith("。")
    assert all(cite(article) for article in item.articles)
    assert item.url.startswith("https://laws.e-gov.go.jp/law/")
    assert item.evidence
    assert max(Counter(field.key for field in item.evidence).values()) == 1
    for field in item.evidence:
        assert field.ja
        assert field.en
        assert bool(field.choices) == (field.kind == "choice")
        assert all(choice.ja and choice.en for choice in field.choices)


def test_every_item_that_blocks_wants_some_evidence() -> None:
    assert all(any(field.required for field in item.evidence) for item in ITEMS if item.blocks)


def test_the_assessment_offers_every_verdict_with_notification_first() -> None:
    verdict = next(field for field in ITEM["LAW-01"].evidence if field.key == "verdict")
    assert {choice.value for choice in verdict.choices} == set(Outcome)
    assert verdict.choices[0].value == Outcome.NOTIFY


def test_form_4_can_be_checked_against_each_feature_that_is_notified() -> None:
    notified = {feature for feature, rule in RULES.items() if rule.required is Required.NOTIFIED}
    assert notified == {field.key for field in ITEM["LAW-05"].evidence if field.kind == "check"}


# Which items apply ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "beyond"),
    [
        (Status.filed, {"LAW-03", "LAW-05"}),
        (Status.notified, {"LAW-03", "LAW-04", "LAW-05"}),
        (Status.registered, {"LAW-03", "LAW-04", "LAW-05"}),
        (Status.exempt, {"LAW-02"}),
    ],
)
def test_the_blocking_items_depend_on_the_status(status: Status, beyond: set[str]) -> None:
    always = {f"LAW-{number:02}" for number in (1, 6, 7, 8, 9, 11, 12, 14, 22)}
    assert ids(blocking(standing(status), IN_JAPAN)) == always | beyond


def test_an_item_applies_while_its_condition_is_unknown() -> None:
    assert {"LAW-02", "LAW-24"} <= ids(blocking(standing(), Facts()))
    assert applies(ITEM["LAW-25"], standing(), Facts())


@pytest.mark.parametrize(
    ("item", "facts", "expected"),
    [
        ("LAW-02", Facts(verdict=Outcome.CONSULT), True),
        ("LAW-02", Facts(verdict=Outcome.OUT_NOT_FOR_GAIN), True),
        ("LAW-02", Facts(verdict=Outcome.EXEMPT_ITEM1), True),
        ("LAW-02", Facts(verdict=Outcome.EXEMPT_ITEM2), True),
        ("LAW-02", Facts(verdict="something else"), True),
        ("LAW-02", Facts(verdict=Outcome.NOTIFY), False),
        ("LAW-02", Facts(verdict=Outcome.REGISTER), False),
        ("LAW-10", Facts(scanning=True), True),
        ("LAW-10", Facts(scanning=False), False),
        ("LAW-20", Facts(profiles=True), True),
        ("LAW-20", Facts(profiles=False), False),
        ("LAW-24", Facts(operator_in_japan=True), False),
        ("LAW-24", Facts(operator_in_japan=False), True),
        ("LAW-25", Facts(paid=False), False),
        ("LAW-25", Facts(paid=True), True),
    ],
)
def test_an_item_with_a_condition_applies_when_it_holds(item: str, facts: Facts, expected: bool) -> None:  # noqa: FBT001 -- a column of the table above
    assert applies(ITEM[item], standing(), facts) is expected


def test_an_open_only_service_is_spared_the_items_on_closed_chat_but_they_still_block_it() -> None:
    open_only = Facts(closed_features_on=frozenset())
    assert {item.scope for item in ITEMS if applies(item, standing(), open_only)} == {Scope.BOTH}
    assert blocking(standing(), open_only) == blocking(standing(), Facts())


def test_conditions_are_worded_in_both_languages() -> None:
    assert set(CONDITIONS) <= set(ITEM)
    assert all(condition.ja and condition.en for condition in CONDITIONS.values())


@pytest.mark.parametrize(
    ("verdict", "fits"),
    [
        (None, set(FILING)),
        (Outcome.NOTIFY, {Status.filed, Status.notified, Status.registered}),
        (Outcome.REGISTER, {Status.registered}),
        (Outcome.OUT_NOT_FOR_GAIN, set(FILING)),
        (Outcome.OUT_OWN_DEMAND, set(FILING)),
        (Outcome.OUT_NOT_BUSINESS, set(FILING)),
        (Outcome.OUT_NO_SERVICE, set()),
        (Outcome.EXEMPT_ITEM1, set(FILING)),
        (Outcome.EXEMPT_ITEM2, set(FILING)),
        (Outcome.THIRD_ITEM, set()),
        (Outcome.CONSULT, set()),
        ("something else", set()),
    ],
)
def test_a_verdict_supports_only_the_statuses_it_allows(verdict: str | None, fits: set[Status]) -> None:
    assert {status for status in FILING if verdict_fits(standing(status), Facts(verdict=verdict))} == fits


# Signatures -----------------------------------------------------------------------------------------------------------


def test_a_signature_holds_from_its_moment_until_just_before_its_end() -> None:
    signature = SignatureFact("LAW-06", NOW, NOW + timedelta(days=1))
    assert not signature.holds(NOW - timedelta(microseconds=1))
    assert signature.holds(NOW)
    assert not signature.holds(NOW + timedelta(days=1))
    assert SignatureFact("LAW-06", NOW).holds(NOW + timedelta(days=9999))


def test_a_signature_on_another_item_does_not_count() -> None:
    misplaced = Checklist({"LAW-06": SignatureFact("LAW-07", NOW)})
    assert not misplaced.signed(ITEM["LAW-06"], NOW)


def test_an_item_says_when_its_signature_will_end() -> None:
    assert ITEM["LAW-11"].expires_at(NOW) == NOW + timedelta(days=180)
    assert ITEM["LAW-03"].expires_at(NOW) is None


def test_a_checklist_signed_throughout_leaves_nothing_open() -> None:
    assert signed().open_items(standing(), NOW) == ()


@pytest.mark.parametrize("item", [item.id for item in blocking(standing(), Facts())])
def test_each_blocking_item_is_open_until_it_is_signed(item: str) -> None:
    assert ids(signed(without=[item]).open_items(standing(), NOW)) == {item}


def test_items_that_do_not_block_are_never_open() -> None:
    harmless = [item.id for item in ITEMS if not item.blocks]
    assert signed(without=harmless).open_items(standing(), NOW) == ()


def test_an_assessment_whose_verdict_does_not_support_the_standing_is_open_though_signed() -> None:
    assert ids(signed(facts=Facts(verdict=Outcome.CONSULT)).open_items(standing(), NOW)) == {"LAW-01"}
    assert ids(signed(facts=Facts(verdict=Outcome.NOTIFY)).open_items(standing(Status.exempt), NOW)) == {"LAW-01"}


@given(checklists, moments)
def test_open_items_are_among_the_blocking_ones_that_apply(checklist: Checklist, now: datetime) -> None:
    open_items = checklist.open_items(standing(), now)
    assert set(open_items) <= set(blocking(standing(), checklist.facts))
    assert all(item.blocks for item in open_items)


@given(facts)
def test_the_core_always_blocks(given_facts: Facts) -> None:
    for status in FILING:
        core = {f"LAW-{number:02}" for number in (1, 6, 7, 8, 9, 11, 12, 14, 22)}
        assert core <= ids(blocking(standing(status), given_facts))


# Facts from evidence --------------------------------------------------------------------------------------------------


def test_facts_are_read_from_the_evidence_of_the_assessment() -> None:
    evidence = {"verdict": "NOTIFY", "operator_in_japan": "yes", "paid": "no", "profiles": True, "scanning": ""}
    assert Facts.from_evidence(evidence) == Facts(
        operator_in_japan=True, paid=False, profiles=True, scanning=False, verdict="NOTIFY"
    )


@pytest.mark.parametrize(
    "evidence", [{}, {"verdict": "", "operator_in_japan": "", "paid": None}, {"verdict": 3, "paid": []}]
)
def test_evidence_that_says_nothing_leaves_the_facts_unknown(evidence: dict[str, object]) -> None:
    assert Facts.from_evidence(evidence) == Facts()


def test_form_4_names_the_features_it_covers_or_none() -> None:
    assert Facts.from_evidence({}, {"dm.text": "", "room.recruit": ""}).filed_features is None
    assert Facts.from_evidence({}, {"dm.text": True, "room.recruit": ""}).filed_features == frozenset({Feature.DM_TEXT})


def test_the_facts_have_their_places_in_the_evidence() -> None:
    keys = {field.key for field in ITEM["LAW-01"].evidence}
    assert {"verdict", "operator_in_japan", "paid", "profiles", "scanning"} <= keys


def test_the_groups_are_worded_in_both_languages_and_all_used() -> None:
    assert {item.group for item in ITEMS} == set(Group)
