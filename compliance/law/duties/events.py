"""The recorded events that start a deadline, and the other facts that decide which duties there are. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from compliance.law.outages import Report
from compliance.law.standing import Status
from compliance.law.text import Text


class Kind(StrEnum):
    """The kinds of events that start a deadline."""

    SECRECY_LEAK = "secrecy_leak"
    DATA_LEAK = "data_leak"
    IDENTITY = "identity"
    AREA = "area"
    AREA_MINOR = "area_minor"
    SERVICES = "services"
    REPRESENTATIVE = "representative"
    OFFICERS = "officers"
    SUCCESSION = "succession"
    DISSOLUTION = "dissolution"
    DATING = "dating"

    @property
    def ja(self) -> str:
        return _KINDS[self].ja

    @property
    def en(self) -> str:
        return _KINDS[self].en

    @property
    def is_incident(self) -> bool:
        """Whether it is a leak rather than a change of what was filed."""
        return self in {Kind.SECRECY_LEAK, Kind.DATA_LEAK}


_KINDS: Final[Mapping[Kind, Text]] = MappingProxyType(
    {
        Kind.SECRECY_LEAK: Text(
            "通信の秘密の漏えい（一件でも）", "a leak of communications secrecy, even of one message"
        ),
        Kind.DATA_LEAK: Text("個人データの漏えい（報告が要るもの）", "a leak of personal data that must be reported"),
        Kind.IDENTITY: Text(
            "氏名・名称、住所、代表者、電話番号、メールアドレスの変更",
            "the name, address, representative, phone or e-mail changed",
        ),
        Kind.AREA: Text(
            "業務区域または電気通信設備の概要の変更", "the service area or the outline of the equipment will change"
        ),
        Kind.AREA_MINOR: Text(
            "業務区域の軽微な変更（回線の新設を伴わない提供区域の増減など）",
            "a minor change of the service area, such as more prefectures without new lines",
        ),
        Kind.SERVICES: Text(
            "提供する役務（様式第4）の追加・変更・廃止", "a kind of service on form 4 was added, changed or dropped"
        ),
        Kind.REPRESENTATIVE: Text(
            "国内代表者・国内代理人が欠けた（外国の運営者）", "the domestic representative is gone (operators abroad)"
        ),
        Kind.OFFICERS: Text(
            "役員の変更（登録を受けた法人・団体）", "officers changed (of a registered company or body)"
        ),
        Kind.SUCCESSION: Text(
            "事業の承継（全部の譲渡し・合併・分割・相続）",
            "succession: sale of the whole business, merger, split, death",
        ),
        Kind.DISSOLUTION: Text("法人の解散（合併を除く）", "the company was dissolved, other than by a merger"),
        Kind.DATING: Text(
            "異性紹介事業の届出事項の変更・廃止",
            "what the dating-site notification says changed, or that business ended",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Happening:
    """A recorded event: its id, its kind, and its day (of learning of it, or of taking effect)."""

    id: int
    kind: Kind
    on: date
    attack: bool = False
    """Whether somebody with a wrongful purpose may have caused the leak."""


@dataclass(frozen=True, slots=True)
class OutageFact:
    """An outage as the calendar needs it: its id, its first day, the report it calls for, and whether that is sure."""

    id: int
    on: date
    report: Report
    settled: bool = True


@dataclass(frozen=True, slots=True)
class EndFact:
    """A planned end: the day of the notice to users, the first day without the service, and what ends."""

    announced_on: date
    on: date
    whole: bool
    million: bool = False


@dataclass(frozen=True, slots=True)
class LapseFact:
    """Closed chat went off without a planned end and is still off: the id of its last period, and the day."""

    id: int
    on: date
    stopped: bool
    """Whether the emergency stop switched it off, rather than a key that turned back."""


@dataclass(frozen=True, slots=True)
class SignatureEnd:
    """A signature that expires: the item's id, title and articles, and its last day."""

    item_id: str
    title: Text
    articles: tuple[str, ...]
    on: date


@dataclass(frozen=True, slots=True)
class Retention:
    """When the purge job last ran (None: never seen), and how often it should."""

    last_run: date | None
    every_days: int = 1


@dataclass(frozen=True, slots=True)
class Done:
    """A duty that was done, on which day, and what proves it."""

    on: date
    note: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Everything that decides which duties there are."""

    status: Status
    """What is filed; if the environment is empty by now, what was filed when closed chat last ran."""
    filed_on: date | None = None
    happenings: tuple[Happening, ...] = ()
    outages: tuple[OutageFact, ...] = ()
    end: EndFact | None = None
    lapse: LapseFact | None = None
    signatures: tuple[SignatureEnd, ...] = ()
    retention: Retention | None = None
    done: Mapping[str, Done] = field(default_factory=dict)
