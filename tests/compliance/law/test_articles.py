"""Every article that the code names exists: in rules, items, penalties, duties, causes, pages and prose.

`articles.json` lists the articles of each law, and how many items each of their paragraphs has. The six laws that the
rules are about are listed whole as of the law version; of the others, those articles that were looked up.
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from compliance import law_docs
from compliance.law import (
    CONSEQUENCES,
    ITEMS,
    NODES,
    PENALTIES,
    REGIONAL_BUREAUX,
    RULES,
    STATUTES,
    Cause,
    cite,
    retention,
    transmissions,
)

ROOT: Final = Path(__file__).resolve().parents[3]
SOURCES: Final = sorted(path for app in ("chat", "compliance", "config") for path in (ROOT / app).rglob("*.py"))
ARTICLES: Final[dict[str, dict[str, list[int]]]] = json.loads(
    (Path(__file__).parent / "articles.json").read_text(encoding="utf-8")
)

NAMED: Final[dict[str, tuple[str, ...]]] = {
    **{f"rule {rule.id}": (rule.article,) for rule in RULES.values()},
    **{f"item {item.id}": item.articles for item in ITEMS},
    **{f"penalty {penalty.id}": penalty.articles for penalty in PENALTIES},
    **{f"duty {duty.id}": duty.articles for duty in law_docs.example_duties()},
    **{f"node {node.id}": node.articles for node in NODES.values()},
    **{f"outcome {outcome}": consequence.articles for outcome, consequence in CONSEQUENCES.items()},
    **{f"bureau {bureau.key}": (bureau.article,) for bureau in REGIONAL_BUREAUX},
    "retention": (*retention.ARTICLES, *retention.HOLD_ARTICLES),
    "external transmission": transmissions.ARTICLES,
}


def exists(article: str) -> bool:
    """Whether the list has the article, its paragraph and its item."""
    place = cite(article)
    item = re.search(r"(\d+)号$", place.place_ja)
    return listed(place.statute.key, place.article, place.paragraph, item[1] if item else "")


def listed(law: str, article: str, paragraph: str, item: str) -> bool:
    """The same for an article in its parts; an empty paragraph is the first."""
    paragraphs = ARTICLES[law].get(article, [])
    number = int(paragraph or 1)
    return number <= len(paragraphs) and int(item or 0) <= paragraphs[number - 1]


@pytest.mark.parametrize("named", NAMED)
def test_whatever_the_law_asks_names_an_article_that_exists(named: str) -> None:
    assert NAMED[named]
    assert [article for article in NAMED[named] if not exists(article)] == []


def citations(source: str) -> Iterator[str]:
    """Every string of a module that is a citation."""
    strings = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    for text in strings:
        if isinstance(text, str) and re.fullmatch(rf"({'|'.join(STATUTES)}) \d+[-\d]*[()\divx]*", text):
            yield text


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_citation_in_the_code_is_of_an_article_that_exists(path: Path) -> None:
    assert [article for article in citations(path.read_text(encoding="utf-8")) if not exists(article)] == []


# In prose an article is named in words: 電気通信事業法26条の5第1項・16条3項.
PLACE: Final = r"(\d+)条((?:の\d+)*)(?:第?(\d+)項)?(?:第?(\d+)号)?"
LAWS: Final = {statute.ja: statute.key for statute in sorted(STATUTES.values(), key=lambda law: -len(law.ja))}
IN_WORDS: Final = re.compile(rf"({'|'.join(LAWS)})({PLACE}(?:・{PLACE})*)")
PROSE: Final = [
    *SOURCES,
    *sorted((ROOT / "templates").rglob("*.html")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("*/locale/*/LC_MESSAGES/*.po")),
]


def in_words(text: str) -> Iterator[tuple[str, str, str, str]]:
    """Every citation in Japanese words, in its parts."""
    for law, places, *_groups in IN_WORDS.findall(text):
        for number, branches, paragraph, item in re.findall(PLACE, places):
            yield LAWS[law], number + branches.replace("の", "-"), paragraph, item


def test_every_citation_in_japanese_words_is_of_an_article_that_exists() -> None:
    found = {(path.name, place) for path in PROSE for place in in_words(path.read_text(encoding="utf-8"))}
    assert len(found) > len(NAMED)
    assert [named for named in sorted(found) if not listed(*named[1])] == []


TECHNICAL: Final = {Cause.unreachable, Cause.restored, Cause.drift, Cause.pending, Cause.changed}
"""Causes that follow from no article: they say what the servers or the record of a period are doing."""


@pytest.mark.parametrize("cause", sorted(set(Cause) - TECHNICAL))
def test_every_cause_that_follows_from_the_law_names_its_article_or_item(cause: Cause) -> None:
    items = {item.id for item in ITEMS}
    rows = [row for row in law_docs.sentences().splitlines() if row.startswith(f"| `{cause}` |")]
    assert rows
    for row in rows:
        named = [*in_words(row), *(item for item in re.findall(r"LAW-\d\d", row) if item in items)]
        assert named, row
        assert all(listed(*place) for place in in_words(row)), row


@pytest.mark.parametrize(
    "article", ["TBA 27-99", "TBA 16(9)", "TBA 9(iii)", "TBA 194", "REG 34", "REG 22-2-11(4)(v)", "DSA 99", "APPI 1"]
)
def test_an_article_that_does_not_exist_is_noticed(article: str) -> None:
    assert not exists(article)
    assert exists("TBA 164(1)(iii)")
    assert exists("REG 22-2-11(4)(iv)")
