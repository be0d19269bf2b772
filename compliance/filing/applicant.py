"""Who files a notification, and which bureau (総合通信局) is competent for their address."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from compliance import law
from compliance.adminkit import one_line
from compliance.law import BUREAU_OF, Bureau, Standing, Text

_POSTAL_CODE: Final = re.compile(r"^[\s〒]*[0-9]{3}-?[0-9]{4}\s*")
_NOT_A_NAME: Final = re.compile(r"[0-9〒\-]+|\b(?:japan|prefecture|pref|ken|fu|to)\b\.?", re.IGNORECASE)
_BY_ENGLISH: Final = MappingProxyType(
    {
        english.lower(): prefecture
        for bureau in law.REGIONAL_BUREAUX
        for prefecture, english in bureau.prefectures.items()
    }
)


def prefecture_of(address: str) -> str | None:
    """Return the prefecture (都道府県) of an address in Japan, or None unless the address names exactly one.

    A Japanese address begins with it; an English one has it between commas. A city does not count: a town elsewhere
    often has the same name.
    """
    folded = unicodedata.normalize("NFKC", address).strip()
    japanese = re.sub(r"\s", "", _POSTAL_CODE.sub("", folded)).removeprefix("日本国").removeprefix("日本")
    japanese = _POSTAL_CODE.sub("", japanese)
    for prefecture in BUREAU_OF:
        if japanese.startswith(prefecture):
            return prefecture
    parts = {" ".join(_NOT_A_NAME.sub(" ", part).split()).lower() for part in folded.split(",")}
    named = {_BY_ENGLISH[part] for part in parts if part in _BY_ENGLISH}
    return named.pop() if len(named) == 1 else None


class ApplicantKind(StrEnum):
    """Kinds of applicants, as the regulation distinguishes them (REG 9(1)(iii) to (vi))."""

    person = "person"
    company = "company"
    founding = "founding"
    body = "body"
    government = "government"

    @property
    def ja(self) -> str:
        return _KINDS[self].ja

    @property
    def en(self) -> str:
        return _KINDS[self].en


_KINDS: Final[Mapping[ApplicantKind, Text]] = MappingProxyType(
    {
        ApplicantKind.person: Text("個人", "a person"),
        ApplicantKind.company: Text("既存の法人", "a company or other legal person that exists"),
        ApplicantKind.founding: Text("法人を設立しようとする者", "the founders of a company"),
        ApplicantKind.body: Text("その他の団体", "another body"),
        ApplicantKind.government: Text(
            "地方公共団体（営利を目的としない事業、165条）", "a local government, not for gain (Article 165)"
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """Who files, with their facts. Empty where a fact is not known."""

    kind: ApplicantKind | None = None
    abroad: bool | None = None
    """A foreign company or body, or a person living abroad (外国法人等)."""
    name: str = ""
    name_kana: str = ""
    postal_code: str = ""
    address: str = ""
    address_kana: str = ""
    prefecture: str = ""
    """Only where the address does not name it."""
    representative: str = ""
    phone: str = ""
    email: str = ""
    agent_is_company: bool | None = None
    agent_name: str = ""
    agent_address: str = ""
    agent_phone: str = ""
    agent_email: str = ""
    area: str = ""
    start_on: date | None = None

    @property
    def seat(self) -> str:
        """The address that decides the bureau; abroad, that of the representative in Japan (REG 69(1), (2))."""
        return self.agent_address if self.abroad else self.address

    @property
    def bureau(self) -> Bureau | None:
        """The competent bureau, or None if the address does not decide it."""
        return BUREAU_OF.get(self.prefecture or prefecture_of(self.seat) or "")

    @classmethod
    def of(cls, stored: Mapping[str, Any], standing: Standing) -> Applicant:
        """Read the operator's notes; take missing facts from the environment.

        Args:
            stored: the notes, see `FilingForm.facts`.
            standing: of the environment.
        """
        contact = {"email" if "@" in standing.operator_contact else "phone": standing.operator_contact}
        known = {"name": standing.operator_name, "address": standing.operator_address, **contact}
        given = {key: value for key, value in stored.items() if value not in (None, "")}
        texts = {
            entry.name: one_line(str(given.get(entry.name) or known.get(entry.name, "")))
            for entry in fields(cls)
            if entry.type == "str"
        }
        return cls(
            kind=next((kind for kind in ApplicantKind if kind == given.get("kind")), None),
            abroad=_yes_or_no(given.get("abroad")),
            agent_is_company=_yes_or_no(given.get("agent_is_company")),
            start_on=_day(given.get("start_on")),
            **texts,
        )


def _yes_or_no(value: object) -> bool | None:
    return {"yes": True, "no": False}.get(value) if isinstance(value, str) else None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
