"""Decides whether a service is a dating-site business (インターネット異性紹介事業), by four questions. Pure and total.

The gate of this law stands beside that of the telecom law: neither filing replaces the other (DSA 7, TBA 16).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from compliance.law.classify import Answer
from compliance.law.sources import Confidence
from compliance.law.text import Text


@dataclass(frozen=True, slots=True)
class Question:
    """One of the four conditions of DSA 2(ii), asked in plain words."""

    key: str
    ja: str
    en: str
    plain: Text
    yes: Text
    """An example of a yes."""
    no: Text


QUESTIONS: Final[tuple[Question, ...]] = (
    Question(
        "wishes",
        "知らない異性との交際を希望する人の求めに応じて、その人の交際についての情報を載せますか。",
        "Do you post, at their request, information on the dating wishes of people who want to date strangers of the "
        "other sex?",
        Text(
            "「友達探し」とうたっていても、実際に交際の相手探しに使われ、それを認めたり放置したりしていれば「はい」と考えられます。",
            "Calling it “finding friends” does not save it: if it is in fact used to find dates and you accept or "
            "ignore that, treat it as yes.",
        ),
        Text("性別と「恋人募集」を書く欄があるプロフィール", "A profile with gender and “looking for a partner”"),
        Text(
            "同じ趣味の人を探すだけで、性別も交際の希望も載せない",
            "Same-hobby search, with neither gender nor dating wishes",
        ),
    ),
    Question(
        "public",
        "その情報を、インターネットで公衆が見られるようにしますか。",
        "Can the public see that information on the internet?",
        Text(
            "誰でも入会できる会員制のサイトは「公衆」に見せているものとして扱われています（警察の資料による）。",
            "A members’ site that anyone can join counts as public (according to police material).",
        ),
        Text("会員登録すれば誰でも見られる一覧", "A list that anyone sees after signing up"),
        Text(
            "プロフィールなしで、待っている人どうしを組み合わせるだけ", "Pairing people who wait, without any profile"
        ),
    ),
    Question(
        "one_to_one",
        "見た人が、載せた人と一対一で連絡を取れるようにしますか。",
        "Can a viewer then contact the poster one to one?",
        Text(
            "二人だけの部屋やメッセージは「はい」です。全員に見える返信だけなら「いいえ」と考えられます。",
            "Two-person rooms and messages are a yes. Replies that all can read are taken as a no.",
        ),
        Text("プロフィールから二人だけの会話を始められる", "A closed talk can be started from a profile"),
        Text("公開の掲示板での返信だけ", "Replies on a public board only"),
    ),
    Question(
        "continuous",
        "反復・継続して提供しますか（有料・無料、趣味かどうかは問いません）。",
        "Is it offered repeatedly and continuously (paid or free, as a hobby or not)?",
        Text(
            "一度きりでなければ、無料でも趣味でも「はい」です。",
            "Unless it is done once only, free and hobby services are a yes.",
        ),
        Text("無料の趣味のサイトとして続けている", "A free hobby site that goes on"),
        Text("一日だけの催しで使って終える", "Used for a one-day event and then ended"),
    ),
)
"""The four conditions; the law asks for all."""


class Outcome(StrEnum):
    """What follows from the answers."""

    BUSINESS = "BUSINESS"
    NOT = "NOT"
    ASK = "ASK"

    @property
    def ja(self) -> str:
        return _OUTCOMES[self].ja

    @property
    def en(self) -> str:
        return _OUTCOMES[self].en

    @property
    def next_step(self) -> Text:
        """What to do now."""
        return _NEXT[self]


_OUTCOMES: Final[Mapping[Outcome, Text]] = MappingProxyType(
    {
        Outcome.BUSINESS: Text("異性紹介事業に当たると考えられます", "This appears to be a dating-site business"),
        Outcome.NOT: Text(
            "異性紹介事業に当たらないと考えられます", "This does not appear to be a dating-site business"
        ),
        Outcome.ASK: Text("まだ決められません。警察署に相談してください", "Not settled: ask the police station"),
    }
)
_NEXT: Final[Mapping[Outcome, Text]] = MappingProxyType(
    {
        Outcome.BUSINESS: Text(
            "始める日の前日までに、事務所を管轄する警察署を通じて公安委員会へ届け出て、通知された番号を設定し、"
            "18歳以上であることの確認を法定の方法で行います。電気通信事業の届出とは別で、両方が要ります。",
            "Notify the Public Safety Commission through the police station for your office by the day before the "
            "start, set the number it gives, and check that users are 18 or over by a method of the rule. It is apart "
            "from the telecom filing: both are due.",
        ),
        Outcome.NOT: Text(
            "答えを LAW-20 に記録します。機能や使われ方が変わったら、もう一度答えてください。",
            "Put the answers on record with LAW-20. Answer again when features, or how they are used, change.",
        ),
        Outcome.ASK: Text(
            "「分からない」と答えたところを、事務所を管轄する警察署に尋ねます。それまで、性別や交際希望を載せる機能は開きません。",
            "Ask the police station for your office about what is not known. Until then, features with gender or "
            "dating wishes stay off.",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome, the questions that decided it, and how sure that reading is."""

    outcome: Outcome
    because: tuple[Question, ...]
    confidence: Confidence


def judge(answers: Mapping[str, Answer]) -> Verdict:
    """Decide from the answers by question key. A missing answer counts as unknown.

    One no is enough for NOT, whatever else is unknown; BUSINESS takes four times yes; else it is to be asked.
    """
    said = {question.key: answers.get(question.key, Answer.UNKNOWN) for question in QUESTIONS}
    noes = tuple(question for question in QUESTIONS if said[question.key] is Answer.NO)
    unknown = tuple(question for question in QUESTIONS if said[question.key] is Answer.UNKNOWN)
    if noes:
        return Verdict(Outcome.NOT, noes, Confidence.INFERENCE)
    if unknown:
        return Verdict(Outcome.ASK, unknown, Confidence.UNVERIFIED)
    return Verdict(Outcome.BUSINESS, QUESTIONS, Confidence.VERIFIED)


class AgeCheck(StrEnum):
    """The method of checking that a user is 18 or over: one of DSR 5(1), or none."""

    DOCUMENT = "document"
    SIGNATURE = "signature"
    CERTIFICATE = "certificate"
    CARD_FACE = "card_face"
    PAYMENT = "payment"
    ISSUED = "issued"
    ENTRUSTED = "entrusted"
    NONE = "none"

    @property
    def ja(self) -> str:
        return _CHECKS[self].ja

    @property
    def en(self) -> str:
        return _CHECKS[self].en


_CHECKS: Final[Mapping[AgeCheck, Text]] = MappingProxyType(
    {
        AgeCheck.DOCUMENT: Text(
            "免許証など、年齢か生年月日を証する書面（5条1項1号）", "A document with age or birth date (rule 5(1)(i))"
        ),
        AgeCheck.SIGNATURE: Text(
            "マイナンバーカードの署名用電子証明書（同2号）", "My Number card, certificate for signatures (5(1)(ii))"
        ),
        AgeCheck.CERTIFICATE: Text(
            "マイナンバーカードの利用者証明用電子証明書（同3号）", "My Number card, user certificate (5(1)(iii))"
        ),
        AgeCheck.CARD_FACE: Text(
            "暗証番号を入れて送る、券面の生年月日（同4号）", "Birth date on the card's face, sent with a PIN (5(1)(iv))"
        ),
        AgeCheck.PAYMENT: Text(
            "クレジットカードなど、児童が通常使えない方法での支払いの同意（同5号）",
            "Consent to pay by credit card or other means closed to minors (5(1)(v))",
        ),
        AgeCheck.ISSUED: Text(
            "上の方法で確認した人に付けた識別符号（同6号）", "An ID issued after one of these (5(1)(vi))"
        ),
        AgeCheck.ENTRUSTED: Text(
            "確認を委託した者が付けた識別符号（同7号）", "An ID issued by somebody entrusted with the check (5(1)(vii))"
        ),
        AgeCheck.NONE: Text("確認していない（該当する機能は開きません）", "No check (such features then stay off)"),
    }
)

SELF_DECLARED: Final = Text(
    "年齢の自己申告だけで足りるのは、利用者が待合せの時間・場所や連絡先をやり取りできない場合に限られます（施行規則5条3項・4項）。"
    "自由に書ける二人だけの会話があるなら、足りないと考えられます。",
    "Stating one's age is enough only where users cannot exchange times and places to meet, or contact data "
    "(rule 5(3), (4)). With private free text it is taken not to be enough.",
)
ARTICLES: Final = ("DSA 2(ii)", "DSA 7(1)", "DSA 10", "DSA 11", "DSR 5(1)")
POLICE_VIEW: Final = Text(
    "質問の説明の一部は、転載された警察の資料や解説によるもので、原文は確認できていません。迷ったら警察署に相談してください。",
    "Part of the explanations rests on reposted police material and commentaries, whose originals have not been seen. "
    "When in doubt, ask the police station.",
)
