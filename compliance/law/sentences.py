"""The sentences on why a feature is off and what opens it, in Japanese and English. Each returns one `Reason`. Pure."""

from functools import cache
from typing import Final

from compliance.law.checklist import Checklist
from compliance.law.citations import cite, cite_all
from compliance.law.decision import (
    JAPAN,
    Cause,
    Contradiction,
    Ending,
    Expired,
    Reason,
    Restored,
    Stop,
    day_in_japan,
    day_text,
)
from compliance.law.items import ITEM, Item
from compliance.law.rules import Feature, Rule
from compliance.law.standing import Problem
from compliance.law.text import Text
from compliance.law.variables import DATING, MODE, OFFERED, REGISTRATION

NOTIFICATION: Final = cite("TBA 16(1)")
_AGE_CHECK: Final = Text(*(cite_all(("DSA 11", "DSR 5(1)"), language) for language in ("ja", "en")))


def unreachable(rule: Rule) -> Reason:
    """Say that the record of the checklist cannot be read."""
    return Reason(
        Cause.unreachable,
        f"チェックリストの記録を確認できないため「{rule.title_ja}」は停止しており、確認でき次第、自動で判定し直します。",
        f"“{rule.title_en}” is off because the record of the checklist cannot be reached; it is judged again as soon "
        "as that answers.",
        Text(
            "少し待っても戻らなければ、データベースへの接続を確かめてください。",
            "If this lasts, check the connection to the database.",
        ),
    )


def stopped(rule: Rule, stop: Stop) -> Reason:
    """Say since when, and why, the emergency stop keeps the feature off."""
    since = f"{stop.since.astimezone(JAPAN):%Y-%m-%d %H:%M %Z}"
    why = " ".join(stop.reason.split())
    return Reason(
        Cause.emergency_stop,
        f"運営者が緊急停止したため（{since}{'、理由：' + why if why else ''}）、「{rule.title_ja}」は停止しており、"
        "運営者が停止を解除するまで開きません。",
        f"“{rule.title_en}” is off because the operator pulled the emergency stop "
        f"({since}{': ' + why if why else ''}); it stays off until the operator lifts the stop.",
        Text(
            "原因が片付いたら、管理画面で緊急停止を解除してください。止め続ける場合は、休止・廃止の届出と利用者への周知が"
            "要るかを LAW-18 で確かめてください。",
            "Once the cause is dealt with, lift the stop in the admin. If it is to last, see LAW-18 for the duty to "
            "notify a suspension and to tell users.",
        ),
    )


def restored(rule: Rule, restored: Restored) -> Reason:
    """Say since when the feature is off because the database went back, and that the operator has to confirm it."""
    since = f"{restored.since.astimezone(JAPAN):%Y-%m-%d %H:%M %Z}"
    return Reason(
        Cause.restored,
        f"データベースが以前の状態に戻ったため（{since}）「{rule.title_ja}」は停止しており、運営者が記録を確かめるまで開きません。",
        f"“{rule.title_en}” is off because the database went back to an earlier state ({since}); it stays off until "
        "the operator has checked the record.",
        Text(
            "緊急停止・署名・終了の予告が今の事実どおりかを確かめ、失われたものをやり直してから、管理画面の「緊急停止」で"
            "復元を確認済みにしてください。",
            "Check that stop, signatures and planned end are as they should be now, do again what was lost, then "
            "confirm the restore in the admin, under “Emergency stop”.",
        ),
    )


def ended(rule: Rule, ending: Ending) -> Reason:
    """Say that the announced day of the end has come."""
    return Reason(
        Cause.ended,
        f"予告した休廃止日（{day_text(ending.on).ja}）を迎えたため「{rule.title_ja}」は終了しており、運営者が予告を取り下げて届出を"
        "整え直すまで開きません。",
        f"“{rule.title_en}” is off because the announced day of its end ({day_text(ending.on).en}) has come; it stays "
        "off until the operator withdraws the announcement and the filing is in order again.",
        Text(
            f"休止・廃止の届出（{cite('TBA 18(1)').ja}、様式第12または第12の3）を遅滞なく出してください。",
            f"File the notice of suspension or closing without delay ({cite('TBA 18(1)').en}; form 12 or 12-3).",
        ),
    )


def winding_down(rule: Rule, ending: Ending) -> Reason:
    """Say that an end is announced, so that nothing new begins."""
    return Reason(
        Cause.winding_down,
        f"{day_text(ending.on).ja}に終了する予定を利用者に周知しているため（{cite('TBA 26-5(1)').ja}）、"
        f"「{rule.title_ja}」では新しい会話を始められませんが、続いている会話はその前日まで使えます。",
        f"“{rule.title_en}” takes nothing new, because its end on {day_text(ending.on).en} has been announced "
        f"({cite('TBA 26-5(1)').en}); talks that run go on until the day before.",
        Text(
            "当日まで周知を続け、終了したら遅滞なく様式第12または第12の3で届け出てください（LAW-18）。",
            "Keep the notice up until that day, then file form 12 or 12-3 without delay (LAW-18).",
        ),
    )


def not_filed(rule: Rule) -> Reason:
    """Say that the environment names no notification or registration."""
    return Reason(
        Cause.environment,
        f"{NOTIFICATION.ja}の届出がこのサーバーに設定されていないため「{rule.title_ja}」は停止しており、"
        f"開くには、届出・登録を済ませるか、届出を要しない根拠を記録して、{REGISTRATION} を設定する必要があります。",
        f"“{rule.title_en}” is off because no notification ({NOTIFICATION.en}) is set on this server; to open it, "
        f"complete the notification or registration, or record the basis why none is due, and set {REGISTRATION}.",
        Text(
            "主たる事務所の所在地（個人は住所）を管轄する総合通信局に、届出の要否を確認して届け出てください。"
            "届出が到達したら、サーバーの担当者が "
            f"{REGISTRATION} と番号・日付・運営者を設定して再起動します。",
            "Ask the bureau for your main office (for a person: your address) whether you must file, and file. Once "
            "the notification has arrived, "
            f"whoever runs the servers sets {REGISTRATION} with number, date and operator, and restarts.",
        ),
    )


def incomplete(rule: Rule, problem: Problem) -> Reason:
    """Say what is wrong with the settings about the filing, or that the servers disagree."""
    if problem.drift:
        return Reason(
            Cause.drift,
            f"サーバーのあいだで届出の設定が食い違うため「{rule.title_ja}」は停止しています：{problem.ja}",
            f"“{rule.title_en}” is off because the servers disagree about the filing: {problem.en}",
            Text(problem.ja, problem.en),
        )
    return Reason(
        Cause.environment_incomplete,
        f"{NOTIFICATION.ja}の届出などの設定が整っていないため「{rule.title_ja}」は停止しています：{problem.ja}",
        f"“{rule.title_en}” is off because the settings about the filing ({NOTIFICATION.en}) are not in order: "
        f"{problem.en}",
        Text(f"{problem.ja} 直したら再起動してください。", f"{problem.en} Then restart."),
    )


def malformed_dating(rule: Rule, problem: Problem) -> Reason:
    """Say that the number of the dating notification is malformed."""
    return Reason(
        Cause.dating,
        f"{cite('DSA 7(1)').ja}の届出の番号が整っていないため「{rule.title_ja}」は停止しています：{problem.ja}",
        f"“{rule.title_en}” is off because the number of the notification under the {cite('DSA 7(1)').en} is not in "
        f"order: {problem.en}",
        Text(f"{problem.ja} 直したら再起動してください。", f"{problem.en} Then restart."),
    )


def dating_not_notified(rule: Rule) -> Reason:
    """Say that the number of the dating notification is missing."""
    article = cite("DSA 7(1)")
    return Reason(
        Cause.dating,
        f"{article.ja}の届出の番号が設定されていないため「{rule.title_ja}」は停止しており、"
        f"開くには公安委員会に届け出て {DATING} を設定する必要があります。",
        f"“{rule.title_en}” is off because no number of a notification under the {article.en} is set; to open it, "
        f"notify the Public Safety Commission and set {DATING}.",
        Text(
            "事務所の所在地を管轄する警察署に、届出が必要か相談してください。電気通信事業の届出とは別の届出です。",
            "Ask the police station for your office whether you must notify. It is apart from the telecom filing.",
        ),
    )


def no_age_check(rule: Rule) -> Reason:
    """Say that LAW-20 names no method of age check."""
    return Reason(
        Cause.dating,
        f"18歳以上であることを確認する方法（{_AGE_CHECK.ja}）が LAW-20 に記録されていないため"
        f"「{rule.title_ja}」は停止しており、開くには法定の方法のどれかで確認し、それを記録する必要があります。",
        f"“{rule.title_en}” is off because LAW-20 names no method by which users are checked to be 18 or over "
        f"({_AGE_CHECK.en}); it opens once one of the rule's methods is used and on record.",
        Text(
            "年齢を確認する方法を決め、LAW-20 に署名し直してください。",
            "Settle on a method of age check and sign LAW-20 anew.",
        ),
    )


def dating_unsettled(rule: Rule) -> Reason:
    """Say that LAW-20 has not settled whether this is a dating-site business."""
    return Reason(
        Cause.dating,
        "性別や交際の希望を載せるプロフィールがあり、それが異性紹介事業に当たるかを LAW-20 でまだ決められないため"
        f"「{rule.title_ja}」は停止しており、警察署の回答をもとに結論を記録し直すまで開きません"
        f"（{cite('DSA 2(ii)').ja}）。",
        f"“{rule.title_en}” is off because there are profiles with gender or a wish to date, and LAW-20 has not "
        f"settled whether that is a dating-site business ({cite('DSA 2(ii)').en}); it opens once the police have "
        "answered and the verdict is recorded anew.",
        Text(
            "事務所の所在地を管轄する警察署に相談し、LAW-20 に署名し直してください。",
            "Ask the police station for your office, and sign LAW-20 anew.",
        ),
    )


def dating_unnotified(rule: Rule) -> Reason:
    """Say that LAW-20 concludes a dating-site business and no number of its notification is set."""
    article = cite("DSA 7(1)")
    return Reason(
        Cause.dating,
        f"LAW-20 の結論が異性紹介事業に当たるとしているのに、{article.ja}の届出の番号が設定されていないため"
        f"「{rule.title_ja}」は停止しており、開くには公安委員会に届け出て {DATING} を設定する必要があります。",
        f"“{rule.title_en}” is off because LAW-20 concludes that this is a dating-site business, and no number of a "
        f"notification under the {article.en} is set; to open it, notify the Public Safety Commission and set "
        f"{DATING}.",
        Text(
            f"事務所の所在地を管轄する警察署を通じて届け出て、{DATING} を設定して起動し直してください。",
            f"Notify through the police station for your office, set {DATING} and restart.",
        ),
    )


def unsettled(rule: Rule) -> Reason:
    """Say that no official view was found on the feature."""
    return Reason(
        Cause.consult,
        f"「{rule.title_ja}」が媒介に当たるかは公式の見解を確認できていないため停止しており（{rule.article_ja}）、"
        "総合通信局の回答をもとに扱いが決まるまで開きません。",
        f"“{rule.title_en}” is off because no official view was found on whether it is mediation ({rule.article_en}); "
        "it stays off until the bureau's answer settles how to treat it.",
        Text(
            "主たる事務所の所在地（個人は住所）を管轄する総合通信局に相談してください（LAW-02）。",
            "Ask the bureau for your main office, or for a person your address (LAW-02).",
        ),
    )


def ground_needed(rule: Rule) -> Reason:
    """Say that the feature is open only on a recorded ground."""
    if rule.feature is Feature.SCAN_CLOSED:
        item = ITEM["LAW-10"]
        ground = Text("当事者の個別の同意などの根拠", "such as each party's separate consent")
    else:
        item = ITEM["LAW-08"]
        ground = Text("令状・緊急避難・当事者の同意などの事由", "such as a warrant, necessity or the parties' consent")
    return Reason(
        Cause.ground,
        f"「{rule.title_ja}」は通信の秘密（{rule.article_ja}）を守るため一般には開かず、{ground.ja}を "
        f"{item.id}（{item.ja}）に沿って記録した場合に限られます。",
        f"“{rule.title_en}” is never open in general, to keep the secrecy of communications ({rule.article_en}); it "
        f"takes a ground {ground.en}, recorded as {item.id} ({item.en}) lays down.",
        Text(
            f"{item.id}（{item.ja}）に沿って、{ground.ja}を記録してください。",
            f"Follow {item.id} ({item.en}) and record a ground {ground.en}.",
        ),
    )


def _open_room_duty(item_id: str, rule: Rule) -> Reason:
    item = ITEM[item_id]
    return Reason(
        Cause.checklist,
        f"「{rule.title_ja}」は開いていますが、{item.id}（{item.ja}、{item.articles_ja}）はオープンチャットでも求められ、"
        "まだ署名がありません。",
        f"“{rule.title_en}” is open, but {item.id} ({item.en}; {item.articles_en}) concerns open rooms too and is not "
        "signed yet.",
        signing_step(item),
    )


def unsigned(rule: Rule, items: list[Item], checklist: Checklist, *, shut: bool) -> Reason:
    """Say which items lack a valid signature.

    Args:
        rule: the feature's rule.
        items: the unsigned items, at least one.
        checklist: tells an expired signature from none.
        shut: whether the feature is off for this; else it is a warning.
    """
    expired = all(item.id in checklist.signatures for item in items)
    return _missing_signatures(rule, tuple(item.id for item in items), expired=expired, shut=shut)


def _named(item_ids: tuple[str, ...]) -> Text:
    first, *others = (ITEM[item_id] for item_id in item_ids)
    rest = ", ".join(item.id for item in others)
    return Text(
        f"{first.id}（{first.ja}、{first.articles_ja}）" + (f"ほか{len(others)}件（{rest}）" if others else ""),
        f"{first.id} ({first.en}; {first.articles_en})" + (f" and {len(others)} more ({rest})" if others else ""),
    )


def _no_signatures(rule: Rule, item_ids: tuple[str, ...], *, expired: bool, shut: bool) -> Reason:
    names = _named(item_ids)
    lack = (
        Text(f"チェックリストの {names.ja}の署名が期限切れの", f"the signature on {names.en} has expired")
        if expired
        else Text(f"チェックリストの {names.ja}に有効な署名がない", f"no valid signature is on {names.en}")
    )
    remedy = Text("運営者が管理画面で署名する必要があります", "the operator signs in the admin")
    return Reason(Cause.checklist, *_effect(rule, lack, remedy, shut=shut), signing_step(ITEM[item_ids[0]]))


def expired(rule: Rule, found: Expired) -> Reason:
    """Say that signatures expired, and until when running rooms go on."""
    names, day = _named(found.item_ids), day_text(day_in_japan(found.until))
    first = ITEM[found.item_ids[0]]
    return Reason(
        Cause.aged,
        f"チェックリストの {names.ja}の署名が期限切れになったため、「{rule.title_ja}」では新しい会話を"
        f"始められませんが、続いている会話は{day.ja}まで使えます。",
        f"“{rule.title_en}” takes nothing new, because the signature on {names.en} has expired; talks that run go on "
        f"until {day.en}.",
        Text(
            f"{day.ja}までに、{signing_step(first).ja}",
            f"By {day.en}, sign {first.id} ({first.en}) with its evidence in the admin.",
        ),
    )


def contradicted(rule: Rule, found: Contradiction) -> Reason:
    """Say which two sources contradict each other."""
    return Reason(
        Cause.contradiction,
        f"{found.one.ja}、{found.other.ja}で、二つの記録が食い違うため「{rule.title_ja}」は停止しており、開くには両者を"
        "一致させる必要があります。",
        f"“{rule.title_en}” is off because two sources contradict each other: {found.one.en}, but {found.other.en}; it "
        "opens once they agree.",
        found.step,
    )


def _to_consult(rule: Rule, *, shut: bool) -> Reason:
    return Reason(
        Cause.consult,
        *_effect(
            rule,
            Text("LAW-01（該当性判定の記録）の結論が「要相談」の", "the verdict in LAW-01 is to consult the bureau"),
            Text(
                "判定を記録し直すか、届出・登録の状況を改める必要があります",
                "the verdict is recorded anew or the standing corrected",
            ),
            shut=shut,
        ),
        Text(
            "総合通信局の回答や届出の状況を確かめ、LAW-01 の判定を記録し直してください。",
            "Check the bureau's answer and the filing, and record LAW-01's verdict anew.",
        ),
    )


def _not_offered(rule: Rule) -> Reason:
    return Reason(
        Cause.not_offered,
        f"「{rule.title_ja}」は、このサービスでは提供していません。",
        f"“{rule.title_en}” is not offered by this service.",
        Text(
            f"提供するなら、様式第4に含めたうえで（LAW-05）、{OFFERED} に加え、起動し直してください。",
            f"To offer it, have form 4 cover it (LAW-05), add it to {OFFERED} and restart.",
        ),
    )


def pending(rule: Rule) -> Reason:
    """Say that both keys are turned and that the record of the period is not open at this moment."""
    return Reason(
        Cause.pending,
        f"届出と署名は整っていますが、提供可能期間の記録がまだ開いていないため「{rule.title_ja}」は停止しており、"
        "記録が開きしだい自動で開きます。",
        f"“{rule.title_en}” is off because the record of the period in which it may run is not open at this moment; it "
        "opens by itself as soon as that is.",
        Text(
            "通常は数秒で開きます。一分を過ぎても開かなければ、管理画面でゲートの状態を、サーバーのログで原因を確かめてください。",
            "This takes seconds as a rule. If it lasts more than a minute, look at the gate in the admin and at the "
            "servers' log.",
        ),
    )


def changed(what: Text) -> Reason:
    """Say why a period is closed that another one continues at the same moment.

    Args:
        what: what is no longer as it was, in words.
    """
    return Reason(
        Cause.changed,
        f"{what.ja}が変わったため、この期間を閉じ、新しい期間に引き継ぎました。",
        f"This period was closed and is continued by a new one, because this changed: {what.en}.",
        Text("何もする必要はありません。", "Nothing is left to do."),
    )


def _unfiled(rule: Rule, *, shut: bool) -> Reason:
    item = ITEM["LAW-05"]
    return Reason(
        Cause.unfiled,
        *_effect(
            rule,
            Text(
                f"LAW-05（{item.ja}、{item.articles_ja}）の記録で様式第4に含まれていない",
                f"LAW-05 ({item.en}; {item.articles_en}) does not list it on form 4",
            ),
            Text("様式第4に含めて署名し直す必要があります", "form 4 is made to cover it and LAW-05 is signed anew"),
            shut=shut,
        ),
        Text(
            "様式第4の内容を確かめ、役務を加える場合は様式第10で報告し、LAW-05 に署名し直してください。",
            "Check form 4; if a service is added, report it on form 10, and sign LAW-05 anew.",
        ),
    )


def _effect(rule: Rule, lack: Text, remedy: Text, *, shut: bool) -> tuple[str, str]:
    if shut:
        return (
            f"{lack.ja}ため「{rule.title_ja}」は停止しており、開くには{remedy.ja}。",
            f"“{rule.title_en}” is off because {lack.en}; it opens once {remedy.en}.",
        )
    return (
        f"{lack.ja}状態で「{rule.title_ja}」を開いています（{MODE}=advise のため停止していません）。",
        f"“{rule.title_en}” is open although {lack.en} ({MODE}=advise keeps it from being shut).",
    )


def signing_step(item: Item) -> Text:
    """Return what the operator does to sign an item."""
    return Text(
        f"管理画面で {item.id}（{item.ja}）に証拠を添えて署名してください。",
        f"Sign {item.id} ({item.en}) with its evidence in the admin.",
    )


# Every page of a closed service shows these, so each is made once per set of arguments.
open_room_duty: Final = cache(_open_room_duty)
_missing_signatures: Final = cache(_no_signatures)
to_consult: Final = cache(_to_consult)
unfiled: Final = cache(_unfiled)
not_offered: Final = cache(_not_offered)
