"""What the operator owes after filing, and by which day of Japan's calendar. Pure: from facts and dates to duties.

Days are counted as the articles say and moved for nothing: a deadline on a weekend or a holiday stays where it is, so
whoever keeps it is never late. Where an article says only 速やかに or 遅滞なく there is no last day: the duty is due
from the day on which it arose.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from compliance.law import Confidence, Text, cite_all
from compliance.outages import Report
from compliance.standing import Status

SOON: Final = timedelta(days=30)
"""How long before its day a duty is said to come up."""
CARRIERS: Final = frozenset({Status.filed, Status.notified, Status.registered})
"""Who has filed is a carrier (電気通信事業者), which the duties of the telecom law bind."""


# Counting days --------------------------------------------------------------------------------------------------------


def within(start: date, days: int) -> date:
    """Return the last day of 「…の日から days 日以内」: the day itself is not counted (初日不算入)."""
    return start + timedelta(days=days)


def back_from(day: date, days: int) -> date:
    """Return 「dayの前日から起算して days 日前の日」 (REG 22-2-11(1)): the day before is the first that is counted."""
    return day - timedelta(days=days)


def a_year_back_from(day: date) -> date:
    """Return 「dayの前日から起算して一年前の日」; where that year has no such day, the last of its month."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return date(day.year - 1, day.month, 28)


def fiscal_year(day: date) -> int:
    """Return the Japanese fiscal year (年度, April to March) by the year in which it begins."""
    return day.year if day.month >= 4 else day.year - 1  # noqa: PLR2004 -- April


def accident_report_due(year: int) -> date:
    """Return the last day of the yearly accident report on a fiscal year: two months past its end (REP 7-3(1))."""
    return date(year + 1, 5, 31)


NOTICE_DAYS: Final = 30


def latest_notice(end: date, *, million: bool = False) -> date:
    """Return the last day on which users may be told of an end (周知期限日, REG 22-2-11(1)).

    Args:
        end: 休廃止日, the first day without the service.
        million: the service is paid and had 1,000,000 contracts or more at the end of the last fiscal year, or is a
            designated one (REG 22-2-11-2(1)): then it is a year.
    """
    return a_year_back_from(end) if million else back_from(end, NOTICE_DAYS)


def earliest_end(notice: date, *, million: bool = False) -> date:
    """Return the first day on which a service may end if its users are told on `notice`."""
    day = notice + timedelta(days=NOTICE_DAYS if not million else 365)
    while latest_notice(day, million=million) < notice:
        day += timedelta(days=1)
    return day


# What happened --------------------------------------------------------------------------------------------------------


class Kind(StrEnum):
    """What can happen that starts a clock."""

    SECRECY_LEAK = "secrecy_leak"
    DATA_LEAK = "data_leak"
    IDENTITY = "identity"
    AREA = "area"
    AREA_MINOR = "area_minor"
    SERVICES = "services"
    REPRESENTATIVE = "representative"
    SUCCESSION = "succession"
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
        Kind.AREA: Text("業務区域または届け出た設備の変更", "the service area or listed equipment will change"),
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
        Kind.SUCCESSION: Text(
            "事業の承継（全部の譲渡し・合併・分割・相続）",
            "succession: sale of the whole business, merger, split, death",
        ),
        Kind.DATING: Text(
            "異性紹介事業の届出事項の変更・廃止",
            "what the dating-site notification says changed, or that business ended",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that was recorded: its id, what, and its day (learned of, or took or takes effect)."""

    id: int
    kind: Kind
    on: date
    attack: bool = False
    """The leak may be the work of somebody with a wrongful purpose."""


@dataclass(frozen=True, slots=True)
class OutageFact:
    """An outage as the calendar needs it: its id, its first day, the report it calls for, and whether that is sure."""

    id: int
    on: date
    report: Report
    settled: bool = True


@dataclass(frozen=True, slots=True)
class EndFact:
    """A planned end: the day users were told, the first day without the service, and how much of the business ends."""

    announced_on: date
    on: date
    whole: bool
    million: bool = False


@dataclass(frozen=True, slots=True)
class LapseFact:
    """Closed chat went off without a planned end and is off still: the id of its last period, and the day."""

    id: int
    on: date
    stopped: bool
    """By the emergency stop, rather than because a key turned back."""


@dataclass(frozen=True, slots=True)
class SignatureEnd:
    """A signature that ends by itself: the item's id, title and articles, and its last day."""

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
class Facts:
    """All that decides what is owed."""

    status: Status
    """What is filed; where the environment says nothing any more, what was filed when closed chat last ran."""
    filed_on: date | None = None
    happenings: tuple[Happening, ...] = ()
    outages: tuple[OutageFact, ...] = ()
    end: EndFact | None = None
    lapse: LapseFact | None = None
    signatures: tuple[SignatureEnd, ...] = ()
    retention: Retention | None = None
    done: Mapping[str, Done] = field(default_factory=dict)


# What is owed ---------------------------------------------------------------------------------------------------------


class Term(StrEnum):
    """How the law sets the time."""

    BY = "by"
    PROMPTLY = "promptly"
    WITHOUT_DELAY = "without_delay"
    BEFORE = "before"
    HABIT = "habit"

    @property
    def ja(self) -> str:
        return _TERMS[self].ja

    @property
    def en(self) -> str:
        return _TERMS[self].en

    @property
    def has_last_day(self) -> bool:
        """Whether there is a day after which it is late."""
        return self in {Term.BY, Term.BEFORE, Term.HABIT}


_TERMS: Final[Mapping[Term, Text]] = MappingProxyType(
    {
        Term.BY: Text("期限", "by"),
        Term.PROMPTLY: Text("速やかに（日数の定めなし）", "promptly: no number of days is set"),
        Term.WITHOUT_DELAY: Text("遅滞なく（日数の定めなし）", "without delay: no number of days is set"),
        Term.BEFORE: Text("変更・開始の前に", "before it takes effect"),
        Term.HABIT: Text("このソフトウェアの目安", "this software's own habit"),
    }
)


class State(StrEnum):
    """Where a duty stands, the most urgent first."""

    LATE = "late"
    NOW = "now"
    SOON = "soon"
    AHEAD = "ahead"
    DONE = "done"

    @property
    def ja(self) -> str:
        return _STATES[self].ja

    @property
    def en(self) -> str:
        return _STATES[self].en


_STATES: Final[Mapping[State, Text]] = MappingProxyType(
    {
        State.LATE: Text("期限切れ", "Overdue"),
        State.NOW: Text("いますぐ", "Now"),
        State.SOON: Text("まもなく", "Soon"),
        State.AHEAD: Text("これから", "Ahead"),
        State.DONE: Text("済み", "Done"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One thing owed: what, by which articles, on which form, by when, and whether it was done."""

    id: str
    """Stays the same for as long as the duty is the same one; it is the key under which it is marked as done."""
    title: Text
    what: Text
    articles: tuple[str, ...]
    due: date
    term: Term = Term.BY
    form: Text | None = None
    confidence: Confidence = Confidence.VERIFIED
    source: str = ""
    """What it comes from, as `happening-3`, `outage-7`, `end`, `lapse-2` or `LAW-06`."""
    markable: bool = True
    """Whether a person says that it is done; otherwise the record itself shows it."""
    done: Done | None = None

    @property
    def articles_ja(self) -> str:
        return cite_all(self.articles, "ja")

    @property
    def articles_en(self) -> str:
        return cite_all(self.articles, "en")

    @property
    def on_weekend(self) -> bool:
        """Whether the day is a Saturday or Sunday; it is not moved for that."""
        return self.due.weekday() >= 5  # noqa: PLR2004 -- Saturday

    def state(self, today: date) -> State:
        """Return where it stands on a day of Japan's calendar."""
        if self.done:
            return State.DONE
        if not self.term.has_last_day and today >= self.due:
            return State.NOW
        if today > self.due:
            return State.LATE
        if today == self.due:
            return State.NOW
        return State.SOON if self.due - today <= SOON else State.AHEAD


def duties(facts: Facts, today: date) -> tuple[Duty, ...]:
    """Return everything owed and done, by deadline.

    Args:
        facts: what was filed, what happened, what was done.
        today: in Japan's calendar.
    """
    carrier = facts.status in CARRIERS
    found: list[Duty] = []
    if carrier:
        found += _accident_reports(facts, today)
        found += _serious_accidents(facts.outages)
        found += _end(facts.end) if facts.end else []
        found += _lapse(facts.lapse) if facts.lapse else []
    for happening in facts.happenings:
        found += _happening(happening, carrier=carrier)
    found += [_signature(signature) for signature in facts.signatures]
    found += [_purge(facts.retention, today)] if facts.retention else []
    marked = (_marked(duty, facts.done) for duty in found)
    return tuple(sorted(marked, key=lambda duty: (duty.due, duty.id)))


def _marked(duty: Duty, done: Mapping[str, Done]) -> Duty:
    mark = done.get(duty.id)
    if mark is None or not duty.markable:
        return duty
    return replace(duty, done=mark)


def _accident_reports(facts: Facts, today: date) -> Iterator[Duty]:
    first = fiscal_year(facts.filed_on) if facts.filed_on else fiscal_year(today)
    # Three years back is as far as an operator can be expected to look on one page.
    for year in range(max(first, fiscal_year(today) - 3), fiscal_year(today) + 1):
        hit = [outage for outage in facts.outages if fiscal_year(outage.on) == year]
        count = sum(outage.report is Report.YEARLY for outage in hit)
        unsure = sum(not outage.settled for outage in hit)
        if count:
            so_far = Text(f"報告の対象として{count}件を記録しています。", f"{count} on record call for it.")
        else:
            so_far = Text(
                "対象となる事故の記録はありません。なければ提出は要りません。漏れがないか確かめて「済み」にしてください。",
                "No outage on record calls for it, and without one nothing is sent. Check that none is missing, and "
                "mark this as done.",
            )
        if unsure:
            so_far = Text(
                f"{so_far.ja} 記録の足りない事故が{unsure}件あります。",
                f"{so_far.en} {unsure} lack facts that could change this.",
            )
        yield Duty(
            id=f"accident-report:{year}",
            title=Text(f"{year}年度の事故発生状況の報告", f"Yearly accident report for fiscal {year}"),
            what=Text(
                f"2時間以上または3万人以上に影響した事故（{year}年4月〜{year + 1}年3月）を、年度経過後2か月以内に"
                f"報告します。{so_far.ja}",
                f"Report what lasted 2 hours or hit 30,000 users between April {year} and March {year + 1}, within two "
                f"months of the year's end. {so_far.en}",
            ),
            articles=("REP 7-3(1)",),
            form=Text("様式第27", "form 27"),
            due=accident_report_due(year),
            source="outages",
        )


def _serious_accidents(outages: Iterable[OutageFact]) -> Iterator[Duty]:
    for outage in outages:
        if outage.report is not Report.SERIOUS:
            continue
        source = f"outage-{outage.id}"
        yield Duty(
            id=f"{source}:first",
            title=Text("重大な事故の第一報", "First report of a serious accident"),
            what=Text(
                "発生日時と場所、概要、原因、措置などを、分かる範囲で総合通信局に連絡します（電話・メールなど）。",
                "Tell your bureau when and where, what, why and what was done, as far as known, by phone or e-mail.",
            ),
            articles=("TBA 28(1)(ii)", "REG 57(1)", "REG 58(2)(i)"),
            due=outage.on,
            term=Term.PROMPTLY,
            source=source,
        )
        yield Duty(
            id=f"{source}:detail",
            title=Text("重大な事故の詳しい報告", "Detailed report of a serious accident"),
            what=Text("発生した日から30日以内に報告書を出します。", "Within 30 days of the day on which it happened."),
            articles=("TBA 28(1)(ii)", "REG 57(1)"),
            form=Text("様式第50の3", "form 50-3"),
            due=within(outage.on, 30),
            source=source,
        )


def _happening(happening: Happening, *, carrier: bool) -> Iterator[Duty]:
    match happening.kind:
        case Kind.SECRECY_LEAK:
            if carrier:
                yield from _secrecy_leak(happening)
        case Kind.DATA_LEAK:
            yield from _data_leak(happening, carrier=carrier)
        case Kind.DATING:
            yield _dating_change(happening)
        case _:
            if carrier:
                yield _change(happening)


def _secrecy_leak(happening: Happening) -> Iterator[Duty]:
    source = f"happening-{happening.id}"
    yield Duty(
        id=f"{source}:first",
        title=Text("通信の秘密の漏えい：第一報", "Leak of secrecy: first report"),
        what=Text(
            "知った後、分かる範囲で速やかに総合通信局へ連絡します（電話・メールなど）。一件でも報告が要ります。",
            "Once you know, tell your bureau promptly what you know, by phone or e-mail. One message is enough.",
        ),
        articles=("TBA 28(1)(ii)", "REG 57(1)"),
        due=happening.on,
        term=Term.PROMPTLY,
        source=source,
    )
    yield Duty(
        id=f"{source}:detail",
        title=Text("通信の秘密の漏えい：詳しい報告", "Leak of secrecy: detailed report"),
        what=Text("知った日から30日以内に報告書を出します。", "Within 30 days of the day on which you learned of it."),
        articles=("TBA 28(1)(ii)", "REG 57(1)"),
        form=Text("様式第50の2", "form 50-2"),
        due=within(happening.on, 30),
        source=source,
    )


def _data_leak(happening: Happening, *, carrier: bool) -> Iterator[Duty]:
    source = f"happening-{happening.id}"
    days = 60 if happening.attack else 30
    to_whom = (
        Text("総合通信局（本社の所在地を管轄する局）", "the bureau of your head office")
        if carrier
        else Text(
            "個人情報保護委員会または権限の委任を受けた官庁", "the commission, or the ministry it delegated this to"
        )
    )
    yield Duty(
        id=f"{source}:first",
        title=Text("個人データの漏えい：速報", "Leak of personal data: first report"),
        what=Text(
            f"分かる範囲で速やかに報告します。報告先は{to_whom.ja}です。通信の秘密も漏れたなら、その報告も別に要ります。",
            f"Report promptly what you know to {to_whom.en}. If secrecy leaked as well, that report is due besides.",
        ),
        articles=("APPI 26", "APPR 8"),
        due=happening.on,
        term=Term.PROMPTLY,
        source=source,
    )
    yield Duty(
        id=f"{source}:detail",
        title=Text("個人データの漏えい：確報", "Leak of personal data: full report"),
        what=Text(
            f"知った日から{days}日以内です"
            + (
                "（不正の目的によるおそれがあるため60日）。"
                if happening.attack
                else "（不正の目的によるおそれがあれば60日）。"
            ),
            f"Within {days} days of learning of it"
            + (
                " (60, as an attack may be behind it)."
                if happening.attack
                else " (60 where an attack may be behind it)."
            ),
        ),
        articles=("APPI 26", "APPR 8"),
        due=within(happening.on, days),
        source=source,
    )
    yield Duty(
        id=f"{source}:people",
        title=Text("個人データの漏えい：本人への通知", "Leak of personal data: telling the people"),
        what=Text(
            "状況に応じて速やかに本人へ知らせます。難しいときは、公表などの代わりの措置をとります。",
            "Tell the people concerned promptly; where that is hard, do what stands in for it: a public notice, say.",
        ),
        articles=("APPI 26", "APPR 10"),
        due=happening.on,
        term=Term.PROMPTLY,
        source=source,
    )


_CHANGES: Final[Mapping[Kind, tuple[Text, Text, tuple[str, ...]]]] = MappingProxyType(
    {
        Kind.IDENTITY: (
            Text("様式第6", "form 6"),
            Text(
                "変更の後、遅滞なく届け出ます。氏名・名称、住所、代表者の変更には証明書類を添えます。",
                "Notify without delay once it changed; with proof where the name, address or representative did.",
            ),
            ("TBA 16(3)", "REG 9(3)", "REG 9(4)"),
        ),
        Kind.AREA: (
            Text("様式第9", "form 9"),
            Text(
                "変更する前に届け出ます。ネットワーク構成図（様式第3）も変わるなら添えます。",
                "Notify before it changes, with form 3 if the diagram changes too.",
            ),
            ("TBA 16(4)", "REG 9(5)"),
        ),
        Kind.AREA_MINOR: (
            Text("様式第7", "form 7"),
            Text(
                "軽微な変更は、変更の後、遅滞なく届け出ます。", "A minor change is notified without delay afterwards."
            ),
            ("TBA 16(4)", "REG 9(7)", "REG 9(8)"),
        ),
        Kind.SERVICES: (
            Text("様式第10と新しい様式第4", "form 10 with a new form 4"),
            Text(
                "変更の後、遅滞なく報告します。構成図（様式第3）も変わるなら添え、LAW-05 に署名し直します。",
                "Report without delay, with form 3 if the diagram changed too, and sign LAW-05 anew.",
            ),
            ("REG 10(1)", "REG 10(2)"),
        ),
        Kind.REPRESENTATIVE: (
            Text("様式第6と様式第2の2", "form 6 with form 2-2"),
            Text(
                "遅滞なく新しい国内代表者等を定め、届け出ます。",
                "Name a new representative without delay, and notify it.",
            ),
            ("REG 9-2", "TBA 16(3)"),
        ),
        Kind.SUCCESSION: (
            Text("様式第11", "form 11"),
            Text("承継した人が、遅滞なく届け出ます。", "Whoever takes over notifies without delay."),
            ("TBA 17(2)", "REG 11"),
        ),
    }
)


def _change(happening: Happening) -> Duty:
    form, what, articles = _CHANGES[happening.kind]
    before = happening.kind is Kind.AREA
    return Duty(
        id=f"happening-{happening.id}:notify",
        title=Text(f"変更の届出：{happening.kind.ja}", f"Change notice: {happening.kind.en}"),
        what=what,
        articles=articles,
        form=form,
        due=happening.on - timedelta(days=1) if before else happening.on,
        term=Term.BEFORE if before else Term.WITHOUT_DELAY,
        source=f"happening-{happening.id}",
    )


def _dating_change(happening: Happening) -> Duty:
    return Duty(
        id=f"happening-{happening.id}:notify",
        title=Text("異性紹介事業の変更・廃止の届出", "Dating-site business: notice of a change or of its end"),
        what=Text(
            "変更・廃止の日から14日以内に、警察署を経て公安委員会へ届け出ます（登記事項証明書を添える場合は20日以内）。",
            "Within 14 days, through the police station (20 where an extract from the company register is attached).",
        ),
        articles=("DSA 7(2)", "DSR 2(2)"),
        due=within(happening.on, 14),
        source=f"happening-{happening.id}",
    )


def _end(end: EndFact) -> Iterator[Duty]:
    latest = latest_notice(end.on, million=end.million)
    if end.million:
        minister = back_from(end.announced_on, NOTICE_DAYS)
        yield Duty(
            id=f"end-{end.on}:minister",
            title=Text("周知を始める前の届出", "Notice to the Minister before users are told"),
            what=Text(
                "影響の大きい役務（有料で契約100万以上など）は、周知を始める日の前日から起算して30日前の日までに届け出ます。",
                "Where the effect is great (paid, 1,000,000 contracts or more): 30 days before users begin to be told.",
            ),
            articles=("TBA 26-5(2)", "REG 22-2-11-2(2)"),
            form=Text("様式第15の3", "form 15-3"),
            due=minister,
            source="end",
        )
    yield Duty(
        id=f"end-{end.on}:users",
        title=Text("休止・廃止の周知", "Telling users of the end"),
        what=Text(
            f"{latest}（休廃止日の前日から起算して{'1年' if end.million else '30日'}前の日）までに、"
            "7項目を利用者に周知します。",
            f"Seven items, by {latest}: {'a year' if end.million else '30 days'} ahead, counted back from the day "
            "before the end.",
        ),
        articles=("TBA 26-5(1)", "REG 22-2-11(1)", "REG 22-2-11(2)"),
        due=latest,
        source="end",
        markable=False,
        done=Done(end.announced_on),
    )
    yield _closing_notice(f"end-{end.on}:notify", end.on, "end", whole=end.whole)


def _closing_notice(duty_id: str, day: date, source: str, *, whole: bool) -> Duty:
    return Duty(
        id=duty_id,
        title=Text("休止・廃止の届出", "Notice of suspension or closing"),
        what=Text(
            "休止・廃止したら、遅滞なく総合通信局を経て届け出ます。"
            + ("" if whole else "構成図（様式第3）が変わるなら添えます。"),
            "Once it has happened, notify without delay through your bureau"
            + ("." if whole else ", with form 3 if the diagram changed."),
        ),
        articles=("TBA 18(1)", "REG 12"),
        form=Text("様式第12", "form 12") if whole else Text("様式第12の3", "form 12-3"),
        due=day,
        term=Term.WITHOUT_DELAY,
        source=source,
    )


def _lapse(lapse: LapseFact) -> Iterator[Duty]:
    source = f"lapse-{lapse.id}"
    why = (
        Text("緊急停止により", "the emergency stop was pulled")
        if lapse.stopped
        else Text("鍵の条件を欠いたため", "a key turned back")
    )
    yield Duty(
        id=f"{source}:users",
        title=Text("予告なく止まっていることの周知", "Telling users of a stop without notice"),
        what=Text(
            f"{why.ja}クローズド・チャットが止まったままです。"
            "止め続けるなら休止・廃止に当たる可能性があり、利用者への周知が要ります。30日前の周知ができていないため、できるだけ早く7項目を知らせ、総合通信局に相談してください。",
            f"Closed chat is off since {why.en}. If it is to stay off, that may be a suspension or closing, of which "
            "users must be told. The 30 days ahead were not possible: tell them the seven items as soon as you can, "
            "and ask your bureau.",
        ),
        articles=("TBA 26-5(1)", "REG 22-2-11"),
        due=lapse.on,
        term=Term.PROMPTLY,
        confidence=Confidence.INFERENCE,
        source=source,
    )
    yield replace(
        _closing_notice(f"{source}:notify", lapse.on, source, whole=False),
        what=Text(
            "一時的な不具合ではなく休止・廃止に当たるなら、遅滞なく届け出ます。"
            "すぐ再開するなら、そのことを書いて「済み」にしてください。",
            "If this is a suspension or closing and not a passing fault, notify without delay. If it comes back at "
            "once, mark this as done and say so.",
        ),
        confidence=Confidence.INFERENCE,
    )


def _signature(signature: SignatureEnd) -> Duty:
    return Duty(
        id=f"signature-{signature.item_id}:{signature.on}",
        title=Text(f"{signature.item_id} の署名し直し", f"Sign {signature.item_id} anew"),
        what=Text(
            f"「{signature.title.ja}」の署名の有効期限です。必須の項目なら、切れるとクローズド・チャットが止まります。",
            f"The signature on “{signature.title.en}” ends. Where the item blocks, closed chat shuts with it.",
        ),
        articles=signature.articles,
        due=signature.on,
        term=Term.HABIT,
        confidence=Confidence.INFERENCE,
        source=signature.item_id,
        markable=False,
    )


def _purge(retention: Retention, today: date) -> Duty:
    every = timedelta(days=retention.every_days)
    return Duty(
        id="retention",
        title=Text("通信履歴などの自動消去の実行", "Running the purge of logs"),
        what=Text(
            f"最後の実行：{retention.last_run or '記録なし'}。保存期間を過ぎた記録を消します（LAW-12）。",
            f"Last run: {retention.last_run or 'none on record'}. It erases what is past its period (LAW-12).",
        ),
        articles=("GUIDE 38", "APPI 22"),
        due=retention.last_run + every if retention.last_run else today,
        term=Term.HABIT,
        confidence=Confidence.INFERENCE,
        source="LAW-12",
        markable=False,
    )
