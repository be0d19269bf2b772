"""The one spelling of an e-mail address."""

from __future__ import annotations

import unicodedata


def fold(address: str) -> str:
    """Return an address as it is stored: NFKC, small letters, no blanks around, a full stop for each 。."""
    return unicodedata.normalize("NFKC", address).replace("。", ".").strip().lower()
