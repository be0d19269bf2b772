"""The operator's checklist LAW-01 to LAW-25 as data, and which items stand between a deployment and closed chat. Pure.

How long a signature holds (`valid_days`) is this software's own habit; no statute sets it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

from compliance.classify import CONSEQUENCES, Outcome
from compliance.dating import AgeCheck
from compliance.dating import Outcome as DatingOutcome
from compliance.law import RULES, Feature, Required, Text, cite, cite_all
from compliance.standing import Standing, Status


class Group(StrEnum):
    """What an item is about, in the order in which the admin shows it."""

    filing = "filing"
    secrecy = "secrecy"
    publication = "publication"
    incidents = "incidents"
    changes = "changes"
    other = "other"

    @property
    def ja(self) -> str:
        return _GROUPS[self].ja

    @property
    def en(self) -> str:
        return _GROUPS[self].en


_GROUPS: Final[Mapping[Group, Text]] = MappingProxyType(
    {
        Group.filing: Text("判定と届出", "Assessment and filing"),
        Group.secrecy: Text("通信の秘密", "Secrecy of communications"),
        Group.publication: Text("公表と利用者への説明", "Publication and telling users"),
        Group.incidents: Text("漏えい・事故・当局への対応", "Leaks, accidents and authorities"),
        Group.changes: Text("変更・休廃止・規模", "Changes, closing and size"),
        Group.other: Text("関係する法律", "Neighbouring laws"),
    }
)


class Scope(StrEnum):
    """Whether an item concerns closed chat only or the open service as well."""

    CLOSED = "closed"
    BOTH = "both"

    @property
    def ja(self) -> str:
        return "クローズドのみ" if self is Scope.CLOSED else "共通"

    @property
    def en(self) -> str:
        return "closed chat" if self is Scope.CLOSED else "open and closed"


EvidenceKind = Literal["text", "long", "date", "choice", "url", "check"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that a choice field offers."""

    value: str
    ja: str
    en: str


@dataclass(frozen=True, slots=True)
class EvidenceField:
    """One thing that the operator records when signing an item."""

    key: str
    ja: str
    en: str
    kind: EvidenceKind = "text"
    required: bool = True
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One duty of the operator: what, why, by which articles, whether it blocks closed chat, what to record."""

    id: str
    ja: str
    en: str
    why_ja: str
    why_en: str
    articles: tuple[str, ...]
    group: Group
    scope: Scope
    blocks: bool
    evidence: tuple[EvidenceField, ...]
    valid_days: int | None = None

    @property
    def url(self) -> str:
        """The official text of the first article on e-Gov."""
        return cite(self.articles[0]).url

    @property
    def articles_ja(self) -> str:
        return cite_all(self.articles, "ja")

    @property
    def articles_en(self) -> str:
        return cite_all(self.articles, "en")

    def expires_at(self, signed_at: datetime) -> datetime | None:
        """When a signature given at `signed_at` ends, or None where it holds until it is withdrawn."""
        return None if self.valid_days is None else signed_at + timedelta(days=self.valid_days)


_YES: Final = Choice("yes", "はい", "Yes")
_NO: Final = Choice("no", "いいえ", "No")


def _outcome_choices() -> tuple[Choice, ...]:
    return tuple(Choice(outcome, consequence.ja, consequence.en) for outcome, consequence in CONSEQUENCES.items())


def _feature_checks() -> tuple[EvidenceField, ...]:
    return tuple(
        EvidenceField(
            feature,
            f"「{RULES[feature].title_ja}」は様式第4の届出内容に含まれる",
            f"“{RULES[feature].title_en}” is covered by form 4 as filed",
            "check",
            required=False,
        )
        for feature in Feature
        if RULES[feature].required is Required.NOTIFIED
    )


ITEMS: Final[tuple[Item, ...]] = (
    Item(
        id="LAW-01",
        ja="該当性判定の記録",
        en="Record the assessment",
        why_ja="届出が必要かどうかは、サービスの内容と機能の組み合わせで決まります。質問 N1〜N9 の答えと結論を残します。",
        why_en="Whether a filing is due follows from the service and its features. Record the answers N1 to N9 and the "
        "verdict.",
        articles=("TBA 2", "TBA 9", "TBA 16", "TBA 164"),
        group=Group.filing,
        scope=Scope.BOTH,
        blocks=True,
        valid_days=365,
        evidence=(
            EvidenceField("verdict", "判定の結論", "Verdict", "choice", choices=_outcome_choices()),
            EvidenceField("answers", "N1〜N9 の答えとその理由", "Answers N1 to N9 and why", "long"),
            EvidenceField("features", "対象とした機能の一覧", "Features assessed", "long"),
            EvidenceField(
                "operator_in_japan",
                "運営者は日本国内の法人・団体、または国内に住所のある個人か",
                "The operator is a company or body in Japan, or a person living in Japan",
                "choice",
                choices=(_YES, _NO),
            ),
            EvidenceField("paid", "有料の機能があるか", "There are paid features", "choice", choices=(_YES, _NO)),
            EvidenceField(
                "profiles",
                "性別や交際の希望を載せる公開プロフィールがある",
                "There are public profiles with gender or a wish to date",
                "check",
                required=False,
            ),
            EvidenceField(
                "scanning",
                "閉じた会話の内容を機械で処理する",
                "The content of closed chat is processed automatically",
                "check",
                required=False,
            ),
            EvidenceField("law_version", "参照した法令の時点", "Law version used"),
            EvidenceField("assessed_by", "判定した人の役割", "Role of the person who assessed"),
            EvidenceField("assessed_on", "判定した日", "Date", "date"),
        ),
    ),
    Item(
        id="LAW-02",
        ja="総合通信局への事前相談",
        en="Ask the bureau beforehand",
        why_ja="判定が「要相談」のとき、営利性がないと判断したとき、適用除外とするときは、"
        "住所地の総合通信局に確認した記録が要ります。",
        why_en="Where the verdict is to consult, not for gain or exempt, the answer of the bureau for your address must "
        "be on record.",
        articles=("TBA 16",),
        group=Group.filing,
        scope=Scope.CLOSED,
        blocks=True,
        evidence=(
            EvidenceField("bureau", "相談した総合通信局", "Bureau asked"),
            EvidenceField("asked_on", "相談した日", "Date asked", "date"),
            EvidenceField("way", "相談の方法（電話・メール・来庁など）", "Way (phone, e-mail, visit …)"),
            EvidenceField("question", "質問の内容", "Question", "long"),
            EvidenceField("answer", "回答の内容", "Answer", "long"),
            EvidenceField("file_hash", "記録ファイルの SHA-256", "SHA-256 of the record", required=False),
        ),
    ),
    Item(
        id="LAW-03",
        ja="電気通信事業の届出",
        en="File the notification",
        why_ja="届出は事業を始める前に行います。形式上の要件を満たした届出は、提出先に到達した時点で済んだことになるため、到達日の証拠を残します。"
        "登録を受けた事業者は、登録の通知を証拠とします。",
        why_en="The notification comes before the start. A complete one is done when it arrives, so keep proof of the "
        "arrival. A registered operator records the notice of registration instead.",
        articles=("TBA 16(1)", "REG 9", "REG 69(2)", "APA 37"),
        group=Group.filing,
        scope=Scope.CLOSED,
        blocks=True,
        evidence=(
            EvidenceField("sent_on", "提出した日", "Date sent", "date"),
            EvidenceField("route", "提出の方法（郵送・持参・電子申請）", "Route (post, by hand, electronic)"),
            EvidenceField("arrived_on", "到達した日", "Date of arrival", "date"),
            EvidenceField("arrival_proof", "到達の証拠（受付番号・配達記録など）", "Proof of arrival", "long"),
            EvidenceField(
                "copies", "様式第8・第3・第4と添付書類の控えの保管場所", "Where copies of forms 8, 3, 4 and papers are"
            ),
        ),
    ),
    Item(
        id="LAW-04",
        ja="届出番号の記録と表示",
        en="Enter and show the number",
        why_ja="通知された番号を設定し、公開ページに「届出」と表示します。届出について「登録」「許可」「認可」「認定」とは"
        "書きません。",
        why_en="Enter the number that was told and show it as a notification (届出), never as a registration, permit or "
        "approval.",
        articles=("REG 9(15)",),
        group=Group.filing,
        scope=Scope.CLOSED,
        blocks=True,
        evidence=(
            EvidenceField("number", "届出番号", "Number"),
            EvidenceField("told_on", "番号の通知を受けた日", "Date of the notice", "date"),
            EvidenceField("scan", "通知書の写しの保管場所", "Where the copy of the notice is"),
            EvidenceField("shown", "公開ページの表示を確かめた", "The public page shows it correctly", "check"),
        ),
    ),
    Item(
        id="LAW-05",
        ja="届出内容と機能の一致",
        en="Filed services match the features",
        why_ja="様式第4に書いた役務と、実際に提供する機能を一致させます。役務が変われば遅滞なく報告し、"
        "業務区域などの変更は事前に届け出ます。",
        why_en="The services on form 4 must match what is really offered. A change of services is reported without "
        "delay; the service area is notified before it changes.",
        articles=("REG 10", "TBA 16(3)", "TBA 16(4)"),
        group=Group.filing,
        scope=Scope.CLOSED,
        blocks=True,
        valid_days=365,
        evidence=(
            *_feature_checks(),
            EvidenceField("map", "機能と様式第4の項目の対応", "Map of features to items on form 4", "long"),
            EvidenceField("area", "業務区域", "Service area"),
            EvidenceField("release", "確かめたリリース", "Release checked"),
        ),
    ),
    Item(
        id="LAW-06",
        ja="通信の秘密の取扱規程",
        en="Secrecy rules and roles",
        why_ja="通信の内容だけでなく、日時・相手・回数なども通信の秘密に含まれると解されています。"
        "誰が何に触れてよいかを定めます。",
        why_en="Secrecy is understood to cover not only content but dates, parties and counts. Lay down who may touch "
        "what.",
        articles=("TBA 4", "TBA 29(1)(i)"),
        group=Group.secrecy,
        scope=Scope.BOTH,
        blocks=True,
        valid_days=365,
        evidence=(
            EvidenceField("version", "規程の版", "Version of the rules"),
            EvidenceField("roles", "アクセスできる役割", "Roles with access", "long"),
            EvidenceField("approved_by", "承認した人の役割", "Role of the approver"),
            EvidenceField("approved_on", "承認した日", "Date approved", "date"),
        ),
    ),
    Item(
        id="LAW-07",
        ja="従事者の守秘誓約",
        en="Staff promise secrecy, also after leaving",
        why_ja="電気通信事業に従事する人は、退職した後も、通信について知った他人の秘密を守らなければなりません。",
        why_en="Everyone engaged in the business keeps others' secrets learnt from communications, also after leaving.",
        articles=("TBA 4(2)", "TBA 179(2)"),
        group=Group.secrecy,
        scope=Scope.BOTH,
        blocks=True,
        valid_days=365,
        evidence=(
            EvidenceField("signed_list", "誓約した人の一覧の保管場所", "Where the list of promises is"),
            EvidenceField("last_signed_on", "最後に誓約を受けた日", "Date of the latest promise", "date"),
            EvidenceField("leavers", "退職者の扱い", "How leavers are handled", "long"),
        ),
    ),
    Item(
        id="LAW-08",
        ja="閲覧の事由別手順と監査",
        en="Break-glass by ground, audited",
        why_ja="閉じた会話を見てよいのは、令状・緊急避難・当事者の同意などの事由がある場合に限ります。"
        "必要最小限にとどめ、二人で確認し、改ざんできない記録を残します。",
        why_en="A closed talk may be opened only on a ground such as a warrant, necessity or the parties' consent: as "
        "little as needed, with a second person, in a log that cannot be edited.",
        articles=("TBA 4", "PC 35", "PC 36", "PC 37"),
        group=Group.secrecy,
        scope=Scope.CLOSED,
        blocks=True,
        valid_days=365,
        evidence=(
            EvidenceField("procedure", "手順書の版", "Version of the procedure"),
            EvidenceField("grounds", "認める事由と範囲", "Grounds and scope allowed", "long"),
            EvidenceField("second_person", "二人目の確認者の役割", "Role of the second person"),
            EvidenceField("audit", "記録を点検する頻度と担当の役割", "Who audits the log, and how often"),
        ),
    ),
    Item(
        id="LAW-09",
        ja="当事者通報の手順",
        en="Reports by a participant",
        why_ja="当事者が自分の会話を添えて通報した場合は、送られた部分だけを、その件のためだけに読みます。"
        "一方の同意だけで足りるかは確認できていないため、総合通信局への確認をお勧めします。",
        why_en="When a participant sends a part of their own talk, read only that part and only for that case. Whether "
        "one side's consent is enough is not confirmed; asking the bureau is advised.",
        articles=("TBA 4(1)",),
        group=Group.secrecy,
        scope=Scope.CLOSED,
        blocks=True,
        valid_days=365,
        evidence=(
            EvidenceField("procedure", "手順書の版", "Version of the procedure"),
            EvidenceField("consent_text", "通報時の同意文の版", "Version of the consent text"),
            EvidenceField("purpose", "利用目的", "Purpose"),
            EvidenceField("deletion", "削除までの期間", "When the excerpt is deleted"),
        ),
    ),
    Item(
        id="LAW-10",
        ja="個別具体的かつ明確な同意",
        en="Separate consent for any processing of content",
        why_ja="閉じた会話の内容を機械で処理するには、約款への同意とは別に、個別具体的で明確な同意を得るのが原則です。"
        "約款による同意が認められる条件は確認できていません。",
        why_en="To process the content of a closed talk, individual, concrete and clear consent apart from the terms is "
        "the rule. When consent in the terms counts is not confirmed.",
        articles=("TBA 4(1)",),
        group=Group.secrecy,
        scope=Scope.CLOSED,
        blocks=True,
        valid_days=365,
        evidence=(
            EvidenceField("text_version", "同意文の版", "Version of the text"),
            EvidenceField(
                "record", "利用者ごとの同意日時の記録方法", "How each user's time of consent is kept", "long"
            ),
            EvidenceField("withdrawal", "撤回の方法", "How consent is withdrawn", "long"),
        ),
    ),
    Item(
        id="LAW-11",
        ja="外部送信の公表",
        en="Publish external transmissions",
        why_ja="利用者の端末から第三者へ情報を送らせる場合は、送る情報・送信先の名称・利用目的を、"
        "日本語の平易な言葉であらかじめ示します。",
        why_en="Before a page makes the user's device send information to others, show what is sent, to whom and why, in "
        "plain Japanese.",
        articles=("TBA 27-12", "REG 22-2-27", "REG 22-2-28", "REG 22-2-29", "REG 22-2-30", "REG 22-2-31"),
        group=Group.publication,
        scope=Scope.BOTH,
        blocks=True,
        valid_days=180,
        evidence=(
            EvidenceField(
                "transmissions",
                "外部送信の一覧（情報・送信先・目的。なければ「なし」）",
                "List (information, receiver, purpose; “none” if there is none)",
                "long",
            ),
            EvidenceField("page", "公表ページ", "Public page", "url"),
            EvidenceField("list_version", "コードにある一覧の版", "Version of the list in the code", required=False),
            EvidenceField("checked_on", "実際の通信と照合した日", "Date checked against real requests", "date"),
        ),
    ),
    Item(
        id="LAW-12",
        ja="通信履歴の保存期間と自動消去",
        en="Retention table and automatic deletion",
        why_ja="通信履歴は業務に必要な範囲で記録し、期間を定め、過ぎたら消去します。"
        "期間についての解説は改正の動きがあり、最新の内容を確かめてください。",
        why_en="Keep communication history only as the business needs, for a set period, then delete it. The commentary "
        "on that period was being changed: check what it says now.",
        articles=("APPI 22", "GUIDE 38"),
        group=Group.secrecy,
        scope=Scope.BOTH,
        blocks=True,
        valid_days=365,
        evidence=(
            EvidenceField("table", "保存期間の表", "Retention table", "long"),
            EvidenceField("table_version", "コードにある表の版", "Version of the table in the code", required=False),
            EvidenceField("last_run_on", "自動消去の動作を確かめた日", "Date deletion was seen to work", "date"),
            EvidenceField("holds", "法的保全で止めている範囲", "Legal holds", "long", required=False),
        ),
    ),
    Item(
        id="LAW-13",
        ja="令状・保全要請への対応",
        en="Warrants and freeze requests",
        why_ja="令状には命じられた範囲だけ応じます。保全要請を受けたら、指定された通信履歴を消さずに保ちます。"
        "利用者への自動通知はしません（通知を禁じられることがあります）。",
        why_en="Obey a warrant in its scope only; on a freeze request keep the named history. Do not notify the user "
        "automatically: an order may forbid it.",
        articles=("CCP 102-2", "CCP 197(3)", "CCP 218"),
        group=Group.incidents,
        scope=Scope.BOTH,
        blocks=False,
        evidence=(
            EvidenceField("procedure", "手順書の版", "Version of the procedure"),
            EvidenceField("desk", "受付の担当（役割）", "Role that receives papers"),
            EvidenceField("register", "書面・官署・対象・日付の記録簿の場所", "Where papers are registered"),
        ),
    ),
    Item(
        id="LAW-14",
        ja="通信の秘密の漏えい報告",
        en="Plan for reporting a leak of secrecy",
        why_ja="通信の秘密が漏れたら、一件でも、知った後速やかに総合通信局へ連絡し、30日以内に詳しく報告します。",
        why_en="A leak of communications secrecy of any size is reported promptly to the bureau, and in detail within "
        "30 days of learning of it.",
        articles=("TBA 28(1)(ii)", "REG 57"),
        group=Group.incidents,
        scope=Scope.CLOSED,
        blocks=True,
        valid_days=365,
        evidence=(
            EvidenceField("contact", "総合通信局の連絡先", "Contact at the bureau"),
            EvidenceField("template", "報告書（様式第50の2）のひな型の場所", "Where the draft of form 50-2 is"),
            EvidenceField("drill_on", "訓練した日", "Date of the drill", "date"),
        ),
    ),
    Item(
        id="LAW-15",
        ja="個人データの漏えい報告",
        en="Plan for reporting a data leak",
        why_ja="一定の個人データの漏えいは、まず速やかに、さらに30日（不正な目的によるおそれがあるものは60日）以内に詳しく報告し、"
        "本人にも通知します。",
        why_en="Certain leaks of personal data are reported promptly and within 30 days (60 where an attack may be "
        "behind it), and the people are told.",
        articles=("APPI 26", "APPR 7", "APPR 8", "APPR 10"),
        group=Group.incidents,
        scope=Scope.BOTH,
        blocks=False,
        evidence=(
            EvidenceField("contact", "報告先の連絡先", "Contact for reports"),
            EvidenceField("template", "報告書のひな型の場所", "Where the draft is"),
        ),
    ),
    Item(
        id="LAW-16",
        ja="事故の記録と年次報告",
        en="Outage log and yearly report",
        why_ja="2時間以上または3万人以上に影響した事故は、年度末から2か月以内（5月31日まで）に報告します。"
        "重大な事故は速やかに、詳細は30日以内です。軽微として除かれる範囲は告示を確かめてください。",
        why_en="Outages of 2 hours or more, or hitting 30,000 users or more, are reported within two months of the "
        "fiscal year's end (by 31 May); serious ones promptly and in 30 days. Check the public notice for what is "
        "left out as minor.",
        articles=("REP 7-3", "TBA 28(1)(ii)", "REG 58"),
        group=Group.incidents,
        scope=Scope.CLOSED,
        blocks=False,
        valid_days=365,
        evidence=(
            EvidenceField("log", "事故記録の場所（開始・終了・影響人数・原因）", "Where outages are logged"),
            EvidenceField(
                "last_report_on", "前回の年次報告日", "Date of the last yearly report", "date", required=False
            ),
        ),
    ),
    Item(
        id="LAW-17",
        ja="変更届の期限管理",
        en="Change notices in time",
        why_ja="氏名・住所・代表者・電話・メールの変更は遅滞なく、業務区域などの変更は事前に届け出ます。",
        why_en="Changes of name, address, representative, phone or e-mail are notified without delay; the service area "
        "before it changes.",
        articles=("TBA 16(3)", "TBA 16(4)", "REG 9", "REG 10"),
        group=Group.changes,
        scope=Scope.CLOSED,
        blocks=False,
        evidence=(
            EvidenceField("owner", "担当の役割", "Role in charge"),
            EvidenceField(
                "last_change", "直近の変更・様式・提出日", "Latest change, form, date", "long", required=False
            ),
        ),
    ),
    Item(
        id="LAW-18",
        ja="休廃止の周知と届出",
        en="30-day notice and closing",
        why_ja="休止や廃止は、休廃止日の前日から起算して30日前までに利用者へ7項目を周知し、休廃止後は遅滞なく届け出ます。"
        "開く条件ではなく、閉じるときの条件です。",
        why_en="Before suspending or closing, tell users seven things at least 30 days ahead (counted back from the day "
        "before), then notify without delay. It does not block opening; it binds closing.",
        articles=("TBA 18", "TBA 26-5(1)", "REG 12", "REG 22-2-11"),
        group=Group.changes,
        scope=Scope.CLOSED,
        blocks=False,
        evidence=(
            EvidenceField("notice", "周知文（7項目）", "Notice with the seven items", "long"),
            EvidenceField("channels", "周知の方法と届く範囲", "Channels and reach", "long"),
            EvidenceField("announced_on", "周知した日", "Date announced", "date"),
            EvidenceField("closing_on", "休廃止日", "Date of closing", "date"),
            EvidenceField("form_sent_on", "様式第12などを提出した日", "Date form 12 was sent", "date", required=False),
        ),
    ),
    Item(
        id="LAW-19",
        ja="利用停止基準の公表",
        en="Published ban rules",
        why_ja="不当な差別的取扱いを避けるため、利用停止の基準と異議申立ての方法を公表します。",
        why_en="To avoid unjust discrimination, publish when users are banned and how they may appeal.",
        articles=("TBA 6",),
        group=Group.publication,
        scope=Scope.BOTH,
        blocks=False,
        evidence=(
            EvidenceField("rules", "基準の版", "Version of the rules"),
            EvidenceField("page", "公表ページ", "Public page", "url"),
            EvidenceField("appeal", "異議申立ての方法（公開ページに表示）", "Appeal route (shown in public)"),
        ),
    ),
    Item(
        id="LAW-20",
        ja="インターネット異性紹介事業の該当性判定",
        en="Dating-business test, notice and age check",
        why_ja="交際の希望を誰でも見られる形で載せ、一対一の連絡につなげると、この事業に当たる可能性があります。"
        "始める日の前日までに公安委員会へ届け出て、18歳以上であることを法定の方法で確認します。",
        why_en="Showing wishes to date in public and leading to one-to-one contact may be this business. Notify the "
        "Public Safety Commission by the day before the start and check 18+ by the methods in the rule.",
        articles=("DSA 2(ii)", "DSA 7(1)", "DSA 10", "DSA 11", "DSR 5(1)"),
        group=Group.other,
        scope=Scope.CLOSED,
        blocks=True,
        valid_days=365,
        evidence=(
            EvidenceField(
                "outcome",
                "判定の結論",
                "Verdict",
                "choice",
                choices=tuple(Choice(outcome, outcome.ja, outcome.en) for outcome in DatingOutcome),
            ),
            EvidenceField("test", "該当性の4要件についての答え", "Answers to the four conditions", "long"),
            EvidenceField("number", "公安委員会から通知された番号", "Notification number", required=False),
            EvidenceField(
                "age_check",
                "年齢確認の方法",
                "Method of age check",
                "choice",
                choices=tuple(Choice(method, method.ja, method.en) for method in AgeCheck),
            ),
            EvidenceField("refusals", "利用を断った場合の記録方法", "How refusals are recorded"),
        ),
    ),
    Item(
        id="LAW-21",
        ja="削除申出・開示請求の窓口",
        en="Removal and disclosure desk",
        why_ja="公開の部屋の投稿について削除の申出や開示の請求を受け、投稿者への照会（7日）や意見聴取を行う窓口を置きます。",
        why_en="Have a desk for removal and disclosure requests about open rooms, which asks the poster (7 days) or "
        "hears them first.",
        articles=("IPA 3", "IPA 6"),
        group=Group.publication,
        scope=Scope.BOTH,
        blocks=False,
        evidence=(
            EvidenceField("page", "窓口のページ", "Page of the desk", "url"),
            EvidenceField(
                "desk", "窓口の連絡先（公開ページに表示）", "Contact of the desk (shown in public)", required=False
            ),
            EvidenceField("procedure", "手順書の版", "Version of the procedure"),
        ),
    ),
    Item(
        id="LAW-22",
        ja="個人情報についての公表事項",
        en="Privacy policy facts",
        why_ja="利用目的、安全管理、委託先、外国の第三者、問い合わせ先などを公表します。",
        why_en="Publish purposes, security, processors, third parties abroad and the contact.",
        articles=("APPI 21", "APPI 23", "APPI 24", "APPI 25", "APPI 28", "APPI 32"),
        group=Group.publication,
        scope=Scope.BOTH,
        blocks=True,
        valid_days=365,
        evidence=(
            EvidenceField("version", "プライバシーポリシーの版", "Version of the policy"),
            EvidenceField("page", "公表ページ", "Public page", "url"),
            EvidenceField("processors", "委託先（公開ページに表示）", "Processors (shown in public)", "long"),
            EvidenceField("countries", "データを扱う国（公開ページに表示）", "Countries (shown in public)"),
            EvidenceField(
                "security",
                "安全管理の内容（公開ページに表示）",
                "Security measures (shown in public)",
                "long",
                required=False,
            ),
            EvidenceField(
                "requests",
                "開示・訂正・利用停止などの請求の方法（公開ページに表示）",
                "How to ask for disclosure, correction or erasure (shown in public)",
                "long",
                required=False,
            ),
        ),
    ),
    Item(
        id="LAW-23",
        ja="規模のしきい値の監視",
        en="Watch size thresholds",
        why_ja="利用者数によって、定期報告・設備の規律・特定利用者情報の規律などが加わります。",
        why_en="With size come periodic reports, equipment rules, and rules on specific user information.",
        articles=("REP 2", "REG 22-2-20", "REG 27-2-2", "REG 59-3", "IPR 9"),
        group=Group.changes,
        scope=Scope.BOTH,
        blocks=False,
        evidence=(
            EvidenceField("monthly_users", "直近の月間利用者数", "Latest monthly users"),
            EvidenceField("watch", "しきい値（80万・100万・450万・900万）の監視方法", "How thresholds are watched"),
        ),
    ),
    Item(
        id="LAW-24",
        ja="国内代表者・国内代理人",
        en="Domestic representative",
        why_ja="外国の法人・団体や、外国に住所のある個人は、国内の代表者か代理人を定めて届け出ます。",
        why_en="A foreign company or body, or a person living abroad, names a representative or agent in Japan in the "
        "notification.",
        articles=("TBA 16(1)(ii)", "REG 9(1)", "REG 9-2"),
        group=Group.filing,
        scope=Scope.CLOSED,
        blocks=True,
        evidence=(
            EvidenceField("name", "国内代表者等の氏名または名称", "Name"),
            EvidenceField("address", "国内の住所", "Address in Japan"),
            EvidenceField("authority", "権限の証明（様式第2の2）の保管場所", "Where form 2-2 (authority) is"),
        ),
    ),
    Item(
        id="LAW-25",
        ja="有料機能の表示",
        en="Paid-feature statements",
        why_ja="有料の機能をインターネットで販売するなら、特定商取引法の表示と最終確認画面が必要です。"
        "前払いのポイントには資金決済法も関わります。",
        why_en="Selling paid features online takes the statements and the final screen of the commercial transactions "
        "act; prepaid points may fall under the payment services act.",
        articles=("SCT 11", "SCT 12-6", "PSA 3", "PSA 7", "PSA 14"),
        group=Group.other,
        scope=Scope.BOTH,
        blocks=False,
        evidence=(
            EvidenceField("page", "表示のページ", "Page", "url"),
            EvidenceField("version", "表示の版", "Version"),
        ),
    ),
)

ITEM: Final[Mapping[str, Item]] = MappingProxyType({item.id: item for item in ITEMS})
"""Each item by its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts about the deployment that decide which items apply. None means unknown, and then an item applies."""

    closed_features_on: frozenset[Feature] | None = None
    """The closed features that the deployment offers; the empty set means that it is open only."""
    operator_in_japan: bool | None = None
    profiles: bool = False
    """Public profiles with gender or a wish to date."""
    scanning: bool = False
    """Any automatic processing of the content of closed chat."""
    paid: bool | None = None
    verdict: str | None = None
    """The `Outcome` recorded with LAW-01."""
    filed_features: frozenset[Feature] | None = None
    """The closed features that form 4 covers by LAW-05's evidence; None where the evidence names none."""
    age_checked: bool | None = None
    """Whether LAW-20 names a method by which users are checked to be 18; None where it is not signed."""

    @classmethod
    def from_evidence(
        cls,
        assessment: Mapping[str, object],
        filed: Mapping[str, object] | None = None,
        dating: Mapping[str, object] | None = None,
    ) -> "Facts":
        """Read the facts that the operator recorded with LAW-01 and, where given, with LAW-05 and LAW-20.

        LAW-05's signature alone says that all is filed; once it names features, the others count as not filed.
        """
        named = frozenset(feature for feature in Feature if (filed or {}).get(feature) is True)
        verdict = assessment.get("verdict")
        return cls(
            operator_in_japan=_yes_or_no(assessment.get("operator_in_japan")),
            profiles=assessment.get("profiles") is True,
            scanning=assessment.get("scanning") is True,
            paid=_yes_or_no(assessment.get("paid")),
            verdict=verdict if isinstance(verdict, str) and verdict else None,
            filed_features=named or None,
            age_checked=None if dating is None else dating.get("age_check") not in {None, "", AgeCheck.NONE},
        )

    def unfiled(self, offered: Iterable[Feature]) -> tuple[Feature, ...]:
        """Return the features among those offered that need a notification and are not on form 4 as recorded."""
        if self.filed_features is None:
            return ()
        return tuple(
            feature
            for feature in offered
            if RULES[feature].required is Required.NOTIFIED and feature not in self.filed_features
        )


def _yes_or_no(answer: object) -> bool | None:
    return {"yes": True, "no": False}.get(answer) if isinstance(answer, str) else None


_SETTLED: Final = frozenset(
    {
        Outcome.NOTIFY,
        Outcome.REGISTER,
        Outcome.THIRD_ITEM,
        Outcome.OUT_NO_SERVICE,
        Outcome.OUT_OWN_DEMAND,
        Outcome.OUT_NOT_BUSINESS,
    }
)
"""Verdicts after which the bureau need not be asked; any other, and not knowing, calls for LAW-02."""

_OUTSIDE: Final = frozenset(
    {
        Outcome.OUT_NO_SERVICE,
        Outcome.OUT_OWN_DEMAND,
        Outcome.OUT_NOT_BUSINESS,
        Outcome.OUT_NOT_FOR_GAIN,
        Outcome.EXEMPT_ITEM1,
        Outcome.EXEMPT_ITEM2,
    }
)
_SUPPORTED_BY: Final[Mapping[Status, frozenset[Outcome]]] = MappingProxyType(
    {
        Status.filed: _OUTSIDE | {Outcome.NOTIFY},
        Status.notified: _OUTSIDE | {Outcome.NOTIFY},
        Status.registered: _OUTSIDE | {Outcome.NOTIFY, Outcome.REGISTER},
        Status.exempt: _OUTSIDE,
    }
)
"""The verdicts under which each status may carry closed chat. CONSULT never does; THIRD_ITEM says there is none."""


def verdict_fits(standing: Standing, facts: Facts) -> bool:
    """Whether the verdict recorded with LAW-01 supports closed chat under this standing.

    One that is not recorded does not speak against it: LAW-01 is then unsigned, or its evidence says it elsewhere.
    Nor does any while nothing is filed: the assessment comes before the filing.
    """
    if facts.verdict is None or standing.status is Status.none:
        return True
    return facts.verdict in _SUPPORTED_BY[standing.status]


@dataclass(frozen=True, slots=True)
class Condition:
    """When an item applies that does not always do."""

    ja: str
    en: str
    holds: Callable[[Standing, Facts], bool]


CONDITIONS: Final[Mapping[str, Condition]] = MappingProxyType(
    {
        "LAW-02": Condition(
            "判定が「要相談」・営利でない・適用除外のとき、判定が未記録のとき、または届出を要しないとするとき",
            "the verdict is to consult, not for gain or exempt, or is not recorded, or the status is exempt",
            lambda standing, facts: standing.status is Status.exempt or facts.verdict not in _SETTLED,
        ),
        "LAW-03": Condition(
            "届出を要しないとする場合を除く",
            "unless the status is exempt",
            lambda standing, _: standing.status is not Status.exempt,
        ),
        "LAW-04": Condition(
            "番号の通知を待つ間と、届出を要しないとする場合を除く",
            "unless the number is pending or the status is exempt",
            lambda standing, _: standing.status not in {Status.exempt, Status.filed},
        ),
        "LAW-05": Condition(
            "届出を要しないとする場合を除く",
            "unless the status is exempt",
            lambda standing, _: standing.status is not Status.exempt,
        ),
        "LAW-10": Condition(
            "内容を機械で処理するとき", "content is processed automatically", lambda _, facts: facts.scanning
        ),
        "LAW-20": Condition(
            "性別や交際の希望を載せる公開プロフィールがあるとき",
            "there are public profiles with gender or a wish to date",
            lambda _, facts: facts.profiles,
        ),
        "LAW-24": Condition(
            "運営者が国内にいると確認できないとき",
            "the operator is abroad, or that is not known",
            lambda _, facts: facts.operator_in_japan is not True,
        ),
        "LAW-25": Condition(
            "有料の機能があるとき、または不明のとき",
            "there are paid features, or that is not known",
            lambda _, facts: facts.paid is not False,
        ),
    }
)
"""The items that apply only on a condition."""

IF_CLOSED: Final = Condition(
    "クローズド・チャットを提供するとき",
    "closed chat is offered",
    lambda standing, facts: not open_only(standing, facts),
)
"""When the items on closed chat apply, besides their own condition."""


def open_only(standing: Standing, facts: Facts) -> bool:
    """Whether the deployment runs open rooms and nothing else.

    So it is where no closed feature is offered, or where nothing is filed and the verdict on record is that of a
    third-item business, which mediates nothing. A deployment that has not been assessed is not taken to be one.
    """
    if facts.closed_features_on is not None:
        return not facts.closed_features_on
    return standing.status is Status.none and facts.verdict == Outcome.THIRD_ITEM


def applies(item: Item, standing: Standing, facts: Facts) -> bool:
    """Whether the item concerns this deployment as it is. What is not known counts as if it did."""
    if item.scope is Scope.CLOSED and open_only(standing, facts):
        return False
    return _condition_holds(item, standing, facts)


def blocking(standing: Standing, facts: Facts) -> tuple[Item, ...]:
    """The items without which closed chat may not open. Whoever asks wants closed chat, so its items always count."""
    return tuple(item for item in ITEMS if item.blocks and _condition_holds(item, standing, facts))


def _condition_holds(item: Item, standing: Standing, facts: Facts) -> bool:
    condition = CONDITIONS.get(item.id)
    return condition is None or condition.holds(standing, facts)


OPEN_DUTIES: Final = ("LAW-06", "LAW-07", "LAW-11", "LAW-12", "LAW-22")
"""The five duties that bind a service of open rooms from its first day, signed or not."""


@dataclass(frozen=True, slots=True)
class SignatureFact:
    """That an item was signed, and until when it holds. Both times carry a time zone."""

    item_id: str
    signed_at: datetime
    expires_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether the signature counts at `now`; one from the future does not."""
        return self.signed_at <= now and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class Checklist:
    """The signatures that were not withdrawn, and the facts that say which items apply."""

    signatures: Mapping[str, SignatureFact]
    facts: Facts = Facts()

    def signed(self, item: Item, now: datetime) -> bool:
        """Whether the item carries a signature that holds at `now`."""
        signature = self.signatures.get(item.id)
        return signature is not None and signature.item_id == item.id and signature.holds(now)

    def open_items(self, standing: Standing, now: datetime) -> tuple[Item, ...]:
        """Return the items that keep closed chat shut: blocking, applying and not signed.

        LAW-01 counts as open, too, while its verdict does not support the standing.
        """
        return tuple(
            item
            for item in blocking(standing, self.facts)
            if not self.signed(item, now) or (item.id == "LAW-01" and not verdict_fits(standing, self.facts))
        )
