"""What a room, a feature and a service are in law: rows K-1 to K-30 and E-1 to E-13, and what always holds."""

from dataclasses import fields, replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.law import (
    CONSEQUENCES,
    NODES,
    OPEN_QUESTIONS,
    REQUIRED_PARTS,
    RULES,
    Answer,
    Answers,
    Confidence,
    Entry,
    Feature,
    FeatureAnswers,
    Origin,
    Outcome,
    Question,
    Required,
    RoomClass,
    Status,
    Traits,
    answers_of,
    assess,
    cite,
    known,
    mediates,
    room_class,
)
from compliance.law.classify import room_is_open
from compliance.law.procedure import FEATURE_QUESTIONS
from compliance.law.text import Bilingual
from compliance.law.variables import OPERATOR_NAME
from tests.compliance.cases import OPEN_TO_ALL

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN

answers = st.sampled_from(Answer)
feature_answers = st.builds(
    FeatureAnswers,
    **{field.name: answers for field in fields(FeatureAnswers) if field.name not in {"name", "view_unsettled"}},
    view_unsettled=st.booleans(),
)
service_answers = st.builds(
    Answers,
    **{field.name: answers for field in fields(Answers) if field.name != "features"},
    features=st.lists(feature_answers, max_size=3).map(tuple),
)
traits = st.builds(
    Traits,
    anyone_may_read=st.booleans(),
    listed=st.booleans(),
    entry=st.sampled_from(Entry),
    designated_recipients=st.booleans(),
    made_by=st.sampled_from(Origin),
    capacity_hides=st.booleans(),
    members_only_history=st.booleans(),
)

# A service carried on as a business on rented servers, which is what every row of the feature table assumes.
CLOUD_BUSINESS = Answers(
    carries_messages=YES,
    for_others_demand=YES,
    repeated=YES,
    for_gain=YES,
    single_customer_only=NO,
    one_premises=NO,
    line_equipment=NO,
    dns_large_or_designated=NO,
    lines_beyond_limits=NO,
)

LOCAL_GOVERNMENT = {"TBA 165(1)", "REG 60", "REG 60-2"}
"""The articles by which only a local government notifies."""

PUBLIC = OPEN_TO_ALL
PAIRED = replace(PUBLIC, anyone_may_read=NO, no_designated_recipient=NO, not_created_by_pairing=NO)
ADDRESSED = replace(PUBLIC, anyone_may_read=NO, no_designated_recipient=NO)
MEMBERS = replace(ADDRESSED, publicly_listed=NO, no_member_only_history=NO)
TWO_SHOT = replace(ADDRESSED, capacity_does_not_hide_it=NO)
DESK = replace(ADDRESSED, operator_and_one_user=YES)
ALONE = replace(ADDRESSED, second_user=NO)
UNSETTLED = replace(ADDRESSED, view_unsettled=True)


def service(*features: FeatureAnswers, **changes: Answer) -> Answers:
    """A cloud business with these features."""
    return replace(CLOUD_BUSINESS, features=features, **changes)


K_ROWS: list[tuple[str, Answers, Outcome]] = [
    ("K-1 open chat that anyone reads", service(PUBLIC), Outcome.THIRD_ITEM),
    ("K-2 bulletin board", service(PUBLIC), Outcome.THIRD_ITEM),
    ("K-3 the site pairs strangers", service(PUBLIC, PAIRED), Outcome.NOTIFY),
    ("K-4 two-shot chat", service(TWO_SHOT), Outcome.NOTIFY),
    ("K-5 anonymous random chat", service(PAIRED), Outcome.NOTIFY),
    ("K-6 social network with direct messages", service(PUBLIC, ADDRESSED), Outcome.NOTIFY),
    ("K-7 social network without them", service(PUBLIC), Outcome.THIRD_ITEM),
    ("K-7 the same, designated as large", service(PUBLIC, dns_large_or_designated=YES), Outcome.NOTIFY),
    ("K-8 e-mail", service(ADDRESSED), Outcome.NOTIFY),
    ("K-9 mailing list relayed to members", service(MEMBERS), Outcome.NOTIFY),
    ("K-9 one's own magazine to one's own readers", service(DESK, for_others_demand=NO), Outcome.OUT_OWN_DEMAND),
    ("K-10 web conference limited to participants", service(MEMBERS), Outcome.NOTIFY),
    ("K-11 in-game chat in a public lobby", service(PUBLIC), Outcome.THIRD_ITEM),
    ("K-12 in-game whisper or party chat", service(PUBLIC, ADDRESSED), Outcome.NOTIFY),
    ("K-13 live-stream comments visible to all", service(PUBLIC), Outcome.THIRD_ITEM),
    ("K-14 paid two-way live between chosen people", service(ADDRESSED), Outcome.NOTIFY),
    ("K-15 support chat with one's own users", service(DESK, for_others_demand=NO), Outcome.OUT_OWN_DEMAND),
    ("K-15 support chat inside an open service", service(PUBLIC, DESK), Outcome.THIRD_ITEM),
    ("K-16 business matching with messages", service(PUBLIC, ADDRESSED), Outcome.NOTIFY),
    ("K-17 dating app with messages", service(PUBLIC, PAIRED), Outcome.NOTIFY),
    ("K-18 file transfer to a chosen user", service(ADDRESSED), Outcome.NOTIFY),
    (
        "K-18 the same where the recipient is in doubt",
        service(replace(PUBLIC, no_designated_recipient=UNKNOWN)),
        Outcome.CONSULT,
    ),
    ("K-19 file posted publicly", service(PUBLIC), Outcome.THIRD_ITEM),
    ("K-20 call signalling for chosen peers", service(ADDRESSED), Outcome.NOTIFY),
    ("K-21 own relay of media", service(ADDRESSED), Outcome.NOTIFY),
    ("K-22 credentials for a third party's relay", service(UNSETTLED), Outcome.CONSULT),
    ("K-23 push that carries a direct message", service(ADDRESSED, ADDRESSED), Outcome.NOTIFY),
    ("K-23 push about a public room", service(PUBLIC, PUBLIC), Outcome.THIRD_ITEM),
    ("K-24 staff-only chat, own demand", service(MEMBERS, for_others_demand=NO), Outcome.OUT_OWN_DEMAND),
    ("K-24 staff-only chat for one company", service(MEMBERS, single_customer_only=YES), Outcome.EXEMPT_ITEM1),
    ("K-25 chat sold to several companies", service(MEMBERS), Outcome.NOTIFY),
    ("K-26 group companies, not known whose demand", service(MEMBERS, for_others_demand=UNKNOWN), Outcome.CONSULT),
    ("K-26 group companies, others' demand", service(MEMBERS), Outcome.NOTIFY),
    ("K-27 hobby chat, free or at cost", service(ADDRESSED, for_gain=NO), Outcome.OUT_NOT_FOR_GAIN),
    ("K-28 free chat with ads, not known", service(ADDRESSED, for_gain=UNKNOWN), Outcome.CONSULT),
    ("K-28 free chat that earns in substance", service(ADDRESSED), Outcome.NOTIFY),
    ("K-29 one-person notes", service(ALONE, carries_messages=NO), Outcome.OUT_NO_SERVICE),
]


@pytest.mark.parametrize(("row", "answers", "outcome"), K_ROWS, ids=[row for row, *_ in K_ROWS])
def test_the_feature_table_follows_from_the_decision_procedure(row: str, answers: Answers, outcome: Outcome) -> None:
    assert assess(answers).outcome is outcome


def test_k_15_and_k_29_do_not_mediate_whatever_else_is_true_of_them() -> None:
    assert mediates(DESK) is NO
    assert mediates(ALONE) is NO
    assert mediates(replace(UNSETTLED, second_user=NO)) is NO


def test_k_30_the_one_who_runs_the_server_is_the_operator_and_must_be_named() -> None:
    assert all(OPERATOR_NAME in parts for status, parts in REQUIRED_PARTS.items() if status is not Status.none)


ROOM = Traits(
    anyone_may_read=True,
    listed=True,
    entry=Entry.anyone,
    designated_recipients=False,
    made_by=Origin.person,
    capacity_hides=False,
    members_only_history=False,
)

E_ROWS: list[tuple[str, Traits, RoomClass]] = [
    ("E-1 invited group room", replace(ROOM, entry=Entry.invitation, designated_recipients=True), RoomClass.CLOSED),
    ("E-2 password", replace(ROOM, entry=Entry.password), RoomClass.CLOSED),
    ("E-3 unlisted, secret link", replace(ROOM, entry=Entry.link, listed=False), RoomClass.CLOSED),
    ("E-3 unlisted, though open to anyone", replace(ROOM, listed=False), RoomClass.CLOSED),
    ("E-4 free sign-up, then everyone reads", ROOM, RoomClass.OPEN),
    ("E-5 approval before reading", replace(ROOM, entry=Entry.approval), RoomClass.CLOSED),
    ("E-6 paid room that anyone can buy", replace(ROOM, entry=Entry.payment), RoomClass.CONSULT),
    ("E-6 paid room that is unlisted as well", replace(ROOM, entry=Entry.payment, listed=False), RoomClass.CLOSED),
    ("E-7 speakers limited, anyone reads", replace(ROOM, capacity_hides=False), RoomClass.OPEN),
    ("E-8 capacity hides it from the rest", replace(ROOM, capacity_hides=True), RoomClass.CLOSED),
    ("E-10 one-to-one replies shown to all", ROOM, RoomClass.OPEN),
    ("E-11 locked later", replace(ROOM, anyone_may_read=False, entry=Entry.invitation), RoomClass.CLOSED),
    ("E-12 archived for members", replace(ROOM, members_only_history=True), RoomClass.CLOSED),
    ("made by pairing", replace(ROOM, entry=Entry.pairing, made_by=Origin.pairing), RoomClass.CLOSED),
    ("made by answering a post", replace(ROOM, made_by=Origin.recruiting), RoomClass.CLOSED),
    ("made by the operator", replace(ROOM, made_by=Origin.operator), RoomClass.OPEN),
    ("with a designated recipient", replace(ROOM, designated_recipients=True), RoomClass.CLOSED),
    ("nobody may read", replace(ROOM, anyone_may_read=False), RoomClass.CLOSED),
]


@pytest.mark.parametrize(("row", "traits", "expected"), E_ROWS, ids=[row for row, *_ in E_ROWS])
def test_a_rooms_class_follows_from_its_traits(row: str, traits: Traits, expected: RoomClass) -> None:
    assert room_class(traits) is expected


def test_a_room_is_asked_about_as_a_place_where_users_meet_and_by_its_name() -> None:
    answered = answers_of(ROOM, "雑談")
    assert (answered.name, answered.operator_and_one_user, answered.second_user) == ("雑談", NO, YES)
    assert answers_of(ROOM) == replace(answered, name="")
    assert mediates(answered) is NO
    assert mediates(answers_of(replace(ROOM, entry=Entry.password))) is YES


def test_e_9_followers_only_stays_shut_while_no_official_view_is_known() -> None:
    assert mediates(UNSETTLED) is UNKNOWN
    assert mediates(replace(PUBLIC, view_unsettled=True)) is UNKNOWN


def test_e_13_staff_who_can_read_do_not_make_a_room_open() -> None:
    assert not any("moderator" in field.name or "staff" in field.name for field in fields(Traits))
    assert RULES[Feature.READ_CLOSED].required is Required.GROUND


# What always holds ----------------------------------------------------------------------------------------------------


def test_an_answer_has_no_truth_value_by_which_unknown_could_pass_for_yes() -> None:
    for answer in Answer:
        with pytest.raises(TypeError, match=r"^an Answer is yes, no or unknown: compare it$"):
            bool(answer)


def test_a_certain_fact_is_an_answer() -> None:
    assert known(fact=True) is YES
    assert known(fact=False) is NO


@given(feature_answers)
def test_a_room_is_open_only_if_every_condition_is_certain(feature: FeatureAnswers) -> None:
    conditions = [
        feature.anyone_may_read,
        feature.publicly_listed,
        feature.no_designated_recipient,
        feature.not_created_by_pairing,
        feature.capacity_does_not_hide_it,
        feature.no_member_only_history,
    ]
    expected = NO if NO in conditions else UNKNOWN if UNKNOWN in conditions else YES
    assert room_is_open(feature) is expected


@given(feature_answers)
def test_nothing_opens_without_being_certain_that_it_does_not_mediate(feature: FeatureAnswers) -> None:
    nobody_to_connect = feature.operator_and_one_user is YES or feature.second_user is NO
    open_for_certain = room_is_open(feature) is YES and not feature.view_unsettled
    assert (mediates(feature) is NO) == (nobody_to_connect or open_for_certain)


@given(feature_answers, st.data())
def test_learning_an_answer_never_overturns_what_was_certain(feature: FeatureAnswers, data: st.DataObject) -> None:
    unknown = [field.name for field in fields(feature) if getattr(feature, field.name) is UNKNOWN]
    if unknown:
        learnt: dict[str, Any] = {data.draw(st.sampled_from(unknown)): data.draw(st.sampled_from([YES, NO]))}
        assert mediates(feature) in {UNKNOWN, mediates(replace(feature, **learnt))}


@given(traits)
def test_closed_beats_consult_and_consult_beats_open(room: Traits) -> None:
    closed = (
        not room.anyone_may_read
        or not room.listed
        or room.entry not in {Entry.anyone, Entry.payment}
        or room.designated_recipients
        or room.made_by in {Origin.pairing, Origin.recruiting}
        or room.capacity_hides
        or room.members_only_history
    )
    expected = RoomClass.CLOSED if closed else RoomClass.CONSULT if room.entry is Entry.payment else RoomClass.OPEN
    assert room_class(room) is expected


def test_every_combination_of_traits_has_a_class() -> None:
    booleans = (False, True)
    for read, listed, entry, named, origin, hides, history in product(
        booleans, booleans, Entry, booleans, Origin, booleans, booleans
    ):
        assert (
            room_class(
                Traits(
                    anyone_may_read=read,
                    listed=listed,
                    entry=entry,
                    designated_recipients=named,
                    made_by=origin,
                    capacity_hides=hides,
                    members_only_history=history,
                )
            )
            in RoomClass
        )


def procedure(s: Answers) -> tuple[Outcome, list[str]]:  # noqa: PLR0911 -- a transcript, one return for each end
    """The decision procedure as it is written down, node by node."""
    path = ["N1"]
    public_body = s.for_gain is NO and s.local_government is YES
    for node, answer, end, outcome in (
        ("N1", s.carries_messages, NO, Outcome.OUT_NO_SERVICE),
        ("N2", s.for_others_demand, NO, Outcome.OUT_OWN_DEMAND),
        ("N3", s.repeated, NO, Outcome.OUT_NOT_BUSINESS),
        ("N4", s.for_gain, NO, Outcome.OUT_NOT_FOR_GAIN),
        ("N5", s.single_customer_only, YES, Outcome.EXEMPT_ITEM1),
        ("N6", s.one_premises, YES, Outcome.EXEMPT_ITEM2),
    ):
        path = path if node == "N1" else [*path, node]
        if answer is UNKNOWN:
            return Outcome.CONSULT, path
        if answer is end and not (node == "N4" and public_body):
            return outcome, path
    found = [mediates(feature) for feature in s.features]
    m = YES if YES in found else UNKNOWN if UNKNOWN in found else NO
    path.append("N7")
    if m is UNKNOWN:
        return Outcome.CONSULT, path
    path.append("N8")
    if s.line_equipment is UNKNOWN:
        return Outcome.CONSULT, path
    if m is NO and s.line_equipment is NO:
        path.append("N8b")
        ends = {YES: Outcome.NOTIFY, NO: Outcome.THIRD_ITEM, UNKNOWN: Outcome.CONSULT}
        return ends[s.dns_large_or_designated], path
    if s.line_equipment is NO or public_body:
        return Outcome.NOTIFY, path
    path.append("N9")
    return {YES: Outcome.REGISTER, NO: Outcome.NOTIFY, UNKNOWN: Outcome.CONSULT}[s.lines_beyond_limits], path


@pytest.mark.slow
@pytest.mark.parametrize("features", [(), (PUBLIC,), (PUBLIC, ADDRESSED), (UNSETTLED,)])
def test_the_verdict_on_every_combination_of_answers_is_that_of_the_written_procedure(
    features: tuple[FeatureAnswers, ...],
) -> None:
    names = [field.name for field in fields(Answers) if field.name != "features"]
    for combination in product(Answer, repeat=len(names)):
        given_answers: dict[str, Any] = dict(zip(names, combination, strict=True))
        answers = Answers(features=features, **given_answers)
        verdict = assess(answers)
        assert (verdict.outcome, list(verdict.path)) == procedure(answers)


@given(service_answers)
def test_features_count_in_the_verdict_as_they_mediate(answers: Answers) -> None:
    asked = service(
        *answers.features,
        line_equipment=answers.line_equipment,
        dns_large_or_designated=answers.dns_large_or_designated,
        lines_beyond_limits=answers.lines_beyond_limits,
    )
    verdict = assess(asked)
    assert (verdict.outcome, list(verdict.path)) == procedure(asked)


@pytest.mark.parametrize("node", [node for node in NODES.values() if node.id != "N7"], ids=lambda node: node.id)
def test_an_unknown_at_any_node_ends_in_consult(node: Any) -> None:
    lines = {"N8b": NO, "N9": YES}.get(node.id, NO)
    unknown: dict[str, Any] = {node.field: UNKNOWN}
    asked = replace(service(PUBLIC, line_equipment=lines), **unknown)
    verdict = assess(asked)
    assert verdict.outcome is Outcome.CONSULT
    assert verdict.path[-1] == node.id


def test_an_unknown_feature_ends_in_consult_unless_another_one_mediates_for_certain() -> None:
    assert assess(service(PUBLIC, FeatureAnswers())).outcome is Outcome.CONSULT
    assert assess(service(FeatureAnswers(), ADDRESSED)).outcome is Outcome.NOTIFY


@pytest.mark.parametrize("nothing", [Answers(), FeatureAnswers()], ids=["service", "feature"])
def test_the_default_answer_is_unknown(nothing: Answers | FeatureAnswers) -> None:
    said = {field.name: getattr(nothing, field.name) for field in fields(nothing)}
    assert {name: answer for name, answer in said.items() if answer is not UNKNOWN} == (
        {"features": ()} if isinstance(nothing, Answers) else {"name": "", "view_unsettled": False}
    )


def test_knowing_nothing_is_a_case_to_consult() -> None:
    assert assess(Answers()).outcome is Outcome.CONSULT


def test_own_lines_within_the_limits_are_notified_and_beyond_them_registered() -> None:
    assert assess(service(ADDRESSED, line_equipment=YES)).outcome is Outcome.NOTIFY
    assert assess(service(ADDRESSED, line_equipment=YES, lines_beyond_limits=YES)).outcome is Outcome.REGISTER
    assert assess(service(PUBLIC, line_equipment=YES)).outcome is Outcome.NOTIFY


def test_short_lines_exempt_nobody_on_the_internet() -> None:
    assert not any("REG 59" in node.articles for node in NODES.values())
    assert assess(service(ADDRESSED, line_equipment=NO)).outcome is Outcome.NOTIFY


@given(service_answers)
def test_a_verdict_always_names_articles_and_what_stays_doubtful(answers: Answers) -> None:
    verdict = assess(answers)
    assert all(cite(article) for article in verdict.articles)
    assert len(set(verdict.articles)) == len(verdict.articles)
    assert set(CONSEQUENCES[verdict.outcome].articles) <= set(verdict.articles)
    assert OPEN_QUESTIONS[Question.MANUAL] in verdict.doubts
    assert OPEN_QUESTIONS[Question.LATER_LAW] in verdict.doubts
    assert all(doubt.ja and doubt.en for doubt in verdict.doubts)


@pytest.mark.parametrize(
    ("answers", "doubted"),
    [
        (service(ADDRESSED), (Question.SMALL_EQUIPMENT,)),
        (service(ADDRESSED, for_gain=NO), (Question.GAIN,)),
        (service(ADDRESSED, for_gain=UNKNOWN), (Question.GAIN,)),
        (service(ADDRESSED, repeated=UNKNOWN), ()),
        (service(PUBLIC, repeated=NO), ()),
        (service(PUBLIC), (Question.SMALL_EQUIPMENT, Question.OPEN_WORDING)),
        (service(PUBLIC, line_equipment=UNKNOWN), (Question.SMALL_EQUIPMENT, Question.OPEN_WORDING)),
        (service(UNSETTLED), (Question.SMALL_EQUIPMENT, Question.OPEN_WORDING, Question.SIGNALLING)),
        (service(ADDRESSED, line_equipment=UNKNOWN), (Question.SMALL_EQUIPMENT,)),
    ],
)
def test_doubts_follow_the_way_that_was_taken(answers: Answers, doubted: tuple[Question, ...]) -> None:
    always = (Question.MANUAL, Question.LATER_LAW)
    assert assess(answers).doubts == tuple(OPEN_QUESTIONS[question] for question in (*doubted, *always))


def test_a_verdict_names_the_articles_of_its_way_and_its_outcome_once_each() -> None:
    verdict = assess(service(PUBLIC))
    named = [article for node in verdict.path for article in NODES[node].articles]
    assert verdict.articles == tuple(dict.fromkeys([*named, *CONSEQUENCES[Outcome.THIRD_ITEM].articles]))
    assert verdict.articles[-1] == "TBA 27-12"


def test_a_verdict_is_no_surer_than_its_ground() -> None:
    assert assess(Answers()).confidence is Confidence.UNVERIFIED
    assert assess(service(PUBLIC)).confidence is Confidence.SECONDARY
    assert assess(service(ADDRESSED, for_gain=NO)).confidence is Confidence.SECONDARY


@pytest.mark.parametrize("lines", [NO, YES])
def test_a_local_government_notifies_although_it_seeks_no_gain(lines: Answer) -> None:
    asked = service(ADDRESSED, for_gain=NO, local_government=YES, line_equipment=lines, lines_beyond_limits=YES)
    verdict = assess(asked)
    assert verdict.outcome is Outcome.NOTIFY
    assert set(verdict.articles) >= LOCAL_GOVERNMENT
    assert assess(replace(asked, local_government=NO)).outcome is Outcome.OUT_NOT_FOR_GAIN
    assert assess(replace(asked, local_government=UNKNOWN)).outcome is Outcome.OUT_NOT_FOR_GAIN


def test_a_local_government_of_open_rooms_only_is_a_third_item_business_like_any_other() -> None:
    verdict = assess(service(PUBLIC, for_gain=NO, local_government=YES))
    assert verdict.outcome is Outcome.THIRD_ITEM
    assert not LOCAL_GOVERNMENT & set(verdict.articles)


def test_only_a_local_government_notifies_by_its_own_articles() -> None:
    verdict = assess(service(ADDRESSED))
    assert verdict.outcome is Outcome.NOTIFY
    assert not LOCAL_GOVERNMENT & set(verdict.articles)


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome.startswith(("OUT_", "EXEMPT_"))])
def test_a_verdict_that_hangs_on_an_answer_is_never_verified(outcome: Outcome) -> None:
    assert CONSEQUENCES[outcome].confidence is not Confidence.VERIFIED


def test_every_outcome_and_question_is_worded_in_both_languages() -> None:
    assert set(CONSEQUENCES) == set(Outcome)
    assert {node.field for node in NODES.values()} == {field.name for field in fields(Answers)} - {"local_government"}
    assert set(FEATURE_QUESTIONS) == {field.name for field in fields(FeatureAnswers)} - {"name", "view_unsettled"}
    texts: list[Bilingual] = [*CONSEQUENCES.values(), *NODES.values(), *FEATURE_QUESTIONS.values()]
    for text in texts:
        assert text.ja
        assert text.en
