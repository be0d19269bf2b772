"""Creates PostgreSQL's functions and triggers from the files in `chat/db/sql`; migrations call it.

A change of a function is a change of its file, and a migration that creates it again. SQLite has no functions, and gets
its triggers from `chat/db/triggers.py`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython

FOLDER: Final = Path(__file__).parent / "sql"
_SCHEMA: Final = "{schema}"
_FUNCTION: Final = re.compile(r"^CREATE OR REPLACE FUNCTION (\w+\([^)]*\))", re.MULTILINE)


def create_functions(name: str, *, again: bool = False) -> RunPython:
    """Return the operation of a migration that creates what a file declares; backwards it drops it.

    Args:
        name: of the file, without `.sql`.
        again: whether an earlier migration created it from the same file: then nothing is dropped backwards.
    """
    sql = _read(name)

    def forwards(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            with editor.connection.cursor() as cursor:
                cursor.execute("SELECT quote_ident(current_schema())")
                (schema,) = cursor.fetchone()
            editor.execute(sql.replace(_SCHEMA, schema), None)

    def backwards(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql" and not again:
            for function in _FUNCTION.findall(sql):
                editor.execute(f"DROP FUNCTION {function} CASCADE", None)

    return RunPython(forwards, backwards)


def _read(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
