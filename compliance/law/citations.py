"""Citations of articles: reads the compact notation `TBA 164(1)(iii)` and writes it in Japanese and English."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Final

from compliance.law.statutes import STATUTES, Statute

_NOTATION: Final = re.compile(
    r"(?P<key>[A-Z]+) (?P<article>[0-9]+(?:-[0-9]+)*)(?:\((?P<paragraph>[0-9]+)\))?(?:\((?P<item>[ivx]+)\))?"
)
_ROMAN: Final = {"i": 1, "v": 5, "x": 10}


@dataclass(frozen=True, slots=True)
class Citation:
    """One article, read from the compact notation `TBA 164(1)(iii)`: law, article-branch, (paragraph), (item)."""

    statute: Statute
    article: str
    paragraph: str
    item: str

    @property
    def place_ja(self) -> str:
        """The place inside the law as Japanese lawyers write it: `164条1項3号`, `27条の12`."""
        number, *branches = self.article.split("-")
        place = f"{number}条" + "".join(f"の{branch}" for branch in branches)
        # After a branch number Japanese puts 第 before the next number: 26条の5第1項, not 26条の51項.
        joint = "第" if branches else ""
        place += f"{joint}{self.paragraph}項" if self.paragraph else ""
        return place + (f"{joint if not self.paragraph else ''}{_arabic(self.item)}号" if self.item else "")

    @property
    def place_en(self) -> str:
        """The place inside the law in English notation: `164(1)(iii)`, `27-12`."""
        paragraph = f"({self.paragraph})" if self.paragraph else ""
        return self.article + paragraph + (f"({self.item})" if self.item else "")

    @property
    def ja(self) -> str:
        return self.statute.ja + self.place_ja

    @property
    def en(self) -> str:
        return f"{self.statute.en}, Article {self.place_en}"

    @property
    def url(self) -> str:
        """The law's official text on e-Gov, or an empty string where e-Gov does not hold it."""
        return self.statute.url


def _arabic(roman: str) -> int:
    values = [_ROMAN[letter] for letter in roman]
    followers = [*values[1:], 0]
    return sum(-value if value < follower else value for value, follower in zip(values, followers, strict=True))


@cache
def cite(article: str) -> Citation:
    """Read one citation such as `TBA 16(1)` or `REG 22-2-27`.

    Raises ValueError for a notation or a law that is not known.
    """
    match = _NOTATION.fullmatch(article)
    if match is None or match["key"] not in STATUTES:
        raise ValueError(f"not a citation: {article!r}")
    return Citation(STATUTES[match["key"]], match["article"], match["paragraph"] or "", match["item"] or "")


def cite_all(articles: Iterable[str], language: str) -> str:
    """Join citations in one language, naming each law once: 「電気通信事業法4条・29条1項1号、刑法37条」."""
    groups = [(key, list(places)) for key, places in groupby(map(cite, articles), lambda citation: citation.statute)]
    if language.lower().startswith("ja"):
        return "、".join(law.ja + "・".join(place.place_ja for place in places) for law, places in groups)
    return "; ".join(
        f"{law.en}, {'Article' if len(places) == 1 else 'Articles'} {', '.join(place.place_en for place in places)}"
        for law, places in groups
    )
