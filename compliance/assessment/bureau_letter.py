"""Writes the letter that asks the bureau (総合通信局) whether a filing is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from compliance.assessment.case import Case, offers
from compliance.law import CONSEQUENCES, OPEN_QUESTIONS, RULES, Bureau, Feature, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """Who asks the bureau, and about which service. In Japanese; empty where it is not known."""

    bureau: Bureau | None = None
    name: str = ""
    address: str = ""
    contact: str = ""
    url: str = ""
    start: str = ""
    price: str = ""
    users: str = ""
    features: Mapping[Feature, str] = field(default_factory=dict)
    """What each feature does, in Japanese."""


_TO_FILL_IN: Final = "（要記入）"
_ASKED: Final[Mapping[Question, str]] = MappingProxyType(
    {
        Question.GAIN: "このサービスの収入（広告・寄付・実費相当の料金を含む）は、「営む」場合に当たりますか。",
        Question.OPEN_WORDING: "誰でも見つけて読める部屋は、他人の通信の媒介に当たりませんか。会員登録（無料）や"
        "有料の入室、フォロワー限定の投稿がある場合はどうですか。",
        Question.SIGNALLING: "上の機能のうち「未定」「分からない」としたものは、他人の通信の媒介に当たりますか。",
        Question.SMALL_EQUIPMENT: "自前の線路がなく、借りたサーバーだけの場合に、164条1項2号の後半は関係しますか。",
    }
)
"""The open questions of the sources, as questions to the bureau."""


def write_letter(case: Case, about: Letterhead) -> str:
    """Return the letter in Japanese: who asks, about which service, each question with its answer, and what is asked.

    Missing facts are marked as to be filled in by hand.
    """
    verdict = case.verdict()
    questions = []
    for step in case.trail():
        questions += [
            f"・{step.node.id} {step.node.ja}",
            f"　→ {step.said.ja}" + (f"（{step.note}）" if step.note else ""),
        ]
    features = []
    for feature, offered in offers(case).items():
        features.append(f"・{RULES[feature].title_ja}：{offered.ja}")
        if feature in about.features:
            features.append(f"　{about.features[feature]}")
    asked = ["この内容で、電気通信事業法の届出または登録が必要かどうかをご教示ください。"]
    asked += [text for question, text in _ASKED.items() if OPEN_QUESTIONS[question] in verdict.doubts]
    return "\n".join(
        [
            f"{about.bureau.ja if about.bureau else '（管轄の総合通信局）'} 御中",
            "",
            "電気通信事業の届出の要否について、お尋ねします。",
            "",
            "■ お尋ねする者",
            f"・氏名または名称：{about.name or _TO_FILL_IN}",
            f"・主たる事務所の所在地（個人は住所）：{about.address or _TO_FILL_IN}",
            f"・連絡先：{about.contact or _TO_FILL_IN}",
            "",
            "■ サービス",
            f"・URL：{about.url or _TO_FILL_IN}",
            f"・開始日（予定を含む）：{about.start or _TO_FILL_IN}",
            f"・料金：{about.price or _TO_FILL_IN}",
            f"・利用者数：{about.users or _TO_FILL_IN}",
            "",
            "■ 機能",
            *(features or ["・（なし）"]),
            "",
            "■ サービスの内容（質問と回答）",
            *questions,
            "",
            "■ 当方の考え",
            f"・{CONSEQUENCES[verdict.outcome].ja}",
            "",
            "■ お尋ねしたいこと",
            *(f"{number}. {text}" for number, text in enumerate(asked, start=1)),
        ]
    )
