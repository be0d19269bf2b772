"""What changed since an item was signed, as far as the code and the law's version can tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from compliance import assessment, law, retention, transmissions
from compliance.checklist import Facts, Item
from compliance.law import RULES, Text, say

if TYPE_CHECKING:
    from compliance.gate import Snapshot
    from compliance.models import Signature


def changes(item: Item, signature: Signature, snapshot: Snapshot) -> tuple[Text, ...]:
    """Return what is no longer as it was when the item was signed, one sentence each."""
    return tuple(_changes(item, signature, snapshot))


def _changes(item: Item, signature: Signature, snapshot: Snapshot) -> Iterator[Text]:
    facts = snapshot.checklist.facts if snapshot.checklist else Facts()
    match item.id:
        case "LAW-01":
            yield from assessment.position(snapshot).changes
            return  # it speaks of the law's version, too
        case "LAW-04" if snapshot.standing.number != signature.evidence.get("number"):
            yield Text(
                f"記録した番号と、環境変数の番号（{snapshot.standing.number or 'なし'}）が違います。",
                f"The number on record is not that of the environment ({snapshot.standing.number or 'none'}).",
            )
        case "LAW-05":
            for feature in facts.unfiled(assessment.doors()):
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


def known(item: Item, snapshot: Snapshot, language: str) -> dict[str, str]:
    """Return what the code knows of an item's evidence, to start its form with."""
    found: dict[str, dict[str, str]] = {
        "LAW-01": {"law_version": law.LAW_VERSION},
        "LAW-04": {"number": snapshot.standing.number},
        "LAW-05": {
            "map": "\n".join(
                f"{say(RULES[feature].title, language)}: "
                for feature in assessment.doors()
                if feature in law.CLOSED_FEATURES
            )
        },
        "LAW-11": {"transmissions": transmissions.as_text(language), "list_version": transmissions.version()},
        "LAW-12": {"table": retention.as_text(language), "table_version": retention.version()},
        "LAW-20": {"number": snapshot.standing.dating_number},
    }
    return found.get(item.id, {})
