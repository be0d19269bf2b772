"""The language of a page and of a mail, and bilingual texts in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.utils.translation import get_language

from compliance.law import Bilingual, say

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

_lookups: list[Callable[[AbstractBaseUser], str]] = []


def current_language() -> str:
    """Return `ja` or `en`, the language of the current request (Japanese if none is active)."""
    return "en" if (get_language() or "ja").startswith("en") else "ja"


def localized(text: Bilingual) -> str:
    """Return a bilingual text in the language of the current request."""
    return say(text, current_language())


def register_choice(lookup: Callable[[AbstractBaseUser], str]) -> None:
    """Register how to look up the language that a person chose. Compliance knows no preferences, so chat registers it.

    Args:
        lookup: returns a language, or an empty text for who chose none.
    """
    _lookups[:] = [lookup]


def language_of(user: AbstractBaseUser | None, *, unknown: str = "ja") -> str:
    """Return the language of a mail to a person: what they chose for their pages.

    Args:
        user: who receives it; None where nobody knows.
        unknown: the language for who chose none.
    """
    return (next((lookup(user) for lookup in _lookups), "") if user else "") or unknown
