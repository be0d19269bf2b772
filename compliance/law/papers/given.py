"""What may be given out on which paper: a total table of kinds of data by kinds of papers. Data."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from compliance.law.papers.kinds import Kind
from compliance.law.text import Text


class Datum(StrEnum):
    """What somebody may ask for."""

    WORDS = "words"
    PARTIES = "parties"
    TIMES = "times"
    ORIGIN = "origin"
    EXISTENCE = "existence"
    ACCOUNT = "account"
    POSTER = "poster"
    POST = "post"
    OWN = "own"

    @property
    def ja(self) -> str:
        return _DATA[self].ja

    @property
    def en(self) -> str:
        return _DATA[self].en


_DATA: Final[Mapping[Datum, Text]] = MappingProxyType(
    {
        Datum.WORDS: Text("クローズド・チャットの内容", "the words of a closed talk"),
        Datum.PARTIES: Text("だれとだれが話したか", "who talked with whom"),
        Datum.TIMES: Text("通信の日時・回数", "when and how often"),
        Datum.ORIGIN: Text("接続元のアドレス・ポート番号", "addresses and ports of origin"),
        Datum.EXISTENCE: Text("会話があったかどうか", "whether a talk took place"),
        Datum.ACCOUNT: Text("そのほかの会員情報（登録名・メールアドレス）", "other account data: name, e-mail address"),
        Datum.POSTER: Text("オープンチャットの投稿者を特定する情報", "what identifies the poster in an open room"),
        Datum.POST: Text("オープンチャットでだれでも読める投稿", "posts in open rooms that anyone can read"),
        Datum.OWN: Text("請求した本人のデータ", "the data of the very person who asks"),
    }
)

SECRET: Final = frozenset({Datum.WORDS, Datum.PARTIES, Datum.TIMES, Datum.ORIGIN, Datum.EXISTENCE, Datum.POSTER})
"""What is secrecy of communications (通信の秘密), or the hidden part of an open post."""


class Answer(StrEnum):
    """Whether it may be given."""

    NO = "no"
    DECIDED = "decided"
    ORDERED = "ordered"
    HEARD = "heard"
    SELF = "self"
    PUBLIC = "public"

    @property
    def ja(self) -> str:
        return _ANSWERS[self].ja

    @property
    def en(self) -> str:
        return _ANSWERS[self].en


_ANSWERS: Final[Mapping[Answer, Text]] = MappingProxyType(
    {
        Answer.NO: Text("出さない", "not given"),
        Answer.DECIDED: Text("件ごとに決め、理由を残す", "decided case by case, with the reason on record"),
        Answer.ORDERED: Text("命じられたものだけを、加工せずに", "exactly what is ordered, unaltered"),
        Answer.HEARD: Text(
            "投稿者の意見を聴いたうえで、要件を満たすとき", "once the poster was heard, if the conditions hold"
        ),
        Answer.SELF: Text("本人に", "to the person"),
        Answer.PUBLIC: Text("公開されている", "public"),
    }
)

_GIVEN: Final[Mapping[Kind, Mapping[Datum, Answer]]] = MappingProxyType(
    {
        Kind.POLICE_INQUIRY: {Datum.ACCOUNT: Answer.DECIDED},
        Kind.BAR_INQUIRY: {Datum.ACCOUNT: Answer.DECIDED},
        Kind.WARRANT: dict.fromkeys((*SECRET, Datum.ACCOUNT), Answer.ORDERED),
        Kind.DISCLOSURE: {Datum.POSTER: Answer.HEARD},
        Kind.SUBJECT_ACCESS: {Datum.OWN: Answer.SELF},
    }
)


def may_give(kind: Kind, datum: Datum) -> Answer:
    """Return whether a kind of data may be given on a kind of paper. What the table does not name is not given."""
    if datum is Datum.POST:
        return Answer.PUBLIC
    return _GIVEN.get(kind, {}).get(datum, Answer.NO)
