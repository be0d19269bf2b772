"""The law as data: features, rules, articles, penalties and open questions. Decides nothing and imports nothing of ours.

Ids such as K-3 or P-2 are the rows of the rule base that `docs/law.md` prints. Not legal advice.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import groupby
from types import MappingProxyType
from typing import Final, Protocol

LAW_VERSION: Final = "2026-05-27"
"""Date at which the Act and its ordinances stood as encoded here."""

SEEN_UNTIL: Final = "2026-07-01"
"""Nothing promulgated or in force after this date was visible when the rules were written."""

REVISIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "TBA": "359AC0000000086_20260527_507AC0000000046",
        "REG": "360M50001000025_20260527_508M60000008070",
        "REP": "363M50001000046_20260527_508M60000008030",
    }
)
"""e-Gov revision ids of the texts that were read, to compare on each release."""


class Bilingual(Protocol):
    """Anything that says the same thing in Japanese and in English."""

    @property
    def ja(self) -> str: ...

    @property
    def en(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    ja: str
    en: str


def say(text: Bilingual, language: str) -> str:
    """Return the Japanese text for `ja` and its variants, else the English one."""
    return text.ja if language.lower().startswith("ja") else text.en


# Articles -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Statute:
    """A law or guideline under the short key that citations use; `law_id` is empty where e-Gov does not hold it."""

    key: str
    law_id: str
    ja: str
    en: str
    version: str = ""
    """Date at which the text that was read stood; empty where no dated text was."""

    @property
    def url(self) -> str:
        """The official text on e-Gov, or an empty string."""
        return f"https://laws.e-gov.go.jp/law/{self.law_id}" if self.law_id else ""


STATUTES: Final[Mapping[str, Statute]] = MappingProxyType(
    {
        statute.key: statute
        for statute in (
            Statute("TBA", "359AC0000000086", "電気通信事業法", "Telecommunications Business Act", LAW_VERSION),
            Statute(
                "REG",
                "360M50001000025",
                "電気通信事業法施行規則",
                "Regulation for Enforcement of the Telecommunications Business Act",
                LAW_VERSION,
            ),
            Statute(
                "REP",
                "363M50001000046",
                "電気通信事業報告規則",
                "Telecommunications Business Reporting Rules",
                LAW_VERSION,
            ),
            Statute("APA", "405AC0000000088", "行政手続法", "Administrative Procedure Act", "2026-06-24"),
            Statute(
                "ORG",
                "412CO0000000246",
                "総務省組織令",
                "Order for Organization of the Ministry of Internal Affairs and Communications",
            ),
            Statute("WTA", "328AC0000000096", "有線電気通信法", "Wire Telecommunications Act", "2025-06-01"),
            Statute("DSA", "415AC0000000083", "出会い系サイト規制法", "Dating Sites Act", "2026-06-24"),
            Statute(
                "DSR",
                "415M60400000015",
                "出会い系サイト規制法施行規則",
                "Rule for Enforcement of the Dating Sites Act",
                "2026-04-16",
            ),
            Statute(
                "IPA",
                "413AC0000000137",
                "情報流通プラットフォーム対処法",
                "Information Distribution Platform Act",
                "2026-05-21",
            ),
            Statute(
                "IPR",
                "504M60000008039",
                "情報流通プラットフォーム対処法施行規則",
                "Regulation for Enforcement of the Information Distribution Platform Act",
                "2026-05-27",
            ),
            Statute(
                "APPI",
                "415AC0000000057",
                "個人情報保護法",
                "Act on the Protection of Personal Information",
                "2026-06-24",
            ),
            Statute(
                "APPR",
                "428M60020000003",
                "個人情報保護法施行規則",
                "Rules for Enforcement of the Act on the Protection of Personal Information",
                "2026-06-14",
            ),
            Statute("PC", "140AC0000000045", "刑法", "Penal Code", "2026-05-21"),
            Statute("CCP", "323AC0000000131", "刑事訴訟法", "Code of Criminal Procedure", "2026-06-24"),
            Statute("SCT", "351AC0000000057", "特定商取引法", "Act on Specified Commercial Transactions", "2026-05-21"),
            Statute("PSA", "421AC0000000059", "資金決済法", "Payment Services Act", "2026-06-01"),
            Statute(
                "GUIDE",
                "",
                "電気通信事業における個人情報等の保護に関するガイドライン",
                "Guidelines on the Protection of Personal Information in Telecommunications Business",
            ),
        )
    }
)

_NOTATION: Final = re.compile(
    r"(?P<key>[A-Z]+) (?P<article>[0-9]+(?:-[0-9]+)*)(?:\((?P<paragraph>[0-9]+)\))?(?:\((?P<item>[ivx]+)\))?"
)
_ROMAN: Final = {"i": 1, "v": 5, "x": 10}


@dataclass(frozen=True, slots=True)
class Citation:
    """One article, read from the compact notation `TBA 164(1)(iii)`: law, article-branch, (paragraph), (item)."""

    statute: Statute
    article: str
    paragraph: str
    item: str

    @property
    def place_ja(self) -> str:
        """The place inside the law as Japanese lawyers write it: `164条1項3号`, `27条の12`."""
        number, *branches = self.article.split("-")
        place = f"{number}条" + "".join(f"の{branch}" for branch in branches)
        # After a branch number Japanese puts 第 before the next number: 26条の5第1項, not 26条の51項.
        joint = "第" if branches else ""
        place += f"{joint}{self.paragraph}項" if self.paragraph else ""
        return place + (f"{joint if not self.paragraph else ''}{_arabic(self.item)}号" if self.item else "")

    @property
    def place_en(self) -> str:
        """The place inside the law in English notation: `164(1)(iii)`, `27-12`."""
        paragraph = f"({self.paragraph})" if self.paragraph else ""
        return self.article + paragraph + (f"({self.item})" if self.item else "")

    @property
    def ja(self) -> str:
        return self.statute.ja + self.place_ja

    @property
    def en(self) -> str:
        return f"{self.statute.en}, Article {self.place_en}"

    @property
    def url(self) -> str:
        """The law's official text on e-Gov, or an empty string where e-Gov does not hold it."""
        return self.statute.url


def _arabic(roman: str) -> int:
    values = [_ROMAN[letter] for letter in roman]
    followers = [*values[1:], 0]
    return sum(-value if value < follower else value for value, follower in zip(values, followers, strict=True))


@cache
def cite(article: str) -> Citation:
    """Read one citation such as `TBA 16(1)` or `REG 22-2-27`.

    Raises ValueError for a notation or a law that is not known.
    """
    match = _NOTATION.fullmatch(article)
    if match is None or match["key"] not in STATUTES:
        raise ValueError(f"not a citation: {article!r}")
    return Citation(STATUTES[match["key"]], match["article"], match["paragraph"] or "", match["item"] or "")


def cite_all(articles: Iterable[str], language: str) -> str:
    """Join citations in one language, naming each law once: 「電気通信事業法4条・29条1項1号、刑法37条」."""
    groups = [(key, list(places)) for key, places in groupby(map(cite, articles), lambda citation: citation.statute)]
    if language.lower().startswith("ja"):
        return "、".join(law.ja + "・".join(place.place_ja for place in places) for law, places in groups)
    return "; ".join(
        f"{law.en}, {'Article' if len(places) == 1 else 'Articles'} {', '.join(place.place_en for place in places)}"
        for law, places in groups
    )


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


# Rules ----------------------------------------------------------------------------------------------------------------


class Feature(StrEnum):
    """What the product can do, as far as the law looks at it; the last three are doors that no rule shuts."""

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
    """What a feature needs before its door opens."""

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
                "届出なしで開けます。",
                en="Anyone can read these rooms, so like a bulletin board they are taken not to mediate other people's "
                "communications and open without a filing.",
                confidence=Confidence.SECONDARY,
            ),
            Rule(
                id="K-3",
                feature=Feature.MATCH_PAIR,
                required=Required.NOTIFIED,
                article="TBA 16(1)",
                title_ja="マッチング（二人だけの会話）",
                title_en="Matching (a talk between two)",
                ja="利用者どうしを組み合わせて二人に閉じた会話を取り次ぐことは、他人の通信の媒介に当たり、"
                "事業として営むには届出が必要です。",
                en="Pairing users and carrying a talk shut to the two of them mediates other people's communications, "
                "which takes a notification when it is carried on as a business.",
                confidence=Confidence.SECONDARY,
            ),
            Rule(
                id="K-4",
                feature=Feature.RECRUIT,
                required=Required.NOTIFIED,
                article="TBA 16(1)",
                title_ja="募集（相手を探す投稿から二人だけの会話へ）",
                title_en="Recruiting (a post that leads to a talk between two)",
                ja="募集に応じた人との会話はほかの人から見えない二人だけのやり取りになるため、"
                "媒介に当たり、事業として営むには届出が必要です。",
                en="Answering a post opens a talk hidden from everybody else, which is mediation and takes "
                "a notification when it is carried on as a business.",
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
                "事業として営むには届出が必要です。",
                en="Even where the service is mainly something else, messages between chosen users are mediation and "
                "take a notification when carried on as a business.",
                confidence=Confidence.VERIFIED,
            ),
            Rule(
                id="Y-4",
                feature=Feature.PROFILE_DATING,
                required=Required.DATING,
                article="DSA 7(1)",
                title_ja="性別や交際希望を載せる公開プロフィール",
                title_en="Public profiles with gender or a wish to date",
                ja="性別や交際の希望を誰でも見られる形で載せ、閉じた会話につなげると、"
                "インターネット異性紹介事業に当たる可能性があるため、公安委員会への届出も必要なものとして扱います。"
                "それらによるマッチングも同じです。",
                en="Showing gender or a wish to date in public and leading to a closed talk may be a dating-site "
                "business, so it is treated as needing the notification to the Public Safety Commission as well. Matching "
                "by them is the same.",
                confidence=Confidence.INFERENCE,
            ),
            Rule(
                id="S-5",
                feature=Feature.READ_CLOSED,
                required=Required.GROUND,
                article="TBA 4(1)",
                title_ja="運営側によるクローズド・チャットの閲覧",
                title_en="Staff reading closed chat",
                ja="運営側が事由なく閉じた会話を読むことは、通信の秘密の侵害に当たると考えられます。",
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
                ja="閉じた会話の内容は、機械で調べる場合でも、有効な同意などの根拠がなければ"
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


# Penalties ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Maximum:
    """The most that a court may impose: confinement (拘禁刑) in months, a sum in yen, whether both together."""

    months: int = 0
    yen: int = 0
    both: bool = False
    administrative: bool = False
    """True for 過料, which is not a criminal punishment."""

    @property
    def ja(self) -> str:
        years, rest = divmod(self.months, 12)
        term = (f"{years}年" if years else "") + (f"{rest}か月" if rest else "")
        name = "過料" if self.administrative else "罰金"
        parts = [f"{term}以下の拘禁刑"] if term else []
        parts += [f"{self.yen // 10_000}万円以下の{name}"] if self.yen else []
        return "または".join(parts) + ("（併科あり）" if self.both else "")

    @property
    def en(self) -> str:
        years, rest = divmod(self.months, 12)
        term = f"{years} years" if years else f"{rest} months"
        name = "an administrative fine" if self.administrative else "a fine"
        parts = [f"confinement of up to {term}"] if self.months else []
        parts += [f"{name} of up to ¥{self.yen:,}"] if self.yen else []
        return " or ".join(parts) + (", or both" if self.both else "")


@dataclass(frozen=True, slots=True)
class Penalty:
    """One row of the penalties: the act, the articles, and the maximum (empty where the law sets none directly)."""

    id: str
    articles: tuple[str, ...]
    ja: str
    en: str
    maximum: Maximum | None
    staff: Maximum | None = None
    """The heavier maximum for those engaged in the business, where the same row has two."""
    note: Text | None = None
    confidence: Confidence = Confidence.VERIFIED


PENALTIES: Final[tuple[Penalty, ...]] = (
    Penalty(
        "P-1",
        ("TBA 177",),
        "登録（9条）が必要なのに受けずに事業を営む",
        "Carrying on the business without the registration (Article 9) when it was needed",
        Maximum(months=36, yen=2_000_000, both=True),
    ),
    Penalty(
        "P-2",
        ("TBA 185(i)",),
        "届出（16条1項）をせず、または虚偽の届出をして事業を営む",
        "Carrying on the business without the notification (Article 16(1)), or with a false one",
        Maximum(months=6, yen=500_000),
    ),
    Penalty(
        "P-3",
        ("TBA 179(1)", "TBA 164(3)"),
        "通信の秘密を侵す（誰でも。第三号事業などの通信も含む）",
        "Breaching the secrecy of communications (anyone; traffic of third-item and other excluded businesses as well)",
        Maximum(months=24, yen=1_000_000),
    ),
    Penalty(
        "P-4",
        ("TBA 179(2)",),
        "電気通信事業に従事する者（運営者・スタッフ・モデレーターなど）が通信の秘密を侵す",
        "The same by a person engaged in the business, such as the operator, staff and moderators",
        Maximum(months=36, yen=2_000_000),
    ),
    Penalty(
        "P-5",
        ("TBA 179(3)",),
        "P-3・P-4 の未遂",
        "Attempts at P-3 and P-4",
        None,
        note=Text("未遂も罰せられる", "attempts are punished as well"),
    ),
    Penalty(
        "P-6",
        ("TBA 186(iii)", "TBA 29"),
        "業務改善命令に違反する（外部送信の規律に関する命令を含む）",
        "Violating an order to improve business operations, including one about external transmission",
        Maximum(yen=2_000_000),
    ),
    Penalty(
        "P-7",
        ("TBA 187(i)", "TBA 16(4)"),
        "事前の届出をせずに業務区域（設備の届出をしている場合は設備の概要も）を変更する",
        "Changing the service area (or the listed equipment) without the prior notification",
        Maximum(yen=500_000),
    ),
    Penalty(
        "P-8",
        ("TBA 188(i)", "TBA 188(vi)", "TBA 188(xviii)"),
        "承継・休止・廃止を届け出ない、漏えいや重大事故を報告しない、報告・検査を拒む",
        "Not notifying succession, suspension or closure; not reporting a leak or a serious accident; refusing reports "
        "or an inspection",
        Maximum(yen=300_000),
    ),
    Penalty(
        "P-9",
        ("TBA 193(i)", "TBA 16(3)"),
        "氏名・名称、住所、代表者、電話番号、電子メールアドレスなどの変更を届け出ない",
        "Not notifying a change of name, address, representative, phone number or e-mail address",
        Maximum(yen=100_000, administrative=True),
    ),
    Penalty(
        "P-10",
        ("TBA 190(ii)",),
        "法人の従業者などが177条〜179条・185条〜188条に違反したとき（両罰規定）",
        "Company liability, when its people violate Articles 177 to 179 or 185 to 188",
        None,
        note=Text("法人にも各条の罰金刑", "the company is fined as each article says"),
    ),
    Penalty(
        "P-11",
        ("TBA 167-2", "REG 61-2"),
        "この法律や命令・処分に違反した者の氏名などの公表",
        "Publication of the names of those who violated the Act or an order under it",
        None,
        note=Text("総務大臣が公表できる", "the Minister may publish them"),
    ),
    Penalty(
        "P-12",
        ("TBA 29(2)(i)", "TBA 29(2)(iv)"),
        "外部送信の規律（27条の12）や休廃止の周知（26条の5第1項）に反する",
        "Breach of the rules on external transmission (27-12) or on telling users of a closure (26-5(1))",
        None,
        note=Text("直接の罰則はなく、まず改善命令（従わなければ P-6）", "no direct fine; an order first, then P-6"),
    ),
    Penalty(
        "P-13",
        ("WTA 9", "WTA 14"),
        "電気通信事業法の対象外（趣味・実費のみなど）で、有線電気通信の秘密を侵す",
        "Breaching secrecy outside the Telecommunications Business Act, for example in a hobby service",
        Maximum(months=24, yen=500_000),
        staff=Maximum(months=36, yen=1_000_000),
    ),
)


# What is left open ----------------------------------------------------------------------------------------------------


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
    }
)

# Whom to ask ----------------------------------------------------------------------------------------------------------

BUREAUX: Final = Text(
    "北海道・東北・関東・信越・北陸・東海・近畿・中国・四国・九州の各総合通信局、沖縄総合通信事務所",
    "the regional bureaux of telecommunications in Hokkaido, Tohoku, Kanto, Shin-etsu, Hokuriku, Tokai, Kinki, Chugoku, "
    "Shikoku and Kyushu, and the Okinawa Office of Telecommunications",
)
"""Whom to ask: the bureau for the operator's address."""


@dataclass(frozen=True, slots=True)
class Bureau:
    """A regional bureau of telecommunications (総合通信局), or the office in Okinawa, and where it is competent."""

    key: str
    """The bureau's folder on the ministry's site."""
    ja: str
    en: str
    prefectures: Mapping[str, str]
    """The prefectures of its area, Japanese to English."""
    article: str = "ORG 138(1)"

    @property
    def url(self) -> str:
        """The bureau's pages on the ministry's site."""
        return f"https://www.soumu.go.jp/soutsu/{self.key}/"


def _bureau(key: str, ja: str, en: str, **prefectures: str) -> Bureau:
    names = MappingProxyType({japanese: english for english, japanese in prefectures.items()})
    return Bureau(key, f"{ja}総合通信局", f"{en} Bureau of Telecommunications", names)


REGIONAL_BUREAUX: Final[tuple[Bureau, ...]] = (
    _bureau("hokkaido", "北海道", "Hokkaido", Hokkaido="北海道"),
    _bureau(
        "tohoku",
        "東北",
        "Tohoku",
        Aomori="青森県",
        Iwate="岩手県",
        Miyagi="宮城県",
        Akita="秋田県",
        Yamagata="山形県",
        Fukushima="福島県",
    ),
    _bureau(
        "kanto",
        "関東",
        "Kanto",
        Ibaraki="茨城県",
        Tochigi="栃木県",
        Gunma="群馬県",
        Saitama="埼玉県",
        Chiba="千葉県",
        Tokyo="東京都",
        Kanagawa="神奈川県",
        Yamanashi="山梨県",
    ),
    _bureau("shinetsu", "信越", "Shin-etsu", Niigata="新潟県", Nagano="長野県"),
    _bureau("hokuriku", "北陸", "Hokuriku", Toyama="富山県", Ishikawa="石川県", Fukui="福井県"),
    _bureau("tokai", "東海", "Tokai", Gifu="岐阜県", Shizuoka="静岡県", Aichi="愛知県", Mie="三重県"),
    _bureau(
        "kinki",
        "近畿",
        "Kinki",
        Shiga="滋賀県",
        Kyoto="京都府",
        Osaka="大阪府",
        Hyogo="兵庫県",
        Nara="奈良県",
        Wakayama="和歌山県",
    ),
    _bureau(
        "chugoku",
        "中国",
        "Chugoku",
        Tottori="鳥取県",
        Shimane="島根県",
        Okayama="岡山県",
        Hiroshima="広島県",
        Yamaguchi="山口県",
    ),
    _bureau("shikoku", "四国", "Shikoku", Tokushima="徳島県", Kagawa="香川県", Ehime="愛媛県", Kochi="高知県"),
    _bureau(
        "kyushu",
        "九州",
        "Kyushu",
        Fukuoka="福岡県",
        Saga="佐賀県",
        Nagasaki="長崎県",
        Kumamoto="熊本県",
        Oita="大分県",
        Miyazaki="宮崎県",
        Kagoshima="鹿児島県",
    ),
    Bureau(
        "okinawa",
        "沖縄総合通信事務所",
        "Okinawa Office of Telecommunications",
        MappingProxyType({"沖縄県": "Okinawa"}),
        "ORG 140",
    ),
)
"""The bureaux one by one, as the ministry's organisation order lists their areas."""

BUREAU_OF: Final[Mapping[str, Bureau]] = MappingProxyType(
    {prefecture: bureau for bureau in REGIONAL_BUREAUX for prefecture in bureau.prefectures}
)
"""The competent bureau by prefecture, 47 of them (REG 69(2): by the address)."""

NOT_ADVICE: Final = Text("これは法的助言ではありません。", "This is not legal advice.")
