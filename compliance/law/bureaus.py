"""The regional bureaus of telecommunications (総合通信局) and the prefectures of each. A data table."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from compliance.law.text import Text

BUREAUX: Final = Text(
    "北海道・東北・関東・信越・北陸・東海・近畿・中国・四国・九州の各総合通信局、沖縄総合通信事務所",
    "the regional bureaux of telecommunications in Hokkaido, Tohoku, Kanto, Shin-etsu, Hokuriku, Tokai, Kinki, "
    "Chugoku, Shikoku and Kyushu, and the Okinawa Office of Telecommunications",
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
