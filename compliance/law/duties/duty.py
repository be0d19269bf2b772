"""One duty: what, by which articles, on which form, by which day, and where it stands. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from compliance.law.citations import cite_all
from compliance.law.duties.events import Done
from compliance.law.sources import Confidence
from compliance.law.text import Text

SOON: Final = timedelta(days=30)
"""How long before its day a duty counts as `State.SOON`."""


class Term(StrEnum):
    """How the law sets the time."""

    BY = "by"
    PROMPTLY = "promptly"
    WITHOUT_DELAY = "without_delay"
    BEFORE = "before"
    HABIT = "habit"

    @property
    def ja(self) -> str:
        return _TERMS[self].ja

    @property
    def en(self) -> str:
        return _TERMS[self].en

    @property
    def has_last_day(self) -> bool:
        """Whether the term has a last day."""
        return self in {Term.BY, Term.BEFORE, Term.HABIT}


_TERMS: Final[Mapping[Term, Text]] = MappingProxyType(
    {
        Term.BY: Text("期限", "by"),
        Term.PROMPTLY: Text("速やかに（日数の定めなし）", "promptly: no number of days is set"),
        Term.WITHOUT_DELAY: Text("遅滞なく（日数の定めなし）", "without delay: no number of days is set"),
        Term.BEFORE: Text("変更・開始の前に", "before it takes effect"),
        Term.HABIT: Text("法定ではなく、このソフトウェアの目安", "a target of this software, not of the law"),
    }
)


class State(StrEnum):
    """Where a duty stands, the most urgent first."""

    LATE = "late"
    NOW = "now"
    SOON = "soon"
    AHEAD = "ahead"
    DONE = "done"

    @property
    def ja(self) -> str:
        return _STATES[self].ja

    @property
    def en(self) -> str:
        return _STATES[self].en


_STATES: Final[Mapping[State, Text]] = MappingProxyType(
    {
        State.LATE: Text("期限切れ", "Overdue"),
        State.NOW: Text("いますぐ", "Now"),
        State.SOON: Text("まもなく", "Soon"),
        State.AHEAD: Text("これから", "Ahead"),
        State.DONE: Text("済み", "Done"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One duty: what, by which articles, on which form, by when, and whether it was done."""

    id: str
    """Stays the same for as long as the duty is the same one; it is the key under which it is marked as done."""
    title: Text
    what: Text
    articles: tuple[str, ...]
    due: date
    term: Term = Term.BY
    form: Text | None = None
    confidence: Confidence = Confidence.VERIFIED
    source: str = ""
    """What it comes from, as `happening-3`, `outage-7`, `end`, `lapse-2` or `LAW-06`."""
    markable: bool = True
    """Whether a person marks it as done; otherwise the record itself shows it."""
    done: Done | None = None

    @property
    def articles_ja(self) -> str:
        return cite_all(self.articles, "ja")

    @property
    def articles_en(self) -> str:
        return cite_all(self.articles, "en")

    @property
    def on_weekend(self) -> bool:
        """Whether the day is a Saturday or Sunday; it is not moved for that."""
        return self.due.weekday() >= 5  # noqa: PLR2004 -- Saturday

    def state(self, today: date) -> State:
        """Return the state on a day of Japan's calendar."""
        if self.done:
            return State.DONE
        if not self.term.has_last_day and today >= self.due:
            return State.NOW
        if today > self.due:
            return State.LATE
        if today == self.due:
            return State.NOW
        return State.SOON if self.due - today <= SOON else State.AHEAD
