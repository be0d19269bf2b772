"""The features that the law looks at, and the rule of each: what it needs and by which article. A data table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from compliance.law.citations import cite
from compliance.law.sources import Confidence
from compliance.law.text import Text


class Feature(StrEnum):
    """The features of the product, as the law distinguishes them. No rule shuts the last three."""

    ROOM_OPEN = "room.open"
    MATCH_PAIR = "room.match_pair"
    RECRUIT = "room.recruit"
    INVITE_ONLY = "room.invite_only"
    DM_TEXT = "dm.text"
    PROFILE_DATING = "profile.dating"
    READ_CLOSED = "moderator.read_closed"
    SCAN_CLOSED = "scan.closed_content"
    SERVICE = "service"
    ACCOUNT = "account"
    OPERATOR = "operator"


class Required(StrEnum):
    """What a feature needs before it may run."""

    NONE = "none"
    THIRD_ITEM = "third_item"
    NOTIFIED = "notified"
    CONSULT = "consult"
    GROUND = "ground"
    DATING = "dating"

    @property
    def ja(self) -> str:
        return _REQUIRED[self].ja

    @property
    def en(self) -> str:
        return _REQUIRED[self].en


_REQUIRED: Final[Mapping[Required, Text]] = MappingProxyType(
    {
        Required.NONE: Text("不要", "nothing"),
        Required.THIRD_ITEM: Text(
            "届出は不要（第三号事業として扱い、検閲の禁止と通信の秘密は守る）",
            "no filing (treated as a third-item business; no censorship, and secrecy is kept)",
        ),
        Required.NOTIFIED: Text(
            "届出または登録（または不要とする根拠の記録）と、チェックリストの署名",
            "a notification or registration (or a recorded basis why none is due), and the signed checklist",
        ),
        Required.CONSULT: Text("総合通信局への相談が先（それまで停止）", "blocked until the bureau has been asked"),
        Required.GROUND: Text(
            "個別の事由か同意の記録（なければ常に停止）", "blocked unless a ground or consent is on record"
        ),
        Required.DATING: Text(
            "電気通信事業の届出等に加え、公安委員会への届出",
            "the same as closed chat, and the dating-site notification",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the rule table: what a feature needs, by which article, why, and how sure that is."""

    id: str
    feature: Feature
    required: Required
    article: str
    title_ja: str
    title_en: str
    ja: str
    en: str
    confidence: Confidence

    @property
    def title(self) -> Text:
        """The feature's name for people."""
        return Text(self.title_ja, self.title_en)

    @property
    def article_ja(self) -> str:
        return cite(self.article).ja

    @property
    def article_en(self) -> str:
        return cite(self.article).en

    @property
    def url(self) -> str:
        """The law's official text on e-Gov."""
        return cite(self.article).url

    @property
    def version(self) -> str:
        """Date at which the law that it follows from stood when it was read."""
        return cite(self.article).statute.version


RULES: Final[Mapping[Feature, Rule]] = MappingProxyType(
    {
        rule.feature: rule
        for rule in (
            Rule(
                id="K-1",
                feature=Feature.ROOM_OPEN,
                required=Required.THIRD_ITEM,
                article="TBA 164(1)(iii)",
                title_ja="オープンチャット",
                title_en="Open rooms",
                ja="誰でも読める場の提供は、掲示板と同じく他人の通信の媒介に当たらないと考えられるため、"
                "届出を要しないものとして開けます。",
                en="Anyone can read these rooms, so like a bulletin board they are taken not to mediate other people's "
                "communications, and open as needing no filing.",
                confidence=Confidence.SECONDARY,
            ),
            Rule(
                id="K-3",
                feature=Feature.MATCH_PAIR,
                required=Required.NOTIFIED,
                article="TBA 16(1)",
                title_ja="マッチング（二人だけの会話）",
                title_en="Matching (a talk between two)",
                ja="利用者どうしを組み合わせて二人だけの会話を取り次ぐことは、他人の通信の媒介に当たり、"
                "事業として営むには届出が必要と考えられます。個別の判断は総合通信局に確認してください。",
                en="Pairing users and carrying a talk between the two of them is taken to mediate other people's "
                "communications, so a notification appears to be due when it is carried on as a business. Ask the "
                "bureau about your own case.",
                confidence=Confidence.SECONDARY,
            ),
            Rule(
                id="K-4",
                feature=Feature.RECRUIT,
                required=Required.NOTIFIED,
                article="TBA 16(1)",
                title_ja="募集（相手を探す投稿から二人だけの会話へ）",
                title_en="Recruiting (a post that leads to a talk between two)",
                ja="募集に応じた人との会話はほかの人から見えないやり取りになるため、"
                "媒介に当たり、事業として営むには届出が必要と考えられます。個別の判断は総合通信局に確認してください。",
                en="Answering a post opens a talk hidden from everybody else, which is taken to be mediation, so "
                "a notification appears to be due when it is carried on as a business. Ask the bureau about your own "
                "case.",
                confidence=Confidence.SECONDARY,
            ),
            Rule(
                id="E-1",
                feature=Feature.INVITE_ONLY,
                required=Required.NOTIFIED,
                article="TBA 16(1)",
                title_ja="招待制の部屋",
                title_en="Invitation-only rooms",
                ja="読める人が招待された人に限られ、宛先が特定されるため、媒介に当たるものとして扱い、"
                "届出などが整うまで開きません。",
                en="Only invited people can read these rooms, so the recipients are chosen; they are treated as "
                "mediation and stay shut until the filing is on record.",
                confidence=Confidence.INFERENCE,
            ),
            Rule(
                id="K-6",
                feature=Feature.DM_TEXT,
                required=Required.NOTIFIED,
                article="TBA 16(1)",
                title_ja="ダイレクトメッセージ",
                title_en="Direct messages",
                ja="主な機能が別にあるサービスでも、利用者どうしの個別のメッセージは媒介に当たり、"
                "事業として営むには届出が必要と考えられます。個別の判断は総合通信局に確認してください。",
                en="Even where the service is mainly something else, messages between chosen users are taken to be "
                "mediation, so a notification appears to be due when it is carried on as a business. Ask the bureau "
                "about your own case.",
                confidence=Confidence.SECONDARY,
            ),
            Rule(
                id="Y-4",
                feature=Feature.PROFILE_DATING,
                required=Required.DATING,
                article="DSA 7(1)",
                title_ja="性別や交際希望を載せる公開プロフィール",
                title_en="Public profiles with gender or a wish to date",
                ja="性別や交際の希望を誰でも見られる形で載せ、クローズド・チャットにつなげると、"
                "インターネット異性紹介事業に当たる可能性があるため、公安委員会への届出も必要なものとして扱います。"
                "それらによるマッチングも同じです。",
                en="Showing gender or a wish to date in public and leading to a closed talk may be a dating-site "
                "business, so it is treated as needing the notification to the Public Safety Commission as well. "
                "Matching by them is the same.",
                confidence=Confidence.INFERENCE,
            ),
            Rule(
                id="S-5",
                feature=Feature.READ_CLOSED,
                required=Required.GROUND,
                article="TBA 4(1)",
                title_ja="運営側によるクローズド・チャットの閲覧",
                title_en="Staff reading closed chat",
                ja="運営側が事由なくクローズド・チャットを読むことは、通信の秘密の侵害に当たると考えられます。",
                en="Staff who read a closed talk without a ground are taken to breach the secrecy of communications.",
                confidence=Confidence.INFERENCE,
            ),
            Rule(
                id="S-4",
                feature=Feature.SCAN_CLOSED,
                required=Required.GROUND,
                article="TBA 4(1)",
                title_ja="クローズド・チャットの内容の自動検査",
                title_en="Automatic scanning of closed chat",
                ja="クローズド・チャットの内容は、機械で調べる場合でも、有効な同意などの根拠がなければ"
                "通信の秘密の侵害になると考えられます。",
                en="Even a machine that examines a closed talk is taken to breach the secrecy of communications "
                "unless there is valid consent or another ground.",
                confidence=Confidence.SECONDARY,
            ),
            Rule(
                id="D-7",
                feature=Feature.SERVICE,
                required=Required.NONE,
                article="TBA 2(iii)",
                title_ja="ロビーと案内のページ",
                title_en="Lobby and information pages",
                ja="利用者どうしの通信を取り次がないため、届出は要りません。",
                en="These pages carry no talk between users, so no filing is needed.",
                confidence=Confidence.INFERENCE,
            ),
            Rule(
                id="D-6",
                feature=Feature.ACCOUNT,
                required=Required.NONE,
                article="TBA 2(vii)",
                title_ja="アカウントとゲスト参加",
                title_en="Accounts and guest entry",
                ja="アカウントを作るだけでは利用者どうしの通信は生じないため、届出は要りません。",
                en="Having an account carries no talk between users, so no filing is needed for it.",
                confidence=Confidence.INFERENCE,
            ),
            Rule(
                id="D-10",
                feature=Feature.OPERATOR,
                required=Required.NONE,
                article="TBA 2(iv)",
                title_ja="管理画面と運用コマンド",
                title_en="Admin and commands",
                ja="運営者自身の業務のための機能であり、届出は要りません。",
                en="This is the operator's own work, so no filing is needed for it.",
                confidence=Confidence.INFERENCE,
            ),
        )
    }
)
"""The rule of every feature. Total over `Feature`."""

CLOSED_FEATURES: Final[frozenset[Feature]] = frozenset(
    feature for feature, rule in RULES.items() if rule.required in {Required.NOTIFIED, Required.DATING}
)
"""Features that open only with both keys."""
