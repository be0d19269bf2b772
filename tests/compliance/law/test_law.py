"""The law's data is whole, cites what exists, and settles nothing that is open."""

import re
from datetime import date

import pytest

from compliance.law import (
    BUREAUX,
    LAW_VERSION,
    OPEN_QUESTIONS,
    PENALTIES,
    REVISIONS,
    RULES,
    SEEN_UNTIL,
    STATUTES,
    Confidence,
    Feature,
    Question,
    Required,
    Text,
    cite,
    cite_all,
    say,
)
from compliance.law.text import Bilingual

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")

EVERY_TEXT: list[Bilingual] = [
    *RULES.values(),
    *(rule.title for rule in RULES.values()),
    *PENALTIES,
    *(penalty.maximum for penalty in PENALTIES if penalty.maximum),
    *OPEN_QUESTIONS.values(),
    *STATUTES.values(),
    *Confidence,
    *Required,
    BUREAUX,
]


def test_every_feature_has_the_one_rule_that_names_it() -> None:
    assert set(RULES) == set(Feature)
    assert all(rule.feature is feature for feature, rule in RULES.items())
    assert len({rule.id for rule in RULES.values()}) == len(Feature)


@pytest.mark.parametrize(
    ("feature", "row", "required", "article"),
    [
        ("room.open", "K-1", "third_item", "TBA 164(1)(iii)"),
        ("room.match_pair", "K-3", "notified", "TBA 16(1)"),
        ("room.recruit", "K-4", "notified", "TBA 16(1)"),
        ("room.invite_only", "E-1", "notified", "TBA 16(1)"),
        ("dm.text", "K-6", "notified", "TBA 16(1)"),
        ("profile.dating", "Y-4", "dating", "DSA 7(1)"),
        ("moderator.read_closed", "S-5", "ground", "TBA 4(1)"),
        ("scan.closed_content", "S-4", "ground", "TBA 4(1)"),
        ("service", "D-7", "none", "TBA 2(iii)"),
        ("account", "D-6", "none", "TBA 2(vii)"),
        ("operator", "D-10", "none", "TBA 2(iv)"),
    ],
)
def test_the_rule_table_says_what_each_feature_needs(feature: str, row: str, required: str, article: str) -> None:
    rule = RULES[Feature(feature)]
    assert (rule.id, rule.required, rule.article) == (row, required, article)


@pytest.mark.parametrize("text", EVERY_TEXT, ids=lambda text: text.en[:40])
def test_everything_a_person_reads_exists_in_both_languages(text: Bilingual) -> None:
    assert JAPANESE.search(text.ja)
    assert text.en.strip()
    assert say(text, "ja") == say(text, "ja-JP") == text.ja
    assert say(text, "en") == text.en


@pytest.mark.parametrize(
    ("notation", "ja", "en"),
    [
        ("TBA 16(1)", "電気通信事業法16条1項", "Telecommunications Business Act, Article 16(1)"),
        ("TBA 164(1)(iii)", "電気通信事業法164条1項3号", "Telecommunications Business Act, Article 164(1)(iii)"),
        ("TBA 9(i)", "電気通信事業法9条1号", "Telecommunications Business Act, Article 9(i)"),
        ("TBA 188(xviii)", "電気通信事業法188条18号", "Telecommunications Business Act, Article 188(xviii)"),
        ("TBA 27-12", "電気通信事業法27条の12", "Telecommunications Business Act, Article 27-12"),
        ("TBA 26-5(1)", "電気通信事業法26条の5第1項", "Telecommunications Business Act, Article 26-5(1)"),
        (
            "REG 22-2-27",
            "電気通信事業法施行規則22条の2の27",
            "Regulation for Enforcement of the Telecommunications Business Act, Article 22-2-27",
        ),
        ("DSA 2(ii)", "出会い系サイト規制法2条2号", "Dating Sites Act, Article 2(ii)"),
    ],
)
def test_a_citation_reads_as_lawyers_write_it(notation: str, ja: str, en: str) -> None:
    citation = cite(notation)
    assert (citation.ja, citation.en) == (ja, en)
    assert citation.url == f"https://laws.e-gov.go.jp/law/{citation.statute.law_id}"


@pytest.mark.parametrize(
    "notation", ["", "16(1)", "TBA", "TBA 16(1", "TBA 16(a)", "XYZ 1", "TBA 16(1) ", "TBA 16(0x1)"]
)
def test_a_citation_that_cannot_be_read_is_refused(notation: str) -> None:
    with pytest.raises(ValueError, match="not a citation"):
        cite(notation)


def test_several_citations_name_each_law_once() -> None:
    articles = ("TBA 4(2)", "TBA 179(2)", "PC 37")
    assert cite_all(articles, "ja") == "電気通信事業法4条2項・179条2項、刑法37条"
    assert cite_all(articles, "en") == "Telecommunications Business Act, Articles 4(2), 179(2); Penal Code, Article 37"


def test_a_guideline_that_e_gov_does_not_hold_has_no_link() -> None:
    assert cite("GUIDE 38").url == ""


def test_the_pinned_revisions_are_those_of_the_law_version() -> None:
    assert set(REVISIONS) == {"TBA", "REG", "REP"}
    for key, revision in REVISIONS.items():
        assert revision.startswith(f"{STATUTES[key].law_id}_{LAW_VERSION.replace('-', '')}_")


def test_every_rule_carries_the_date_of_the_text_that_it_was_read_from() -> None:
    assert {key for key, statute in STATUTES.items() if statute.version == LAW_VERSION} >= set(REVISIONS)
    assert {key for key, statute in STATUTES.items() if not statute.version} == {"ORG", "GUIDE", "ATT"}
    for statute in STATUTES.values():
        assert not statute.version or "2025-01-01" < date.fromisoformat(statute.version).isoformat() <= SEEN_UNTIL
    assert all(rule.version == cite(rule.article).statute.version != "" for rule in RULES.values())


@pytest.mark.parametrize(
    ("row", "article", "months", "yen", "both"),
    [
        ("P-1", "TBA 177", 36, 2_000_000, True),
        ("P-2", "TBA 185(i)", 6, 500_000, False),
        ("P-3", "TBA 179(1)", 24, 1_000_000, False),
        ("P-4", "TBA 179(2)", 36, 2_000_000, False),
        ("P-6", "TBA 186(iii)", 0, 2_000_000, False),
        ("P-7", "TBA 187(i)", 0, 500_000, False),
        ("P-8", "TBA 188(i)", 0, 300_000, False),
        ("P-9", "TBA 193(i)", 0, 100_000, False),
        ("P-13", "WTA 9", 24, 500_000, False),
        ("P-14", "TBA 186(i)", 0, 2_000_000, False),
        ("P-15", "DSA 32(i)", 6, 1_000_000, False),
        ("P-16", "DSA 31", 12, 1_000_000, True),
        ("P-17", "DSA 34", 0, 300_000, False),
        ("P-19", "CCP 222-2", 12, 3_000_000, False),
    ],
)
def test_penalties_are_those_of_the_articles(row: str, article: str, months: int, yen: int, both: bool) -> None:  # noqa: FBT001 -- a column of the table above
    penalty = next(penalty for penalty in PENALTIES if penalty.id == row)
    assert penalty.articles[0] == article
    assert penalty.maximum is not None
    assert (penalty.maximum.months, penalty.maximum.yen, penalty.maximum.both) == (months, yen, both)


def test_the_penalty_rows_are_complete() -> None:
    assert [penalty.id for penalty in PENALTIES] == [f"P-{number}" for number in range(1, 20)]
    for penalty in PENALTIES:
        assert penalty.maximum or penalty.note
        assert all(cite(article) for article in penalty.articles)


def test_a_maximum_reads_well_in_both_languages() -> None:
    without_notification = next(penalty for penalty in PENALTIES if penalty.id == "P-2").maximum
    without_registration = next(penalty for penalty in PENALTIES if penalty.id == "P-1").maximum
    change_not_notified = next(penalty for penalty in PENALTIES if penalty.id == "P-9").maximum
    assert without_notification is not None
    assert without_registration is not None
    assert change_not_notified is not None
    assert without_notification.ja == "6か月以下の拘禁刑または50万円以下の罰金"
    assert without_notification.en == "confinement of up to 6 months or a fine of up to ¥500,000"
    assert without_registration.ja == "3年以下の拘禁刑または200万円以下の罰金（併科されることがある）"
    assert without_registration.en == "confinement of up to 3 years or a fine of up to ¥2,000,000, or both"
    assert change_not_notified.ja == "10万円以下の過料"
    assert change_not_notified.en == "an administrative fine of up to ¥100,000"


def test_imprisonment_carries_its_name_of_today() -> None:
    assert not any(word in text.ja for text in EVERY_TEXT for word in ("懲役", "禁錮"))


def test_the_article_on_prior_notice_to_users_has_its_number_of_today() -> None:
    assert not any("26条の4" in text.ja or "26-4" in text.en for text in EVERY_TEXT)


def test_every_open_question_is_kept_open() -> None:
    assert set(OPEN_QUESTIONS) == set(Question)
    assert [question.value for question in Question] == [f"Q-{number}" for number in range(1, 15)]


@pytest.mark.parametrize(
    "feature", [Feature.ROOM_OPEN, Feature.INVITE_ONLY, Feature.PROFILE_DATING, Feature.SCAN_CLOSED]
)
def test_a_rule_that_rests_on_an_open_question_does_not_claim_to_be_verified(feature: Feature) -> None:
    rule = RULES[feature]
    assert rule.confidence is not Confidence.VERIFIED
    assert re.search("考えられ|可能性|扱い", rule.ja)
    assert re.search(r"taken|treated|may be", rule.en)


def test_say_falls_back_to_english() -> None:
    assert say(Text("届出", "notification"), "fr") == "notification"
