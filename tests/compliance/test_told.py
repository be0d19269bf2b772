"""What people are told, word for word: the sentences of the law's document are those that the code says."""

import re

import pytest

from compliance import tables
from compliance.policy import Cause


def test_every_sentence_stands_in_the_document_word_for_word() -> None:
    assert tables.told() in tables.DOCUMENT.read_text(encoding="utf-8"), "run python -m compliance.tables"


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_its_sentence_in_both_languages(cause: Cause) -> None:
    rows = re.findall(rf"^\| `{cause}` \| (.+?) → (.+?) \| (.+?) → (.+?) \|$", tables.told(), re.MULTILINE)
    assert rows
    for ja, step_ja, en, step_en in rows:
        assert ja.endswith(("。", "…"))
        assert step_ja.endswith(("。", "…"))
        assert en.endswith((".", "…"))
        assert step_en.endswith((".", "…"))


def test_what_people_write_below_the_tables_is_kept() -> None:
    assert tables.by_hand().startswith(tables.BY_HAND)
    assert tables.render().endswith(tables.by_hand())
