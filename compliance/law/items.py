"""The operator's checklist LAW-01 to LAW-25: each item with its reason, articles and evidence. A data table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

from compliance.law.citations import cite, cite_all
from compliance.law.dating import AgeCheck
from compliance.law.dating import Outcome as DatingOutcome
from compliance.law.procedure import CONSEQUENCES
from compliance.law.rules import RULES, Feature, Required
from compliance.law.text import Text


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
                "local_government",
                "運営者は地方公共団体か",
                "The operator is a local government",
                "choice",
                required=False,
                choices=(_YES, _NO),
            ),
            EvidenceField(
                "profiles",
                "性別や交際の希望を載せる公開プロフィールがある",
                "There are public profiles with gender or a wish to date",
                "check",
                required=False,
            ),
            EvidenceField(
                "scanning",
                "クローズド・チャットの内容を機械で処理する",
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
        why_ja="判定が「要相談」のとき、届出を要しないと判断したとき（事業に当たらない、営利でない、適用除外など）は、"
        "主たる事務所の所在地（個人は住所）を管轄する総合通信局に確認した記録を残します。",
        why_en="Where the verdict is to consult, or where no filing is taken to be due (no business, not for gain, "
        "exempt …), keep the answer of the bureau for your main office (for a person: your address) on record.",
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
        "登録を受けた事業者は、登録の通知を証拠とします。地方公共団体が営利を目的とせずに行うときは、165条の届出です。",
        why_en="The notification comes before the start. A complete one is done when it arrives, so keep proof of the "
        "arrival. A registered operator records the notice of registration instead. A local government that seeks no "
        "gain notifies under Article 165.",
        articles=("TBA 16(1)", "REG 9", "REG 69(2)", "APA 37", "TBA 11(2)", "TBA 165(1)", "REG 60", "REG 60-2"),
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
        "書きません。登録を受けた事業者は、登録番号を「登録」と表示します。",
        why_en="Enter the number that was told and show it as a notification (届出), never as a registration, permit or "
        "approval. A registered operator shows the number of the registration (登録).",
        articles=("REG 9(15)", "TBA 11(1)(ii)"),
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
        why_ja="様式第4に書いた役務と、実際に提供する機能を一致させます。役務が変われば遅滞なく報告します。"
        "業務区域などを変えるときは、届け出た事業者は事前に届け出て、登録を受けた事業者は事前に変更登録を受けます。",
        why_en="The services on form 4 must match what is really offered. A change of services is reported without "
        "delay. Before the service area changes, a notified operator notifies it, and a registered one has the change "
        "registered.",
        articles=("REG 10", "TBA 16(3)", "TBA 16(4)", "TBA 13(1)"),
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
        why_ja="電気通信事業に従事する人は、退職した後も、通信について知った他人の秘密を守らなければなりません（4条2項）。"
        "誓約を書面で受け、一覧を残すことは、条文の定めではなく、このソフトウェアが勧める運用です。",
        why_en="Everyone engaged in the business keeps others' secrets learnt from communications, also after leaving "
        "(Article 4(2)). Taking the promise in writing and keeping a list is this software's practice, not the "
        "article's.",
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
        why_ja="クローズド・チャットを見ることは、令状・緊急避難・当事者の同意などの事由がなければ、通信の秘密の侵害に当たると"
        "考えられます。必要最小限にとどめ、二人で確認し、追記だけを許し書き換えると検出できる記録台帳に残すことは、"
        "条文の定めではなく、このソフトウェアの運用です。",
        why_en="Looking into a closed talk without a ground such as a warrant, necessity or the parties' consent is taken "
        "to breach the secrecy of communications. To look at as little as needed, with a second person, and to record "
        "it in a ledger that is only added to and in which a change can be detected, is this software's practice, not "
        "the article's.",
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
        why_ja="クローズド・チャットの内容を機械で処理するには、約款への同意とは別に、個別具体的で明確な同意を得るのが原則です。"
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
        ja="令状・照会・保全要請への対応",
        en="Warrants, enquiries and freeze requests",
        why_ja="令状や電磁的記録提供命令には、命じられた範囲で応じます。捜査関係事項照会（刑事訴訟法197条2項）と弁護士会照会"
        "（弁護士法23条の2）は令状ではないため、通信の秘密に当たるもの（会話の内容、当事者、日時、会話の有無など）は答えません。"
        "それ以外の会員の情報を答えるかは、個人情報保護法27条1項に照らして件ごとに決め、理由を残します。保全要請を受けたら、"
        "特定された通信履歴（会話の本文ではありません）を30日以内、延長の求めがあれば通じて60日まで消さずに保ちます。"
        "利用者への自動通知はしません（漏らさないよう求められたり、命じられたりすることがあります）。"
        "照会に答えない範囲は、ガイドラインと実務の説明によります。",
        why_en="Obey a warrant or an order to produce electronic records, in its scope. A police letter of enquiry (Code of "
        "Criminal Procedure 197(2)) and a bar association's enquiry (Attorneys Act 23-2) are no warrants: on them, give "
        "nothing that is the secrecy of communications (words, parties, times, whether a talk took place). Whether to "
        "give other account data is decided case by case under APPI 27(1), with the reason on record. On a freeze "
        "request keep the communication history it names (not the words) for up to 30 days, and 60 in all if an "
        "extension is asked for. Do not notify the user automatically: you may be asked or ordered to keep it secret. "
        "What is withheld on a letter follows the guideline and practice as described by secondary sources.",
        articles=(
            "CCP 102-2",
            "CCP 197(2)",
            "CCP 197(3)",
            "CCP 197(4)",
            "CCP 197(5)",
            "CCP 218",
            "CCP 222-2",
            "ATT 23-2",
            "APPI 27(1)",
            "TBA 4",
        ),
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
        why_ja="一定の個人データの漏えいは、まず速やかに（個人情報保護委員会のガイドラインの目安は、知った時から概ね3〜5日以内と"
        "されています。二次資料による）、さらに30日（不正な目的によるおそれがあるものは60日）以内に詳しく報告し、本人にも通知します。"
        "知った日を1日目と数えるかは確認できていないため、数えるものとして動きます。",
        why_en="Certain leaks of personal data are reported promptly (the commission's guideline is said to take that as "
        "about 3 to 5 days from learning of it; secondary sources) and within 30 days (60 where an attack may be behind "
        "it), and the people are told. Whether the day of learning is itself counted has not been confirmed: act as if "
        "it were.",
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
        why_ja="届け出た事業者は、氏名・住所・代表者・電話・メールの変更を遅滞なく、業務区域などの変更を事前に届け出ます。"
        "登録を受けた事業者は、業務区域や設備の概要を変える前に変更登録を受け、氏名などと役員の変更は遅滞なく届け出・報告します。",
        why_en="A notified operator notifies changes of name, address, representative, phone or e-mail without delay, and "
        "the service area before it changes. A registered operator has a change of the service area or of the outline "
        "of its equipment registered before it is made, and notifies its name and the like and reports its officers "
        "without delay.",
        articles=(
            "TBA 16(3)",
            "TBA 16(4)",
            "REG 9",
            "REG 10",
            "TBA 13(1)",
            "TBA 13(5)",
            "REG 5",
            "REG 7",
            "REG 8",
        ),
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
        "法人が合併以外の理由で解散したときは、清算人などが遅滞なく届け出ます。開く条件ではなく、閉じるときの条件です。",
        why_en="Before suspending or closing, tell users seven things at least 30 days ahead (counted back from the day "
        "before), then notify without delay. When a company dissolves other than by merger, its liquidator notifies "
        "without delay. It does not block opening; it binds closing.",
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
        why_ja="電気通信役務の提供について、不当な差別的取扱いはできません（6条）。利用停止の基準と異議申立ての方法を公表することは、"
        "条文の定めではなく、そのためのこのソフトウェアの運用です。利用規約には消費者契約法も及び、責任を全部免れる条項などは"
        "無効とされます（8条〜10条）。",
        why_en="The service may not be refused or limited by unjust discrimination (Article 6). Publishing when users are "
        "banned and how they may appeal is this software's practice to that end, not the article's. The Consumer "
        "Contract Act reaches the terms as well: clauses that exclude all liability, for example, are void (Articles 8 "
        "to 10).",
        articles=("TBA 6", "CCA 8", "CCA 9", "CCA 10"),
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
        "始める日の前日までに公安委員会へ届け出て、18歳以上であることを法定の方法で確認します。未成年者など、行ってはならない人が"
        "定められています（8条）。児童を誘う書き込みを知ったら、速やかに見られないようにします（12条）。届出をせずに行うことや"
        "命令への違反には罰則があります（31条〜35条）。",
        why_en="Showing wishes to date in public and leading to one-to-one contact may be this business. Notify the "
        "Public Safety Commission by the day before the start and check 18+ by the methods in the rule. Minors and "
        "some others may not run it (Article 8). Once a post that solicits children is known, it is hidden promptly "
        "(Article 12). Running it without the notification and violating an order are punished (Articles 31 to 35).",
        articles=(
            "DSA 2(ii)",
            "DSA 7(1)",
            "DSA 8",
            "DSA 10",
            "DSA 11",
            "DSA 12",
            "DSA 31",
            "DSA 32",
            "DSA 33",
            "DSA 34",
            "DSA 35",
            "DSR 5(1)",
        ),
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
        why_ja="オープンチャットの投稿について、削除の申出や開示の請求を受ける窓口を置きます。削除の照会は、投稿者が照会を受けた日から"
        "7日、私事性的画像（リベンジポルノ）では2日を過ぎても反対がなければ、削除しても投稿者への責任を負いません。開示の請求では、"
        "投稿者の意見を聴きます。18歳に満たない人に有害な投稿を知ったら、見られないようにし、連絡を受け付け、記録を残すよう努めます"
        "（青少年インターネット環境整備法21条〜23条）。このソフトウェアは、投稿のアカウントと日時だけを残し、接続元の IP アドレス・"
        "ポート番号・接続の時刻は残しません。開示の請求に備えて残す場合は、リバースプロキシのアクセスログに記録し、"
        "保存期間の表の「サーバーの動作ログ」（最長180日）に従って消去します。残す義務を定めた条文はありません。",
        why_en="Have a desk for removal and disclosure requests about open rooms. You are not liable to the poster for "
        "a removal if they do not object within 7 days of receiving your enquiry, 2 days for private sexual images. On "
        "a request for disclosure, hear the poster. Once a post that harms the young is known, make efforts to keep it "
        "from them, to take notices from the public and to keep a record (Youth Internet Environment Act 21 to 23). This "
        "software keeps only the account and the time of a post: no address of origin, port or time of the connection. "
        "If you want them for such requests, have the reverse proxy write them to its access log, and erase them as the "
        "row “Server logs” of the retention table says (180 days at most). No article obliges you to keep them.",
        articles=("IPA 3", "IPA 4", "IPA 6", "IPR 2", "IPR 5", "PIA 4", "YIA 21", "YIA 22", "YIA 23"),
        group=Group.publication,
        scope=Scope.BOTH,
        blocks=False,
        evidence=(
            EvidenceField("page", "窓口のページ", "Page of the desk", "url"),
            EvidenceField(
                "desk", "窓口の連絡先（公開ページに表示）", "Contact of the desk (shown in public)", required=False
            ),
            EvidenceField("procedure", "手順書の版", "Version of the procedure"),
            EvidenceField(
                "origin",
                "接続元の IP アドレス・ポート番号・時刻を残すか。残すなら、場所と消去までの日数",
                "Whether address of origin, port and time are kept; if so, where and for how many days",
                required=False,
            ),
        ),
    ),
    Item(
        id="LAW-22",
        ja="個人情報についての公表事項",
        en="Privacy policy facts",
        why_ja="運営者の氏名・名称と住所、法人なら代表者の氏名、利用目的、安全管理、委託先、外国の第三者、請求の方法、"
        "問い合わせ先などを公表します。広告や宣伝のメールを送るときは、原則として前もって同意を得て、送信者や配信停止の方法を"
        "表示します（特定電子メール法3条・4条）。",
        why_en="Publish the operator's name and address, the representative's name if it is a company, purposes, security, "
        "processors, third parties abroad, how to make requests, and the contact. Mail that advertises takes consent "
        "beforehand as a rule, and shows the sender and how to stop it (Specified Electronic Mail Act 3 and 4).",
        articles=(
            "APPI 21",
            "APPI 23",
            "APPI 24",
            "APPI 25",
            "APPI 28",
            "APPI 32",
            "APPI 32(1)(i)",
            "SEM 3",
            "SEM 4",
        ),
        group=Group.publication,
        scope=Scope.BOTH,
        blocks=True,
        valid_days=365,
        evidence=(
            EvidenceField("version", "プライバシーポリシーの版", "Version of the policy"),
            EvidenceField("page", "公表ページ", "Public page", "url"),
            EvidenceField(
                "representative",
                "代表者の氏名（法人・団体の場合。公開ページに表示）",
                "Representative’s name (of a company or body; shown in public)",
                required=False,
            ),
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
        why_ja="利用者数によって、定期報告・設備の規律・特定利用者情報の規律などが加わります。オープンチャットでは、平均月間発信者数が"
        "900万以上、または平均月間延べ発信者数が180万以上になると、報告年度の後1か月以内の報告（様式第1）が必要です。"
        "延べ発信者数で投稿を1件ごとに数えるかは、確認できていません。",
        why_en="With size come periodic reports, equipment rules, and rules on specific user information. For open rooms, "
        "9,000,000 average monthly posters or 1,800,000 cumulative posters a month call for a report on form 1 within "
        "a month of the report year. Whether each post counts towards the latter has not been confirmed.",
        articles=("REP 2", "REG 22-2-20", "REG 27-2-2", "REG 59-3", "IPR 9(1)"),
        group=Group.changes,
        scope=Scope.BOTH,
        blocks=False,
        evidence=(
            EvidenceField("monthly_users", "直近の月間利用者数", "Latest monthly users"),
            EvidenceField(
                "watch",
                "しきい値（利用者80万・100万・450万・900万、月間延べ発信者180万）の監視方法",
                "How the thresholds are watched (users: 0.8, 1, 4.5 and 9 million; cumulative posters: 1.8 million)",
            ),
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
        "前払いのポイントには資金決済法も関わります。解約やキャンセル料の条項には消費者契約法が及びます。",
        why_en="Selling paid features online takes the statements and the final screen of the commercial transactions "
        "act; prepaid points may fall under the payment services act. The Consumer Contract Act reaches clauses on "
        "cancelling and its charges.",
        articles=("SCT 11", "SCT 12-6", "PSA 3", "PSA 7", "PSA 14", "CCA 9"),
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
