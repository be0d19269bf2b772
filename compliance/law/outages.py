"""Which report an outage calls for: the thresholds of serious accidents and of the yearly report. Pure and total.

If a fact is missing, the known facts decide the report, and the finding also names the gravest report still possible.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from compliance.law.text import Text


class Report(StrEnum):
    """The report that an outage calls for, the gravest last."""

    NONE = "none"
    YEARLY = "yearly"
    SERIOUS = "serious"

    @property
    def ja(self) -> str:
        return _REPORTS[self].ja

    @property
    def en(self) -> str:
        return _REPORTS[self].en

    @property
    def articles(self) -> tuple[str, ...]:
        """The articles that ask for it."""
        return _ARTICLES[self]


_REPORTS: Final[Mapping[Report, Text]] = MappingProxyType(
    {
        Report.NONE: Text("報告は不要（記録は残す）", "no report; keep the record"),
        Report.YEARLY: Text("年次の事故報告（様式第27）に記載", "goes into the yearly accident report (form 27)"),
        Report.SERIOUS: Text(
            "重大な事故として速やかに第一報、30日以内に様式第50の3",
            "a serious accident: report promptly, and on form 50-3 within 30 days",
        ),
    }
)
_ARTICLES: Final[Mapping[Report, tuple[str, ...]]] = MappingProxyType(
    {
        Report.NONE: (),
        Report.YEARLY: ("REP 7-3(1)",),
        Report.SERIOUS: ("TBA 28(1)(ii)", "REG 57(1)", "REG 58(2)(i)"),
    }
)


class Failed(StrEnum):
    """What failed, as the two articles distinguish it."""

    OWN = "own"
    OTHERS = "others"
    BESIDE = "beside"
    NOTHING = "nothing"

    @property
    def ja(self) -> str:
        return _FAILED[self].ja

    @property
    def en(self) -> str:
        return _FAILED[self].en


_FAILED: Final[Mapping[Failed, Text]] = MappingProxyType(
    {
        Failed.OWN: Text(
            "自社で動かしている設備（借りているサーバーを含む）",
            "equipment that you run yourself, rented servers included",
        ),
        Failed.OTHERS: Text(
            "クラウド事業者やほかの電気通信事業者の設備", "a cloud provider's or another carrier's equipment"
        ),
        Failed.BESIDE: Text(
            "電気通信設備以外の設備（電源・空調・申込みの窓口など）",
            "other equipment: power, cooling, where people sign up",
        ),
        Failed.NOTHING: Text("故障ではない（計画した作業など）", "nothing failed: planned work and the like"),
    }
)


class Service(StrEnum):
    """The rows of the table of serious accidents that a chat can fall under."""

    FREE = "free"
    FREE_LARGE = "free_large"
    PAID = "paid"

    @property
    def ja(self) -> str:
        return _SERVICES[self].text.ja

    @property
    def en(self) -> str:
        return _SERVICES[self].text.en

    @property
    def row(self) -> "Row":
        """The row of the table."""
        return _SERVICES[self]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of REG 58(2)(i): its number, and pairs of how long and how many users, either of which is enough."""

    number: Text
    text: Text
    limits: tuple[tuple[timedelta, int], ...]

    @property
    def thresholds(self) -> tuple[Text, ...]:
        """The pairs in words."""
        return tuple(
            Text(
                f"{lasting // timedelta(hours=1)}時間以上かつ{many:,}人以上",
                f"{lasting // timedelta(hours=1)} h or more and {many:,} users or more",
            )
            for lasting, many in self.limits
        )


_SERVICES: Final[Mapping[Service, Row]] = MappingProxyType(
    {
        Service.FREE: Row(
            Text("五の項", "row 5"),
            Text("無料のインターネット関連サービス", "an internet service free of charge"),
            ((timedelta(hours=24), 100_000), (timedelta(hours=12), 1_000_000)),
        ),
        Service.FREE_LARGE: Row(
            Text("四の項", "row 4"),
            Text(
                "無料のメール・メッセージで、前年度の月平均利用者が1,000万以上",
                "free e-mail or messaging with 10,000,000 users or more a month on average in the last fiscal year",
            ),
            ((timedelta(hours=4), 100_000), (timedelta(hours=2), 1_000_000)),
        ),
        Service.PAID: Row(
            Text("七の項", "row 7"),
            Text("有料のサービス", "a paid service"),
            ((timedelta(hours=2), 30_000), (timedelta(hours=1), 1_000_000)),
        ),
    }
)
STRICTEST: Final = Service.PAID
"""The row with the lowest limits: what counts while the kind of service is not known."""

_EVERYBODY: Final = 10**10
YEARLY_TIME: Final = timedelta(hours=2)
YEARLY_USERS: Final = 30_000
MINOR: Final = Text(
    "軽微な事故として告示で除かれるものは報告が要りません。範囲は総合通信局に確かめてください。",
    "What a public notice leaves out as minor need not be reported; ask your bureau how far that goes.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """The impact of an outage, as far as it is known. None means unknown."""

    lasted: timedelta
    """Duration; up to now, while it still goes on."""
    over: bool = True
    users: int | None = None
    failed: Failed | None = None
    service: Service | None = None
    add_on: bool = False
    """Whether it affected only an add-on function (付加的な機能)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The report that is due by what is known, why, and the gravest one that missing facts allow."""

    report: Report
    why: Text
    could_be: Report
    missing: tuple[Text, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether nothing unknown could change the report."""
        return self.could_be is self.report


def assess(impact: Impact) -> Finding:
    """Say which report an outage calls for (REG 58(2)(i); REP 7-3(1)).

    A serious accident takes a failure of telecom equipment, one's own or another's; the yearly report takes in failures
    of other equipment, too. Users and time of the yearly report are alternatives, those of a serious accident are not.
    """
    known, why = _judge(impact, impact.lasted, impact.users or 0, impact.service or Service.FREE)
    unknown = [
        text
        for text, is_unknown in (
            (Text("何が故障したか", "what failed"), impact.failed is None),
            (Text("影響を受けた利用者の数", "how many users were hit"), impact.users is None),
            (Text("有料か無料か", "whether the service is paid"), impact.service is None),
            (Text("いつ終わるか", "when it ends"), not impact.over),
        )
        if is_unknown
    ]
    lasting = impact.lasted if impact.over else timedelta.max
    many = impact.users if impact.users is not None else _EVERYBODY
    could_be = max(
        (
            _judge(replace(impact, failed=failed), lasting, many, impact.service or STRICTEST)[0]
            for failed in ((impact.failed,) if impact.failed else Failed)
        ),
        key=list(Report).index,
    )
    return Finding(known, why, could_be, tuple(unknown) if could_be is not known else ())


def _judge(impact: Impact, lasted: timedelta, users: int, service: Service) -> tuple[Report, Text]:
    if impact.failed is Failed.NOTHING:
        return Report.NONE, Text("故障による事故ではありません。", "Nothing failed.")
    of_equipment = impact.failed is not Failed.BESIDE
    if of_equipment and impact.add_on:
        return Report.NONE, Text("付加的な機能だけの事故です。", "It hit nothing but an add-on function.")
    for lasting, many in service.row.limits:
        if of_equipment and lasted >= lasting and users >= many:
            number, hours = service.row.number, lasting // timedelta(hours=1)
            return Report.SERIOUS, Text(
                f"{service.ja}（{number.ja}）で、{hours}時間以上・{many:,}人以上です。",
                f"{service.en[0].upper()}{service.en[1:]} ({number.en}), {hours} h or more and {many:,} users or more.",
            )
    if lasted >= YEARLY_TIME:
        return Report.YEARLY, Text("2時間以上です。", "It lasted 2 hours or more.")
    if users >= YEARLY_USERS:
        return Report.YEARLY, Text("影響を受けた利用者が30,000人以上です。", "It hit 30,000 users or more.")
    return Report.NONE, Text("2時間未満で、30,000人未満です。", "Under 2 hours and under 30,000 users.")
