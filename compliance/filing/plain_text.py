"""Writes the draft as plain text, for the electronic form."""

from __future__ import annotations

from compliance.filing.diagram import describe_network
from compliance.filing.draft import DRAFT, TO_FILL_IN, Draft, FormEntry


def as_text(draft: Draft) -> str:
    """Return forms 8, 3 and 4 as Japanese text, to be copied box by box into the electronic form."""
    bureau = draft.applicant.bureau
    parts = [
        f"【{DRAFT.ja}】",
        "",
        "■ 電気通信事業届出書（様式第8）",
        "提出先：総務大臣"
        + (f"（{bureau.ja}長経由）" if bureau else "（経由する総合通信局：住所から分からないため、要確認）"),
        *(_pair(entry) for entry in (*draft.head, *draft.items)),
        "",
        "■ ネットワーク構成図（様式第3）",
        *(f"・{line}" for line in describe_network(draft.network)),
        "",
        "■ 提供する電気通信役務（様式第4）",
        *(f"・項目番号（総合通信局に確認）：{service.ja}" for service in draft.offered or (TO_FILL_IN,)),
        "",
        "■ 添付書類",
        *(f"・{paper.ja}" for paper in draft.attachments),
        "",
        "■ 手で書くもの・確かめるもの",
        *(f"・{left.ja}" for left in draft.by_hand),
    ]
    return "\n".join(parts) + "\n"


def _pair(entry: FormEntry) -> str:
    return f"{entry.label.ja}：{entry.value or f'（{(entry.by_hand or TO_FILL_IN).ja}）'}"
