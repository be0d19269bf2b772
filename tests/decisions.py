"""Writes the index of the decisions anew: python -m tests.decisions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "decisions"
INDEX: Final = FOLDER / "README.md"
HEAD: Final = """\
# Decisions

What was decided, and why. A record is not changed when a later one replaces it; the later one says so. Written by
`python -m tests.decisions`.

"""


def records() -> list[Path]:
    """The records, by number."""
    return sorted(FOLDER.glob("[0-9]*.md"))


def index() -> str:
    """The page that lists them by their titles."""

    def lines() -> Iterator[str]:
        for record in records():
            number, _, title = record.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ").partition(". ")
            yield f"- {int(number):04} [{title}]({record.name})"

    return HEAD + "\n".join(lines()) + "\n"


if __name__ == "__main__":
    INDEX.write_text(index(), encoding="utf-8")
