"""The oldest browsers for which the pages are made. The data file beside it is what tests of scripts read, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

_FOUND: Final = json.loads(Path(__file__).with_name("browsers.json").read_text("utf-8"))["oldest"]

OLDEST_BROWSERS: Final[tuple[str, ...]] = tuple(
    f"{name} {_FOUND[key]}"
    for name, key in (
        ("Safari", "safari"),
        ("iOS", "safari_ios"),
        ("Firefox", "firefox"),
        ("Chrome", "chrome"),
        ("Edge", "edge"),
    )
)
"""Each with its version, as a page names it."""
