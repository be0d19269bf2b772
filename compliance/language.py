"""The language in which the current request is answered, and bilingual texts in it."""

from __future__ import annotations

from django.utils.translation import get_language

from compliance.law import Bilingual, say


def current_language() -> str:
    """Return `ja` or `en`, the language of the current request (Japanese if none is active)."""
    return "en" if (get_language() or "ja").startswith("en") else "ja"


def localized(text: Bilingual) -> str:
    """Return a bilingual text in the language of the current request."""
    return say(text, current_language())
