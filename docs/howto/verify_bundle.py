"""Replays a ledger, and checks a proof of it without Todoke: python3 verify_bundle.py PROOF [ANCHOR ...].

PROOF is proof.json or the folder that holds it. ANCHOR is a line that was kept elsewhere, or a file of such lines.
It needs Python 3.9 and nothing else. The service writes its proofs with this same file, compliance/records/replay.py:
every claim and the whole page can be computed anew from the entries and compared to the letter. That is why it is one
file, however long: a third person gets it as it is, reads it, and runs it alone.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

FORMAT = "todoke-proof/2"
GENESIS = "0" * 64
JSON_NAME, PAGE_NAME, SUMS_NAME = "proof.json", "proof.html", "SHA256SUMS"
ENTRY_KEYS = {"seq", "at", "event", "actor", "role", "payload", "law_version", "previous_hash", "hash"}
GIVEN = ("format", "from", "to", "basis", "entries", "after")
TYPES = {"seq": (int,), "payload": (dict,), "actor": (str, type(None))}  # of an entry; the rest is text
DERIVED = ("operator", "law_versions", "states", "periods", "stops", "ends", "signatures", "features", "refusals")
DEMO = "demo"  # each entry of a demo carries it
COUNTED = ("gate.refused", "ledger.anchored", "anchor.stamped")  # the page counts these and lists the others
ANCHOR = re.compile(r"todoke-anchor\s+1\s+([0-9]{1,18})\s+([0-9a-f]{64})\s+([0-9T:.+-]{32})")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}\+00:00")

UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)  # of a forged entry

Pair = tuple[str, str]
"""One text in Japanese and in English."""

SPECIMEN: Pair = (
    "見本（デモ）の記録です。どのサービスについても、何の証明にもなりません。",
    "SPECIMEN. This is the record of a demo. It proves nothing about any service.",
)

# Words ----------------------------------------------------------------------------------------------------------------

EVENTS: Mapping[str, Pair] = {
    "gate.opened": ("クローズド・チャットを開始", "Closed chat opened"),
    "gate.closed": ("クローズド・チャットを停止", "Closed chat shut"),
    "gate.refused": ("断った利用の回数", "Attempts refused"),
    "item.signed": ("項目に署名", "Item signed"),
    "item.withdrawn": ("署名を取り下げ", "Signature withdrawn"),
    "stop.pulled": ("緊急停止", "Emergency stop pulled"),
    "stop.lifted": ("緊急停止を解除", "Emergency stop lifted"),
    "end.announced": ("終了を予告", "End announced"),
    "end.withdrawn": ("終了の予告を取り下げ", "Announcement of the end withdrawn"),
    "end.reached": ("予告した終了日が到来", "Announced end reached"),
    "duty.done": ("義務を履行", "Duty done"),
    "duty.reopened": ("義務を未了に戻した", "Duty opened again"),
    "incident.recorded": ("事故を記録", "Incident recorded"),
    "change.recorded": ("変更を記録", "Change recorded"),
    "outage.recorded": ("障害を記録", "Outage recorded"),
    "outage.corrected": ("障害の記録を訂正", "Outage corrected"),
    "record.struck": ("記録を取り消し", "Record struck out"),
    "hold.placed": ("法的保全を開始", "Legal hold placed"),
    "hold.extended": ("法的保全を延長", "Legal hold extended"),
    "hold.lifted": ("法的保全を解除", "Legal hold lifted"),
    "feed.made": ("カレンダーの配信を作成", "Calendar feed made"),
    "feed.revoked": ("カレンダーの配信を廃止", "Calendar feed revoked"),
    "retention.purged": ("保存期間を過ぎた記録を消去", "Records past their period erased"),
    "report.filed": ("通報を受付", "Report filed"),
    "disclosure.made": ("クローズド・チャットの内容を開示", "Closed talk disclosed"),
    "staff.added": ("スタッフのアカウントを追加", "Staff account added"),
    "staff.removed": ("スタッフのアカウントを解除", "Staff account removed"),
    "power.given": ("権限を付与", "Power given"),
    "power.taken": ("権限を取り上げ", "Power taken"),
    "factor.added": ("二つ目の認証手段を追加", "Second factor added"),
    "factor.removed": ("二つ目の認証手段を削除", "Second factor removed"),
    "account.suspended": ("アカウントを停止", "Account suspended"),
    "account.restored": ("アカウントの停止を解除", "Account suspension ended"),
    "key.rotated": ("鍵を交代", "Key rotated"),
    "service.started": ("サーバーのプロセスを起動", "Server process started"),
    "service.restored": ("バックアップから復元", "Restored from a backup"),
    "database.went_back": ("データベースが以前の状態に戻ったことを検出", "Database found to have gone back"),
    "restore.confirmed": ("復元後の記録を確認", "Record confirmed after a restore"),
    "ledger.anchored": ("台帳のアンカーを記録", "Ledger anchored"),
    "anchor.stamped": ("アンカーにタイムスタンプを取得", "Anchor time-stamped"),
    "proof.exported": ("証明を書き出し", "Proof exported"),
    "evidence.downloaded": ("証拠ファイルを取り出し", "Evidence file downloaded"),
    "report.answered": ("通報に回答", "Report answered"),
    "report.opened": ("通報された内容を閲覧", "Reported words looked at"),
    "approval.requested": ("二人目の承認を依頼", "Approval of a second person requested"),
    "approval.given": ("二人目が承認", "Approved by a second person"),
    "approval.refused": ("二人目が不承認", "Refused by a second person"),
    "invitation.sent": ("スタッフを招待", "Staff member invited"),
    "invitation.accepted": ("招待を承諾", "Invitation accepted"),
    "invitation.withdrawn": ("招待を取り消し", "Invitation withdrawn"),
    "staff.recovered": ("スタッフの認証手段を再設定", "Sign-in of a staff member recovered"),
    "message.removed": ("発言を削除", "Message removed"),
    "message.restored": ("発言を復元", "Message restored"),
    "person.warned": ("利用者に警告", "Person warned"),
    "person.muted": ("利用者の発言を停止", "Person muted"),
    "sanction.lifted": ("利用者への措置を解除", "Act on a person lifted"),
    "appeal.decided": ("不服申立てを決定", "Appeal decided"),
    "room.restricted": ("部屋の投稿を制限", "Posting in a room restricted"),
    "room.archived": ("部屋を保管", "Room archived"),
    "keeper.named": ("部屋の管理人を指名", "Keeper of a room named"),
    "keeper.removed": ("部屋の管理人を解任", "Keeper of a room removed"),
    "case.opened": ("案件を開始", "Case opened"),
    "case.changed": ("案件を更新", "Case changed"),
    "case.closed": ("案件を終了", "Case closed"),
    "letter.issued": ("書面を作成", "Letter issued"),
    "disclosure.requested": ("開示を請求", "Disclosure requested"),
    "disclosure.approved": ("開示を承認", "Disclosure approved"),
    "disclosure.refused": ("開示を不承認", "Disclosure refused"),
    "disclosure.opened": ("開示した写しを開封", "Extract of a disclosure opened"),
    "disclosure.reviewed": ("開示を事後に確認", "Disclosure reviewed afterwards"),
    "seal.opened": ("クローズド・チャットの封を開けた", "Seal of closed talk opened"),
    "data.exported": ("本人のデータを書き出し", "Personal data exported"),
    "account.erased": ("アカウントを消去", "Account erased"),
}
ROLES: Mapping[str, Pair] = {
    "service": ("サービス", "the service"),
    "operator": ("運営者", "operator"),
    "compliance": ("法務担当", "compliance"),
    "moderator": ("モデレーター", "moderator"),
    "auditor": ("監査人", "auditor"),
    "superuser": ("全権限のスタッフ", "superuser"),
    "staff": ("スタッフ", "staff"),
    "member": ("会員", "member"),
}
CAUSES: Mapping[str, Pair] = {
    "unreachable": ("チェックリストの記録を確認できなかった", "the checklist could not be read"),
    "emergency_stop": ("緊急停止があった", "the emergency stop was pulled"),
    "restored": ("データベースが以前の状態に戻った", "the database went back to an earlier state"),
    "ended": ("予告した終了日が来た", "the announced day of the end had come"),
    "winding_down": ("終了が予告されていた", "an end was announced"),
    "environment": ("環境変数に届出の設定がなかった", "no filing was set in the environment"),
    "environment_incomplete": ("環境変数の届出の設定が足りなかった", "the filing was incomplete in the environment"),
    "drift": ("サーバーの間で届出の設定が食い違った", "servers disagreed about the filing"),
    "contradiction": ("二つの情報源が食い違った", "two sources contradicted each other"),
    "aged": ("署名の期限が過ぎて三十日がたった", "a signature had been out of date for thirty days"),
    "not_offered": ("設定でその機能を提供していなかった", "the deployment did not offer it"),
    "changed": ("記録の内容が変わり、次の期間に続いた", "its facts changed; the next period continues it"),
    "pending": ("期間の開始が多すぎた", "periods were opened too often"),
    "dating": ("出会い系サイト規制法の届出がなかった", "the dating service notification was missing"),
    "unfiled": ("様式第4に記載のない機能だった", "the feature was not on form 4"),
    "consult": ("判定が「総合通信局に相談」だった", "the verdict was to consult the bureau"),
    "checklist": ("必須項目の署名がない、または期限切れだった", "a required signature was missing or had expired"),
    "ground": ("事由の記録がなかった", "no ground was on record"),
}
STATUSES: Mapping[str, Pair] = {
    "none": ("届出も登録もない", "nothing filed"),
    "filed": ("届出済み・番号通知待ち", "notified, number pending"),
    "notified": ("届出済み", "notified"),
    "registered": ("登録済み", "registered"),
    "exempt": ("届出を要しない根拠を記録", "recorded as needing no notification"),
}
FEATURES: Mapping[str, Pair] = {
    "room.match_pair": ("二人のマッチング", "talk of a matched pair"),
    "room.recruit": ("募集から始まる会話", "talk that a public post leads to"),
    "room.invite_only": ("招待制の部屋", "rooms by invitation"),
    "dm.text": ("ダイレクトメッセージ", "direct messages"),
    "profile.dating": ("出会いを目的とするプロフィール", "dating profiles"),
}
DOORS: Mapping[str, Pair] = {
    "page": ("画面", "page"),
    "command": ("コマンド", "command"),
    "unseen": ("後から判明", "found afterwards"),
}
KEYS: Mapping[str, Pair] = {
    "account": ("アカウント", "account"),
    "alone": ("二人目なし（24時間の待機後）", "without a second person, after 24 hours"),
    "alone_from": ("一人で実行できる時刻", "alone from"),
    "approval": ("承認", "approval"),
    "attack": ("不正行為のおそれ", "an attack may be behind it"),
    "authorisation": ("提供可能期間", "period"),
    "anchor": ("アンカーの番号", "anchor at entry"),
    "continued": ("次の期間に継続", "continued"),
    "continues": ("継続元の期間", "continues period"),
    "authority": ("時刻認証局", "authority"),
    "before": ("以前", "before"),
    "door": ("経路", "by"),
    "due": ("期限", "due"),
    "duty": ("義務", "duty"),
    "ended": ("終了", "until"),
    "ends_on": ("最終日", "last day"),
    "features": ("機能", "features"),
    "from": ("始まり", "from"),
    "ground": ("根拠", "ground"),
    "factors": ("認証手段", "factors"),
    "found_by": ("検出の手がかり", "found by"),
    "group": ("グループ", "group"),
    "hold": ("保全", "hold"),
    "id": ("番号", "no."),
    "invitation": ("招待", "invitation"),
    "key": ("鍵", "key"),
    "kind": ("種類", "kind"),
    "note": ("メモ", "note"),
    "now": ("現在", "now"),
    "on": ("日付", "on"),
    "powers": ("権限", "powers"),
    "reached": ("終了日の到来後", "after its day"),
    "reason": ("理由", "reason"),
    "report": ("報告", "report"),
    "scope": ("範囲", "scope"),
    "second": ("二人目", "second person"),
    "sessions": ("終了したログイン", "sessions ended"),
    "stamped_at": ("認証された時刻", "stamped at"),
    "started": ("開始", "since"),
    "summary": ("概要", "summary"),
    "to": ("終わり", "to"),
    "users": ("影響した利用者", "users"),
    "version": ("版", "version"),
    "what": ("対象", "what"),
    "where": ("場所", "where"),
    "withdrawn": ("依頼を取下げ", "request withdrawn"),
    "service": ("サービス", "service"),
    "add_on": ("付加的な機能", "an add-on only"),
    "cause": ("原因", "cause"),
    "noticed_by": ("気づいた人", "noticed by"),
}
HIDDEN = {
    "demo",
    "environment",
    "epoch",
    "instead_of",
    "remembered",
    "found",
    "evidence",
    "expires",
    "facts_fingerprint",
    "head",
    "keys",
    "law_version",
    "named",
    "renewed",
}
HIDDEN |= {
    "until",
    "running",
    "sha256",
    "signature",
    "signatures",
    "standing",
    "table",
    "token",
    "unsigned",
    "evidence_sha256",
}


class Refused(ValueError):
    """Why a proof is refused; its two arguments say it in Japanese and in English."""

    @property
    def pair(self) -> Pair:
        """The reason in both languages."""
        return self.args[0], self.args[1]


# The replay -----------------------------------------------------------------------------------------------------------

CHAPTERS = {
    "gate.opened": ("periods", "authorisation", True),
    "gate.closed": ("periods", "authorisation", False),
    "item.signed": ("signatures", "item", True),
    "item.withdrawn": ("signatures", "item", False),
    "stop.pulled": ("stops", "", True),
    "stop.lifted": ("stops", "", False),
    "end.announced": ("ends", "", True),
    "end.withdrawn": ("ends", "", False),
}
NAMES = ("periods", "stops", "ends", "signatures")


class Replay:
    """The state that the entries applied so far amount to: periods, stops, announced ends and signatures.

    Args:
        running: what ran where the replay starts, from `running()` or an anchor's payload; None before entry 1.
    """

    def __init__(self, running: Mapping[str, Any] | None = None) -> None:
        start = json.loads(json.dumps(running or {}))
        self.intervals: dict[str, list[dict[str, Any]]] = {name: start.get(name, []) for name in NAMES}
        self.standing: dict[str, Any] | None = start.get("standing")
        self.refusals: dict[str, int] = {}

    def apply(self, entry: Mapping[str, Any]) -> None:
        """Apply the next entry.

        Raises:
            Refused: it contradicts the entries before, or its payload lacks what its event must say.
        """
        number, event, said = entry["seq"], entry["event"], entry["payload"]
        side = {"entry": number, "event": event, "at": entry["at"], "by": entry["actor"], "role": entry["role"]}
        side["said"] = {key: value for key, value in said.items() if key != "evidence"}
        try:
            if event == "gate.refused":
                for feature, count in said["counts"].items():
                    self.refusals[feature] = self.refusals.get(feature, 0) + count
            if event in ("gate.opened", "service.started"):
                self.standing = {key: said["standing"][key] for key in ("status", "number", "date", "operator")}
            if event == "end.reached":
                running(self.intervals["ends"])[0]["reached"] = side
            if event in CHAPTERS:
                self._turn(side, *CHAPTERS[event])
        except (KeyError, IndexError, TypeError, AttributeError):
            raise Refused(
                f"記録 {number} の内容が、出来事「{event}」の形になっていません",
                f"entry {number} does not say what {event} must say",
            ) from None

    def _turn(self, side: dict[str, Any], name: str, key: str, begins: bool) -> None:  # noqa: FBT001 -- from CHAPTERS
        said, number = side["said"], side["entry"]
        same = [one for one in running(self.intervals[name]) if not key or one["began"]["said"][key] == said[key]]
        if begins and name == "periods":
            before = self.intervals[name][-1] if self.intervals[name] else None
            if not all(isinstance(feature, str) for feature in said["features"]):
                raise TypeError
            if said["continues"] is not None and before and before["began"]["said"][key] != said["continues"]:
                raise Refused(
                    f"記録 {number} は、直前ではない提供可能期間を継続しています",
                    f"entry {number} continues a period that is not the one before",
                )
            same = running(self.intervals[name])
        if begins and same and name != "signatures":
            raise Refused(
                f"記録 {number} は、続いているものをもう一度始めています", f"entry {number} begins what already runs"
            )
        if not begins and not same:
            raise Refused(
                f"記録 {number} は、始まっていないものを終えています", f"entry {number} ends what had not begun"
            )
        for one in same:  # signing an item anew ends the signature before
            one["ended"] = side
        if begins:
            self.intervals[name].append({"began": side, "ended": None})

    def running(self) -> dict[str, Any]:
        """Return what runs now, as an anchor carries it."""
        now: dict[str, Any] = {name: running(intervals) for name, intervals in self.intervals.items()}
        return json.loads(json.dumps(now | {"standing": self.standing}))  # type: ignore[no-any-return]

    def state(self, at: str | None) -> dict[str, Any]:
        """Return what holds at this point of the replay; `at` is None before the first entry."""
        period, stop, end = (next(iter(running(self.intervals[name])), None) for name in ("periods", "stops", "ends"))
        live = [one["began"]["said"] for one in running(self.intervals["signatures"])]
        over = [said["item"] for said in live if at and said["expires"] and utc(said["expires"]) <= at]
        return {
            "at": at,
            "closed_chat": period is not None,
            "authorisation": period["began"]["said"]["authorisation"] if period else None,
            "features": sorted(period["began"]["said"]["features"]) if period else [],
            "stop": {"since": stop["began"]["at"], "reason": stop["began"]["said"]["reason"]} if stop else None,
            "end": {"on": end["began"]["said"]["notice"]["on"], "reached": "reached" in end} if end else None,
            "signed": sorted(said["item"] for said in live if said["item"] not in over),
            "expired": sorted(over),
        }


def running(intervals: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those that have not ended."""
    return [one for one in intervals if one["ended"] is None]


def utc(text: str) -> str:
    """Return an ISO 8601 time with a zone as entries carry it: in UTC, to the microsecond."""
    at = datetime.fromisoformat(text)
    return (at - (at.utcoffset() or timedelta())).replace(tzinfo=None).isoformat(timespec="microseconds") + "+00:00"


def spans(periods: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return, feature by feature, when it was on; a period that continues the one before carries its span on."""
    found: dict[str, list[dict[str, Any]]] = {}
    for period in periods:
        said, until = period["began"]["said"], (period["ended"] or {}).get("at")
        for feature in said["features"]:
            mine = found.setdefault(feature, [])
            if mine and said["continues"] is not None and mine[-1]["periods"][-1] == said["continues"]:
                mine[-1]["periods"].append(said["authorisation"])
                mine[-1]["until"] = until
            else:
                mine.append({"from": period["began"]["at"], "until": until, "periods": [said["authorisation"]]})
    return dict(sorted(found.items()))


def claims(proof: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that a proof claims, derived from its entries alone.

    Args:
        proof: with `from`, `to`, `basis`, `entries` and `after`.

    Raises:
        Refused: the entries contradict each other, or an anchor among them states what they do not.
    """
    replay, entries, after = Replay(), proof["entries"], proof["after"]
    for index, entry in enumerate(proof["basis"]):
        if index == 0 and entry["seq"] != 1:
            replay = Replay(entry["payload"]["running"])
        else:
            _apply(replay, entry, (proof["basis"])[index - 1])
    states, first = [replay.state(proof["from"])], entries[0]["seq"] if entries else after["seq"]
    replay.refusals = {}
    for index, entry in enumerate(entries):
        _apply(replay, entry, entries[index - 1] if index else (proof["basis"] or [{}])[-1])
    states.append(replay.state(proof["to"] or after["at"]))
    intervals = {
        name: [one for one in replay.intervals[name] if one["ended"] is None or one["ended"]["entry"] >= first]
        for name in NAMES
    }
    marked = {DEMO: True} if specimen(proof) else {}
    return marked | {
        "operator": replay.standing,
        "law_versions": sorted({entry["law_version"] for entry in entries or [after]}),
        "states": states,
        **intervals,
        "features": spans(intervals["periods"]),
        "refusals": dict(sorted(replay.refusals.items())),
    }


def specimen(proof: Any) -> bool:
    """Return whether any entry of a proof was written in a demo: then it proves nothing about a service."""
    try:
        return any(DEMO in entry["payload"] for entry in [*proof["basis"], *proof["entries"], proof["after"]])
    except UNREADABLE:
        return False


def _apply(replay: Replay, entry: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    replay.apply(entry)
    if entry["event"] == "ledger.anchored":
        stated = entry["payload"].get("head"), entry["payload"].get("running")
        head = {"seq": before["seq"], "hash": before["hash"]} if before else None
        if canonical(stated) != canonical((head, replay.running())):
            raise Refused(
                f"記録 {entry['seq']} のアンカーが述べる状態は、それまでの記録と一致しません",
                f"entry {entry['seq']}: the anchor states what the entries before it do not",
            )


# The check ------------------------------------------------------------------------------------------------------------


def canonical(value: Any) -> bytes:
    """Return the bytes that are hashed: UTF-8 JSON, sorted keys, no spaces (RFC 8785 for this subset of values)."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(entry: Mapping[str, Any]) -> str:
    """Return the hex SHA-256 of an entry without its hash."""
    return hashlib.sha256(canonical({key: value for key, value in entry.items() if key != "hash"})).hexdigest()


def read(raw: bytes) -> Any:
    """Return the JSON value of a proof.

    Raises:
        Refused: not UTF-8, not JSON, a key stands twice, a number with a fraction, half a surrogate pair.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice = next(key for key, _value in pairs if sum(key == other for other, _value in pairs) > 1)
            raise Refused(f"キー {twice!a} が同じ場所に二度あります", f"the key {twice!a} stands twice in one place")
        return found

    def never(text: str) -> Any:
        raise Refused(f"数 {text} は台帳にない形です", f"the number {text} has a form that no entry has")

    try:
        value = json.loads(raw.decode(), object_pairs_hook=unique, parse_float=never, parse_constant=never)
        canonical(value)
    except Refused:
        raise
    except UnicodeEncodeError:
        raise Refused(
            "文字の半分（単独のサロゲート）があり、文字列として読めません",
            "it holds half of a character (a lone surrogate): this is no text",
        ) from None
    except (ValueError, RecursionError) as error:
        raise Refused(f"JSON として読めません（{error}）", f"this is not JSON in UTF-8: {error}") from None
    return value


def check(proof: Any, anchors: str = "") -> tuple[list[Pair], list[Pair]]:
    """Return why a proof is refused (nothing if it holds), and what else a reader must know.

    Args:
        proof: the value of proof.json.
        anchors: a text with lines of `ledger anchor` that were kept elsewhere.
    """
    reasons: list[Pair] = []
    notes: list[Pair] = []
    try:
        reasons += _shape(proof)
        if reasons:
            return reasons, notes
        chain = [*proof["basis"], *proof["entries"], proof["after"]]
        reasons += [*_chain(chain), *_range(proof, chain), *_anchored(chain, anchors, notes), *_backwards(chain)]
        try:
            derived = claims(proof)
            for name in sorted({*derived, *set(proof) & {DEMO}}):
                if canonical(derived.get(name)) != canonical(proof.get(name)):
                    reasons.append(
                        (
                            f"「{name}」の主張が記録と一致しません",
                            f"what it claims under {name} is not what its entries say",
                        )
                    )
        except Refused as refused:
            reasons.append(refused.pair)
    except UNREADABLE as error:
        reasons.append((f"読み取れない値があります（{error!a}）", f"a value cannot be read: {error!a}"))
    return reasons, notes


def _shape(proof: Any) -> Iterator[Pair]:
    if not isinstance(proof, dict) or proof.get("format") != FORMAT:
        yield f"{FORMAT} 形式の証明ではありません", f"this is no proof of the format {FORMAT}"
        return
    known = {*GIVEN, *DERIVED}
    for key in sorted(known - set(proof)):
        yield f"「{key}」がありません", f"{key} is missing"
    for key in sorted(set(proof) - known - {DEMO}):
        yield f"証明にないはずの「{key!a}」があります", f"{key!a} does not belong into a proof: nothing derives it"
    if not isinstance(proof.get("after"), dict) or not all(
        isinstance(proof.get(name), list) for name in ("basis", "entries")
    ):
        yield "記録がありません", "it holds no entries, so it proves nothing"
        return
    for name in ("from", "to"):
        if proof.get(name) is not None and not TIME.fullmatch(str(proof[name])):
            yield f"「{name}」が時刻ではありません", f"{name} is no time in UTC"
    for entry in [*proof["basis"], *proof["entries"], proof["after"]]:
        if not isinstance(entry, dict) or set(entry) != ENTRY_KEYS:
            odd = sorted(set(entry) ^ ENTRY_KEYS) if isinstance(entry, dict) else entry
            yield f"記録の項目が足りないか、余分です（{odd!a}）", f"an entry has missing or extra keys: {odd!a}"
        elif any(type(value) not in TYPES.get(key, (str,)) for key, value in entry.items()):
            yield "記録の項目の型が違います", "a value of an entry is of another type"


def _chain(chain: Sequence[Mapping[str, Any]]) -> Iterator[Pair]:
    for index, entry in enumerate(chain):
        number = entry["seq"]
        if digest(entry) != entry["hash"]:
            yield f"記録 {number} は書き換えられています", f"entry {number} was changed"
        if entry["event"] not in EVENTS:
            yield (
                f"記録 {number} の出来事 {entry['event']!a} は未知です",
                f"entry {number}: the event {entry['event']!a} is unknown",
            )
        if entry["role"] not in ROLES or not TIME.fullmatch(str(entry["at"])):
            yield f"記録 {number} の役割か時刻が未知の形です", f"entry {number}: its role or time is of no known form"
        due = (chain[index - 1]["seq"] + 1, chain[index - 1]["hash"]) if index else (number, entry["previous_hash"])
        if (number, entry["previous_hash"]) != due:
            yield (
                f"記録 {due[0]} が欠けているか、移されたか、前の記録につながっていません",
                f"entry {due[0]} is missing, was moved, or does not follow the one before",
            )


def _range(proof: Mapping[str, Any], chain: Sequence[Mapping[str, Any]]) -> Iterator[Pair]:
    basis, entries, after, start, end = (proof[name] for name in ("basis", "entries", "after", "from", "to"))
    first = chain[0]
    if first["seq"] == 1 and first["previous_hash"] != GENESIS:
        yield "最初の記録の前に、何かがあったことになっています", "entry 1 follows something: the beginning was cut off"
    if first["seq"] != 1 and (not basis or first["event"] != "ledger.anchored"):
        yield (
            "始まりの状態の裏付けがありません（最初の記録か、アンカーの記録から始まるはずです）",
            "the beginning was cut off: a proof starts with entry 1 or with an anchor that carries the state",
        )
    if start is None and (basis or first["seq"] != 1):
        yield "最初の記録から始まっていません", "the beginning was cut off: it claims to start with entry 1"
    outside = [one["seq"] for one in basis if start is not None and one["at"] >= start]
    if entries and start is not None and entries[0]["at"] < start:
        outside.append(entries[0]["seq"])
    if end is not None and entries and entries[-1]["at"] >= end:
        outside.append(entries[-1]["seq"])
    for number in outside:
        yield f"記録 {number} は期間の境目と合いません", f"entry {number} lies on the wrong side of the period's bounds"
    if end is not None and after["at"] < end:
        yield (
            "期間の終わりの後の記録がなく、末尾が切られています",
            "the end was cut off: the entry after the period lies inside it",
        )
    said = {"from": start, "to": None}
    if end is None and (after["event"] != "proof.exported" or {k: after["payload"].get(k) for k in said} != said):
        yield (
            "末尾が切られています（書き出しの記録で終わるはずです）",
            "the end was cut off: it must end with the entry of its own export",
        )
    if start is not None and (start >= end if end is not None else start > after["at"]):
        yield "期間の始まりが終わりより後です", "the period ends before it begins"


def _anchored(chain: Sequence[Mapping[str, Any]], text: str, notes: list[Pair]) -> Iterator[Pair]:
    known = {entry["seq"]: entry for entry in chain}
    found, reached = ANCHOR.findall(text), []
    if text.strip() and not found:
        yield "渡された文字列にアンカーがありません", "what was given as an anchor holds none"
    for seq, value, at in found:
        number, entry = int(seq), known.get(int(seq))
        if entry is not None and (entry["hash"], entry["at"]) == (value, at):
            reached.append(seq)
        elif entry is not None:
            yield (
                f"記録 {seq} はアンカーの記録と違います",
                f"entry {seq} is not the one that was anchored: the ledger was written anew",
            )
        elif (number > chain[-1]["seq"]) != (at >= chain[-1]["at"]) or (number < chain[0]["seq"]) != (
            at <= chain[0]["at"]
        ):
            yield (
                f"アンカー {seq} の時刻の記録が含まれていません",
                f"the anchor {seq} is of this time, but its entry is missing",
            )
        else:
            notes.append(
                (
                    f"アンカー {seq} は範囲外のため照合していません",
                    f"anchor {seq} was not checked: this proof does not reach it",
                )
            )
    if found and not reached:
        yield (
            "どのアンカーにも届かないため、照合できません",
            "it does not reach it: not one of the anchors given lies in this proof",
        )
    if reached:
        numbers = ", ".join(dict.fromkeys(reached))
        notes.append(
            (
                f"外で保管されたアンカー {numbers} と一致します。記録 {max(map(int, reached))} までは、その時のままです",
                f"it agrees with the anchors kept elsewhere at {numbers}: up to entry {max(map(int, reached))} it is as it was then",
            )
        )
    else:
        notes.append(
            (
                "外で保管されたアンカーとは照合していません。データベースの所有者が全体を書き直した場合は、わかりません",
                "no anchor kept elsewhere was checked: whoever owns the database could have written all of it anew",
            )
        )


def _backwards(chain: Sequence[Mapping[str, Any]]) -> list[Pair]:
    return [
        (
            f"記録 {b['seq']} の時刻は、前の記録より前です（サービスはそのように記録しません）",
            f"entry {b['seq']} is dated before the one before it, which the service never does",
        )
        for a, b in zip(chain, chain[1:])  # noqa: B905, RUF007 -- Python 3.9 knows neither strict nor pairwise
        if b["at"] < a["at"]
    ]


# The page -------------------------------------------------------------------------------------------------------------


def words(table: Mapping[str, Pair], name: Any, language: str) -> str:
    """Return a name in words, or the name as it is written where the table does not have it."""
    pair = table.get(str(name))
    return pair[language == "en"] if pair else str(name)


def summary(payload: Mapping[str, Any], language: str) -> str:
    """Return the plain values of an entry on one line."""
    plain: list[str] = []
    for key, value in sorted(payload.items()):
        if key in HIDDEN or value in (None, "", False, [], {}):
            continue
        if key == "counts":
            plain += [f"{words(FEATURES, feature, language)} × {count}" for feature, count in sorted(value.items())]
        elif key == "causes":
            plain += [words(CAUSES, cause, language) for cause in value]
        elif key == "notice":
            plain += [value["on"], value["reason"][language]]
        elif key == "door":
            plain.append(f"{words(KEYS, key, language)} {words(DOORS, value, language)}")
        elif key in ("item", "reason"):
            plain.append(str(value))
        elif value is True:
            plain.append(words(KEYS, key, language))
        else:
            shown = " ".join(words(FEATURES, one, language) for one in value) if isinstance(value, list) else value
            plain.append(f"{words(KEYS, key, language)} {shown}")
    text = ", ".join(plain)
    return text if len(text) <= 160 else text[:159] + "…"  # noqa: PLR2004 -- a line or two of the page


def japan(at: str | None) -> str:
    """Return a time of an entry in Japan time, to the second."""
    return f"{datetime.fromisoformat(at[:19]) + timedelta(hours=9):%Y-%m-%d %H:%M:%S}" if at else "–"


def who(actor: str | None, role: str, language: str) -> str:
    """Return an actor as proofs name one: an opaque reference that stays the same, and the role at that time."""
    return f"{actor} ({words(ROLES, role, language)})" if actor else words(ROLES, role, language)


Block = tuple[str, Any]
"""A heading ("h1", "h2"), a paragraph ("p") or a table: ("table", [head, *rows])."""


def blocks(proof: Mapping[str, Any], language: str) -> Iterator[Block]:
    """Yield the page in words: what is proved and what is not, then every claim, then the entries."""

    def say(*pair: str) -> str:
        return pair[language == "en"]

    reasons, notes = check(proof)
    yield "h1", say("記録台帳による証明", "Proof from the ledger")
    if specimen(proof):
        yield "fault", say(*SPECIMEN)
    basis, entries, after = proof["basis"], proof["entries"], proof["after"]
    first, last = (entries or [after])[0], (entries or [after])[-1]
    if operator := proof.get("operator"):
        filed = [words(STATUSES, operator["status"], language), operator["number"], operator["date"]]
        yield "p", f"{operator['operator']} — {' '.join(str(part) for part in filed if part)}"
    yield (
        "p",
        say("期間（日本時間）：", "Period (Japan time): ")
        + say(
            f"{japan(proof['from']) if proof['from'] else '最初の記録'} から {japan(proof['to'] or after['at'])} まで（終わりは含まない）",
            f"{japan(proof['from']) if proof['from'] else 'the first entry'} to {japan(proof['to'] or after['at'])} (not included)",
        ),
    )
    for reason in reasons:
        yield "fault", say("この証明は成り立ちません：", "This proof does not hold: ") + say(*reason)
    yield "h2", say("この証明が示すこと", "What this proves")
    start = basis[0]["seq"] if basis else first["seq"]
    yield (
        "p",
        say(
            f"記録 {start} から {after['seq']} まで、番号とハッシュのつながりに欠けがありません。期間、停止、終了の予告、署名、断った回数は、"
            "すべてこの記録から計算したもので、検証用スクリプトで計算し直せます。",
            f"From entry {start} to {after['seq']} no number and no link is missing. Periods, stops, announced ends, signatures "
            "and refusals are all computed from these entries, and the verification script computes them anew.",
        ),
    )
    yield (
        "p",
        (
            say(
                "始まりの状態は、最初の記録から計算しています。",
                "The state at the beginning is computed from entry 1 on.",
            )
            if start == 1
            else say(
                f"始まりの状態は、記録 {start} のアンカーが述べる状態と、それに続く記録から計算しています。",
                f"The state at the beginning is computed from what the anchor at entry {start} states, and the entries after it.",
            )
        ),
    )
    yield "h2", say("この証明だけではわからないこと", "What this alone does not prove")
    yield (
        "p",
        say(
            "台帳に書かれなかったこと。署名された内容が事実であることや、法令上の評価。時刻はサーバーの時計によります。"
            "データベースの所有者が台帳の全体を書き直していないことは、外で保管されたアンカーと照らし合わせたときにだけわかります。",
            "What nobody wrote into the ledger. That what was signed is true, or lawful. Times are those of the servers’ clocks. That "
            "the owner of the database did not write the whole ledger anew shows only against an anchor that was kept elsewhere.",
        ),
    )
    yield (
        "p",
        say(
            "人は、変わらない符号と、そのときの役割で示します。会話の内容は含みません。法的助言ではありません。",
            "People stand by a reference that stays the same and their role at that time. No message is in it. It is not legal advice.",
        ),
    )
    for note in notes[1:]:  # the first speaks of anchors kept elsewhere, which a page cannot know
        yield "p", say(*note)
    if proof["states"] is None:  # its entries contradict each other
        return
    yield from _claimed(proof, language, say)
    yield "h2", say("記録", "Entries")
    listed = [entry for entry in entries if entry["event"] not in COUNTED]
    yield (
        "table",
        [
            ["#", say("時刻", "Time"), say("出来事", "Event"), say("誰が", "Who"), say("内容", "What"), "SHA-256"],
            *[
                [
                    str(entry["seq"]),
                    japan(entry["at"]),
                    words(EVENTS, entry["event"], language),
                    who(entry["actor"], entry["role"], language),
                    summary(entry["payload"], language),
                    entry["hash"][:12] + "…",
                ]
                for entry in listed
            ],
        ],
    )
    yield (
        "p",
        say(
            f"ほかに、断った回数・アンカー・タイムスタンプの記録 {len(entries) - len(listed)} 件は {JSON_NAME} にだけあります。",
            f"Further entries of refusals, anchors and time stamps, in {JSON_NAME} only: {len(entries) - len(listed)}.",
        ),
    )
    yield "h2", say("確かめ方", "How to check this")
    yield (
        "p",
        say(
            f"{JSON_NAME} にはすべての記録があります。ハッシュは内容と前の記録のハッシュを含むので、どれかを変えると検出できます。"
            "Todoke の文書にある検証用スクリプト verify_bundle.py は、Todoke なしで、このページと主張を計算し直して比べます。",
            f"{JSON_NAME} holds every entry whole. Each hash covers the content and the hash of the entry before, so a change of any "
            "shows. The verification script verify_bundle.py in Todoke’s documents computes claims and page anew, without Todoke.",
        ),
    )
    yield "p", say("期間の前のハッシュ：", "Hash before the period: ") + first["previous_hash"]
    yield (
        "p",
        say(f"期間の最後の記録 {last['seq']} のハッシュ：", f"Hash of the period’s last entry, {last['seq']}: ")
        + last["hash"],
    )
    yield "p", say("法令の版：", "Law version: ") + ", ".join(proof["law_versions"])


def _claimed(proof: Mapping[str, Any], language: str, say: Any) -> Iterator[Block]:
    def side(one: Mapping[str, Any] | None) -> str:
        return f"{japan(one['at'])} #{one['entry']}" if one else say("継続中", "goes on")

    def table(title: str, none: str, head: list[str], rows: list[list[str]]) -> Iterator[Block]:
        yield "h2", title
        yield ("table", [head, *rows]) if rows else ("p", none)

    none, since, until = say("なし", "None."), say("開始", "From"), say("終了", "Until")
    yield "h2", say("期間の両端の状態", "At both ends")
    rows = [
        [
            say("時刻", "Time"),
            say("クローズド・チャット", "Closed chat"),
            say("緊急停止", "Emergency stop"),
            say("有効な署名", "Signatures that held"),
        ]
    ]
    for state in proof["states"]:
        on = say(f"オン（提供可能期間 {state['authorisation']}）", f"on (period {state['authorisation']})")
        stop = f"{japan(state['stop']['since'])} {state['stop']['reason']}" if state["stop"] else "–"
        expired = say("期限切れ：", "expired: ") + " ".join(state["expired"]) if state["expired"] else ""
        at = japan(state["at"]) if state["at"] else say("最初の記録の前", "before the first entry")
        signed = " ".join([*state["signed"], expired]).strip() or "–"
        rows.append([at, on if state["closed_chat"] else say("オフ", "off"), stop, signed])
    yield "table", rows
    rows = []
    for one in proof["periods"]:
        said, standing = one["began"]["said"], one["began"]["said"]["standing"]
        why = (
            "; ".join(words(CAUSES, cause, language) for cause in one["ended"]["said"]["causes"])
            if one["ended"]
            else ""
        )
        if one["ended"] and one["ended"]["said"].get("continued"):
            why += say("（次の期間に継続）", " (continued by the next)")
        filed = [
            words(STATUSES, standing["status"], language),
            standing["number"],
            standing["date"],
            standing["operator"],
        ]
        ground = [
            " ".join(str(part) for part in filed if part),
            say("署名：", "signed: ") + " ".join(said["signatures"]),
        ]
        ground += [say("未署名：", "not signed: ") + " ".join(said["unsigned"])] if said["unsigned"] else []
        ground.append(say("法令の版：", "law as of ") + said["law_version"])
        rows.append([str(said["authorisation"]), side(one["began"]), side(one["ended"]), "; ".join(ground), why])
    yield from table(
        say("クローズド・チャットがオンだった期間（提供可能期間）", "Periods in which closed chat was on"),
        say("なし（期間を通してオフ）", "None: closed chat was off throughout."),
        [say("期間", "Period"), since, until, say("根拠", "On what basis"), say("終わった理由", "Why it ended")],
        rows,
    )
    rows = [
        [
            f"{words(FEATURES, feature, language)} {feature}",
            japan(one["from"]),
            japan(one["until"]) if one["until"] else side(None),
        ]
        for feature, found in sorted(proof["features"].items())
        for one in found
    ]
    yield from table(say("機能ごと", "Feature by feature"), none, [say("機能", "Feature"), since, until], rows)
    rows = [
        [
            side(o["began"]),
            side(o["ended"]),
            o["began"]["said"]["reason"],
            who(o["began"]["by"], o["began"]["role"], language),
        ]
        for o in proof["stops"]
    ]
    yield from table(
        say("緊急停止", "Emergency stops"), none, [since, until, say("理由", "Reason"), say("誰が", "By")], rows
    )
    rows = [
        [
            side(o["began"]),
            o["began"]["said"]["notice"]["on"],
            side(o["reached"]) if "reached" in o else "–",
            side(o["ended"]) if o["ended"] else "–",
        ]
        for o in proof["ends"]
    ]
    head = [
        say("予告", "Announced"),
        say("終了日", "Day of the end"),
        say("到来", "Reached"),
        say("取り下げ", "Withdrawn"),
    ]
    yield from table(say("終了の予告", "Announced ends"), none, head, rows)
    rows = []
    for one in proof["signatures"]:
        began, ended = one["began"], one["ended"]
        why = (
            say("更新", "renewed")
            if ended and ended["event"] == "item.signed"
            else (ended or {"said": {}})["said"].get("reason", "")
        )
        expires = japan(utc(began["said"]["expires"]))[:10] if began["said"]["expires"] else "–"
        rows.append(
            [
                began["said"]["item"],
                side(began),
                expires,
                f"{side(ended)} {why}" if ended else "–",
                who(began["by"], began["role"], language),
            ]
        )
    head = [
        say("項目", "Item"),
        say("署名", "Signed"),
        say("期限", "Expires"),
        say("取り下げ", "Withdrawn"),
        say("誰が", "By"),
    ]
    yield from table(say("チェックリストの署名", "Signatures of the checklist"), none, head, rows)
    rows = [
        [f"{words(FEATURES, feature, language)} {feature}", str(count)]
        for feature, count in sorted(proof["refusals"].items())
    ]
    yield from table(
        say("断った利用", "Attempts that were refused"), none, [say("機能", "Feature"), say("回数", "Number")], rows
    )


def visible(text: str) -> str:
    """Return a text with its control and direction characters written out, so that it shows what it holds."""
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text)


STYLE = """@page{size:A4;margin:16mm 14mm}:root{color-scheme:light}*{box-sizing:border-box}
body{max-inline-size:182mm;margin:0 auto;padding:8mm 4mm;background:#fff;color:#1d1a16;font:9.5pt/1.6 "Hiragino Sans","Noto Sans JP","Noto Sans CJK JP",Meiryo,sans-serif}
h1{margin:0 0 2mm;font-size:17pt}h2{margin:6mm 0 2mm;font-size:12pt;break-after:avoid}p{margin:0 0 2mm;overflow-wrap:anywhere}
table{inline-size:100%;border-collapse:collapse}thead{display:table-header-group}tr{break-inside:avoid}
th,td{padding:1.2mm 2mm;border-block-end:.2mm solid #b8ad9b;font-weight:400;text-align:start;vertical-align:top;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
th{color:#5c5348;white-space:nowrap}td:first-child{white-space:nowrap;overflow-wrap:normal}.fault{padding:2mm 3mm;border:.6mm solid #1d1a16;font-weight:600}
@media print{body{max-inline-size:none;padding:0}}"""


def page(proof: Mapping[str, Any], language: str) -> str:
    """Return the proof as one HTML file that needs nothing beside it and prints on A4."""
    body: list[str] = []
    for kind, content in blocks(proof, language):
        if kind == "table":
            head, *rows = [[html.escape(visible(cell)) for cell in row] for row in content]
            body.append(
                "<table><thead><tr>" + "".join(f'<th scope="col">{cell}</th>' for cell in head) + "</tr></thead><tbody>"
            )
            body += ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
            body.append("</tbody></table>")
        else:
            tag = '<p class="fault">{}</p>' if kind == "fault" else f"<{kind}>{{}}</{kind}>"
            body.append(tag.format(html.escape(visible(content))))
    titled = "Proof from the ledger" if language == "en" else "記録台帳による証明"
    meta = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{titled}</title>'
    inner = "\n".join(body)
    return f'<!doctype html>\n<html lang="{language}">\n<head>{meta}<style>{STYLE}</style></head>\n<body><main>\n{inner}\n</main></body>\n</html>\n'


def lines(proof: Mapping[str, Any], language: str) -> Iterator[str]:
    """Yield the same as plain lines, for a terminal."""
    for kind, content in blocks(proof, language):
        if kind == "table":
            yield from ("  " + " | ".join(map(visible, row)) for row in content)
        else:
            yield ("\n" if kind.startswith("h") else "") + visible(content)


# By hand --------------------------------------------------------------------------------------------------------------


def beside(path: Path, raw: bytes, proof: Any, holds: bool) -> tuple[list[Pair], list[Pair]]:  # noqa: FBT001 -- its only use
    """Compare the page and the sums that lie beside a proof with it."""
    reasons: list[Pair] = []
    notes: list[Pair] = []
    page_path, sums_path = path.with_name(PAGE_NAME), path.with_name(SUMS_NAME)
    if not page_path.exists():
        notes.append(("ページは見当たらず、比べていません", "no page lies beside it to be compared"))
    elif holds and page_path.read_bytes() not in [page(proof, language).encode() for language in ("ja", "en")]:
        reasons.append(
            (
                f"{PAGE_NAME} は、記録から作り直したページと一致しません",
                f"{PAGE_NAME} is not the page that the entries yield",
            )
        )
    if not sums_path.exists():
        return reasons, [
            *notes,
            (f"{SUMS_NAME} は見当たらず、比べていません", f"no {SUMS_NAME} lies beside it to be compared"),
        ]
    listed = sums_path.read_bytes().decode("utf-8", "replace")
    found = re.findall(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._-]*)\n", listed)
    if "".join(f"{value}  {name}\n" for value, name in found) != listed or len({name for _value, name in found}) != len(
        found
    ):
        reasons.append((f"{SUMS_NAME} の形が違います", f"{SUMS_NAME} is not a list of sums and names"))
    names = {name for _value, name in found}
    needed = {JSON_NAME} | ({PAGE_NAME} if page_path.exists() else set())
    reasons += [
        (f"{SUMS_NAME} に {name} がありません", f"{SUMS_NAME} does not list {name}") for name in sorted(needed - names)
    ]
    for value, name in found:
        try:
            content = raw if name == JSON_NAME else path.with_name(name).read_bytes()
        except OSError:
            content = b""
        if hashlib.sha256(content).hexdigest() != value:
            reasons.append(
                (f"{name} は {SUMS_NAME} と一致しません", f"{name} is not the file of which {SUMS_NAME} tells")
            )
    unlisted = {each.name for each in path.parent.iterdir()} - names - {SUMS_NAME, f"{SUMS_NAME}.sig", path.name}
    if unlisted:
        some = ", ".join(sorted(ascii(name) for name in unlisted))
        notes.append((f"次のファイルは合計に含まれません：{some}", f"these files beside it are in no sum: {some}"))
    return reasons, notes


def main(arguments: Sequence[str]) -> int:
    """Check a proof and print it in both languages.

    Returns:
        0 if it holds, 1 if not, 3 if it holds and is the specimen of a demo, which proves nothing.
    """
    notes: list[Pair] = []
    output: list[str] = []
    proof: Any = None
    try:
        given = Path(arguments[0]) if arguments else Path(JSON_NAME)
        path = given / JSON_NAME if given.is_dir() else given
        raw = path.read_bytes()
        kept = [
            one if one.lstrip("> ").startswith("todoke-anchor") else Path(one).read_text("utf-8")
            for one in arguments[1:]
        ]
        proof = read(raw)
        reasons, notes = check(proof, "\n".join(kept) or " " * len(kept))
        if kept and not any(map(str.strip, kept)):
            reasons.append(("渡されたファイルにアンカーがありません", "what was given as an anchor holds none"))
        more, further = beside(path, raw, proof, not reasons)
        reasons, notes = reasons + more, notes + further
        output = [] if reasons else [*lines(proof, "ja"), "", *lines(proof, "en"), ""]
        if raw != written(proof):
            notes.append(
                (
                    "書き方（空白や順序）は Todoke のものと違います",
                    "its spacing or order is not as Todoke writes it; its content is compared all the same",
                )
            )
    except Refused as refused:
        reasons = [refused.pair]
    except (OSError, UnicodeDecodeError) as error:
        reasons = [(f"ファイルを読めません（{error}）", f"a file cannot be read: {error}")]
    except UNREADABLE as error:
        reasons = [(f"読み取れない値があります（{error!a}）", f"a value cannot be read: {error!a}")]
    output = [] if reasons else output
    shown = specimen(proof)
    output = [f"SPECIMEN 見本\n{SPECIMEN[0]}\n{SPECIMEN[1]}", *output] if shown else output
    output += [f"- {visible(ja)}\n  {visible(en)}" for ja, en in notes]
    output += [f"拒否 | refused: {visible(ja)}\n  {visible(en)}" for ja, en in reasons]
    output += (
        ["証明は成り立ちません。", "The proof is refused."]
        if reasons
        else ["見本です。つながりは保たれています。", "A specimen. Its entries hold together."]
        if shown
        else ["証明は成り立ちます。", "The proof holds."]
    )
    sys.stdout.buffer.write(("\n".join(output) + "\n").encode("utf-8", "backslashreplace"))
    return 1 if reasons else 3 if shown else 0


def written(proof: Any) -> bytes:
    """Return the bytes of proof.json."""
    return json.dumps(proof, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
