"""The laws and guidelines that citations name. A data table."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from compliance.law.sources import LAW_VERSION


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
            Statute("ATT", "324AC1000000205", "弁護士法", "Attorneys Act"),
            Statute(
                "YIA",
                "420AC1000000079",
                "青少年インターネット環境整備法",
                "Youth Internet Environment Act",
                "2026-06-24",
            ),
            Statute("PIA", "426AC1000000126", "リベンジポルノ防止法", "Private Sexual Images Act", "2025-06-01"),
            Statute("CCA", "412AC0000000061", "消費者契約法", "Consumer Contract Act", "2026-06-24"),
            Statute("SEM", "414AC0100000026", "特定電子メール法", "Specified Electronic Mail Act", "2025-06-01"),
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
