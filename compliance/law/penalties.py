"""The penalties (罰則) for breaking the rules. A data table."""

from dataclasses import dataclass
from typing import Final

from compliance.law.sources import Confidence
from compliance.law.text import Text


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
        return "または".join(parts) + ("（併科されることがある）" if self.both else "")

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
        ("TBA 193(i)", "TBA 13(5)", "TBA 16(3)", "TBA 18(2)"),
        "氏名・名称、住所、代表者、電話番号、電子メールアドレスなどの変更や、法人の解散を届け出ない",
        "Not notifying a change of name, address, representative, phone number or e-mail address, or the dissolution "
        "of a company",
        Maximum(yen=100_000, administrative=True),
    ),
    Penalty(
        "P-10",
        ("TBA 190(ii)",),
        "法人の代表者や、法人・個人事業者の代理人・従業者が、その業務について177条〜179条・182条2項・185条〜188条に"
        "違反したとき（両罰規定）",
        "Liability of the company or of the sole trader, when their representatives, agents or employees violate "
        "Articles 177 to 179, 182(2) or 185 to 188 in the business",
        None,
        note=Text(
            "行為者のほか、法人にも、個人事業者本人にも各条の罰金刑",
            "besides the offender, the company or the sole trader in person is fined as each article says",
        ),
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
    Penalty(
        "P-14",
        ("TBA 186(i)", "TBA 13(1)"),
        "登録を受けた事業者が、変更登録を受けずに業務区域や電気通信設備の概要を変更する",
        "Changing the service area or the outline of the equipment without the registration of the change, as "
        "a registered operator",
        Maximum(yen=2_000_000),
    ),
    Penalty(
        "P-15",
        ("DSA 32(i)", "DSA 7(1)"),
        "公安委員会に届け出ずにインターネット異性紹介事業を行う",
        "Running a dating-site business without the notification to the Public Safety Commission",
        Maximum(months=6, yen=1_000_000),
    ),
    Penalty(
        "P-16",
        ("DSA 31", "DSA 14", "DSA 15(2)(ii)"),
        "異性紹介事業の停止命令・廃止命令に違反する",
        "Violating an order to suspend or to end a dating-site business",
        Maximum(months=12, yen=1_000_000, both=True),
    ),
    Penalty(
        "P-17",
        ("DSA 34", "DSA 7(2)"),
        "異性紹介事業の届出や添付書類に虚偽の記載をする、変更・廃止を届け出ない、報告をしない",
        "False papers in the notification of a dating-site business, no notice of a change or of its end, no report",
        Maximum(yen=300_000),
    ),
    Penalty(
        "P-18",
        ("DSA 35",),
        "法人の代表者や、法人・個人事業者の代理人・従業者が、異性紹介事業について31条・32条・34条に違反したとき"
        "（両罰規定）",
        "Liability of the company or of the sole trader for violations of Articles 31, 32 and 34 in the dating-site "
        "business",
        None,
        note=Text(
            "行為者のほか、法人にも、個人事業者本人にも各条の罰金刑",
            "besides the offender, the company or the sole trader in person is fined as each article says",
        ),
    ),
    Penalty(
        "P-19",
        ("CCP 222-2", "CCP 218"),
        "正当な理由なく、電磁的記録提供命令や、命令を漏らさないよう命じる命令に違反する（法人・個人事業者にも同じ罰金刑）",
        "Disobeying, without a good reason, an order to produce electronic records, or an order to keep it secret (the "
        "company or the sole trader is fined alike)",
        Maximum(months=12, yen=3_000_000),
    ),
)
