"""The notice of a planned end (休廃止の周知) with the seven items of REG 22-2-11(2): announced, or withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from compliance import gate
from compliance.law import Text
from compliance.law.duties import earliest_end, latest_notice
from compliance.records import Event, ledger

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

    from compliance.law import Standing

EXCEPTIONS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "": Text("例外は使わない（30日前までに周知する）", "None: users are told 30 days ahead"),
        "i": Text("利用のつど契約する役務である（1号）", "Each use is a contract of its own (item i)"),
        "ii": Text("事業を承継した者が続けて提供する（2号）", "Whoever takes over goes on with it (item ii)"),
        "iii": Text("都道府県の一部だけの休廃止である（3号）", "It concerns only part of a prefecture (item iii)"),
        "iv": Text(
            "目的が限られていることが明らかで、影響が比較的少ない（4号）",
            "Its purpose is plainly limited and the effect is small (item iv)",
        ),
    }
)
"""Exceptions from the prior notice (REG 22-2-11(4)). The operator, or the bureau, decides whether one applies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The notice to users: the seven items of REG 22-2-11(2), and the facts that set its deadline."""

    service: Text
    """1: what ends."""
    on: date
    """2: 休廃止日, the first day without it."""
    until: date | None
    """3: for a suspension, its last day; None where it ends for good."""
    reason: Text
    """4."""
    contact: Text
    """5: where complaints and questions go."""
    alternatives: Text
    """6: what can be used instead, so that users can compare."""
    protection: Text
    """7: what keeps users from harm."""
    suspension: bool
    whole: bool
    million: bool = False
    exception: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as the database and the ledger store it."""
        texts = ("service", "reason", "contact", "alternatives", "protection")
        said: dict[str, Any] = {}
        for name in texts:
            text: Text = getattr(self, name)
            said[name] = {"ja": text.ja.strip(), "en": text.en.strip() or text.ja.strip()}
        return said | {
            "on": self.on.isoformat(),
            "until": self.until.isoformat() if self.until else None,
            "suspension": self.suspension,
            "whole": self.whole,
            "million": self.million,
            "exception": self.exception,
        }


def drafts(standing: Standing) -> dict[str, Text]:
    """Return drafts of the five items in words, from this deployment's facts. The operator edits them."""
    contact = f"{standing.operator_name} {standing.operator_contact}".strip()
    return {
        "service": Text(
            "クローズド・チャット（一対一のマッチングと、鍵をかけた部屋での会話）",
            "Closed chat: being matched with one other person, and talk in locked rooms",
        ),
        "reason": Text("", ""),
        "contact": Text(contact, contact),
        "alternatives": Text(
            "オープンチャットは引き続きご利用いただけます（無料。内容は誰でも読めます）。"
            "二人だけで話すには、ほかの事業者のメッセージサービスやメールなどがあります。",
            "Open rooms go on: free, and readable by anyone. To talk in private, there are other providers' messaging "
            "services and e-mail.",
        ),
        "protection": Text(
            "休廃止日からはクローズド・チャットの会話を開けなくなります。残したい内容は前日までに控えてください。"
            "終了を口実に、料金や暗証番号、連絡先を尋ねる連絡にはご注意ください。運営者がそのようなお願いをすることはありません。",
            "From that day closed talks cannot be opened any more: keep what you need before it. Beware of anyone who "
            "uses the end to ask for money, passwords or contact details; the operator never does.",
        ),
    }


def check(notice: Notice, today: date) -> None:
    """Check whether a notice may be announced.

    Args:
        notice: to be announced.
        today: the day of the announcement.

    Raises:
        ValidationError: an item is missing, or the day is too near (REG 22-2-11(1)).
    """
    said = notice.as_json()
    missing = [name for name in ("service", "reason", "contact", "alternatives", "protection") if not said[name]["ja"]]
    if missing:
        raise ValidationError({f"{name}_ja": _("The law asks for this item.") for name in missing})
    if not notice.exception and latest_notice(notice.on, million=notice.million) < today:
        earliest = earliest_end(today, million=notice.million)
        problem = _("Too near: with a notice of today, the end can be on %(day)s or later.")
        raise ValidationError({"on": problem % {"day": earliest.isoformat()}})
    if notice.exception and notice.on <= today:
        raise ValidationError({"on": _("The day of the end lies ahead. To stop at once there is the emergency stop.")})
    if notice.suspension and (notice.until is None or notice.until < notice.on):
        raise ValidationError({"until": _("A suspension has a last day, which is not before its first.")})


def announce(notice: Notice, *, actor: AbstractBaseUser) -> None:
    """Announce an end: users see the notice at once, and no new closed talk can begin.

    Raises:
        ValidationError: see `check`; or an end is announced already.
    """
    check(notice, timezone.localdate())
    said = notice.as_json()
    with transaction.atomic():
        state = gate.lock_exclusive()
        if state.ends_on:
            raise ValidationError({"__all__": _("An end is announced already. Withdraw it to announce another.")})
        ledger.append(Event.END_ANNOUNCED, actor=actor, payload={"notice": said})
        state.ends_on, state.end_announced_at = notice.on, gate.now()
        state.end_announced_by_id, state.end_notice, state.end_reached_at = actor.pk, said, None
        gate.advance_revision(state)
        gate.reconcile(by_hand=True)


def withdraw(*, reason: str, actor: AbstractBaseUser) -> None:
    """Withdraw the announced end: closed chat goes on, or is allowed again if both keys are turned.

    Raises:
        ValidationError: the reason is empty, or no end is announced.
    """
    reason = reason.strip()
    if not reason:
        raise ValidationError({"reason": _("Say why the announcement is withdrawn: the record keeps it.")})
    with transaction.atomic():
        state = gate.lock_exclusive()
        if not state.ends_on:
            raise ValidationError({"__all__": _("No end is announced.")})
        payload = {"on": state.ends_on.isoformat(), "reached": state.end_reached_at is not None, "reason": reason}
        ledger.append(Event.END_WITHDRAWN, actor=actor, payload=payload)
        state.ends_on = state.end_announced_at = state.end_announced_by = state.end_reached_at = None
        state.end_notice = {}
        gate.advance_revision(state)
        gate.reconcile(by_hand=True)
