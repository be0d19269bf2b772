"""Compares the rows that are in force with the ledger, and describes each difference in words.

The guards of the database refuse a row that changes without its entry. The owner of the database can remove them; what
was changed then is found here. Two things are not found: rows, entries and head that were all rewritten to fit one
another, and a whole database that was restored from an earlier copy. An anchor kept elsewhere shows both
(`ledger verify --anchor`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from compliance.law import Text
from compliance.models import Authorisation, GateState, Hold, LedgerEntry, Signature
from compliance.records import holds, ledger
from compliance.records.events import Event
from compliance.records.ledger import without_addresses
from compliance.records.replay import canonical

_EVENTS: Final = tuple(
    event.value
    for event in (
        Event.ITEM_SIGNED,
        Event.ITEM_WITHDRAWN,
        Event.STOP_PULLED,
        Event.STOP_LIFTED,
        Event.DATABASE_WENT_BACK,
        Event.SERVICE_RESTORED,
        Event.RESTORE_CONFIRMED,
        Event.END_ANNOUNCED,
        Event.END_WITHDRAWN,
        Event.END_REACHED,
        Event.GATE_OPENED,
        Event.GATE_CLOSED,
        Event.HOLD_PLACED,
        Event.HOLD_EXTENDED,
        Event.HOLD_LIFTED,
    )
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not as the ledger has it: its table, its number, and what differs in both languages."""

    table: str
    number: int
    ja: str
    en: str


@dataclass(slots=True)
class _Life:
    """One row in the ledger: the entry that began it, and the one that ended it."""

    began: LedgerEntry
    ended: LedgerEntry | None = None


@dataclass(slots=True)
class _Expected:
    """The state of the rows that all entries together amount to."""

    signatures: dict[int, _Life] = field(default_factory=dict)
    live: dict[str, int] = field(default_factory=dict)
    periods: dict[int, _Life] = field(default_factory=dict)
    holds: dict[int, _Life] = field(default_factory=dict)
    extensions: dict[int, LedgerEntry] = field(default_factory=dict)
    stop: LedgerEntry | None = None
    restored: LedgerEntry | None = None
    epoch: str | None = None
    end: LedgerEntry | None = None
    reached: LedgerEntry | None = None

    def apply(self, entry: LedgerEntry) -> None:
        """Apply the next entry."""
        payload = entry.payload
        match entry.event:
            case Event.ITEM_SIGNED:
                self._end(self.signatures, self.live.get(payload["item"]), entry)
                self.live[payload["item"]] = payload["signature"]
                self.signatures[payload["signature"]] = _Life(entry)
            case Event.ITEM_WITHDRAWN:
                self.live.pop(payload["item"], None)
                self._end(self.signatures, payload["signature"], entry)
            case Event.STOP_PULLED | Event.STOP_LIFTED:
                self.stop = entry if entry.event == Event.STOP_PULLED else None
            case Event.DATABASE_WENT_BACK | Event.SERVICE_RESTORED:
                self.restored, self.epoch = entry, payload["epoch"]
            case Event.RESTORE_CONFIRMED:
                self.restored = None
            case Event.END_ANNOUNCED | Event.END_WITHDRAWN:
                self.end, self.reached = (entry if entry.event == Event.END_ANNOUNCED else None), None
            case Event.END_REACHED:
                self.reached = entry
            case Event.GATE_OPENED:
                self.periods[payload["authorisation"]] = _Life(entry)
            case Event.GATE_CLOSED:
                self._end(self.periods, payload["authorisation"], entry)
            case Event.HOLD_PLACED:
                self.holds[payload["hold"]] = _Life(entry)
            case Event.HOLD_EXTENDED:
                self.extensions[payload["hold"]] = entry
            case _:
                self._end(self.holds, payload["hold"], entry)

    @staticmethod
    def _end(lives: dict[int, _Life], number: int | None, entry: LedgerEntry) -> None:
        if number in lives:
            lives[number].ended = entry


def differences() -> list[Difference]:
    """Return every signature, period, hold, stop and planned end that is not as the ledger has it.

    An entry that cannot be read as what its event says is itself a difference.
    """
    expected = _Expected()
    found: list[Difference] = []
    for entry in ledger.walk(LedgerEntry.objects.filter(event__in=_EVENTS).select_related("actor")):
        try:
            expected.apply(entry)
        except (KeyError, TypeError):
            found.append(_unreadable(entry.seq))
    for part in (_signatures, _periods, _holds, _state):
        try:
            found += list(part(expected))
        except (KeyError, TypeError, ValueError):
            found.append(_unreadable(0))
    return found


def _account(entry: LedgerEntry) -> int | None:
    return entry.actor.user_id if entry.actor else None


def _unreadable(seq: int) -> Difference:
    which = Text(f"記録{seq}", f"entry {seq}") if seq else Text("ある記録", "an entry")
    ja = f"台帳の{which.ja}は、その種類の記録としての内容を備えていないため、照合できません。"
    return Difference("ledgerentry", seq, ja, f"{which.en} of the ledger lacks what its event says; not compared.")


_ROW: Final[Mapping[str, Text]] = {
    "signature": Text("署名", "signature"),
    "authorisation": Text("提供可能期間", "period"),
    "hold": Text("法的保全", "legal hold"),
}


def _unlike(table: str, number: int, about: str, ja: str, en: str) -> Difference:
    name = _ROW[table]
    return Difference(table, number, f"{name.ja}{number}{about}：{ja}", f"{name.en} {number}{about}: {en}")


def _lives(table: str, rows: Mapping[int, tuple[str, bool]], lives: Mapping[int, _Life]) -> Iterator[Difference]:
    """Compare rows (what they are about, whether they ended) with the entries that began and ended them."""
    for number, (about, ended) in rows.items():
        life = lives.get(number)
        if life is None:
            yield _unlike(table, number, about, "台帳に記録がありません。", "no ledger entry knows it.")
        elif ended and life.ended is None:
            yield _unlike(
                table,
                number,
                about,
                f"表では終わっていますが、台帳では記録{life.began.seq}から続いています。",
                f"it has ended, but in the ledger it goes on since entry {life.began.seq}.",
            )
        elif not ended and life.ended is not None:
            yield _unlike(
                table,
                number,
                about,
                f"表では続いていますが、台帳では記録{life.ended.seq}で終わっています。",
                f"it goes on, but entry {life.ended.seq} of the ledger ended it.",
            )
    for number, life in lives.items():
        if number not in rows:
            yield _unlike(
                table,
                number,
                f" {life.began.payload['item']}" if "item" in life.began.payload else "",
                f"台帳の記録{life.began.seq}にありますが、表にありません。",
                f"entry {life.began.seq} of the ledger tells of it, but the row is gone.",
            )


def _facts(
    table: str, number: int, about: str, entry: LedgerEntry, pairs: Mapping[Text, tuple[Any, Any]]
) -> Iterator[Difference]:
    """Describe the columns whose value is not the one that an entry has."""
    wrong = [name for name, (row, recorded) in pairs.items() if row != recorded]
    if wrong:
        ja, en = "・".join(name.ja for name in wrong), ", ".join(name.en for name in wrong)
        yield _unlike(
            table,
            number,
            about,
            f"台帳の記録{entry.seq}と次の点が違います（{ja}）。",
            f"not as entry {entry.seq} of the ledger has it ({en}).",
        )


def _signatures(expected: _Expected) -> Iterator[Difference]:
    rows = list(Signature.objects.order_by("pk"))
    ended = {row.pk: (f" {row.item_id}", row.withdrawn_at is not None) for row in rows}
    yield from _lives("signature", ended, expected.signatures)
    for row in rows:
        life = expected.signatures.get(row.pk)
        if life is None:
            continue
        payload, expires = life.began.payload, life.began.payload["expires"]
        pairs: dict[Text, tuple[Any, Any]] = {
            Text("項目", "item"): (row.item_id, payload["item"]),
            Text("証拠", "evidence"): (
                (without_addresses(row.evidence), sha256(canonical(row.evidence)).hexdigest()),
                (payload["evidence"], payload["evidence_sha256"]),
            ),
            Text("期限", "expiry"): (row.expires_at, datetime.fromisoformat(expires) if expires else None),
            Text("署名者", "who signed"): (row.signed_by_id, _account(life.began)),
        }
        if row.withdrawn_at is not None and life.ended is not None:
            renewed = life.ended.event == Event.ITEM_SIGNED
            reason = "renewed" if renewed else life.ended.payload["reason"]
            pairs[Text("撤回の理由", "reason for withdrawing")] = (without_addresses(row.withdrawal_reason), reason)
            pairs[Text("撤回者", "who withdrew it")] = (row.withdrawn_by_id, _account(life.ended))
        yield from _facts("signature", row.pk, f" {row.item_id}", life.began, pairs)


def _periods(expected: _Expected) -> Iterator[Difference]:
    rows = list(Authorisation.objects.order_by("pk"))
    yield from _lives("authorisation", {row.pk: ("", row.closed_at is not None) for row in rows}, expected.periods)
    for row in rows:
        life = expected.periods.get(row.pk)
        if life is None:
            continue
        payload = life.began.payload
        kept = {key: without_addresses(value) for key, value in row.snapshot.items() if key in payload}
        pairs: dict[Text, tuple[Any, Any]] = {
            Text("開始時の事実", "facts at opening"): (kept, {key: payload[key] for key in kept})
        }
        if row.closed_because is not None and life.ended is not None:
            causes = [reason["cause"] for reason in row.closed_because]
            pairs[Text("終了の理由", "why it closed")] = (causes, life.ended.payload["causes"])
        yield from _facts("authorisation", row.pk, "", life.began, pairs)


def _holds(expected: _Expected) -> Iterator[Difference]:
    rows = list(Hold.objects.order_by("pk"))
    yield from _lives("hold", {row.pk: ("", row.lifted_at is not None) for row in rows}, expected.holds)
    for row in rows:
        life = expected.holds.get(row.pk)
        if life is None or holds.is_emptied(row):
            continue
        payload, extension = life.began.payload, expected.extensions.get(row.pk)
        # What the ledger has of a hold are digests: it must not say whom an authority asks about.
        until = holds.until_digest(row, row.extension_paper if extension else row.paper)
        pairs: dict[Text, tuple[Any, Any]] = {
            Text("対象", "what it names"): (holds.named_digest(row), payload["named"]),
            Text("最終日", "last day"): (until, (extension.payload if extension else payload)["until"]),
        }
        yield from _facts("hold", row.pk, "", life.began, pairs)


def _state(expected: _Expected) -> Iterator[Difference]:
    state = GateState.objects.filter(id=1).first() or GateState()
    stop, end = expected.stop, expected.end
    if (state.stopped_at is not None) != (stop is not None):
        yield _gate(
            "緊急停止：表では作動していますが、台帳では解除されています。"
            if state.stopped_at
            else "緊急停止：表では解除されていますが、台帳では作動したままです。",
            "emergency stop: the row says that it is pulled, the ledger that it is lifted."
            if state.stopped_at
            else "emergency stop: the row says that it is lifted, the ledger that it is pulled.",
        )
    elif stop is not None and (without_addresses(state.stop_reason), state.stopped_by_id) != (
        stop.payload["reason"],
        _account(stop),
    ):
        yield _gate(
            f"緊急停止：理由か実行者が台帳の記録{stop.seq}と違います。",
            f"emergency stop: reason or person are not as entry {stop.seq} of the ledger has them.",
        )
    if (state.restored_at is not None) != (expected.restored is not None):
        yield _gate(
            "復元：運営者が確認したかどうかが台帳と違います。",
            "restore: whether the operator confirmed it is not as the ledger has it.",
        )
    if expected.epoch is not None and state.epoch != expected.epoch:
        yield _gate(
            "復元：データベースのエポックが台帳と違います。",
            "restore: the epoch of the database is not the one that the ledger has.",
        )
    on = state.ends_on.isoformat() if state.ends_on else None
    if (on, without_addresses(state.end_notice)) != (
        (end.payload["notice"]["on"], end.payload["notice"]) if end else (None, {})
    ):
        yield _gate(
            "終了の予告：日か周知の内容が台帳と違います。",
            "planned end: the day or the notice are not as the ledger has them.",
        )
    if (state.end_reached_at is not None) != (expected.reached is not None):
        yield _gate(
            "終了の予告：終了日に達したかどうかが台帳と違います。",
            "planned end: whether its day was reached is not as the ledger has it.",
        )
    running: list[int | None] = [number for number, life in expected.periods.items() if life.ended is None]
    if [state.authorisation_id] != (running or [None]):
        yield _gate(
            "現在の提供可能期間が台帳と違います。",
            "the current period is not the one that the ledger has open.",
        )


def _gate(ja: str, en: str) -> Difference:
    return Difference("gatestate", 1, ja, en)
