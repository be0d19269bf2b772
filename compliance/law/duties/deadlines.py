"""Derives what the operator owes after filing, and by which day: from recorded events to duties. Pure.

Where an article says only 速やかに or 遅滞なく there is no last day: the duty is due from the day on which it arose.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from compliance.law.duties.changes import OF_NOTIFIED, OF_REGISTERED, Change
from compliance.law.duties.days import NOTICE_DAYS, accident_report_due, back_from, fiscal_year, latest_notice, within
from compliance.law.duties.duty import Duty, Term
from compliance.law.duties.events import (
    Circumstances,
    Done,
    EndFact,
    Happening,
    Kind,
    LapseFact,
    OutageFact,
    Retention,
    SignatureEnd,
)
from compliance.law.outages import Report
from compliance.law.sources import Confidence
from compliance.law.standing import Status
from compliance.law.text import Text

CARRIERS: Final = frozenset({Status.filed, Status.notified, Status.registered})
"""An operator that has filed is a carrier (電気通信事業者), and the duties of the telecom law bind it."""


def duties_of(facts: Circumstances, today: date) -> tuple[Duty, ...]:
    """Return every duty, open and done, by deadline.

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
        found += _happening(happening, facts.status)
    found += [_signature(signature) for signature in facts.signatures]
    found += [_purge(facts.retention, today)] if facts.retention else []
    marked = (_marked(duty, facts.done) for duty in found)
    return tuple(sorted(marked, key=lambda duty: (duty.due, duty.id)))


def _marked(duty: Duty, done: Mapping[str, Done]) -> Duty:
    mark = done.get(duty.id)
    if mark is None or not duty.markable:
        return duty
    return replace(duty, done=mark)


def _accident_reports(facts: Circumstances, today: date) -> Iterator[Duty]:
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


def _happening(happening: Happening, status: Status) -> Iterator[Duty]:
    carrier = status in CARRIERS
    match happening.kind:
        case Kind.SECRECY_LEAK:
            if carrier:
                yield from _secrecy_leak(happening)
        case Kind.DATA_LEAK:
            yield from _data_leak(happening, carrier=carrier)
        case Kind.DATING:
            yield _dating_change(happening)
        case kind:
            changes = OF_REGISTERED if status is Status.registered else OF_NOTIFIED
            if carrier and kind in changes:
                yield _change(happening, changes[kind])


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
            f"分かる範囲で速やかに報告します。報告先は{to_whom.ja}です。個人情報保護委員会のガイドラインの目安は、"
            "知った時から概ね3〜5日以内とされています（二次資料による）。知った日を1日目と数えるかは確認できていません。"
            "通信の秘密も漏れたなら、その報告も別に要ります。",
            f"Report promptly what you know to {to_whom.en}. The commission's guideline is said to take that as about "
            f"3 "
            "to 5 days from learning of it (secondary sources); whether the day of learning is itself counted has not "
            "been confirmed. If secrecy leaked as well, that report is due besides.",
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
            )
            + "知った日を1日目と数えるかは確認できていないので、1日早く出すと確実です。",
            f"Within {days} days of learning of it"
            + (
                " (60, as an attack may be behind it)."
                if happening.attack
                else " (60 where an attack may be behind it)."
            )
            + " Whether that day is itself counted has not been confirmed: a day earlier is safe.",
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


def _change(happening: Happening, change: Change) -> Duty:
    return Duty(
        id=f"happening-{happening.id}:notify",
        title=Text(f"{change.called.ja}：{happening.kind.ja}", f"{change.called.en}: {happening.kind.en}"),
        what=change.what,
        articles=change.articles,
        form=change.form,
        due=happening.on - timedelta(days=1) if change.before else happening.on,
        term=Term.BEFORE if change.before else Term.WITHOUT_DELAY,
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
