"""The clocks of papers, in Japan's calendar; counted as `duties.days` counts. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from compliance.law.duties.days import within
from compliance.law.duties.duty import Term
from compliance.law.papers.kinds import Kind
from compliance.law.sources import Confidence
from compliance.law.text import Text


class Variant(StrEnum):
    """What of a kind changes its clocks."""

    ORDINARY = "ordinary"
    PLAIN = "plain"
    PRIVATE_IMAGE = "private_image"
    ELECTION = "election"
    ATTACK = "attack"

    @property
    def ja(self) -> str:
        return _VARIANTS[self].ja

    @property
    def en(self) -> str:
        return _VARIANTS[self].en


_VARIANTS: Final[Mapping[Variant, Text]] = MappingProxyType(
    {
        Variant.ORDINARY: Text("ふつうのもの", "ordinary"),
        Variant.PLAIN: Text("権利の侵害が明らか", "the infringement is plain"),
        Variant.PRIVATE_IMAGE: Text("私事性的画像（リベンジポルノ）", "a private sexual image"),
        Variant.ELECTION: Text("選挙運動の期間中の文書図画", "election material during the campaign"),
        Variant.ATTACK: Text("不正の目的によるおそれ", "an attack may be behind it"),
    }
)


class Start(StrEnum):
    """From which day a clock counts."""

    RECEIVED = "received"
    ASKED = "asked"
    ORDERED = "ordered"


@dataclass(frozen=True, slots=True)
class Facts:
    """The days of a case.

    Attributes:
        received_on: the paper arrived; of a leak: it became known.
        named_on: the last day that the paper itself names.
        asked_on: the poster received the enquiry.
        ordered_on: a court's order to disclose arrived.
        variant: see `Variant`.
    """

    received_on: date
    named_on: date | None = None
    asked_on: date | None = None
    ordered_on: date | None = None
    variant: Variant = Variant.ORDINARY


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One clock of a kind of paper.

    Attributes:
        key: unique within the kind.
        what: what is to be done by then.
        start: from when it counts; it does not run before.
        days: how many; none where the law sets no number.
        varied: the days of variants, where they differ; None: it does not run.
        named: the day that the paper names stands instead (`"instead"`), or if it is earlier (`"earlier"`).
        term: how the time is set.
        articles: by which.
        confidence: how sure that is.
    """

    key: str
    what: Text
    start: Start
    days: int
    varied: Mapping[Variant, int | None] = field(default_factory=dict)
    named: str = ""
    term: Term
    articles: tuple[str, ...]
    confidence: Confidence = Confidence.VERIFIED


@dataclass(frozen=True, slots=True)
class Due:
    """A clock that runs, and its day. Where the term has no last day, it is the day from which it is due."""

    clock: Clock
    on: date


_TWO: Final = {Variant.PRIVATE_IMAGE: 2, Variant.ELECTION: 2}

CLOCKS: Final[Mapping[Kind, tuple[Clock, ...]]] = MappingProxyType(
    {
        Kind.POLICE_INQUIRY: (
            Clock(
                key="answer",
                what=Text("回答する（法律に期限の定めはない）", "Answer; the law sets no time"),
                start=Start.RECEIVED,
                days=14,
                named="instead",
                term=Term.HABIT,
                articles=("CCP 197(2)",),
                confidence=Confidence.INFERENCE,
            ),
        ),
        Kind.BAR_INQUIRY: (
            Clock(
                key="answer",
                what=Text("回答する（法律に期限の定めはない）", "Answer; the law sets no time"),
                start=Start.RECEIVED,
                days=14,
                named="instead",
                term=Term.HABIT,
                articles=("ATT 23-2(2)",),
                confidence=Confidence.INFERENCE,
            ),
        ),
        Kind.WARRANT: (
            Clock(
                key="obey",
                what=Text(
                    "命じられた記録を、命じられた方法で提供する", "Hand over the records that are ordered, as ordered"
                ),
                start=Start.RECEIVED,
                days=0,
                named="instead",
                term=Term.PROMPTLY,
                articles=("CCP 218(1)", "CCP 102-2(2)"),
            ),
        ),
        Kind.PRESERVATION: (
            Clock(
                key="keep",
                what=Text("法的保全を行う", "Place the hold"),
                start=Start.RECEIVED,
                days=0,
                term=Term.PROMPTLY,
                articles=("CCP 197(3)",),
            ),
            Clock(
                key="end",
                what=Text(
                    "求めの期間が終わる（延長がなければ保全も終わる）",
                    "The period ends, and the hold with it unless it is extended",
                ),
                start=Start.RECEIVED,
                days=30,
                named="earlier",
                term=Term.BY,
                articles=("CCP 197(3)", "CCP 197(4)"),
            ),
        ),
        Kind.REMOVAL: (
            Clock(
                key="decide",
                what=Text(
                    "直ちに削除するか、投稿者に照会するか、応じないかを決める",
                    "Decide: remove at once, ask the poster, or decline",
                ),
                start=Start.RECEIVED,
                days=7,
                varied=_TWO | {Variant.PLAIN: 0},
                term=Term.HABIT,
                articles=("IPA 3(2)(i)",),
                confidence=Confidence.INFERENCE,
            ),
            Clock(
                key="objection",
                what=Text(
                    "投稿者が反対を申し出る期間が終わる。翌日から、反対がなければ削除しても投稿者への責任を負わない",
                    "The poster’s time to object ends. From the next day, without an objection, you are not liable to "
                    "the poster for removing",
                ),
                start=Start.ASKED,
                days=7,
                varied=_TWO | {Variant.PLAIN: None},
                term=Term.BY,
                articles=("IPA 3(2)(ii)", "IPA 4(i)", "PIA 4"),
            ),
        ),
        Kind.DISCLOSURE: (
            Clock(
                key="hear",
                what=Text("投稿者の意見を聴く", "Hear the poster"),
                start=Start.RECEIVED,
                days=0,
                term=Term.PROMPTLY,
                articles=("IPA 6(1)",),
            ),
            Clock(
                key="opinion",
                what=Text("投稿者の回答を待つ期間が終わる", "The time given to the poster ends"),
                start=Start.ASKED,
                days=14,
                term=Term.HABIT,
                articles=("IPA 6(1)",),
                confidence=Confidence.INFERENCE,
            ),
            Clock(
                key="tell",
                what=Text(
                    "開示命令を受けたことを、反対の意見を述べた投稿者に知らせる",
                    "Tell a poster who had objected that the order came",
                ),
                start=Start.ORDERED,
                days=0,
                term=Term.WITHOUT_DELAY,
                articles=("IPA 6(2)",),
            ),
        ),
        Kind.SUBJECT_ACCESS: (
            Clock(
                key="answer",
                what=Text("開示するか、開示しない旨を知らせる", "Give the data, or say that it is not given"),
                start=Start.RECEIVED,
                days=0,
                term=Term.WITHOUT_DELAY,
                articles=("APPI 33(2)", "APPI 33(3)"),
            ),
            Clock(
                key="house",
                what=Text("遅くともこの日までに答える", "Answer by this day at the latest"),
                start=Start.RECEIVED,
                days=14,
                term=Term.HABIT,
                articles=("APPI 33(2)",),
                confidence=Confidence.INFERENCE,
            ),
        ),
        Kind.SUBJECT_ERASURE: (
            Clock(
                key="answer",
                what=Text("理由があれば、利用停止または消去をする", "If well founded, stop the use or erase"),
                start=Start.RECEIVED,
                days=0,
                term=Term.WITHOUT_DELAY,
                articles=("APPI 35(2)", "APPI 35(6)"),
            ),
            Clock(
                key="house",
                what=Text("遅くともこの日までに答える", "Answer by this day at the latest"),
                start=Start.RECEIVED,
                days=14,
                term=Term.HABIT,
                articles=("APPI 35(2)",),
                confidence=Confidence.INFERENCE,
            ),
        ),
        Kind.LEAK: (
            Clock(
                key="first",
                what=Text("第一報・速報をする", "Make the first report"),
                start=Start.RECEIVED,
                days=0,
                term=Term.PROMPTLY,
                articles=("TBA 28(1)(ii)", "REG 57(1)", "APPR 8"),
            ),
            Clock(
                key="secrecy",
                what=Text("通信の秘密の漏えいの詳しい報告をする", "Make the full report on a leak of secrecy"),
                start=Start.RECEIVED,
                days=30,
                term=Term.BY,
                articles=("TBA 28(1)(ii)", "REG 57(1)"),
            ),
            Clock(
                key="data",
                what=Text("個人データの漏えいの確報をする", "Make the full report on a leak of personal data"),
                start=Start.RECEIVED,
                days=30,
                varied={Variant.ATTACK: 60},
                term=Term.BY,
                articles=("APPI 26", "APPR 8"),
            ),
        ),
    }
)
"""The clocks of each kind, in their order."""


def clocks_of(kind: Kind, facts: Facts) -> tuple[Due, ...]:
    """Return the clocks that run in a case, by day."""
    return tuple(sorted(_running(kind, facts), key=lambda due: (due.on, due.clock.key)))


def _running(kind: Kind, facts: Facts) -> Iterator[Due]:
    starts = {Start.RECEIVED: facts.received_on, Start.ASKED: facts.asked_on, Start.ORDERED: facts.ordered_on}
    for clock in CLOCKS[kind]:
        start, days = starts[clock.start], clock.varied.get(facts.variant, clock.days)
        if start is None or days is None:
            continue
        on = within(start, days)
        if facts.named_on is not None and clock.named:
            on = facts.named_on if clock.named == "instead" else min(on, facts.named_on)
        yield Due(clock, on)
