"""What the rules rest on: the version of the law that was read, how sure each row is, and what stays open. Data.

Ids such as K-3 or P-2 are the rows of the rule base that `docs/law.md` prints. Not legal advice.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from compliance.law.text import Text

LAW_VERSION: Final = "2026-05-27"
"""Date at which the Act and its ordinances stood as encoded here."""

SEEN_UNTIL: Final = "2026-07-01"
"""Nothing promulgated or in force after this date was visible when the rules were written."""

STALE_AFTER: Final = timedelta(days=180)
"""Age at which the text of the law must be read again. This software sets it; no statute does."""

REVISIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "TBA": "359AC0000000086_20260527_507AC0000000046",
        "REG": "360M50001000025_20260527_508M60000008070",
        "REP": "363M50001000046_20260527_508M60000008030",
    }
)
"""e-Gov revision ids of the texts that were read, to compare on each release."""


def is_old(today: date) -> bool:
    """Return whether the text of the law was last read more than `STALE_AFTER` ago."""
    return today - date.fromisoformat(SEEN_UNTIL) > STALE_AFTER


OLD: Final = Text(
    f"このソフトウェアの規則は、{SEEN_UNTIL} までに確認できた法令によります。{STALE_AFTER.days}日を過ぎているため、"
    "その後の改正が反映されていない可能性があります。docs/law.md の改正 ID を e-Gov の最新版と見比べ、"
    "ソフトウェアを更新してください。",
    f"The rules of this software follow the law as seen until {SEEN_UNTIL}. That is more than {STALE_AFTER.days} days "
    "ago, so later changes may be missing. Compare the revision ids in docs/law.md with e-Gov, and update the "
    "software.",
)
"""The warning to the operator once the text of the law `is_old`."""

NOT_ADVICE: Final = Text("これは法的助言ではありません。", "This is not legal advice.")


class Confidence(StrEnum):
    """How well a row is supported, best first."""

    VERIFIED = "verified"
    SECONDARY = "secondary"
    INFERENCE = "inference"
    UNVERIFIED = "unverified"

    @property
    def ja(self) -> str:
        return _CONFIDENCE[self].ja

    @property
    def en(self) -> str:
        return _CONFIDENCE[self].en


_CONFIDENCE: Final[Mapping[Confidence, Text]] = MappingProxyType(
    {
        Confidence.VERIFIED: Text("条文か公的資料で確認", "read in the statute or an official page"),
        Confidence.SECONDARY: Text("専門家の解説など二次資料による", "secondary sources such as lawyers' pages"),
        Confidence.INFERENCE: Text("確認した事実からの推論", "our inference from verified facts"),
        Confidence.UNVERIFIED: Text("未確認", "unverified"),
    }
)


class Question(StrEnum):
    """Questions that the sources read so far leave open. No rule may present one of them as settled."""

    MANUAL = "Q-1"
    OPEN_WORDING = "Q-2"
    GAIN = "Q-3"
    SIGNALLING = "Q-4"
    CONSENT = "Q-5"
    ENQUIRY_LETTERS = "Q-6"
    LOG_PERIOD = "Q-7"
    DESIGNATION = "Q-8"
    NUMBERS = "Q-9"
    RECRUIT_BEFORE = "Q-10"
    LATER_LAW = "Q-11"
    SMALL_EQUIPMENT = "Q-12"
    LEAK_DAYS = "Q-13"
    POSTERS = "Q-14"


OPEN_QUESTIONS: Final[Mapping[Question, Text]] = MappingProxyType(
    {
        Question.MANUAL: Text(
            "総務省の参入マニュアルとガイドブックの現行版の本文と判定図は、直接には確認できていません。"
            "より新しい版の有無も不明です。",
            "The full text and chart of the ministry's current entry manual and guidebook have not been read. Whether "
            "a newer edition exists is not known.",
        ),
        Question.OPEN_WORDING: Text(
            "オープンチャットについての総務省の正確な表現と、無料の会員登録・有料入室・フォロワー限定の扱いは、"
            "確認できていません。",
            "The ministry's exact wording on open chat, and its view on free sign-up, paid entry and followers-only "
            "posts, have not been seen.",
        ),
        Question.GAIN: Text(
            "広告や寄付がある場合や、実費相当の料金の場合に「営む」に当たるかを総合通信局がどう判断するかは、"
            "事案ごとの確認が必要です。",
            "How the bureau judges ads, donations and charges at cost when it asks whether a service is carried on for "
            "gain must be confirmed case by case.",
        ),
        Question.SIGNALLING: Text(
            "通話のシグナリングや、第三者の TURN の認証情報を渡すだけの場合の扱いは、公式の見解を確認できていません。",
            "No official view was found on call signalling, or on only handing out credentials for a third party's "
            "TURN server.",
        ),
        Question.CONSENT: Text(
            "当事者からの通報で一方の同意だけで足りるか、また約款による同意がどんな条件で認められるかは、"
            "確認できていません。",
            "Whether one party's consent is enough when a participant reports a talk, and under which conditions "
            "consent in the terms of service counts, has not been confirmed.",
        ),
        Question.ENQUIRY_LETTERS: Text(
            "捜査関係事項照会への対応についてのガイドラインの文言は、確認できていません。",
            "The guideline's wording on police letters of enquiry has not been seen.",
        ),
        Question.LOG_PERIOD: Text(
            "通信履歴の保存期間についての解説の最終的な改正内容と適用日は、確認できていません。",
            "The final commentary on how long to keep communication history, and its date, have not been found.",
        ),
        Question.DESIGNATION: Text(
            "26条1項の告示がメッセージングサービスを指定しているか、年次の事故報告で除かれる軽微な事故の範囲、"
            "製品の一部のチャットが「付加的な機能」に当たるかは、確認できていません。",
            "Whether a public notice under Article 26(1) names a messaging service, which small outages the yearly "
            "report leaves out, and whether chat inside a larger product is an add-on function, are not confirmed.",
        ),
        Question.NUMBERS: Text(
            "届出番号の先頭の文字と各総合通信局の対応、登録番号の書式、様式第4でのメッセージング機能の項目番号は、"
            "確認できていません。",
            "Which letter of the number stands for which bureau, the format of registration numbers, and the item "
            "number for messaging on form 4, are not confirmed.",
        ),
        Question.RECRUIT_BEFORE: Text(
            "届出の前に会員の募集を始めてよいかは、確認できていません（法律は「営む」前の届出を求めています）。",
            "Whether members may be recruited before the notification is not confirmed (the Act asks for it before "
            "the business is carried on).",
        ),
        Question.LATER_LAW: Text(
            f"{SEEN_UNTIL} より後に公布・施行された法令は反映していません。",
            f"Anything promulgated or in force after {SEEN_UNTIL} is not reflected.",
        ),
        Question.SMALL_EQUIPMENT: Text(
            "164条1項2号の後半（線路の総延長5km未満の設備）が、自前の線路のないサーバーにも及ぶかについて、"
            "公式の見解は確認できていません。このソフトウェアは、適用除外として扱いません。",
            "No official view was found on whether the second half of 164(1)(ii) (lines shorter than 5 km) reaches "
            "a server without lines of its own. This software does not treat it as an exclusion.",
        ),
        Question.LEAK_DAYS: Text(
            "個人データの漏えいの速報（概ね3〜5日以内）と確報（30日・60日以内）で、知った日を1日目と数えるかは、"
            "確認できていません。",
            "Whether the day of learning of a data leak is itself counted, for the first report (about 3 to 5 days) "
            "and for the full one (30 or 60 days), has not been confirmed.",
        ),
        Question.POSTERS: Text(
            "情報流通プラットフォーム対処法の平均月間延べ発信者数で、同じ人の投稿を1件ごとに数えるかは、"
            "確認できていません。",
            "Whether the cumulative number of posters under the platform act counts each post of the same person has "
            "not been confirmed.",
        ),
    }
)
