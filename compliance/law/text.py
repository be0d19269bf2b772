"""Text in Japanese and English."""

from dataclasses import dataclass
from typing import Protocol


class Bilingual(Protocol):
    """Anything that says the same thing in Japanese and in English."""

    @property
    def ja(self) -> str: ...

    @property
    def en(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    ja: str
    en: str


def say(text: Bilingual, language: str) -> str:
    """Return the Japanese text for `ja` and its variants, else the English one."""
    return text.ja if language.lower().startswith("ja") else text.en
