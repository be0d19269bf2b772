"""What a change of filed facts requires, after a notification and after a registration. A data table."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from compliance.law.duties.events import Kind
from compliance.law.text import Text

_NOTICE: Final = Text("変更の届出", "Change notice")


@dataclass(frozen=True, slots=True)
class Change:
    """What a change of filed facts requires: a form, what to do, the articles."""

    form: Text
    what: Text
    articles: tuple[str, ...]
    called: Text = _NOTICE
    before: bool = False
    """Whether it is due before the change, rather than without delay after it."""


_OF_BOTH: Final[Mapping[Kind, Change]] = MappingProxyType(
    {
        Kind.SERVICES: Change(
            Text("様式第10と新しい様式第4", "form 10 with a new form 4"),
            Text(
                "変更の後、遅滞なく報告します。構成図（様式第3）も変わるなら添え、LAW-05 に署名し直します。",
                "Report without delay, with form 3 if the diagram changed too, and sign LAW-05 anew.",
            ),
            ("REG 10(1)", "REG 10(2)"),
            Text("変更の報告", "Report of a change"),
        ),
        Kind.SUCCESSION: Change(
            Text("様式第11", "form 11"),
            Text("承継した人が、遅滞なく届け出ます。", "Whoever takes over notifies without delay."),
            ("TBA 17(2)", "REG 11(5)"),
            Text("承継の届出", "Notice of succession"),
        ),
        Kind.DISSOLUTION: Change(
            Text("様式第12の5", "form 12-5"),
            Text(
                "清算人（破産手続開始の決定による解散では破産管財人）が、遅滞なく届け出ます。",
                "The liquidator (the trustee, where bankruptcy dissolved it) notifies without delay.",
            ),
            ("TBA 18(2)", "REG 12(7)"),
            Text("解散の届出", "Notice of dissolution"),
        ),
    }
)
OF_NOTIFIED: Final[Mapping[Kind, Change]] = MappingProxyType(
    {
        **_OF_BOTH,
        Kind.IDENTITY: Change(
            Text("様式第6", "form 6"),
            Text(
                "変更の後、遅滞なく届け出ます。氏名・名称、住所、代表者の変更には証明書類を添えます。",
                "Notify without delay once it changed; with proof where the name, address or representative did.",
            ),
            ("TBA 16(3)", "REG 9(3)", "REG 9(4)"),
        ),
        Kind.AREA: Change(
            Text("様式第9", "form 9"),
            Text(
                "変更する前に届け出ます。ネットワーク構成図（様式第3）も変わるなら添えます。",
                "Notify before it changes, with form 3 if the diagram changes too.",
            ),
            ("TBA 16(4)", "REG 9(5)"),
            before=True,
        ),
        Kind.AREA_MINOR: Change(
            Text("様式第7", "form 7"),
            Text(
                "軽微な変更は、変更の後、遅滞なく届け出ます。", "A minor change is notified without delay afterwards."
            ),
            ("TBA 16(4)", "REG 9(7)", "REG 9(8)", "REG 9(9)"),
        ),
        Kind.REPRESENTATIVE: Change(
            Text("様式第6と様式第2の2", "form 6 with form 2-2"),
            Text(
                "遅滞なく新しい国内代表者等を定め、届け出ます。",
                "Name a new representative without delay, and notify it.",
            ),
            ("REG 9-2", "TBA 16(3)", "REG 9(3)"),
        ),
    }
)
"""What each change requires of an operator that notified (TBA 16)."""

OF_REGISTERED: Final[Mapping[Kind, Change]] = MappingProxyType(
    {
        **_OF_BOTH,
        Kind.IDENTITY: Change(
            Text("様式第6", "form 6"),
            Text(
                "変更の後、遅滞なく届け出ます。氏名・名称、住所、代表者の変更には証明書類を添えます。",
                "Notify without delay once it changed; with proof where the name, address or representative did.",
            ),
            ("TBA 13(5)", "REG 7(1)", "REG 7(2)"),
        ),
        Kind.AREA: Change(
            Text("様式第5（申請書）", "form 5 (application)"),
            Text(
                "変更する前に、変更登録を受けます。届出では足りません。ネットワーク構成図（様式第3）も変わるなら添えて早めに申請し、"
                "登録を受けるまで変更しません。変更登録を受けずに変えると、200万円以下の罰金です"
                "（186条1号）。",
                "Have the change registered before you make it; a notice is not enough. Apply early, with form 3 if "
                "the "
                "diagram changes too, and do not change anything until it is registered. Changing without it is fined "
                "by up to ¥2,000,000 (Article 186(i)).",
            ),
            ("TBA 13(1)", "TBA 13(3)", "REG 5(1)", "TBA 186(i)"),
            Text("変更登録", "Registration of a change"),
            before=True,
        ),
        Kind.AREA_MINOR: Change(
            Text("様式第7", "form 7"),
            Text(
                "軽微な変更（施行規則6条）は、変更の後、遅滞なく届け出ます。構成図（様式第3）も変わるなら添えます。",
                "A minor change (REG 6) is notified without delay afterwards, with form 3 if the diagram changed too.",
            ),
            ("TBA 13(5)", "REG 6", "REG 8(1)"),
        ),
        Kind.REPRESENTATIVE: Change(
            Text("様式第6と様式第2の2", "form 6 with form 2-2"),
            Text(
                "新しい国内代表者等を定め、遅滞なく届け出ます。",
                "Name a new representative, and notify it without delay.",
            ),
            ("TBA 13(5)", "REG 7(1)"),
        ),
        Kind.OFFICERS: Change(
            Text("様式第10の2と、役員の名簿・履歴書・誓約書（様式第2）", "form 10-2 with the list, CVs and form 2"),
            Text("変更の後、遅滞なく報告します。", "Report without delay once they changed."),
            ("REG 10(3)", "REG 10(4)"),
            Text("変更の報告", "Report of a change"),
        ),
    }
)
"""What each change requires of a registered operator (TBA 9, 13)."""
