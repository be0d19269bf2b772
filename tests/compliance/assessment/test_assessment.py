"""Must I file?: the questions and what they lead to, on the page and on the command line, and what is kept of them."""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from chat import rooms
from chat.models import User
from chat.realtime import all_routes
from compliance import assessment, gate, law
from compliance.assessment import BadAnswers, Case, Letterhead, features, parse_json, penalties, read_answers
from compliance.assessment.bureau_letter import write_letter
from compliance.assessment.consequences import PENALTIES_OF
from compliance.assessment.drift import Footing
from compliance.assessment.features import TRAITS, fingerprint
from compliance.law import (
    BUREAU_OF,
    ITEM,
    NODES,
    PENALTIES,
    RULES,
    Answer,
    Bilingual,
    Cause,
    Feature,
    Outcome,
    Question,
    Required,
    RoomClass,
    Status,
    answers_of,
    assess,
    mediates,
    room_class,
)
from compliance.law.questions import ANSWERS, GUIDES, NEXT_STEPS, VERDICTS
from compliance.management.commands import assess as command
from compliance.models import Assessment, LedgerEntry, Signature
from compliance.testing import evidence_for, sign_all
from tests.compliance.cases import standing
from tests.compliance.law.test_law import JAPANESE
from tests.conftest import MakeUser, signed_in

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
HERE = (Feature.ROOM_OPEN, Feature.MATCH_PAIR, Feature.INVITE_ONLY)
CLOUD = {"N1": "yes", "N2": "yes", "N3": "yes", "N4": "yes", "N5": "no", "N6": "no", "N7": "no", "N8": "no"}
OPEN_ONLY = {"features": {"room.match_pair": "no", "room.invite_only": "no"}}
FACTS = {"operator_in_japan": "yes", "paid": "no", "assessed_by": "代表"}
START = "/operator/assess/"
VERDICT = f"{START}verdict/"


@pytest.fixture(autouse=True)
def forgetful_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what one test read from the next: its database is rolled back, its memory is not."""
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)


@pytest.fixture(autouse=True)
def japanese() -> Iterator[None]:
    """Answer in Japanese unless a test says otherwise."""
    with translation.override("ja"):
        yield


# The questions --------------------------------------------------------------------------------------------------------

PATHS: list[tuple[str, dict[str, Any], Outcome, str]] = [
    ("nothing is known", {}, Outcome.CONSULT, "N1"),
    ("no equipment", CLOUD | {"N1": "no"}, Outcome.OUT_NO_SERVICE, "N1"),
    ("own demand", CLOUD | {"N2": "no"}, Outcome.OUT_OWN_DEMAND, "N1 N2"),
    ("one-off", CLOUD | {"N3": "no"}, Outcome.OUT_NOT_BUSINESS, "N1 N2 N3"),
    ("a hobby", CLOUD | {"N4": "no"}, Outcome.OUT_NOT_FOR_GAIN, "N1 N2 N3 N4"),
    ("ads, perhaps", CLOUD | {"N4": "unknown"}, Outcome.CONSULT, "N1 N2 N3 N4"),
    ("one customer", CLOUD | {"N5": "yes"}, Outcome.EXEMPT_ITEM1, "N1 N2 N3 N4 N5"),
    ("one building", CLOUD | {"N6": "yes"}, Outcome.EXEMPT_ITEM2, "N1 N2 N3 N4 N5 N6"),
    ("the normal cloud chat", CLOUD, Outcome.NOTIFY, "N1 N2 N3 N4 N5 N6 N7 N8"),
    ("lines inside one city", CLOUD | {"N8": "yes", "N9": "no"}, Outcome.NOTIFY, "N1 N2 N3 N4 N5 N6 N7 N8 N9"),
    ("lines between prefectures", CLOUD | {"N8": "yes", "N9": "yes"}, Outcome.REGISTER, "N1 N2 N3 N4 N5 N6 N7 N8 N9"),
    ("a broadcaster", CLOUD | {"N8": "yes", "N9": "unknown"}, Outcome.CONSULT, "N1 N2 N3 N4 N5 N6 N7 N8 N9"),
    ("lines not known", CLOUD | {"N8": "unknown"}, Outcome.CONSULT, "N1 N2 N3 N4 N5 N6 N7 N8"),
    ("open rooms only", CLOUD | OPEN_ONLY | {"N8b": "no"}, Outcome.THIRD_ITEM, "N1 N2 N3 N4 N5 N6 N7 N8 N8b"),
    ("open rooms, designated", CLOUD | OPEN_ONLY | {"N8b": "yes"}, Outcome.NOTIFY, "N1 N2 N3 N4 N5 N6 N7 N8 N8b"),
    ("open rooms, N8b not known", CLOUD | OPEN_ONLY, Outcome.CONSULT, "N1 N2 N3 N4 N5 N6 N7 N8 N8b"),
    (
        "open rooms with a shut one of another app",
        CLOUD | OPEN_ONLY | {"N7": "yes"},
        Outcome.NOTIFY,
        "N1 N2 N3 N4 N5 N6 N7 N8",
    ),
    (
        "open rooms, something else perhaps",
        CLOUD | OPEN_ONLY | {"N7": "unknown"},
        Outcome.CONSULT,
        "N1 N2 N3 N4 N5 N6 N7",
    ),
    (
        "matching not decided",
        CLOUD | {"features": {"room.match_pair": "unknown", "room.invite_only": "no"}},
        Outcome.CONSULT,
        "N1 N2 N3 N4 N5 N6 N7",
    ),
    (
        "by the names of the facts",
        {NODES[node].field if node != "N7" else node: answer for node, answer in CLOUD.items()},
        Outcome.NOTIFY,
        "N1 N2 N3 N4 N5 N6 N7 N8",
    ),
]


@pytest.mark.parametrize(("document", "outcome", "path"), [row[1:] for row in PATHS], ids=[row[0] for row in PATHS])
def test_every_way_through_the_questions(document: dict[str, Any], outcome: Outcome, path: str) -> None:
    case, _facts = read_answers(document, HERE)
    assert case.verdict().outcome is outcome
    assert case.verdict().path == tuple(path.split())
    assert [step.node.id for step in case.trail()] == [node for node in path.split() if node in case.given]


def test_a_feature_that_the_code_has_counts_as_offered_until_somebody_says_otherwise() -> None:
    assert Case(given={}, doors=HERE).offered() == dict.fromkeys(HERE, YES)
    assert read_answers(CLOUD, (Feature.ROOM_OPEN,))[0].answer("N7") is NO
    assert read_answers(CLOUD, HERE)[0].answer("N7") is YES


def test_the_next_question_is_the_first_on_the_way_that_nobody_answered() -> None:
    assert Case(doors=HERE).next() == "N1"
    assert Case(given={"N1": YES, "N2": YES}, doors=HERE).next() == "N3"
    assert Case(given={"N1": NO}, doors=HERE).next() is None
    assert Case(given={"N1": UNKNOWN}, doors=HERE).next() is None
    # Matching mediates whatever else there is, but the features are still asked for.
    given = {node: Answer(word) for node, word in CLOUD.items() if node != "N7"}
    assert Case(given=given, doors=HERE).next() == "N7"


answers = st.sampled_from(Answer)


@given(st.dictionaries(st.sampled_from([*NODES, *HERE]), answers), st.sets(st.sampled_from(Feature)).map(tuple))
def test_any_answers_lead_to_a_verdict_and_the_walk_ends(
    answered: dict[str, Answer], here: tuple[Feature, ...]
) -> None:
    case = Case(given=answered, doors=here)
    assert case.verdict() == assess(case.answers())
    steps = 0
    while (node := case.next()) is not None:
        case = Case(given={**case.given, node: UNKNOWN}, doors=here)
        steps += 1
    assert steps <= len(NODES)
    assert case.verdict().path[-1] in case.given


def _ways(node: str, answer: Answer) -> set[str]:
    """Where an answer really leads, whatever else is answered."""
    onward = {"N1": YES, "N2": YES, "N3": YES, "N4": YES, "N5": NO, "N6": NO}
    found = set()
    for n7, n8, matching in product(Answer, Answer, Answer):
        given = {**onward, "N7": n7, "N8": n8, Feature.MATCH_PAIR.value: matching, "N8b": NO, "N9": NO, node: answer}
        path, outcome = (verdict := Case(given=given, doors=(Feature.MATCH_PAIR,)).verdict()).path, verdict.outcome
        if node in path:
            place = path.index(node) + 1
            found.add(path[place] if place < len(path) else outcome.value)
    return found


@pytest.mark.parametrize("node", NODES)
def test_what_is_said_of_an_answer_is_where_it_leads(node: str) -> None:
    effects = GUIDES[node].effects
    assert [effect.answer for effect in effects] == list(Answer)
    for effect in effects:
        ways = _ways(node, effect.answer)
        assert ways >= set(effect.leads), (node, effect)
        # N7 is yes whatever is answered for other apps, as long as this software mediates; then it goes on to N8.
        assert ways <= {*effect.leads, *({"N8", Outcome.CONSULT} if node == "N7" else ())}, (node, effect)


def test_the_plain_words_are_whole_and_in_both_languages() -> None:
    assert list(GUIDES) == list(NODES)
    assert set(VERDICTS) == set(NEXT_STEPS) == set(PENALTIES_OF) == set(Outcome)
    assert set(ANSWERS) == set(Answer)
    texts: list[Bilingual] = [
        *VERDICTS.values(),
        *ANSWERS.values(),
        *(text for row in NEXT_STEPS.values() for text in row),
    ]
    for guide in GUIDES.values():
        texts += [guide.title, guide.plain, *guide.examples, *guide.effects]
        assert {example.answer for example in guide.examples} >= {YES, NO}
    assert [text for text in texts if not JAPANESE.search(text.ja) or not text.en.strip()] == []


def test_the_trap_of_the_five_kilometres_is_named_and_exempts_nobody() -> None:
    example = next(example for example in GUIDES["N6"].examples if example.row == "N-a")
    assert example.answer is NO


def test_where_the_sources_are_silent_the_bureau_is_named() -> None:
    assert {node: guide.question for node, guide in GUIDES.items() if guide.question} == {
        "N4": Question.GAIN,
        "N7": Question.OPEN_WORDING,
    }


# What follows ---------------------------------------------------------------------------------------------------------


def test_the_penalty_for_a_missing_notification_is_not_that_for_a_missing_registration() -> None:
    first = {outcome: penalties(outcome)[0].penalty.id for outcome in Outcome}
    assert (first[Outcome.NOTIFY], first[Outcome.REGISTER]) == ("P-2", "P-1")
    assert "P-1" not in PENALTIES_OF[Outcome.NOTIFY]
    assert penalties(Outcome.NOTIFY)[0].maximum.ja == "6か月以下の拘禁刑または50万円以下の罰金"
    assert penalties(Outcome.NOTIFY)[0].penalty.articles == ("TBA 185(i)",)


def test_outside_the_act_only_the_wire_act_threatens() -> None:
    for outcome in Outcome:
        rows = set(PENALTIES_OF[outcome])
        assert rows <= {penalty.id for penalty in PENALTIES}
        assert (rows == {"P-13"}) is outcome.startswith("OUT_")
        assert ({"P-3", "P-4", "P-5"} <= rows) is not outcome.startswith("OUT_")


def test_only_settled_verdicts_do_without_the_bureau() -> None:
    asked = {outcome for outcome in Outcome if assessment.needs_bureau_answer(outcome)}
    assert asked == set(Outcome) - {Outcome.NOTIFY, Outcome.REGISTER, Outcome.THIRD_ITEM}
    for outcome in asked:
        assert "LAW-02" in str(NEXT_STEPS[outcome]) or outcome is Outcome.CONSULT


def test_the_letter_to_the_bureau_can_be_answered_by_an_officer() -> None:
    case = read_answers(CLOUD | {"N4": "unknown", "why": {"N4": "広告だけ"}}, HERE)[0]
    about = Letterhead(
        bureau=BUREAU_OF["東京都"],
        name="届け株式会社",
        address="東京都千代田区",
        contact="03-0000-0000",
        url="https://chat.example.jp/",
        start="令和9年4月1日",
        price="有料の機能なし",
        users="登録者12人",
        features={Feature.MATCH_PAIR: "二人だけが読める会話"},
    )
    letter = write_letter(case, about)
    assert letter.startswith("関東総合通信局 御中")
    for part in ("届け株式会社", "東京都千代田区", "03-0000-0000", "https://chat.example.jp/", "令和9年4月1日"):
        assert part in letter
    for part in ("有料の機能なし", "登録者12人", "二人だけが読める会話", "広告だけ", "ご教示ください"):
        assert part in letter
    for step in case.trail():
        assert f"・{step.node.id} {step.node.ja}\n　→ {step.said.ja}" in letter
    assert "「営む」場合に当たりますか" in letter
    assert "確認できていません" not in letter
    assert "マニュアル" not in letter


def test_what_nobody_has_said_is_left_to_be_filled_in() -> None:
    letter = write_letter(Case(doors=HERE), Letterhead())
    assert letter.count("（要記入）") == 7


# N2 and N7: who talks with whom ---------------------------------------------------------------------------------------


def test_the_question_on_demand_names_the_services_that_answer_it_wrongly() -> None:
    for word in ("フリマ", "ゲーム", "SNS", "求人", "問い合わせ窓口", "社内"):
        assert word in NODES["N2"].ja
    for word in ("marketplace", "game", "social network", "employer", "enquiry desk", "staff"):
        assert word in NODES["N2"].en


def test_own_demand_beside_features_between_users_is_called_a_contradiction() -> None:
    case, _facts = read_answers(CLOUD | {"N2": "no"}, HERE)
    assert "N2 は「はい」です" in case.doubts()[0].ja
    only_desk, _facts = read_answers({"N1": "yes", "N2": "no", "operator_and_one_user": [*HERE]}, HERE)
    assert only_desk.doubts() == only_desk.verdict().doubts


def test_a_verdict_without_a_filing_says_on_which_answer_it_hangs() -> None:
    case, _facts = read_answers(CLOUD | {"N2": "no"}, HERE)
    basis = case.basis()
    assert basis is not None
    assert "N2" in basis.ja
    assert "「いいえ」" in basis.ja
    assert "電気通信事業法2条4号" in basis.ja
    assert read_answers(CLOUD, HERE)[0].basis() is None


def test_counselling_by_own_staff_does_not_mediate() -> None:
    paid_counselling = CLOUD | OPEN_ONLY | {"N7": "yes", "N8b": "no", "operator_and_one_user": ["N7"]}
    assert read_answers(paid_counselling, HERE)[0].verdict().outcome is Outcome.THIRD_ITEM
    independent_experts = CLOUD | OPEN_ONLY | {"N7": "yes"}
    assert read_answers(independent_experts, HERE)[0].verdict().outcome is Outcome.NOTIFY
    matched = {"features": {"room.invite_only": "no"}, "operator_and_one_user": ["room.match_pair"], "N8b": "no"}
    case = read_answers(CLOUD | matched, HERE)[0]
    assert case.verdict().outcome is Outcome.THIRD_ITEM
    assert assessment.offers(case)[Feature.MATCH_PAIR].ja == "提供する（運営者と利用者一人の間だけ）"


def test_outside_one_building_is_not_said_to_be_settled() -> None:
    case, _facts = read_answers(CLOUD, HERE)
    assert law.OPEN_QUESTIONS[Question.SMALL_EQUIPMENT] in case.doubts()
    effect = next(effect for effect in GUIDES["N6"].effects if effect.answer is NO)
    assert "総合通信局" in effect.ja


# Facts beside the answers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "items"),
    [
        ({}, []),
        ({"profiles": False, "paid": "no", "operator_in_japan": "yes"}, []),
        ({"profiles": True}, ["LAW-20"]),
        ({"operator_in_japan": "no"}, ["LAW-24"]),
        ({"paid": "yes"}, ["LAW-25"]),
        (
            {"profiles": True, "paid": "yes", "operator_in_japan": "no", "scanning": True},
            ["LAW-10", "LAW-20", "LAW-24", "LAW-25"],
        ),
    ],
)
def test_the_stated_facts_call_for_their_items(facts: dict[str, Any], items: list[str]) -> None:
    assert [item.id for item in assessment.items_called_for(facts)] == items


def test_profiles_bring_the_penalties_of_the_dating_law() -> None:
    rows = {threat.penalty.id for threat in penalties(Outcome.NOTIFY, {"profiles": True})}
    assert {"P-15", "P-16", "P-17", "P-18"} <= rows
    assert "P-15" not in {threat.penalty.id for threat in penalties(Outcome.NOTIFY)}


@pytest.mark.parametrize("outcome", [Outcome.THIRD_ITEM, Outcome.EXEMPT_ITEM1, Outcome.EXEMPT_ITEM2])
def test_the_fine_for_the_company_of_an_excluded_business_is_marked_as_inference(outcome: Outcome) -> None:
    (both,) = (threat for threat in penalties(outcome) if threat.penalty.id == "P-10")
    assert both.only is not None
    assert "推論" in both.only.ja


def test_a_registered_operator_is_threatened_by_the_articles_on_registration() -> None:
    rows = {threat.penalty.id for threat in penalties(Outcome.REGISTER)}
    assert {"P-14", "P-9"} <= rows
    assert "P-7" not in rows


# What the code offers -------------------------------------------------------------------------------------------------


def test_the_features_are_those_that_the_pages_and_the_frames_serve() -> None:
    assert features.doors() == HERE
    frames = {route.feature for route in all_routes()}
    assert {feature for feature in frames if feature in TRAITS} <= set(HERE)


def test_the_traits_are_those_of_the_rooms_that_chat_makes() -> None:
    """Whoever changes a room's traits changes them here, and the assessment is asked for again."""
    assert TRAITS[Feature.ROOM_OPEN] == rooms.OPEN_TO_ALL
    assert TRAITS[Feature.MATCH_PAIR] == rooms.PAIRED
    assert TRAITS[Feature.INVITE_ONLY] == rooms.LOCKED


@pytest.mark.parametrize("feature", TRAITS)
def test_a_feature_mediates_exactly_where_its_rule_takes_a_filing(feature: Feature) -> None:
    closed = RULES[feature].required is Required.NOTIFIED
    assert room_class(TRAITS[feature]) is (RoomClass.CLOSED if closed else RoomClass.OPEN)
    assert mediates(answers_of(TRAITS[feature])) is (Answer.YES if closed else Answer.NO)


# On the page ----------------------------------------------------------------------------------------------------------


def answer(client: Client, node: str, word: str, **more: str) -> Any:
    """Answer one question on its page."""
    features = {feature.value: "yes" for feature in HERE} if node == "N7" else {}
    return client.post(f"{START}{node.lower()}/", features | {node: word} | more, follow=True)


def walk(client: Client, words: Mapping[str, str]) -> Any:
    """Answer question after question; return the last page."""
    page: Any = None
    for node, word in words.items():
        page = answer(client, node, word)
    return page


@pytest.mark.django_db
def test_the_operator_is_led_to_the_verdict_and_it_is_signed_as_law_01(desk: Client, operator: User) -> None:
    assert "最初の質問から始める" in desk.get(START).content.decode()
    page = walk(desk, {"N1": "yes", "N2": "yes", "N3": "yes"})
    assert page.redirect_chain[-1][0] == f"{START}n4/"
    answer(desk, "N4", "yes", note="有料プランを予定")
    page = walk(desk, {"N5": "no", "N6": "no", "N7": "no", "N8": "no"})
    assert page.redirect_chain[-1][0] == VERDICT
    text = page.content.decode()
    for part in (VERDICTS[Outcome.NOTIFY].ja, "185条1号", "6か月以下の拘禁刑", "総合通信局", "有料プランを予定"):
        assert part in text
    signed = desk.post(VERDICT, FACTS | {"assessed_on": "2026-11-20", "outcome": "NOTIFY"})
    assert signed.status_code == 302
    signature = Signature.objects.get(item_id="LAW-01")
    assert signature.evidence == {
        "verdict": "NOTIFY",
        "answers": signature.evidence["answers"],
        "features": signature.evidence["features"],
        **FACTS,
        "profiles": False,
        "scanning": False,
        "local_government": "",
        "law_version": law.LAW_VERSION,
        "assessed_on": "2026-11-20",
    }
    assert "N4 収益を得る目的: はい – 有料プランを予定" in signature.evidence["answers"]
    assert "room.match_pair" in signature.evidence["features"]
    stored = Assessment.objects.get()
    assert (stored.signature, stored.answered_by, stored.outcome) == (signature, operator, "NOTIFY")
    assert LedgerEntry.objects.filter(event="item.signed", payload__item="LAW-01").exists()
    assert gate.current().checklist is not None
    assert gate.current().checklist.facts.verdict == "NOTIFY"  # type: ignore[union-attr]


@pytest.mark.django_db
def test_an_unfinished_assessment_waits_for_its_person_on_any_device(
    desk: Client, operator: User, make_user: MakeUser
) -> None:
    walk(desk, {"N1": "yes", "N2": "yes"})
    elsewhere = signed_in(operator)
    assert elsewhere.get(START).context["next_page"] == f"{START}n3/"
    colleague = signed_in(make_user("同僚", is_staff=True, is_superuser=True))
    assert colleague.get(START).context["next_page"] == f"{START}n1/"
    elsewhere.post(f"{START}anew/")
    assert desk.get(START).context["next_page"] == f"{START}n1/"
    assert not Assessment.objects.exists()


@pytest.mark.django_db
def test_an_early_answer_can_be_changed_and_the_later_ones_stay(desk: Client) -> None:
    walk(desk, CLOUD)
    assert answer(desk, "N4", "no").context["verdict"].outcome is Outcome.OUT_NOT_FOR_GAIN
    assert answer(desk, "N4", "yes").context["verdict"].outcome is Outcome.NOTIFY


@pytest.mark.django_db
@pytest.mark.parametrize("word", ["", "maybe", "YES", "true"])
def test_what_is_no_answer_is_asked_again_and_nothing_is_kept(desk: Client, word: str) -> None:
    page = desk.post(f"{START}n1/", {"N1": word, "note": "メモ"})
    assert page.status_code == 200
    assert "「分からない」も答えです" in page.content.decode()
    assert "メモ" in page.content.decode()
    assert not Assessment.objects.exists()


@pytest.mark.django_db
def test_a_question_off_the_way_leads_back_to_it(desk: Client) -> None:
    for key in ("n9", "n8b", "n5"):
        assert desk.get(f"{START}{key}/").headers["Location"] == f"{START}n1/"
    assert desk.get(VERDICT).headers["Location"] == f"{START}n1/"
    assert desk.get(f"{START}n10/").status_code == 404


@pytest.mark.django_db
def test_unknown_is_an_answer_and_ends_with_whom_to_ask(desk: Client) -> None:
    page = walk(desk, {"N1": "yes", "N2": "yes", "N3": "yes", "N4": "unknown"})
    text = page.content.decode()
    assert VERDICTS[Outcome.CONSULT].ja in text
    assert law.OPEN_QUESTIONS[Question.GAIN].ja in text
    assert "LAW-02" in text
    assert "電気通信事業の届出の要否について、お尋ねします。" in text


@pytest.mark.django_db
def test_each_question_shows_examples_and_what_each_answer_changes(desk: Client) -> None:
    page = desk.get(f"{START}n1/").content.decode()
    guide = GUIDES["N1"]
    rows: list[Bilingual] = [NODES["N1"], guide.plain, *guide.examples, *guide.effects]
    for text in (row.ja for row in rows):
        assert text in page
    desk.cookies["django_language"] = "en"
    page = desk.get(f"{START}n1/").content.decode()
    assert NODES["N1"].en in page
    assert guide.effects[1].en in page


@pytest.mark.django_db
def test_what_somebody_typed_is_shown_as_text(desk: Client) -> None:
    walk(desk, {node: word for node, word in CLOUD.items() if node != "N8"})
    page = answer(desk, "N8", "no", note="<script>alert(1)</script>")
    assert "<script>alert" not in page.content.decode()
    assert "&lt;script&gt;" in page.content.decode()


@pytest.mark.django_db
def test_strangers_sign_in_first_and_members_have_no_business_here(member: Client) -> None:
    for path in (START, VERDICT, f"{START}n1/"):
        assert Client().get(path).headers["Location"].startswith("/admin/login/?next=")
        assert member.get(path).status_code == 302


@pytest.mark.django_db
def test_who_may_look_may_not_answer(make_user: MakeUser) -> None:
    staff = make_user("閲覧", is_staff=True)
    assert signed_in(staff).get(START).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_checklist"))
    looking = signed_in(staff)
    assert looking.get(START).status_code == 200
    assert looking.get(f"{START}n1/").status_code == 200
    assert looking.post(f"{START}n1/", {"N1": "yes"}).status_code == 403
    assert looking.post(f"{START}anew/").status_code == 403
    assert not Assessment.objects.exists()


@pytest.mark.django_db
def test_recording_needs_what_law_01_needs(desk: Client) -> None:
    walk(desk, CLOUD)
    page = desk.post(VERDICT, {"paid": "no", "outcome": "NOTIFY"})
    assert page.status_code == 200
    assert set(page.context["form"].errors) == {"operator_in_japan", "assessed_by", "assessed_on"}
    assert not Signature.objects.exists()


@pytest.mark.django_db
def test_nothing_is_recorded_that_was_not_seen(desk: Client) -> None:
    """The answers were changed in another tab after the verdict was shown."""
    walk(desk, CLOUD)
    answer(desk, "N4", "no")
    page = desk.post(VERDICT, FACTS | {"assessed_on": "2026-11-20", "outcome": "NOTIFY"})
    assert "答えが変わりました" in page.content.decode()
    assert not Signature.objects.exists()


# Asked again ----------------------------------------------------------------------------------------------------------


def record(operator: User, **changes: Any) -> Assessment:
    """Record the normal cloud chat."""
    case, facts = read_answers(CLOUD | FACTS | changes, features.doors())
    return assessment.record(case, facts, operator, "ja")


def changes() -> list[str]:
    """What has changed since."""
    return [change.en for change in assessment.position(gate.current()).changes]


@pytest.mark.django_db
def test_nothing_changes_by_itself(operator: User) -> None:
    assert assessment.position(gate.current()).footing is Footing.none
    gate.sign(item=ITEM["LAW-01"], evidence=evidence_for(ITEM["LAW-01"]), actor=operator)
    assert assessment.position(gate.current()).footing is Footing.by_hand
    record(operator)
    position = assessment.position(gate.current())
    assert (position.footing, position.outcome, position.changes) == (Footing.recorded, Outcome.NOTIFY, ())


@pytest.mark.django_db
def test_a_feature_that_comes_or_goes_asks_again_on_both_pages(
    desk: Client, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = record(operator)
    monkeypatch.setattr(features, "doors", lambda: (Feature.ROOM_OPEN, Feature.MATCH_PAIR, Feature.DM_TEXT))
    assert changes() == ["“Direct messages” was added.", "“Invitation-only rooms” was removed."]
    for path in (START, "/admin/compliance/checklist/"):
        assert "「ダイレクトメッセージ」が加わりました" in desk.get(path).content.decode()
    assert record(operator).fingerprint != before.fingerprint
    assert changes() == []


@pytest.mark.django_db
def test_other_traits_and_another_rule_ask_again(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    record(operator)
    shown = {**TRAITS, Feature.MATCH_PAIR: TRAITS[Feature.INVITE_ONLY]}
    monkeypatch.setattr(features, "TRAITS", shown)
    assert changes() == ["The rooms of “Matching (a talk between two)” changed their traits."]
    monkeypatch.setattr(law, "LAW_VERSION", "2027-04-01")
    assert changes()[-1] == "The law version changed from 2026-05-27 to 2027-04-01."


@pytest.mark.django_db
def test_a_price_that_comes_later_asks_again(operator: User) -> None:
    record(operator)
    gate.sign(item=ITEM["LAW-25"], evidence=evidence_for(ITEM["LAW-25"]), actor=operator)
    assert changes() == ["No paid features are on record, but LAW-25 (paid-feature statements) was signed since."]


@pytest.mark.django_db
def test_what_was_said_not_to_be_offered_stays_off_by_itself(operator: User, settings: Any) -> None:
    settings.STANDING = standing(Status.notified)
    sign_all(operator, but=["LAW-25"])
    record(operator, features={"room.invite_only": "no"})
    assert changes() == []
    snapshot = gate.reconcile()
    invited = snapshot.decide(Feature.INVITE_ONLY)
    assert [reason.cause for reason in invited.reasons] == [Cause.contradiction]
    assert snapshot.decide(Feature.MATCH_PAIR).allowed


@pytest.mark.django_db
def test_doors_that_law_01_denies_ask_again(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "doors", lambda: (*HERE, Feature.PROFILE_DATING))
    record(operator)
    assert changes() == [
        "“Public profiles with gender or a wish to date” is recorded as absent, but the software has it."
    ]
    record(operator, profiles=True)
    assert changes() == []


def test_the_fingerprint_follows_from_what_is_recorded_and_nothing_else() -> None:
    one = {"room.open": {"offered": "yes", "required": "third_item", "traits": asdict(TRAITS[Feature.ROOM_OPEN])}}
    again = json.loads(json.dumps(one))
    assert fingerprint(one) == fingerprint(again)
    again["room.open"]["traits"]["listed"] = False
    assert fingerprint(one) != fingerprint(again)


# On the command line --------------------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[str, str]:
    """Run the command; return what it printed and what it reported."""
    out, err = io.StringIO(), io.StringIO()
    call_command("assess", *arguments, stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """Write answers to a file; return its path."""

    def write(**document: Any) -> str:
        path = tmp_path / "answers.json"
        path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        return str(path)

    return write


@pytest.mark.django_db
def test_the_command_prints_all_that_the_page_shows(file: Any) -> None:
    out, _err = run("--answers", file(**CLOUD, why={"N4": "会費"}), "--language", "en")
    assert out.startswith("NOTIFY  A notification appears to be due")
    for part in (
        "N4 For gain: Yes – 会費",
        "room.match_pair",
        "Article 185(i)",
        "confinement of up to 6 months or a fine of up to ¥500,000",
        "Draft the notification",
        "entry manual",
        "not legal advice",
    ):
        assert part in out
    assert "177" not in out.split("Penalties")[1].split("P-3")[0]


@pytest.mark.django_db
def test_the_command_speaks_json(file: Any) -> None:
    said = json.loads(run("--answers", file(**CLOUD | OPEN_ONLY, N8b="no"), "--json")[0])
    assert said["outcome"] == "THIRD_ITEM"
    assert said["path"][-1] == "N8b"
    assert said["features"] == {"room.open": "yes", "room.match_pair": "no", "room.invite_only": "no"}
    assert said["answers"]["N7"] == "no"
    assert said["law_version"] == law.LAW_VERSION
    assert {row["id"] for row in said["penalties"]} >= {"P-3", "P-12"}


@pytest.mark.django_db
def test_without_answers_nothing_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    said = json.loads(run("--json")[0])
    assert (said["outcome"], said["waits_for"], said["ask_the_bureau"]) == ("CONSULT", "N1", True)


@pytest.mark.django_db
def test_on_a_terminal_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    typed = iter(["y", "", "y", "y", "y", "n", "n", "", "n", "?", "n", "n"])
    monkeypatch.setattr("builtins.input", lambda _prompt: next(typed))
    out, _err = run("--language", "en")
    assert GUIDES["N6"].plain.en in out
    assert "room.match_pair Matching (a talk between two): not offered" in out
    assert "room.invite_only Invitation-only rooms: not decided" in out
    assert "\nCONSULT  Not settled: ask the bureau" in out
    assert next(typed, None) == "n"  # N7 stays unknown, so N8 was not asked


@pytest.mark.django_db
def test_the_command_signs_law_01_for_an_account_that_may(file: Any, operator: User) -> None:
    path = file(**CLOUD, **FACTS)
    out, err = run("--answers", path, "--json", "--record", "--as", str(operator.email))
    assert json.loads(out)["outcome"] == "NOTIFY"
    assert "LAW-01: NOTIFY" in err
    signature = Signature.objects.get(item_id="LAW-01")
    assert (signature.signed_by, signature.evidence["verdict"], signature.evidence["assessed_by"]) == (
        operator,
        "NOTIFY",
        "代表",
    )
    assert Assessment.objects.get().signature == signature


@pytest.mark.django_db
def test_the_command_signs_for_nobody_else(file: Any, operator: User, make_user: MakeUser) -> None:
    path = file(**CLOUD, **FACTS)
    staff = make_user("職員", is_staff=True)
    for who in ([], ["--as", "nobody@example.jp"], ["--as", str(staff.email)], ["--as", str(make_user().email)]):
        with pytest.raises(CommandError):
            run("--answers", path, "--record", *who)
    with pytest.raises(CommandError, match="LAW-01"):  # the facts that LAW-01 keeps besides are missing
        run("--answers", file(**CLOUD), "--record", "--as", str(operator.email))
    assert not Signature.objects.exists()
    assert not Assessment.objects.exists()


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"N1": True},
        {"N1": "Yes"},
        {"N10": "yes"},
        {"n1": "yes"},
        {"features": {"dm.text": "yes"}},
        {"features": {"room.open": "perhaps"}},
        {"features": ["room.open"]},
        {"paid": "unknown"},
        {"profiles": "yes"},
        {"assessed_by": 3},
        {"assessed_by": " "},
        {"why": {"N10": "a"}},
        {"why": {"N1": 3}},
        {"operator_and_one_user": "N7"},
        {"operator_and_one_user": ["dm.text"]},
        {"operator_and_one_user": [["N7"]]},
        {"local_government": True},
        {"N1": "yes", "carries_messages": "yes"},
        {"remark": "x" * 10_000},
    ],
    ids=repr,
)
def test_answers_that_are_not_understood_are_refused_by_name(document: Any) -> None:
    with pytest.raises(BadAnswers) as refused:
        read_answers(document, HERE)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('{"N1": "yes", "N1": "no"}', "'N1'"),
        ('{"features": {"room.open": "yes", "room.open": "no"}}', "'room.open'"),
        ('\ufeff{"N1": "yes"}', "BOM"),
        ('{"why": {"N1": "\\ud800"}}', "surrogate"),
        ('{"N1": NaN}', "NaN"),
        ("[" * 100_000, "nested|JSON"),
        ("{", "JSON"),
        ("", "JSON"),
    ],
    ids=["twice", "twice inside", "BOM", "surrogate", "NaN", "deep", "cut", "empty"],
)
def test_json_that_can_be_read_in_two_ways_is_refused(text: str, names: str) -> None:
    with pytest.raises(BadAnswers, match=names):
        parse_json(text)


@pytest.mark.django_db
def test_a_key_that_is_said_twice_is_refused_by_the_command(tmp_path: Path) -> None:
    twice = tmp_path / "twice.json"
    twice.write_text('{"N1": "yes", "N2": "yes", "N2": "no"}')
    with pytest.raises(CommandError, match="'N2' is said twice"):
        run("--answers", str(twice))


@pytest.mark.django_db
def test_the_command_names_what_the_facts_call_for_and_never_verifies_an_answer(file: Any) -> None:
    facts = {"profiles": True, "operator_in_japan": "no", "paid": "yes"}
    out, _err = run("--answers", file(**CLOUD | {"N2": "no"}, **facts), "--language", "ja")
    for item in ("LAW-20", "LAW-24", "LAW-25", "LAW-02"):
        assert item in out
    assert law.Confidence.VERIFIED.ja not in out
    assert "この結論は、N2" in out
    said = json.loads(run("--answers", file(**CLOUD | {"N2": "no"}, **facts), "--json")[0])
    assert said["confidence"] == "inference"
    assert said["ask_the_bureau"] is True
    assert [item["id"] for item in said["items"]] == ["LAW-20", "LAW-24", "LAW-25"]


@pytest.mark.django_db
def test_the_page_of_the_verdict_writes_the_letter_with_the_deployments_facts(desk: Client, settings: Any) -> None:
    settings.STANDING = standing(Status.notified)
    letter = walk(desk, CLOUD).context["letter"]
    assert settings.STANDING.operator_name in letter
    assert settings.STANDING.operator_address in letter
    assert "登録者1人" in letter
    assert "文字による会話を媒介する役務" in letter


@pytest.mark.django_db
def test_the_boxes_of_a_question_are_kept_and_can_be_taken_back(desk: Client) -> None:
    walk(desk, {"N1": "yes", "N2": "yes", "N3": "yes"})
    page = answer(desk, "N4", "no", local_government="yes")
    assert page.redirect_chain[-1][0] == f"{START}n5/"
    assert desk.get(f"{START}n4/").context["local_government"] is True
    assert answer(desk, "N4", "no").context["verdict"].outcome is Outcome.OUT_NOT_FOR_GAIN
    walk(desk, CLOUD)
    own = {f"own:{feature.value}": "yes" for feature in HERE} | {"own:N7": "yes"}
    page = answer(desk, "N7", "yes", **own)
    assert page.redirect_chain[-1][0] == f"{START}n8b/"
    assert answer(desk, "N7", "no").context["verdict"].outcome is Outcome.NOTIFY


@pytest.mark.django_db
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    for path in (str(tmp_path / "none.json"), str(broken)):
        with pytest.raises(CommandError) as refused:
            run("--answers", path)
        assert path in str(refused.value)
        assert "\n" not in str(refused.value)


def test_the_command_belongs_to_the_operator() -> None:
    assert command.Command.feature is Feature.OPERATOR
