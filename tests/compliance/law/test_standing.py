"""The environment is read to the letter: what is wrong stops the start or keeps the key unturned."""

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from compliance.law import (
    REQUIRED_PARTS,
    STATUS_TEXTS,
    BadValue,
    Feature,
    Mode,
    Standing,
    Status,
    japanese_date,
    read_standing,
)
from compliance.law.standing import can_be_read, normal
from compliance.law.variables import OFFER_WORDS, VARIABLES
from tests.compliance.cases import COMPLETE, DATED, DATING, NUMBER, OPERATOR, TODAY, environment, environments, standing

FILING = [Status.filed, Status.notified, Status.registered, Status.exempt]


def test_an_empty_environment_has_filed_nothing_and_enforces_the_checklist() -> None:
    nothing = read_standing({}, TODAY)
    assert (nothing.status, nothing.mode, nothing.problems) == (Status.none, Mode.enforce, ())
    assert not nothing.turned
    assert nothing == read_standing(dict.fromkeys(VARIABLES, ""), TODAY)


def test_the_default_standing_is_that_of_an_empty_environment() -> None:
    assert Standing() == read_standing({}, TODAY)
    assert (Standing().status, Standing().mode) == (Status.none, Mode.enforce)


def test_each_status_requires_what_proves_it_and_who_answers_for_it() -> None:
    operator = set(OPERATOR)
    assert {status: set(parts) for status, parts in REQUIRED_PARTS.items()} == {
        Status.none: set(),
        Status.filed: {"TELECOM_REGISTRATION_DATE"} | operator,
        Status.notified: {"TELECOM_REGISTRATION_NUMBER", "TELECOM_REGISTRATION_DATE"} | operator,
        Status.registered: {"TELECOM_REGISTRATION_NUMBER", "TELECOM_REGISTRATION_DATE"} | operator,
        Status.exempt: {"TELECOM_REGISTRATION_DATE"} | operator,
    }


@pytest.mark.parametrize("status", FILING)
def test_a_status_with_all_that_it_requires_turns_the_key(status: Status) -> None:
    assert standing(status).problems == ()
    assert standing(status).turned


@pytest.mark.parametrize(
    ("status", "missing"), [(status, part) for status in FILING for part in REQUIRED_PARTS[status]]
)
@pytest.mark.parametrize("blank", ["", "   ", "\u3000"])
def test_a_status_without_a_part_turns_no_key_and_names_the_part(status: Status, missing: str, blank: str) -> None:
    incomplete = standing(status, **{missing: blank})
    assert not incomplete.turned
    assert [problem.variable for problem in incomplete.problems] == [missing]
    assert missing in incomplete.problems[0].ja
    assert missing in incomplete.problems[0].en
    assert "requires" in incomplete.problems[0].en


@pytest.mark.parametrize("blank", ["   ", "\u3000"])
def test_a_blank_value_is_an_absent_one(blank: str) -> None:
    blanks = dict.fromkeys((*NUMBER, *DATED, *OPERATOR, *DATING), blank)
    assert standing(Status.none, **blanks) == standing(Status.none)


def test_the_operator_is_read_without_the_spaces_around_it() -> None:
    read = standing(**{name: f" {value}\u3000" for name, value in OPERATOR.items()})
    assert (read.operator_name, read.operator_address, read.operator_contact) == tuple(OPERATOR.values())


@pytest.mark.parametrize(
    "value", ["true", "ture", "Notified ", "notified ", "NOTIFIED", "1", "届出", "none\n", "Filed"]
)
def test_a_status_outside_the_list_stops_the_start_with_one_line(value: str) -> None:
    with pytest.raises(BadValue) as caught:
        read_standing(environment() | {"TELECOM_REGISTRATION": value}, TODAY)
    line = str(caught.value)
    assert "\n" not in line
    assert "TELECOM_REGISTRATION" in line
    assert repr(value) in line
    assert "none, filed, notified, registered, exempt" in line
    assert (caught.value.variable, caught.value.value) == ("TELECOM_REGISTRATION", value)
    assert caught.value.accepted == ("none", "filed", "notified", "registered", "exempt")


@pytest.mark.parametrize("value", ["off", "Advise", "enforce ", "false"])
def test_a_mode_outside_the_list_stops_the_start(value: str) -> None:
    with pytest.raises(BadValue, match=r"COMPLIANCE_CHECKLIST=.*enforce, advise"):
        standing(COMPLIANCE_CHECKLIST=value)


@pytest.mark.parametrize(
    "number",
    [
        "A-08-1234",
        "A-08-123456",
        "a-08-12345",
        "A0812345",
        "AB-08-12345",
        "J2500301",
        "30123456789",
        " A-08-12345",
        "A-08-12345\n",
        "A-٠٨-12345",
    ],
)
@pytest.mark.parametrize("status", [Status.filed, Status.notified])
def test_a_malformed_number_turns_no_key(number: str, status: Status) -> None:
    wrong = standing(status, TELECOM_REGISTRATION_NUMBER=number)
    assert not wrong.turned
    assert wrong.number == ""
    assert "TELECOM_REGISTRATION_NUMBER" in {problem.variable for problem in wrong.problems}


@pytest.mark.parametrize(
    ("given_number", "kept"),
    [
        ("第372号", "第372号"),
        ("第３７２号", "第372号"),
        ("関総電登 第12号", "関総電登 第12号"),
        ("A-08-12345", "A-08-12345"),
    ],
)
def test_a_registration_number_is_taken_as_the_office_gives_it(given_number: str, kept: str) -> None:
    read = standing(Status.registered, TELECOM_REGISTRATION_NUMBER=given_number)
    assert read.turned
    assert read.number == kept
    assert kept in read.label("ja")
    assert not standing(Status.notified, TELECOM_REGISTRATION_NUMBER="第372号").turned


@pytest.mark.parametrize("number", ["―", "第372号\n", "第\u200b372号", " 第372号", "1" * 41])
def test_a_registration_number_is_one_that_can_be_shown(number: str) -> None:
    wrong = standing(Status.registered, TELECOM_REGISTRATION_NUMBER=number)
    assert not wrong.turned
    assert wrong.number == ""
    problem = wrong.problems[0]
    assert problem.variable == "TELECOM_REGISTRATION_NUMBER"
    assert "第372号 のように" in problem.ja
    assert "as in 第372号" in problem.en


def test_a_registration_number_has_at_most_forty_characters() -> None:
    read = standing(Status.registered, TELECOM_REGISTRATION_NUMBER="1" * 40)
    assert read.turned
    assert read.number == "1" * 40


@pytest.mark.parametrize("number", ["A-08-12345", "Ａ－０８－１２３４５", "E-02-04531", "H-08-02113"])
def test_a_number_is_folded_to_half_width(number: str) -> None:
    assert re.fullmatch(r"[A-Z]-\d{2}-\d{5}", standing(TELECOM_REGISTRATION_NUMBER=number).number, re.ASCII)


@pytest.mark.parametrize(
    "text", ["2026-5-18", "20260518", "2026-W20-1", "2026-02-30", "令和8年5月18日", "2026-05-18T00:00"]
)
def test_a_date_that_is_none_turns_no_key(text: str) -> None:
    wrong = standing(TELECOM_REGISTRATION_DATE=text)
    assert not wrong.turned
    assert wrong.filed_on is None
    assert [problem.variable for problem in wrong.problems] == ["TELECOM_REGISTRATION_DATE"]


def test_a_date_in_the_future_turns_no_key_and_today_does() -> None:
    assert not standing(TELECOM_REGISTRATION_DATE="2026-11-23").turned
    assert standing(TELECOM_REGISTRATION_DATE="2026-11-22").turned


@pytest.mark.parametrize("part", [NUMBER, DATED, {**NUMBER, **DATED}])
def test_nothing_filed_with_a_number_or_a_date_is_a_contradiction(part: dict[str, str]) -> None:
    contradiction = standing(Status.none, **part)
    assert not contradiction.turned
    assert {problem.variable for problem in contradiction.problems} == set(part)


def test_no_filing_due_and_yet_a_number_is_a_contradiction() -> None:
    assert not standing(Status.exempt, **NUMBER).turned


def test_the_operator_may_be_named_before_anything_is_filed() -> None:
    assert standing(Status.none, **OPERATOR).problems == ()


@pytest.mark.parametrize(
    ("given_number", "kept"), [("30123456789", "30123456789"), ("３０１２３４５６７８９", "30123456789")]
)
def test_a_dating_number_has_eleven_digits(given_number: str, kept: str) -> None:
    assert standing(DATING_NOTIFICATION_NUMBER=given_number).dating_number == kept


@pytest.mark.parametrize("wrong", ["3012345678", "301234567890", "A-08-12345", "3012345678x"])
def test_a_malformed_dating_number_is_a_problem_of_the_dating_gate_alone(wrong: str) -> None:
    problem = standing(DATING_NOTIFICATION_NUMBER=wrong)
    assert problem.dating_number == ""
    assert problem.dating_problem is not None
    assert problem.dating_problem.variable == "DATING_NOTIFICATION_NUMBER"
    assert problem.problems == ()
    assert problem.turned


# What is offered ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "offered"),
    [
        ("", set(OFFER_WORDS.values())),
        ("match", {Feature.MATCH_PAIR}),
        ("invite", {Feature.INVITE_ONLY}),
        ("direct", {Feature.DM_TEXT}),
        ("board", {Feature.RECRUIT}),
        ("direct, match", {Feature.DM_TEXT, Feature.MATCH_PAIR}),
        ("match,invite,direct,board", set(OFFER_WORDS.values())),
    ],
)
def test_the_offered_features_are_read_from_their_words(value: str, offered: set[Feature]) -> None:
    assert standing(CLOSED_FEATURES=value).offered == offered


@pytest.mark.parametrize("value", [" ", ",", "match,", "Match", "match;invite", "all", "none", "room.match_pair"])
def test_an_offer_outside_the_list_stops_the_start_with_one_line(value: str) -> None:
    with pytest.raises(BadValue, match="match, invite, direct, board") as caught:
        standing(CLOSED_FEATURES=value)
    assert (caught.value.variable, caught.value.value) == ("CLOSED_FEATURES", value)
    assert repr(value) in str(caught.value)


# What can be seen, and when it was filed ------------------------------------------------------------------------------


@pytest.mark.parametrize("part", list(OPERATOR))
@pytest.mark.parametrize("blank", ["\u200b", "\u3164", "\uffa0", "\u2800", "\u00ad\ufe0f", "\U000e0041", "…", "\ufeff"])
def test_an_operator_of_whom_nothing_can_be_read_is_missing(part: str, blank: str) -> None:
    unseen = standing(**{part: blank})
    assert not unseen.turned
    assert [problem.variable for problem in unseen.problems] == [part]
    assert standing(**{part: f"{blank}例"}).turned


@pytest.mark.parametrize(("day", "sound"), [("0001-01-01", False), ("1985-03-31", False), ("1985-04-01", True)])
def test_nothing_was_filed_before_the_act_was_in_force(day: str, *, sound: bool) -> None:
    read = standing(TELECOM_REGISTRATION_DATE=day)
    assert read.turned is sound
    assert [problem.variable for problem in read.problems] == ([] if sound else ["TELECOM_REGISTRATION_DATE"])


def test_a_pending_number_and_a_number_contradict_each_other() -> None:
    contradiction = standing(Status.filed, **NUMBER)
    assert [problem.variable for problem in contradiction.problems] == ["TELECOM_REGISTRATION_NUMBER"]


# What always holds ----------------------------------------------------------------------------------------------------


@given(environments)
def test_a_word_outside_its_list_stops_the_start_and_nothing_else_does(values: dict[str, str]) -> None:
    words = {"TELECOM_REGISTRATION": {*Status}, "COMPLIANCE_CHECKLIST": {*Mode}}
    wrong = [name for name, accepted in words.items() if values.get(name) and values[name] not in accepted]
    offered = values.get("CLOSED_FEATURES", "")
    wrong += ["CLOSED_FEATURES"] if offered and {*map(str.strip, offered.split(","))} - {*OFFER_WORDS} else []
    if wrong:
        with pytest.raises(BadValue) as caught:
            read_standing(values, TODAY)
        assert caught.value.variable == wrong[0]
        assert len(str(caught.value).splitlines()) == 1
    else:
        assert read_standing(values, TODAY).mode in Mode


@given(environments)
def test_a_turned_key_has_all_that_its_status_requires(values: dict[str, str]) -> None:
    try:
        read = read_standing(values, TODAY)
    except BadValue:
        return
    assert all(problem.ja and problem.en and problem.variable in VARIABLES for problem in read.problems)
    assert read.label("ja")
    assert read.label("en")
    if read.turned:
        assert read.status is not Status.none
        assert all(values.get(part, "").strip() for part in REQUIRED_PARTS[read.status])
        assert read.filed_on is not None
        assert read.filed_on <= TODAY
        assert read.status not in {Status.notified, Status.registered} or read.number


@given(st.text())
def test_no_text_but_the_five_words_is_a_status(value: str) -> None:
    assume(value not in {"", *Status})
    with pytest.raises(BadValue):
        read_standing({"TELECOM_REGISTRATION": value}, TODAY)


# What others see ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "ja", "en"),
    [
        (
            Status.notified,
            "電気通信事業届出番号 A-08-12345（令和8年5月18日届出）",
            "No. A-08-12345 (notified on 18 May 2026)",
        ),
        (Status.filed, "電気通信事業 届出済み・番号通知待ち（令和8年5月18日届出）", "number pending"),
        (Status.registered, "電気通信事業登録番号 A-08-12345（令和8年5月18日登録）", "registration No. A-08-12345"),
    ],
)
def test_the_public_wording_is_that_of_a_filing(status: Status, ja: str, en: str) -> None:
    assert standing(status).label("ja") == ja
    assert en in standing(status).label("en")


@pytest.mark.parametrize("status", [Status.none, Status.filed, Status.notified, Status.exempt])
@pytest.mark.parametrize("spoilt", [{}, {"TELECOM_REGISTRATION_DATE": "2027-01-01"}])
def test_a_notification_is_never_dressed_up_as_an_approval(status: Status, spoilt: dict[str, str]) -> None:
    label = standing(status, **spoilt)
    assert not any(word in label.label("ja") for word in ("登録", "許可", "認可", "認定"))
    assert not any(word in label.label("en").lower() for word in ("registr", "approv", "permit", "licen"))


def test_a_standing_with_problems_shows_no_number() -> None:
    spoilt = standing(TELECOM_OPERATOR_NAME="")
    assert "A-08-12345" not in spoilt.label("ja") + spoilt.label("en")


@pytest.mark.parametrize(
    ("day", "written"),
    [
        (date(2026, 5, 18), "令和8年5月18日"),
        (date(2019, 5, 1), "令和元年5月1日"),
        (date(2019, 4, 30), "平成31年4月30日"),
        (date(1989, 1, 8), "平成元年1月8日"),
        (date(1989, 1, 7), "昭和64年1月7日"),
        (date(1926, 12, 25), "昭和元年12月25日"),
        (date(1926, 12, 24), "1926年12月24日"),
        (date(1900, 1, 1), "1900年1月1日"),
    ],
)
def test_dates_are_written_in_the_era_of_their_day(day: date, written: str) -> None:
    assert japanese_date(day) == written


@pytest.mark.parametrize(
    "change",
    [
        {"TELECOM_REGISTRATION": "registered"},
        {"TELECOM_REGISTRATION_NUMBER": "A-08-12346"},
        {"TELECOM_REGISTRATION_DATE": "2026-05-17"},
        {"TELECOM_OPERATOR_NAME": "別の会社"},
        {"TELECOM_OPERATOR_ADDRESS": "大阪府"},
        {"CLOSED_FEATURES": "match"},
        {"COMPLIANCE_CHECKLIST": "advise"},
        {**DATING},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_fingerprint_changes_with_each_value_and_only_with_one(change: dict[str, str]) -> None:
    sound = standing()
    assert re.fullmatch("[0-9a-f]{64}", sound.fingerprint)
    assert sound.fingerprint == standing(TELECOM_REGISTRATION_NUMBER="Ａ－０８－１２３４５").fingerprint
    assert read_standing(environment() | change, TODAY).fingerprint != sound.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"TELECOM_OPERATOR_CONTACT": "other@example.jp"},
        {"TELECOM_OPERATOR_NAME": "例示 株式会社\u200b"},
        {"TELECOM_OPERATOR_ADDRESS": "東京都　千代田区"},
        {"CLOSED_FEATURES": "board,direct,invite,match"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_contact_and_writing_leave_the_fingerprint_as_it_is(change: dict[str, str]) -> None:
    assert standing(**change).fingerprint == standing().fingerprint


def test_writing_is_folded_and_words_are_not() -> None:
    assert normal("例示㈱ ２−１ー２") == normal("例示(株)2-1-2")
    assert normal("例示株式会社") != normal("例示(株)")
    assert normal("EXAMPLE Ｃｏ．") == normal("example co.")
    assert can_be_read("１")
    assert not can_be_read("　")


def test_every_status_is_worded_in_both_languages() -> None:
    assert set(STATUS_TEXTS) == set(REQUIRED_PARTS) == set(COMPLETE) == set(Status)
    assert all(status.ja and status.en for status in Status)


def test_a_standing_cannot_be_changed() -> None:
    sound: Any = standing()
    with pytest.raises(AttributeError):
        sound.status = Status.none
