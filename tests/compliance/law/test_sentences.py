"""The sentences on pages, word for word: `docs/law.md` has the same as the code."""

import re
from datetime import timedelta

import pytest

from compliance import law_docs
from compliance.law import RULES, Cause, Checklist, Feature, SignatureFact, decide
from compliance.law.checklist import WIND_DOWN
from tests.compliance.cases import NOW, signed, standing


def test_every_sentence_stands_in_the_document_word_for_word() -> None:
    assert law_docs.sentences() in law_docs.DOCUMENT.read_text(encoding="utf-8"), "run python -m compliance.law_docs"


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_its_sentence_in_both_languages(cause: Cause) -> None:
    rows = re.findall(rf"^\| `{cause}` \| (.+?) → (.+?) \| (.+?) → (.+?) \|$", law_docs.sentences(), re.MULTILINE)
    assert rows
    for ja, step_ja, en, step_en in rows:
        assert ja.endswith(("。", "…"))
        assert step_ja.endswith(("。", "…"))
        assert en.endswith((".", "…"))
        assert step_en.endswith((".", "…"))


def test_a_signature_that_expired_too_long_ago_shuts_and_the_sentence_says_that_it_expired() -> None:
    old = SignatureFact("LAW-11", NOW - timedelta(days=150), NOW - WIND_DOWN)
    decision = decide(Feature.DM_TEXT, standing(), Checklist({**signed().signatures, "LAW-11": old}), None, NOW)
    [reason] = decision.reasons
    rule = RULES[Feature.DM_TEXT]
    assert reason.cause is Cause.checklist
    assert "チェックリストの LAW-11（" in reason.ja
    assert "）の署名が期限切れのため" in reason.ja
    assert rule.title_ja in reason.ja
    assert "the signature on LAW-11 (" in reason.en
    assert ") has expired" in reason.en
    assert rule.title_en in reason.en


def test_text_below_the_generated_part_is_kept() -> None:
    assert law_docs.by_hand().startswith(law_docs.BY_HAND)
    assert law_docs.render().endswith(law_docs.by_hand())
