"""The kinds of papers, each with its articles, how sure the row is, who may sign, and what comes of it. Data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from compliance.law.sources import OPEN_QUESTIONS, Confidence, Question
from compliance.law.text import Text


class Kind(StrEnum):
    """What reached the operator."""

    POLICE_INQUIRY = "police_inquiry"
    BAR_INQUIRY = "bar_inquiry"
    WARRANT = "warrant"
    PRESERVATION = "preservation"
    REMOVAL = "removal"
    DISCLOSURE = "disclosure"
    SUBJECT_ACCESS = "subject_access"
    SUBJECT_ERASURE = "subject_erasure"
    LEAK = "leak"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One kind of paper.

    Attributes:
        kind: its name in addresses and in the ledger.
        title: what it is called.
        what: what is done with it, in two or three sentences.
        signed_by: who may sign it; a paper of somebody else is not this paper.
        check: what to look at before anything is done.
        articles: on which it rests.
        confidence: how well the row is supported.
        hold: the ground of a hold that such a case may place (`compliance.models.Hold.Ground`); empty for none.
        silence: the article by which whoever sends it can ask or order that it is kept secret; empty for none.
        doubt: what is open about it.
    """

    kind: Kind
    title: Text
    what: Text
    signed_by: Text
    check: Text
    articles: tuple[str, ...]
    confidence: Confidence
    hold: str = ""
    silence: str = ""
    doubt: Text | None = None

    @property
    def ja(self) -> str:
        return self.title.ja

    @property
    def en(self) -> str:
        return self.title.en


_PAPERS: Final = (
    Paper(
        kind=Kind.POLICE_INQUIRY,
        title=Text("捜査関係事項照会", "Police letter of enquiry"),
        what=Text(
            "強制力のない照会です。会話の内容、当事者、日時、接続元、会話の有無は、記録の存否を含めて答えず、令状を求めます。"
            "それ以外の会員情報を答えるかは、個人情報保護法27条1項に照らして件ごとに決め、理由を残します。",
            "An enquiry without force. Contents, parties, times, addresses of origin and whether a talk took place are "
            "not given, nor whether there is such a record: ask for a warrant. Whether other account data is given is "
            "decided case by case under APPI 27(1), with the reason on record.",
        ),
        signed_by=Text(
            "捜査機関（警察署長などの名義の書面）", "An investigating authority, in writing, such as a chief of police"
        ),
        check=Text(
            "書面の官署名・文書番号・日付・担当者を、公表されている代表番号に折り返して確かめる。",
            "Call the office back under its published number, and check office, number, date and officer.",
        ),
        articles=("CCP 197(2)", "CCP 197(5)", "APPI 27(1)", "TBA 4(1)"),
        confidence=Confidence.SECONDARY,
        silence="CCP 197(5)",
        doubt=OPEN_QUESTIONS[Question.ENQUIRY_LETTERS],
    ),
    Paper(
        kind=Kind.BAR_INQUIRY,
        title=Text("弁護士会照会", "Enquiry of a bar association"),
        what=Text(
            "令状ではありません。通信の秘密に当たる事項は、記録の存否を含めて答えません。"
            "それ以外の会員情報を答えるかは、個人情報保護法27条1項に照らして件ごとに決め、理由を残します。",
            "It is no warrant. What is secrecy of communications is not given, nor whether there is such a record. "
            "Whether other account data is given is decided case by case under APPI 27(1), with the reason on record.",
        ),
        signed_by=Text(
            "弁護士会（会長名の書面。弁護士個人の手紙は、これに当たらない）",
            "A bar association, in its president’s name; a letter of a lawyer alone is not one",
        ),
        check=Text(
            "照会書が弁護士会から届いたもので、申出の理由が書かれていることを確かめる。",
            "Check that it came from the bar association and states the reason.",
        ),
        articles=("ATT 23-2(2)", "APPI 27(1)", "TBA 4(1)"),
        confidence=Confidence.SECONDARY,
    ),
    Paper(
        kind=Kind.WARRANT,
        title=Text("令状・電磁的記録提供命令", "Warrant or order to produce electronic records"),
        what=Text(
            "命じられた記録を、命じられた方法で、加工せずに提供します。範囲の外のものは出しません。二人目が不在でも待たず、"
            "最小限の範囲で応じ、7日以内に二人目が事後に確認します。正当な理由のない違反には罰則があります。",
            "Hand over the records that are ordered, as ordered, unaltered, and nothing beyond. Where no second person "
            "is at hand do not wait: obey at the least scope, and have a second person review it within 7 days. "
            "Disobeying without reason is punished.",
        ),
        signed_by=Text("裁判官（記名押印のある令状）", "A judge: a warrant with name and seal"),
        check=Text(
            "有効期間、提供させるべき電磁的記録、提供すべき者、提供の方法、漏らしてはならない旨の命令とその期間を読む。",
            "Read its term, the records, who is to hand them over and how, and any order of silence with its period.",
        ),
        articles=("CCP 102-2(1)", "CCP 102-2(2)", "CCP 218(1)", "CCP 218(3)", "CCP 222-2"),
        confidence=Confidence.VERIFIED,
        hold="case",
        silence="CCP 218(3)",
    ),
    Paper(
        kind=Kind.PRESERVATION,
        title=Text("保全要請", "Freeze request"),
        what=Text(
            "特定された通信履歴を、求められた期間（30日以内、延長して通じて60日まで）消さずに保ちます。"
            "会話の本文ではありません。記録を渡すものでもありません。",
            "Keep the communication history that it names for the period it names: up to 30 days, 60 in all when "
            "extended. It is not about the words of a talk, and nothing is handed over.",
        ),
        signed_by=Text(
            "検察官、検察事務官、司法警察員（書面または電磁的記録）",
            "A public prosecutor, a prosecutor’s assistant officer or a judicial police officer, in writing or as an "
            "electronic record",
        ),
        check=Text(
            "対象の通信履歴が特定され、30日を超えない期間が定められていることを確かめる。",
            "Check that the history is specified, and that a period of at most 30 days is set.",
        ),
        articles=("CCP 197(3)", "CCP 197(4)", "CCP 197(5)"),
        confidence=Confidence.VERIFIED,
        hold="freeze",
        silence="CCP 197(5)",
    ),
    Paper(
        kind=Kind.REMOVAL,
        title=Text("削除の申出", "Request for removal"),
        what=Text(
            "オープンチャットの投稿が対象です。権利の侵害が明らかなら直ちに削除します。そうでなければ投稿者に照会し、"
            "照会を受けた日から7日（私事性的画像と選挙の文書図画は2日）を過ぎても反対の申出がなければ、削除しても"
            "投稿者への責任を負いません。児童の性的な画像が疑われるときは、写しを作らず、先に警察へ相談します。",
            "About posts in open rooms. Where the infringement is plain, remove at once. Else ask the poster: if no "
            "objection comes within 7 days of receiving the enquiry (2 for private sexual images and election "
            "material), you are not liable to the poster for the removal. Where an image may show a child sexually, "
            "make no copy and go to the police first.",
        ),
        signed_by=Text(
            "権利を侵害されたとする者、その代理人。私事性的画像は写された本人（亡くなっているときは配偶者・直系の親族・兄弟姉妹）、"
            "選挙の文書図画は候補者・政党など",
            "Whoever says that their right is infringed, or an agent. For private sexual images the person shown (if "
            "dead: spouse, lineal relatives, siblings); for election material the candidate or party",
        ),
        check=Text(
            "投稿の場所、侵害された権利、その理由、申出人の身元がそろっているかを見る。",
            "See that the place of the post, the right, the reason and who asks are there.",
        ),
        articles=("IPA 3(2)(i)", "IPA 3(2)(ii)", "IPA 4(i)", "PIA 4"),
        confidence=Confidence.VERIFIED,
        hold="case",
    ),
    Paper(
        kind=Kind.DISCLOSURE,
        title=Text("発信者情報の開示請求", "Request to disclose the poster"),
        what=Text(
            "オープンチャットの投稿が対象です。連絡できない場合などを除き、まず投稿者の意見を聴きます。裁判所の命令を受けたら、"
            "反対の意見を述べた投稿者に遅滞なく知らせます。提供命令・消去禁止命令には従います。",
            "About posts in open rooms. Hear the poster first, unless they cannot be reached. On a court’s order tell "
            "without delay a poster who had objected. Obey orders to provide and not to erase.",
        ),
        signed_by=Text(
            "権利を侵害されたとする者、その代理人、または裁判所（命令）",
            "Whoever says that their right is infringed, an agent, or a court by its order",
        ),
        check=Text(
            "権利の侵害が明らかか、開示を受ける正当な理由があるかを見る。判断に迷うものは弁護士に相談する。",
            "See whether the infringement is evident and the reason for disclosure is just; ask a lawyer where in "
            "doubt.",
        ),
        articles=("IPA 5(1)", "IPA 6(1)", "IPA 6(2)", "IPA 8", "IPA 15(1)", "IPA 16(1)", "IPR 2"),
        confidence=Confidence.VERIFIED,
        hold="case",
    ),
    Paper(
        kind=Kind.SUBJECT_ACCESS,
        title=Text("本人からの開示請求", "Request for one’s own data"),
        what=Text(
            "本人であることを確かめ、その人の保有個人データを、請求された方法で遅滞なく開示します。"
            "他の人の情報や、他の人の通信の秘密に当たるものは含めません。",
            "Make sure that it is the person, and give them their own personal data without delay, in the way they "
            "ask for; nothing about others, and nothing that is others’ secrecy of communications.",
        ),
        signed_by=Text("本人、その代理人", "The person, or an agent"),
        check=Text(
            "登録されたメールアドレスで本人を確かめる。会員なら、ログインして書き出せることを案内する。",
            "Verify the person by the registered address. A member can sign in and export by themselves.",
        ),
        articles=("APPI 33(1)", "APPI 33(2)", "APPI 33(3)", "APPI 37(2)"),
        confidence=Confidence.VERIFIED,
    ),
    Paper(
        kind=Kind.SUBJECT_ERASURE,
        title=Text("本人からの消去請求", "Request to erase one’s own data"),
        what=Text(
            "本人であることを確かめ、請求に理由があれば、必要な限度で遅滞なく利用停止または消去をします。"
            "法令により残すものは、他と分けて封をして残します。",
            "Make sure that it is the person and, where the request is well founded, stop the use or erase without "
            "delay, as far as needed. What the law keeps is set apart, sealed.",
        ),
        signed_by=Text("本人、その代理人", "The person, or an agent"),
        check=Text(
            "登録されたメールアドレスで本人を確かめる。会員なら、退会の手続を案内する。",
            "Verify the person by the registered address. A member can close the account by themselves.",
        ),
        articles=("APPI 35(1)", "APPI 35(2)", "APPI 35(5)", "APPI 35(6)", "APPI 37(2)"),
        confidence=Confidence.VERIFIED,
    ),
    Paper(
        kind=Kind.LEAK,
        title=Text("漏えい", "Leak"),
        what=Text(
            "通信の秘密は一件でも、個人データは一定のものについて、まず速やかに、次に30日以内（個人データで不正の目的による"
            "おそれがあるものは60日以内）に報告します。個人データの本人にも知らせます。",
            "Report promptly, and again within 30 days: a leak of secrecy of any size, a leak of personal data of "
            "certain kinds (60 days where an attack may be behind it). Tell the people whose data it is, too.",
        ),
        signed_by=Text("だれからの知らせでも", "Whoever tells you"),
        check=Text(
            "管理画面の予定表にも漏えいとして記録し、期限を管理する。",
            "Record it in the calendar of the administration as well, which keeps the deadlines.",
        ),
        articles=("TBA 28(1)(ii)", "REG 57(1)", "APPI 26", "APPR 7", "APPR 8", "APPR 10"),
        confidence=Confidence.VERIFIED,
        doubt=OPEN_QUESTIONS[Question.LEAK_DAYS],
    ),
)

PAPERS: Final[Mapping[Kind, Paper]] = MappingProxyType({paper.kind: paper for paper in _PAPERS})
"""Each kind."""

FROM_OUTSIDE: Final = (Kind.REMOVAL, Kind.DISCLOSURE, Kind.SUBJECT_ACCESS, Kind.SUBJECT_ERASURE)
"""What anybody can send by the public form, without an account."""

CLOSED: Final = frozenset({Kind.WARRANT})
"""The papers on which words of a closed talk may be opened."""
