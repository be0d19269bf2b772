"""Reads the deployment's standing (届出・登録の状況) from the environment's values, strictly. Pure: values are given.

A status or mode outside its list raises. A status without what it requires is read, but carries problems, and then it
turns no key.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeVar

import regex

from compliance.law.rules import Feature
from compliance.law.text import Text
from compliance.law.variables import (
    DATE,
    DATING,
    MODE,
    NUMBER,
    OFFER_WORDS,
    OFFERED,
    OPERATOR_ADDRESS,
    OPERATOR_CONTACT,
    OPERATOR_NAME,
    REGISTRATION,
    VARIABLES,
)

ACT_IN_FORCE: Final = date(1985, 4, 1)
"""The day on which the Telecommunications Business Act came into force (its supplementary provisions, Article 1)."""


class Status(StrEnum):
    """What has been filed."""

    none = "none"
    filed = "filed"
    notified = "notified"
    registered = "registered"
    exempt = "exempt"

    @property
    def ja(self) -> str:
        return STATUS_TEXTS[self].ja

    @property
    def en(self) -> str:
        return STATUS_TEXTS[self].en


class Mode(StrEnum):
    """Whether the operator's checklist shuts the gate or only warns."""

    enforce = "enforce"
    advise = "advise"


STATUS_TEXTS: Final[Mapping[Status, Text]] = MappingProxyType(
    {
        Status.none: Text("届出も登録もない", "nothing filed"),
        Status.filed: Text(
            "届出が総合通信局に到達し、番号の通知を待っている", "the notification has arrived, the number is pending"
        ),
        Status.notified: Text("届出が済み、届出番号が分かっている", "notified, and the number is known"),
        Status.registered: Text("登録を受けている", "registered"),
        Status.exempt: Text("届出を要しない根拠を記録している", "a basis is recorded why no filing is due"),
    }
)

_OPERATOR: Final = (OPERATOR_NAME, OPERATOR_ADDRESS, OPERATOR_CONTACT)
REQUIRED_PARTS: Final[Mapping[Status, tuple[str, ...]]] = MappingProxyType(
    {
        Status.none: (),
        Status.filed: (DATE, *_OPERATOR),
        Status.notified: (NUMBER, DATE, *_OPERATOR),
        Status.registered: (NUMBER, DATE, *_OPERATOR),
        Status.exempt: (DATE, *_OPERATOR),
    }
)
"""The variables that each status needs besides itself."""

_CONTRADICTED_BY: Final[Mapping[Status, tuple[str, ...]]] = MappingProxyType(
    # `filed` says that the number is pending: with one, the status is `notified`, which asks for LAW-04.
    {Status.none: (NUMBER, DATE), Status.filed: (NUMBER,), Status.exempt: (NUMBER,)}
)

# Letter of the bureau, Japanese year, running number (examples only; no source defines it, hence nothing finer).
_NUMBER: Final = regex.compile(r"[A-Z]-[0-9]{2}-[0-9]{5}")
_REGISTERED_MOST: Final = 40
"""Characters of a registration number at most; no source defines its form."""
_DATE: Final = regex.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATING: Final = regex.compile(r"[0-9]{11}")
# Fillers such as U+3164 count as letters, and show nothing.
_VISIBLE: Final = regex.compile(r"(?V1)[[\p{L}\p{N}]--\p{Default_Ignorable_Code_Point}]")
_UNSEEN: Final = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cc}\s]+")
_HYPHENS: Final = regex.compile(r"[\p{Pd}\N{MINUS SIGN}]|(?<=[0-9])ー(?=[0-9])")


@lru_cache(maxsize=256)
def normal(text: str) -> str:
    """Return a name, an address or a number as it is compared: the same for two that differ in writing only.

    Widths and compatibility characters are folded (NFKC: `㈱` and `(株)` are one), hyphens made one, letters taken in
    lower case; spaces and what cannot be seen fall away. `株式会社` and `(株)` stay apart: that both mean the same
    company is for a person to say.
    """
    seen: str = _UNSEEN.sub("", unicodedata.normalize("NFKC", text))
    folded: str = _HYPHENS.sub("-", seen)
    return folded.casefold()


def can_be_read(text: str) -> bool:
    """Whether a text shows at least one letter or digit."""
    return _VISIBLE.search(unicodedata.normalize("NFKC", text)) is not None


class BadValue(ValueError):
    """A variable holds a value outside its list. Its text is one line for the person who starts the server."""

    def __init__(self, variable: str, value: str, accepted: tuple[str, ...]) -> None:
        self.variable = variable
        self.value = value
        self.accepted = accepted
        super().__init__(f"{variable}={value!r} is not one of the accepted values (使える値): {', '.join(accepted)}")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a standing turns no key: the variable and one sentence in both languages."""

    variable: str
    ja: str
    en: str
    drift: bool = False
    """True where the value is sound but does not agree with another server's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the deployment says it has filed. Texts are empty and the date is None where absent or malformed."""

    status: Status = Status.none
    number: str = ""
    filed_on: date | None = None
    operator_name: str = ""
    operator_address: str = ""
    operator_contact: str = ""
    mode: Mode = Mode.enforce
    dating_number: str = ""
    offered: frozenset[Feature] = frozenset(OFFER_WORDS.values())
    """The closed features that the deployment offers at all."""
    problems: tuple[Problem, ...] = ()
    dating_problem: Problem | None = None
    """Why the dating gate's number does not count. It touches no other gate."""

    @property
    def turned(self) -> bool:
        """Whether the deployer's key is turned: a status other than none, with all that it requires."""
        return self.status is not Status.none and not self.problems

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of what the law's record needs, to notice that a restart or another server changed it.

        The contact, and how the name and the address are written, change nothing that is on record.
        """
        values = {
            REGISTRATION: self.status,
            NUMBER: self.number,
            DATE: self.filed_on.isoformat() if self.filed_on else "",
            OPERATOR_NAME: normal(self.operator_name),
            OPERATOR_ADDRESS: normal(self.operator_address),
            MODE: self.mode,
            DATING: self.dating_number,
            OFFERED: sorted(self.offered),
        }
        return hashlib.sha256(json.dumps(values, ensure_ascii=False, sort_keys=True).encode()).hexdigest()

    def label(self, language: str) -> str:
        """Return the wording for the public legal page in `ja` or `en`.

        A notification is called 届出 and never 登録, 許可, 認可 or 認定: nobody has approved anything. A number is
        shown only by a standing without problems.
        """
        return self._label_ja() if language.lower().startswith("ja") else self._label_en()

    def _label_ja(self) -> str:
        if self.status is Status.none:
            return "電気通信事業の届出なし（クローズド・チャットは提供していません）"
        if self.problems or self.filed_on is None:
            return "届出の状況を確認中（クローズド・チャットは停止しています）"
        on = japanese_date(self.filed_on)
        match self.status:
            case Status.filed:
                return f"電気通信事業 届出済み・番号通知待ち（{on}届出）"
            case Status.notified:
                return f"電気通信事業届出番号 {self.number}（{on}届出）"
            case Status.registered:
                return f"電気通信事業登録番号 {self.number}（{on}登録）"
            case Status.exempt:
                return f"届出を要しない事業として根拠を記録（{on}、運営者の判断による）"

    def _label_en(self) -> str:
        if self.status is Status.none:
            return "No telecommunications business notification (closed chat is not offered)"
        if self.problems or self.filed_on is None:
            return "The filing is being checked (closed chat is off)"
        on = f"{self.filed_on.day} {self.filed_on:%B} {self.filed_on.year}"
        match self.status:
            case Status.filed:
                return f"Telecommunications business: notified, number pending (notified on {on})"
            case Status.notified:
                return f"Telecommunications business notification No. {self.number} (notified on {on})"
            case Status.registered:
                return f"Telecommunications business registration No. {self.number} (registered on {on})"
            case Status.exempt:
                return f"Recorded as needing no notification ({on}, in the operator's own judgement)"


_ERAS: Final = (("令和", date(2019, 5, 1)), ("平成", date(1989, 1, 8)), ("昭和", date(1926, 12, 25)))


def japanese_date(day: date) -> str:
    """Write a date in the Japanese era as filings do: 令和8年5月18日. Before 1926 the western year is used."""
    for era, start in _ERAS:
        if day >= start:
            year = day.year - start.year + 1
            return f"{era}{'元' if year == 1 else year}年{day.month}月{day.day}日"
    return f"{day.year}年{day.month}月{day.day}日"


def read_standing(values: Mapping[str, str], today: date) -> Standing:
    """Read the standing from the environment's values; an absent and an empty value are the same.

    Args:
        values: the environment, or any mapping that holds some of `VARIABLES`.
        today: the date in Japan, against which a date in the future is a problem.

    Raises:
        BadValue: the status, the mode or a closed feature is not one of the accepted words, to the letter.
    """
    given = {variable: values.get(variable, "") for variable in VARIABLES}
    status = _choice(Status, REGISTRATION, given[REGISTRATION], Status.none)
    mode = _choice(Mode, MODE, given[MODE], Mode.enforce)
    offered = _offered(given[OFFERED])
    given = {variable: value if value.strip() else "" for variable, value in given.items()}
    given |= {variable: "" for variable in _OPERATOR if not can_be_read(given[variable])}
    folded = {variable: unicodedata.normalize("NFKC", value) for variable, value in given.items()}
    problems: list[Problem] = []

    number = folded[NUMBER]
    if number and status is Status.registered:
        # The office that registers gives the number in a form of its own, such as 第372号.
        plain = number.isprintable() and number == number.strip() and any(map(str.isalnum, number))
        if not plain or len(number) > _REGISTERED_MOST:
            problems.append(
                Problem(
                    NUMBER,
                    f"{NUMBER} には、登録の通知にある番号を、第372号 のようにそのまま書いてください。",
                    f"{NUMBER} is malformed: write the number as the notice of registration has it, as in 第372号.",
                )
            )
            number = ""
    elif number and not _NUMBER.fullmatch(number):
        problems.append(
            Problem(
                NUMBER,
                f"{NUMBER} は A-08-12345 のように「英大文字-数字2桁-数字5桁」で書いてください。",
                f"{NUMBER} is malformed: write a capital letter, two digits and five digits, as in A-08-12345.",
            )
        )
        number = ""

    filed_on = _day(folded[DATE])
    if folded[DATE] and filed_on is None:
        problems.append(
            Problem(
                DATE,
                f"{DATE} は 2026-05-18 のように、実在する日付で書いてください。",
                f"{DATE} is not a date: write it as in 2026-05-18.",
            )
        )
    elif filed_on is not None and filed_on > today:
        problems.append(
            Problem(
                DATE,
                f"{DATE} が未来の日付になっているので、実際に届け出た（または登録を受けた）日を書いてください。",
                f"{DATE} is in the future: write the day on which it was really filed.",
            )
        )
    elif filed_on is not None and filed_on < ACT_IN_FORCE:
        problems.append(
            Problem(
                DATE,
                f"{DATE} が電気通信事業法の施行（{japanese_date(ACT_IN_FORCE)}）より前の日付になっているので、"
                "実際に届け出た（または登録を受けた）日を書いてください。",
                f"{DATE} lies before {ACT_IN_FORCE}, on which the Telecommunications Business Act came into force: "
                "write the day on which it was really filed.",
            )
        )

    dating_number, dating_problem = folded[DATING], None
    if dating_number and not _DATING.fullmatch(dating_number):
        dating_problem = Problem(
            DATING,
            f"{DATING} には、公安委員会への届出で通知された11桁の数字を書いてください。",
            f"{DATING} is malformed: write the 11 digits that the Public Safety Commission gave.",
        )
        dating_number = ""

    problems += [
        Problem(
            variable,
            f"{REGISTRATION}={status} には {variable} が必要です。",
            f"{REGISTRATION}={status} requires {variable}.",
        )
        for variable in REQUIRED_PARTS[status]
        if not given[variable]
    ]
    problems += [
        Problem(
            variable,
            f"{REGISTRATION}={status} と {variable} が食い違っているので、届出・登録が済んでいるなら前者を直し、"
            "そうでなければ後者を消してください。",
            f"{REGISTRATION}={status} contradicts {variable}: correct the former if it has been filed, "
            "else remove the latter.",
        )
        for variable in _CONTRADICTED_BY.get(status, ())
        if given[variable]
    ]
    return Standing(
        status=status,
        number=number,
        filed_on=filed_on,
        operator_name=given[OPERATOR_NAME].strip(),
        operator_address=given[OPERATOR_ADDRESS].strip(),
        operator_contact=given[OPERATOR_CONTACT].strip(),
        mode=mode,
        dating_number=dating_number,
        offered=offered,
        problems=tuple(problems),
        dating_problem=dating_problem,
    )


_Word = TypeVar("_Word", bound=StrEnum)


def _choice(words: type[_Word], variable: str, value: str, default: _Word) -> _Word:
    if not value:
        return default
    accepted = tuple(str(word) for word in words)
    # A lookup by text and not by `words(value)`: what a person typed must be the word itself.
    if value not in accepted:
        raise BadValue(variable, value, accepted)
    return words(value)


def _offered(value: str) -> frozenset[Feature]:
    if not value:
        return frozenset(OFFER_WORDS.values())
    named = [word.strip() for word in value.split(",")]
    if not all(word in OFFER_WORDS for word in named):
        raise BadValue(OFFERED, value, tuple(OFFER_WORDS))
    return frozenset(OFFER_WORDS[word] for word in named)


def _day(value: str) -> date | None:
    """Read an ISO date in its long form only; `date.fromisoformat` alone would take 20260518 and week dates too."""
    if not _DATE.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
