"""What the policy is given besides the two keys, and what it answers: a decision with every reason. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from enum import StrEnum
from typing import Final

from compliance.law.rules import Feature, Required, Rule
from compliance.law.text import Text, say

JAPAN: Final = timezone(timedelta(hours=9), "JST")


@dataclass(frozen=True, slots=True)
class Stop:
    """The emergency stop (緊急停止), pulled at `since`; users are shown the reason as it was written."""

    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Ending:
    """A planned end (休廃止) that was announced to users: no new closed room from then on, and none at all from `on`.

    `on` is the 休廃止日 in Japan's calendar: closed chat runs until the midnight with which that day begins.
    """

    announced_at: datetime
    on: date

    @property
    def moment(self) -> datetime:
        """The first instant without closed chat."""
        return datetime.combine(self.on, time.min, JAPAN)

    def reached(self, now: datetime) -> bool:
        """Whether the day has come."""
        return now >= self.moment


@dataclass(frozen=True, slots=True)
class Restored:
    """The database went back to an earlier state, or was restored, at `since`; the operator has not confirmed it."""

    since: datetime


class Cause(StrEnum):
    """Why a feature is off, or would be."""

    unreachable = "unreachable"
    emergency_stop = "emergency_stop"
    restored = "restored"
    ended = "ended"
    winding_down = "winding_down"
    environment = "environment"
    environment_incomplete = "environment_incomplete"
    drift = "drift"
    contradiction = "contradiction"
    dating = "dating"
    unfiled = "unfiled"
    consult = "consult"
    checklist = "checklist"
    aged = "aged"
    ground = "ground"
    not_offered = "not_offered"
    pending = "pending"
    changed = "changed"


_NOTHING: Final = Text("", "")


@dataclass(frozen=True, slots=True)
class Reason:
    """One full sentence on what is off and what would turn it on, and the operator's next step."""

    cause: Cause
    ja: str
    en: str
    step: Text = _NOTHING


@dataclass(frozen=True, slots=True)
class Decision:
    """The policy's answer on one feature, with the rule and every reason."""

    feature: Feature
    allowed: bool
    rule: Rule
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()
    offered: bool = True
    """False where this deployment does not offer the feature at all."""
    winding_down: date | None = None
    """The day in Japan on which running rooms end; set while they run and nothing new may begin."""

    def reason(self, language: str) -> str:
        """Return the one sentence that matters most: the first reason, or why the feature may run."""
        if self.reasons:
            return say(self.reasons[0], language)
        if self.rule.required in {Required.NONE, Required.THIRD_ITEM}:
            return say(self.rule, language)
        return say(
            Text(
                f"必要な届出などの状況が整っているため、「{self.rule.title_ja}」を利用できます"
                f"（{self.rule.article_ja}）。",
                f"“{self.rule.title_en}” is open: the filing or basis that it needs is on record "
                f"({self.rule.article_en}).",
            ),
            language,
        )

    def next_step(self, language: str) -> str:
        """Return what the operator should do next, or an empty string where nothing is left to do."""
        return next((say(reason.step, language) for reason in (*self.reasons, *self.warnings)), "")


@dataclass(frozen=True, slots=True)
class Expired:
    """Expired signatures that do not shut yet: their items, and until when running rooms go on."""

    item_ids: tuple[str, ...]
    until: datetime


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two sources that cannot both be true: what each says, with its name, and what to do."""

    item: str
    """The checklist item whose signature is one of the two, or stands on it."""
    one: Text
    other: Text
    step: Text


def day_in_japan(moment: datetime) -> date:
    """Return the calendar day in Japan of a moment with a time zone."""
    return moment.astimezone(JAPAN).date()


def day_text(day: date) -> Text:
    """Return a day in words, in both languages."""
    return Text(f"{day.year}年{day.month}月{day.day}日", f"{day.day} {day:%B %Y}")
