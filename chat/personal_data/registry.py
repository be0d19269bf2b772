"""The registry of personal data: each capability says which columns name a person, what is exported, how it is erased.

A test walks every table: a reference to an account that no part names fails it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeAlias
from uuid import UUID

from chat.models import User


class Fate(StrEnum):
    """What becomes of a row that names a person, when the person is erased."""

    GOES = "goes"
    UNLINKED = "unlinked"
    """The row stays and names nobody any more."""
    KEPT = "kept"
    """The row stays, and names the emptied account: a record says who signed or did something as staff."""


@dataclass(frozen=True, slots=True)
class Link:
    """One column that refers to an account.

    Attributes:
        column: `app.Model.field`.
        fate: what the erasure makes of the row.
        section: the key of the section of the export that has it; empty: it is not exported.
        why: why it is kept, or not exported.
    """

    column: str
    fate: Fate
    section: str = ""
    why: str = ""


class Type(StrEnum):
    """The type of a value in `data.json`. Each may be null."""

    TEXT = "string"
    NUMBER = "integer"
    FLAG = "boolean"
    TIME = "date-time"
    ID = "uuid"
    NAMES = "array of strings"


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a section: its name in `data.json`, its type, and what the readable page calls it."""

    name: str
    type: Type
    label: Any  # lazily translated


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom an export is made.

    Attributes:
        user: whose data it is.
        themselves: whether they ask for it by themselves, signed in. Only then words of closed talk are opened.
    """

    user: User
    themselves: bool


Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """One list of the export: its place, key, title and fields, and how its rows are read, one after the other."""

    order: int
    key: str
    title: Any  # lazily translated
    columns: Sequence[Column]
    rows: Callable[[Reader], Iterable[Row]]


@dataclass(frozen=True, slots=True)
class Leaving:
    """People who are erased, in one transaction.

    Attributes:
        people: their primary keys.
        words_go: whether their words in open rooms go as well.
        accounts: the accounts as they were.
    """

    people: Collection[int]
    words_go: bool
    accounts: Sequence[User]


@dataclass(frozen=True, slots=True)
class Part:
    """What one capability knows about people.

    Attributes:
        links: every column of its tables that refers to an account.
        sections: what it exports.
        erase: is called before the accounts go, for what their going does not take along by itself.
    """

    links: Sequence[Link] = ()
    sections: Sequence[Section] = ()
    erase: Callable[[Leaving], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One event of the log that a hold keeps, with its words as they are stored: plain, or sealed."""

    room: UUID
    seq: int
    kind: str
    target: int | None
    at: str
    body: str | None = None
    sealed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Keeping:
    """How the log's part finds what holds keep of a person.

    Attributes:
        rooms_of: every room in which they are or wrote; by its id, the public ids of the others in it, if it is closed.
        events_of: what they wrote in some of these rooms.
        times_of: when they came into and left closed rooms among these.
    """

    rooms_of: Callable[[int], Mapping[UUID, Collection[UUID]]]
    events_of: Callable[[int, Collection[UUID]], Iterable[Word]]
    times_of: Callable[[int, Collection[UUID]], Iterable[Row]]


@dataclass(slots=True)
class _Registry:
    parts: list[Part] = field(default_factory=list)
    keeping: Keeping | None = None


_registry: Final = _Registry()
_by_column: Final[dict[str, Link]] = {}
PARTS: Final[Mapping[str, Link]] = MappingProxyType(_by_column)
"""Each registered column that refers to an account. A test compares them with the tables."""


def register(part: Part) -> None:
    """Register what a capability knows about people.

    Raises:
        ValueError: a column or a section is registered already.
    """
    keys = {section.key for section in sections()}
    for section in part.sections:
        if section.key in keys:
            raise ValueError(f"the export has a section {section.key!r} already")
    for link in part.links:
        if link.column in _by_column:
            raise ValueError(f"{link.column} is registered already")
        _by_column[link.column] = link
    _registry.parts.append(part)


def keep_words(keeping: Keeping) -> None:
    """Register how the log is read for what a hold keeps."""
    _registry.keeping = keeping


def keeping() -> Keeping:
    """Return how the log is read for what a hold keeps."""
    assert _registry.keeping is not None
    return _registry.keeping


def parts() -> Sequence[Part]:
    """Return the registered parts."""
    return tuple(_registry.parts)


def sections() -> list[Section]:
    """Return the sections of the export, in their order."""
    found = [section for part in _registry.parts for section in part.sections]
    return sorted(found, key=lambda section: section.order)
