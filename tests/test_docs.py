"""What is written for people agrees with what the code does."""

import ast
import re
from pathlib import Path

from compliance import tables
from compliance.standing import VARIABLES

ROOT = Path(__file__).resolve().parent.parent
READERS = {"text", "choice", "number", "words"}


def variables_read_by_settings() -> set[str]:
    """The variables that config/settings.py asks its readers for."""
    tree = ast.parse((ROOT / "config/settings.py").read_text())
    return {
        call.args[0].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in READERS
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    } | set(VARIABLES)


def test_every_variable_stands_in_the_example() -> None:
    written = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert written == variables_read_by_settings()


def test_every_command_of_the_makefile_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    explained = set(re.findall(r"^([a-z-]+):[^#\n]*## .+ \| .+$", makefile, re.MULTILINE))
    assert set(phony) - explained == {"browser"}


def test_law_tables_in_step() -> None:
    assert tables.DOCUMENT.read_text(encoding="utf-8") == tables.render(), "run python -m compliance.tables"
