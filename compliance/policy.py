"""Decides whether a feature's door is open: `decide`. Pure and total; whatever is unknown or missing means off."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from enum import StrEnum
from functools import cache
from typing import Final, assert_never

from compliance.checklist import ITEM, Checklist, Item
from compliance.classify import Outcome
from compliance.law import RULES, Feature, Required, Rule, Text, cite, cite_all, say
from compliance.standing import DATING, MODE, REGISTRATION, Mode, Problem, Standing, Status

_JAPAN: Final = timezone(timedelta(hours=9), "JST")
_NOTIFICATION: Final = cite("TBA 16(1)")
_AGE_CHECK: Final = Text(*(cite_all(("DSA 11", "DSR 5(1)"), language) for language in ("ja", "en")))

OPEN_ROOM_ITEMS: Final = ("LAW-06", "LAW-11", "LAW-12")
"""Duties that bind open rooms as well: they warn and never shut."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The emergency stop (緊急停止), pulled at `since`; users are shown the reason as it was written."""

    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Ending:
    """A planned end (休廃止) that users were told of: no new closed room from then on, and none at all from `on`.

    `on` is the 休廃止日 in Japan's calendar: closed chat runs until the midnight with which that day begins.
    """

    announced_at: datetime
    on: date

    @property
    def moment(self) -> datetime:
        """The first instant without closed chat."""
        return datetime.combine(self.on, time.min, _JAPAN)

    def reached(self, now: datetime) -> bool:
        """Whether the day has come."""
        return now >= self.moment


class Cause(StrEnum):
    """What keeps a door shut, or would."""

    unreachable = "unreachable"
    emergency_stop = "emergency_stop"
    ended = "ended"
    winding_down = "winding_down"
    environment = "environment"
    environment_incomplete = "environment_incomplete"
    drift = "drift"
    dating = "dating"
    unfiled = "unfiled"
    consult = "consult"
    checklist = "checklist"
    ground = "ground"


_NOTHING: Final = Text("", "")


@dataclass(frozen=True, slots=True)
class Reason:
    """One full sentence on what is off and what would turn it on, and the operator's next step."""

    cause: Cause
    ja: str
    en: str
    step: Text = _NOTHING


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy says about one feature, with the rule and every reason; never a bare yes or no."""

    feature: Feature
    allowed: bool
    rule: Rule
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()

    def reason(self, language: str) -> str:
        """Return the one sentence that matters most: the first reason, or why the feature may run."""
        if self.reasons:
            return say(self.reasons[0], language)
        if self.rule.required in {Required.NONE, Required.THIRD_ITEM}:
            return say(self.rule, language)
        return say(
            Text(
                f"必要な届出などの状況が整っているため、「{self.rule.title_ja}」を利用できます"
                f"（{self.rule.article_ja}）。",
                f"“{self.rule.title_en}” is open: the filing or basis that it needs is on record "
                f"({self.rule.article_en}).",
            ),
            language,
        )

    def next_step(self, language: str) -> str:
        """Return what the operator should do next, or an empty string where nothing is left to do."""
        return next((say(reason.step, language) for reason in (*self.reasons, *self.warnings)), "")


def decide(
    feature: Feature,
    standing: Standing,
    checklist: Checklist | None,
    stop: Stop | None,
    now: datetime,
    ending: Ending | None = None,
    *,
    creating: bool = False,
) -> Decision:
    """Decide on one feature.

    Closed chat takes both keys (the deployment's standing and the operator's signatures) and no emergency stop. With
    `COMPLIANCE_CHECKLIST=advise` missing signatures only warn. Open rooms and the service's own pages stay open
    whatever happens; reading or scanning closed chat is never open in general. Once an end is announced, closed rooms
    that run go on to its day, and no new one is made.

    Args:
        feature: what somebody wants to do.
        standing: the environment's key.
        checklist: the operator's key; None if it could not be read, which means off.
        stop: the emergency stop, if it is pulled.
        now: the time to judge at, with a time zone.
        ending: the planned end, if one is announced.
        creating: whether something new is to be made (a pair, a closed room) rather than a running one used.
    """
    return judge(RULES[feature], standing, checklist, stop, now, ending, creating=creating)


def closed_chat(
    standing: Standing, checklist: Checklist | None, stop: Stop | None, now: datetime, ending: Ending | None = None
) -> Decision:
    """Decide on closed chat as a whole, for the headline: the same as talking in a matched pair."""
    return decide(Feature.MATCH_PAIR, standing, checklist, stop, now, ending)


def judge(
    rule: Rule,
    standing: Standing,
    checklist: Checklist | None,
    stop: Stop | None,
    now: datetime,
    ending: Ending | None = None,
    *,
    creating: bool = False,
) -> Decision:
    """Decide by a rule, which need not be one of the product's own; `decide` looks the rule up."""
    reasons: list[Reason] = []
    warnings: list[Reason] = []
    match rule.required:
        case Required.NONE:
            pass
        case Required.THIRD_ITEM:
            if checklist:
                unsigned = [item_id for item_id in OPEN_ROOM_ITEMS if not checklist.signed(ITEM[item_id], now)]
                warnings = [_duty_once(item_id, rule) for item_id in unsigned]
        case Required.CONSULT:
            reasons = [_unsettled(rule)]
        case Required.GROUND:
            reasons = [_ground(rule)]
        case Required.NOTIFIED | Required.DATING:
            reasons, warnings = _keys(rule, standing, checklist, stop, now)
            if ending and ending.reached(now):
                reasons.insert(0, _ended(rule, ending))
            elif ending:
                (reasons if creating else warnings).insert(0, _winding_down(rule, ending))
        case _:
            assert_never(rule.required)
    return Decision(rule.feature, not reasons, rule, tuple(reasons), tuple(warnings))


def _keys(
    rule: Rule, standing: Standing, checklist: Checklist | None, stop: Stop | None, now: datetime
) -> tuple[list[Reason], list[Reason]]:
    """What is missing of the keys, as reasons that shut and as warnings."""
    reasons = [] if checklist else [_unreachable(rule)]
    if stop:
        reasons.append(_stopped(rule, stop))
    if standing.status is Status.none:
        reasons.append(_not_filed(rule))
    reasons += [_incomplete(rule, problem) for problem in standing.problems]
    dating = rule.required is Required.DATING
    if dating and not standing.dating_number:
        reasons.append(_dating(rule))
    if not checklist:
        return reasons, []

    # The dating gate is a law of its own and protects minors, so `advise` does not soften its item.
    age_check = ITEM["LAW-20"]
    if dating and not checklist.signed(age_check, now):
        reasons.append(_unsigned_once(rule, (age_check.id,), expired=age_check.id in checklist.signatures, shut=True))
    elif dating and checklist.facts.age_checked is False:
        reasons.append(_no_age_check(rule))

    shut = standing.mode is not Mode.advise
    facts = checklist.facts
    lacking: list[Reason] = []
    if (
        facts.filed_features is not None
        and rule.feature not in facts.filed_features
        and not dating
        and _files(standing)
    ):
        lacking.append(_unfiled_once(rule, shut=shut))
    open_items = [item for item in checklist.open_items(standing, now) if not (dating and item is age_check)]
    unsigned = tuple(item.id for item in open_items if not checklist.signed(item, now))
    if len(unsigned) < len(open_items):
        lacking.append(_contradicted_once(rule, facts.verdict, standing.status, shut=shut))
    if unsigned:
        expired = all(item_id in checklist.signatures for item_id in unsigned)
        lacking.append(_unsigned_once(rule, unsigned, expired=expired, shut=shut))
    return (reasons + lacking, []) if shut else (reasons, lacking)


def _files(standing: Standing) -> bool:
    return standing.status is not Status.exempt


# Sentences ------------------------------------------------------------------------------------------------------------


def _unreachable(rule: Rule) -> Reason:
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


def _stopped(rule: Rule, stop: Stop) -> Reason:
    since = f"{stop.since.astimezone(_JAPAN):%Y-%m-%d %H:%M %Z}"
    why = " ".join(stop.reason.split())
    return Reason(
        Cause.emergency_stop,
        f"運営者が緊急停止したため（{since}{'、理由：' + why if why else ''}）「{rule.title_ja}」は停止しており、"
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


def _ended(rule: Rule, ending: Ending) -> Reason:
    return Reason(
        Cause.ended,
        f"予告した休廃止日（{_day(ending.on).ja}）を迎えたため「{rule.title_ja}」は終了しており、運営者が予告を取り下げて届出を"
        "整え直すまで開きません。",
        f"“{rule.title_en}” is off because the announced day of its end ({_day(ending.on).en}) has come; it stays off "
        "until the operator withdraws the announcement and the filing is in order again.",
        Text(
            f"休止・廃止の届出（{cite('TBA 18(1)').ja}、様式第12または第12の3）を遅滞なく出してください。",
            f"File the notice of suspension or closing without delay ({cite('TBA 18(1)').en}; form 12 or 12-3).",
        ),
    )


def _winding_down(rule: Rule, ending: Ending) -> Reason:
    return Reason(
        Cause.winding_down,
        f"{_day(ending.on).ja}に終了する予定を利用者に周知しているため（{cite('TBA 26-5(1)').ja}）、"
        f"「{rule.title_ja}」では新しい会話を始められませんが、続いている会話はその前日まで使えます。",
        f"“{rule.title_en}” takes nothing new, because its end on {_day(ending.on).en} has been announced "
        f"({cite('TBA 26-5(1)').en}); talks that run go on until the day before.",
        Text(
            "当日まで周知を続け、終了したら遅滞なく様式第12または第12の3で届け出てください（LAW-18）。",
            "Keep the notice up until that day, then file form 12 or 12-3 without delay (LAW-18).",
        ),
    )


def _day(day: date) -> Text:
    return Text(f"{day.year}年{day.month}月{day.day}日", f"{day.day} {day:%B %Y}")


def _not_filed(rule: Rule) -> Reason:
    return Reason(
        Cause.environment,
        f"{_NOTIFICATION.ja}の届出がこのサーバーに設定されていないため「{rule.title_ja}」は停止しており、"
        f"開くには届出を済ませて {REGISTRATION} を設定する必要があります。",
        f"“{rule.title_en}” is off because no notification ({_NOTIFICATION.en}) is set on this server; to open it, "
        f"file the notification and set {REGISTRATION}.",
        Text(
            "住所地の総合通信局に届出の要否を確認して届け出てください。届出が到達したら、サーバーの担当者が "
            f"{REGISTRATION} と番号・日付・運営者を設定して再起動します。",
            "Ask the bureau for your address whether you must file, and file. Once the notification has arrived, "
            f"whoever runs the servers sets {REGISTRATION} with number, date and operator, and restarts.",
        ),
    )


def _incomplete(rule: Rule, problem: Problem) -> Reason:
    if problem.drift:
        return Reason(
            Cause.drift,
            f"サーバーのあいだで届出の設定が食い違うため「{rule.title_ja}」は停止しています：{problem.ja}",
            f"“{rule.title_en}” is off because the servers disagree about the filing: {problem.en}",
            Text(problem.ja, problem.en),
        )
    return Reason(
        Cause.environment_incomplete,
        f"{_NOTIFICATION.ja}の届出などの設定が整っていないため「{rule.title_ja}」は停止しています：{problem.ja}",
        f"“{rule.title_en}” is off because the settings about the filing ({_NOTIFICATION.en}) are not in order: "
        f"{problem.en}",
        Text(f"{problem.ja} 直したら再起動してください。", f"{problem.en} Then restart."),
    )


def _dating(rule: Rule) -> Reason:
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


def _no_age_check(rule: Rule) -> Reason:
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


def _unsettled(rule: Rule) -> Reason:
    return Reason(
        Cause.consult,
        f"「{rule.title_ja}」が媒介に当たるかは公式の見解を確認できていないため停止しており（{rule.article_ja}）、"
        "総合通信局の回答をもとに扱いが決まるまで開きません。",
        f"“{rule.title_en}” is off because no official view was found on whether it is mediation ({rule.article_en}); "
        "it stays off until the bureau's answer settles how to treat it.",
        Text("住所地の総合通信局に相談してください（LAW-02）。", "Ask the bureau for your address (LAW-02)."),
    )


def _ground(rule: Rule) -> Reason:
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


def _duty(item_id: str, rule: Rule) -> Reason:
    item = ITEM[item_id]
    return Reason(
        Cause.checklist,
        f"「{rule.title_ja}」は開いていますが、{item.id}（{item.ja}、{item.articles_ja}）は公開の部屋でも求められ、"
        "まだ署名がありません。",
        f"“{rule.title_en}” is open, but {item.id} ({item.en}; {item.articles_en}) concerns open rooms too and is not "
        "signed yet.",
        _signing(item),
    )


def _unsigned(rule: Rule, item_ids: tuple[str, ...], *, expired: bool, shut: bool) -> Reason:
    first, *others = (ITEM[item_id] for item_id in item_ids)
    rest = ", ".join(item.id for item in others)
    names_ja = f"{first.id}（{first.ja}、{first.articles_ja}）" + (f"ほか{len(others)}件（{rest}）" if others else "")
    names_en = f"{first.id} ({first.en}; {first.articles_en})" + (f" and {len(others)} more ({rest})" if others else "")
    lack = (
        Text(f"チェックリストの {names_ja}の署名が期限切れの", f"the signature on {names_en} has expired")
        if expired
        else Text(f"チェックリストの {names_ja}に有効な署名がない", f"no valid signature is on {names_en}")
    )
    remedy = Text("運営者が管理画面で署名する必要があります", "the operator signs in the admin")
    return Reason(Cause.checklist, *_effect(rule, lack, remedy, shut=shut), _signing(first))


def _contradicted(rule: Rule, verdict: str | None, status: Status, *, shut: bool) -> Reason:
    consult = verdict == Outcome.CONSULT
    subject_ja = (
        "LAW-01（該当性判定の記録）の結論が「要相談」の"
        if consult
        else f"LAW-01（該当性判定の記録）の結論 {verdict} が {REGISTRATION}={status} と合わない"
    )
    subject_en = (
        "the verdict in LAW-01 is to consult the bureau"
        if consult
        else f"the verdict in LAW-01 ({verdict}) does not support {REGISTRATION}={status}"
    )
    remedy = Text(
        "判定を記録し直すか、届出・登録の状況を改める必要があります",
        "the verdict is recorded anew or the standing corrected",
    )
    return Reason(
        Cause.consult if consult else Cause.checklist,
        *_effect(rule, Text(subject_ja, subject_en), remedy, shut=shut),
        Text(
            "総合通信局の回答や届出の状況を確かめ、LAW-01 の判定を記録し直してください。",
            "Check the bureau's answer and the filing, and record LAW-01's verdict anew.",
        ),
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


def _signing(item: Item) -> Text:
    return Text(
        f"管理画面で {item.id}（{item.ja}）に証拠を添えて署名してください。",
        f"Sign {item.id} ({item.en}) with its evidence in the admin.",
    )


# Said on every page of a closed service, so each of these is made once.
_duty_once: Final = cache(_duty)
_unsigned_once: Final = cache(_unsigned)
_contradicted_once: Final = cache(_contradicted)
_unfiled_once: Final = cache(_unfiled)
