"""Writes the tables of modules in docs/architecture.md from the docstrings: python -m tests.modules.

The first cell is the package or module; the second is the first sentence of its docstring.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
DOCUMENT: Final = ROOT / "docs" / "architecture.md"
APPS: Final = ("config", "chat", "compliance")
BEGIN, END = "<!-- modules of {}: python -m tests.modules -->", "<!-- end of {} -->"
_LEFT_OUT: Final = {"migrations", "locale", "static", "__pycache__"}


def modules(app: str) -> list[Path]:
    """The modules of an app that have a docstring of their own, packages before what is inside."""

    def order(path: Path) -> tuple[str, ...]:
        parts = path.relative_to(ROOT).with_suffix("").parts
        return parts[:-1] if parts[-1] == "__init__" else parts

    found = (path for path in (ROOT / app).rglob("*.py") if not _LEFT_OUT & set(path.parts))
    return sorted((path for path in found if first_line(path)), key=order)


def first_line(path: Path) -> str:
    """The first sentence of a module's docstring; nothing where it has none."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return re.sub(r"\s+", " ", text.split("\n\n")[0]).strip()


def table(app: str) -> str:
    """The table of an app's modules, between its two marks."""

    def rows() -> Iterator[str]:
        for path in modules(app):
            name = path.relative_to(ROOT)
            is_package = path.name == "__init__.py"
            shown = f"**`{name.parent}/`**" if is_package else f"`{name}`"
            yield f"| {shown} | {first_line(path).replace('|', '&#124;')} |"

    head = [BEGIN.format(app), "", "| module | job |", "| --- | --- |"]
    return "\n".join([*head, *rows(), "", END.format(app)])


def render(text: str) -> str:
    """The document with each table as the code has it now."""
    for app in APPS:
        begin, end = BEGIN.format(app), END.format(app)
        before, rest = text.split(begin)
        text = before + table(app) + rest.split(end)[1]
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(render(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
