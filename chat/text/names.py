"""Rules for display names: which characters a name may have, what it looks like, and which words are reserved.

Nothing here reads the database. `people` asks whether somebody else has a name; here stands what a name *is*.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Final

import regex
from confusable_homoglyphs import confusables
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MARKS: Final = 3
"""Combining marks on one letter, at most. Vietnamese, Thai, Arabic and Hebrew words need no more."""
SKELETON_LENGTH: Final = 800
"""Characters of a stored skeleton. One letter can stand for several."""

# What a name may be made of ------------------------------------------------------------------------------------------

# Joiners, selectors and tags show nothing by themselves. They belong to some emoji and scripts; there they stay.
_EMOJI: Final = r"\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?"
_WELCOME: Final = regex.compile(
    rf"""
      \U0001f3f4[\U000e0020-\U000e007e]{{2,8}}\U000e007f       # a flag of a region, such as Scotland's
    | {_EMOJI}(?:\u200d{_EMOJI})*                              # a family, a profession
    | [0-9\#*]\ufe0f\u20e3                                     # a keycap
    | (?<=\p{{Han}})[\U000e0100-\U000e01ef]                    # a variant of a kanji, as family names use it
    | (?<=\p{{Canonical_Combining_Class=Virama}})[\u200c\u200d](?=\p{{L}})  # Indic conjuncts (UTS 46, ContextJ)
    | (?<=\p{{Arabic}})\u200c(?=\p{{Arabic}})                  # Persian
    """,
    regex.VERBOSE,
)
# Controls, formats, unassigned and private characters, whatever shows as nothing, and what looks like a blank.
_HIDDEN: Final = regex.compile(r"[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\ufffc\U0001d159\U00016fe4]")
_MARKS: Final = regex.compile(rf"\p{{M}}{{{MARKS + 1}}}|(?:^|\s)\p{{M}}|[\p{{Me}}--\u20e3]", regex.VERSION1)
_CLUSTER: Final = regex.compile(r"\X")
_VISIBLE: Final = regex.compile(r"[\p{L}\p{N}\p{P}\p{S}]")
# Marks that stand alone, as in (´・ω・｀) or (￣ー￣): NFKC would make a blank with a mark upon it of each.
_ALONE: Final = regex.compile(
    "([\u00a8\u00af\u00b4\u00b8\u02d8-\u02dd\u037a\u0384\u1fbd\u1fbf-\u1fc1\u1fcd-\u1fcf\u1fdd-\u1fdf\u1fed\u1ffe\u2017\u203e"
    "\u309b\u309c\ufe49-\ufe4c\uffe3])"
)
_VOICED: Final = {"\u309b": "\u3099", "\u309c": "\u309a"}  # ゛ and ゜ that stand alone, and those that join


def length(text: str) -> int:
    """Return how many characters a person sees (grapheme clusters, UAX 29)."""
    return len(_CLUSTER.findall(text))


def plain(text: str) -> str:
    """Return text in its plain form: NFKC with single spaces; か゛ becomes が, and a lone ゛ or ´ stays what it is."""
    parts: list[str] = []
    for part in _ALONE.split(text):
        if part not in _VOICED:
            parts.append(part if _ALONE.fullmatch(part) else unicodedata.normalize("NFKC", part))
        elif parts and parts[-1] and len(joined := unicodedata.normalize("NFC", parts[-1][-1] + _VOICED[part])) == 1:
            parts[-1] = parts[-1][:-1] + joined
        else:
            parts.append(part)
    return " ".join("".join(parts).split())


def clean(text: str, most: int, points: int) -> str:
    """Return a line of text as it is stored: plain, visible, in a reader's order.

    Args:
        text: as it was typed.
        most: characters that a person sees.
        points: code points that the column holds.

    Raises:
        ValidationError: it is empty or too long, or has characters that hide, reorder or pile up. The words say which.
    """
    if _HIDDEN.search(_WELCOME.sub("", text)):
        raise ValidationError(
            _("A name cannot contain invisible or direction-changing characters. Type it again without them.")
        )
    text = plain(text)
    if not text:
        raise ValidationError(_("Enter a name."))
    if _MARKS.search(text):
        raise ValidationError(_("There are too many marks on one letter. Use the letters without them."))
    if not _VISIBLE.search(text):
        raise ValidationError(_("Use at least one letter, number or sign that can be seen."))
    if length(text) > most or len(text) > points:
        raise ValidationError(
            ngettext("A name has at most %(most)d character.", "A name has at most %(most)d characters.", most)
            % {"most": most}
        )
    return text


# What a name looks like ----------------------------------------------------------------------------------------------

_IGNORED: Final = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cf}\u0300-\u036f]")
_SEPARATORS: Final = regex.compile(r"[\p{Z}\p{P}\s]+")


_SAME: Final = (("I", "i"), ("O", "o"))
"""Letters whose upper case looks like another letter or a number: names are compared without case."""


@cache
def _prototypes() -> dict[int, str]:
    """Return for each character that looks like another the one that stands for all of them (UTS 39, section 4).

    The table of the library names pairs; characters that are linked by pairs are one group.
    """
    parent: dict[str, str] = {}

    def root(item: str) -> str:
        parent.setdefault(item, item)
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def same(one: str, two: str) -> None:
        parent[root(one)] = root(two)

    for source, others in confusables.confusables_data.items():
        item = source.strip("\u200e")
        for other in others:
            same(item, other["c"].strip("\u200e"))
    for one, two in _SAME:
        same(one, two)
    groups: dict[str, list[str]] = {}
    for item in list(parent):
        groups.setdefault(root(item), []).append(item)
    table: dict[int, str] = {}
    for members in groups.values():
        several = sorted(item for item in members if len(item) > 1)
        # Katakana first: reserved words are compared by sound as well.
        stands = several[0] if several else min(members, key=lambda item: (not "\u30a0" <= item <= "\u30ff", item))
        table |= {ord(item): stands for item in members if len(item) == 1}
    return table


_STYLED: Final = regex.compile(
    r"(?:LATIN LETTER SMALL CAPITAL|REGIONAL INDICATOR SYMBOL LETTER"
    r"|(?:NEGATIVE )?(?:SQUARED|CIRCLED) LATIN CAPITAL LETTER)"
    r" (?P<letter>[A-Z])|LATIN (?:SMALL|CAPITAL) LETTER (?P<letter>[A-Z]) WITH .+"
)


@cache
def _letter(sign: str) -> str:
    found = _STYLED.fullmatch(unicodedata.name(sign, ""))
    return found["letter"] if found else sign


def unstyled(name: str) -> str:
    """Return a name with plain Latin letters for those in another style: small capitals, squares, hooks and strokes."""
    return "".join(sign if sign.isascii() else _letter(sign) for sign in unicodedata.normalize("NFKC", name))


def skeleton(name: str) -> str:
    """Return what a name looks like: two names with the same skeleton cannot be told apart at a glance.

    NFKC without blanks, punctuation, accents and whatever shows as nothing; then each character by the one that stands
    for its look-alikes (UTS 39), in both cases: Cyrillic Н looks like H, н like nothing Latin.
    """
    text = _IGNORED.sub("", unicodedata.normalize("NFD", unstyled(name)))
    bare = _SEPARATORS.sub("", text) or text
    table = _prototypes()
    for _case in range(2):
        bare = bare.translate(table).casefold()
    return unicodedata.normalize("NFC", bare)[:SKELETON_LENGTH]


# Reserved words ------------------------------------------------------------------------------------------------------

RESERVED: Final = (
    *(
        "運営",
        "運營",
        "运营",
        "うんえい",
        "運営者",
        "運営会社",
        "管理",
        "管理者",
        "管理人",
        "管理会社",
        "モデレーター",
        "モデレータ",
        "オペレーター",
    ),
    *("スタッフ", "事務局", "公式", "サポート", "監査人", "コンプライアンス", "todoke"),
    *("admin", "admins", "administrator", "operator", "operators", "moderator", "moderators", "staff", "support"),
    *("official", "sysop", "webmaster", "compliance", "auditor"),
)
"""Words that stand for those who run the service. Nobody but staff has one in their name, as a word of its own."""
RESERVED_ALONE: Final = (
    "システム",
    "お知らせ",
    "届け",
    "とどけ",
    "トドケ",
    "system",
    "root",
    "mod",
    "service",
    "security",
)
"""Words that are reserved as a whole name only: as one word of several they are everyday words."""
AFFIXES: Final = (
    *(
        "者",
        "員",
        "局",
        "室",
        "部",
        "係",
        "課",
        "担当",
        "担当者",
        "責任者",
        "代表",
        "本部",
        "チーム",
        "窓口",
        "センター",
        "サービス",
    ),
    *("アカウント", "ボット", "さん", "様", "の", "公認", "認定", "チャット", "日本", "ヘルプ", "デスク"),
    *("the", "team", "desk", "help", "account", "bot", "service", "center", "chat", "jp", "japan", "mr", "ms"),
)
"""Words that make no other name of a reserved one: 公式サポート, Todoke運営, Support Team, admin 01."""
_TOKENS: Final = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_HIRAGANA: Final = {code: chr(code - 0x60) for code in range(0x30A1, 0x30F7)}
_LARGE: Final = str.maketrans("ぁぃぅぇぉっゃゅょゎ", "あいうえおつやゆよわ", "\u3099\u309a")


def _sound(text: str) -> str:
    # Small kana and voiced marks are told apart at a second glance only.
    return unicodedata.normalize("NFD", skeleton(text).translate(_HIRAGANA)).translate(_LARGE)


def _pattern(words: Iterable[str]) -> regex.Pattern[str]:
    def one_of(items: Iterable[str]) -> str:
        return "|".join(sorted({regex.escape(_sound(item)) for item in items}, key=len, reverse=True))

    named, around = one_of(words), one_of((*AFFIXES, *"0123456789"))
    return regex.compile(rf"(?:{around})*(?:{named})(?:{named}|{around})*")


@cache
def _patterns() -> tuple[regex.Pattern[str], regex.Pattern[str]]:
    return _pattern((*RESERVED, *RESERVED_ALONE)), _pattern(RESERVED)


def is_reserved(name: str) -> bool:
    """Return whether a name stands for those who run the service, as a whole or in one of its words.

    「運営」, 「★運営★」, 「Ａｄｍin」, 「公式サポート」 and 「運営 田中」 do; 「運営学を学ぶ人」 does not.
    """
    whole, word = _patterns()
    tokens = _TOKENS.findall(unstyled(name))
    return whole.fullmatch(_sound("".join(tokens))) is not None or any(
        word.fullmatch(_sound(token)) is not None for token in tokens
    )
