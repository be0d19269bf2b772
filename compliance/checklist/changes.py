"""What changed after an item was signed, by the code and the version of the law."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from compliance import assessment, law
from compliance.law import RULES, Facts, Item, Text, contradictions, retention, transmissions

if TYPE_CHECKING:
    from compliance.gate import Snapshot
    from compliance.models import Signature


def changes(item: Item, signature: Signature, snapshot: Snapshot) -> tuple[Text, ...]:
    """Return one sentence for each change after the signature.

    Args:
        item: of the catalogue.
        signature: the live one on the item.
        snapshot: of the gate, now.
    """
    return tuple(_changes(item, signature, snapshot))


def _changes(item: Item, signature: Signature, snapshot: Snapshot) -> Iterator[Text]:
    facts = snapshot.checklist.facts if snapshot.checklist else Facts()
    if snapshot.checklist:
        for found in contradictions(snapshot.standing, snapshot.checklist):
            if found.item == item.id:
                yield Text(
                    f"{found.one.ja}、{found.other.ja}。{found.step.ja}",
                    f"{found.one.en}, but {found.other.en}. {found.step.en}",
                )
    match item.id:
        case "LAW-01":
            yield from assessment.position(snapshot).changes
            return  # these include the version of the law
        case "LAW-05":
            for feature in facts.unfiled(assessment.offered_features(snapshot)):
                title = RULES[feature].title
                yield Text(
                    f"「{title.ja}」はコードにありますが、様式第4に含まれていません。"
                    "この機能については未署名として扱い、開きません。",
                    f"“{title.en}” is in the code but not on form 4 as recorded. For it this item counts as unsigned, "
                    "and it stays off.",
                )
        case "LAW-11" if _differs(signature.evidence.get("list_version"), transmissions.version()):
            yield Text(
                "外部送信の一覧が、署名した後に変わりました。",
                "The list of external transmissions has changed since the signature.",
            )
        case "LAW-12" if _differs(signature.evidence.get("table_version"), retention.version()):
            yield Text(
                "保存期間の表が、署名した後に変わりました。", "The retention table has changed since the signature."
            )
        case "LAW-20" if _differs(signature.evidence.get("number"), snapshot.standing.dating_number):
            yield Text(
                "記録した番号と、環境変数の番号が違います。", "The number on record is not that of the environment."
            )
        case _:
            pass
    if signature.law_version != law.LAW_VERSION:
        yield Text(
            f"法令の時点が {signature.law_version} から {law.LAW_VERSION} に変わりました。",
            f"The law version changed from {signature.law_version} to {law.LAW_VERSION}.",
        )


def _differs(recorded: object, now: str) -> bool:
    return bool(recorded) and recorded != now
