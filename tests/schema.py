"""Lists what a database holds of this project's schema: python -m tests.schema writes the listings anew.

There is one listing for each kind of database, `tests/schema/postgresql.txt` and `tests/schema/sqlite.txt`: tables,
columns, constraints, indexes, partitions, triggers and functions, one a line. `tests/chat/db/test_schema.py` compares
them with a fresh database, so that a constraint or a trigger that a migration loses is noticed.

`python -m tests.schema --all postgresql` prints the listing with the tables of Django and of the packages, too.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent / "schema"
VENDORS: Final = ("postgresql", "sqlite")
OWN: Final = ("chat_", "compliance_")
TOUCHED: Final = ("account_emailaddress", "django_session")
"""Tables of packages to which this project adds triggers or indexes."""

_POSTGRESQL: Final = (
    # Tables, views and sequences; how a table is split, and which part of it a partition is.
    """SELECT c.relname, concat_ws(' ', c.relname, 'is a', CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table'
            WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' ELSE c.relkind::text END,
        'partitioned by ' || pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid), c.reloptions::text,
        CASE WHEN c.relrowsecurity THEN 'with row security' END)
    FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind NOT IN ('i', 'I', 't', 'c')""",
    """SELECT c.relname, concat_ws(' ', c.relname, 'column', a.attname, format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid),
        'IDENTITY ' || nullif(a.attidentity, '')::text, 'GENERATED ' || nullif(a.attgenerated, '')::text,
        (SELECT 'COLLATE ' || collname FROM pg_collation WHERE oid = a.attcollation AND collname <> 'default'))
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
        AND NOT a.attisdropped""",
    """SELECT c.relname, concat_ws(' ', c.relname, 'constraint', k.conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND k.contype NOT IN ('n', 't')""",
    """SELECT c.relname, concat_ws(' ', c.relname, 'index', pg_get_indexdef(i.indexrelid),
        CASE WHEN NOT i.indisvalid THEN 'INVALID' END)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    WHERE c.relnamespace = current_schema()::regnamespace""",
    """SELECT c.relname, concat_ws(' ', c.relname, 'trigger', pg_get_triggerdef(t.oid), nullif(t.tgenabled, 'O')::text)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal""",
    """SELECT '', concat_ws(' ', 'function', p.proname || '(' || pg_get_function_arguments(p.oid) || ')', 'RETURNS',
        pg_get_function_result(p.oid), 'LANGUAGE', l.lanname, CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE'
        WHEN 's' THEN 'STABLE' END, CASE WHEN p.proisstrict THEN 'STRICT' END,
        CASE WHEN p.prosecdef THEN 'SECURITY DEFINER' END, 'SET ' || p.proconfig::text, 'AS', p.prosrc)
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE p.pronamespace = current_schema()::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')""",
)
_SQLITE: Final = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
_CLAUSES: Final = re.compile(
    r" (?=(?:NOT NULL|(?<!NOT )NULL|DEFAULT|CHECK|UNIQUE|PRIMARY KEY|CONSTRAINT|REFERENCES)\b)"
)


def listing(connection: Any, *, everything: bool = False) -> list[str]:
    """List what the database holds, one thing a line. The order of columns in a table is left out: nothing reads it.

    Args:
        connection: a connection of Django's, to PostgreSQL or SQLite.
        everything: with the tables of Django and of the packages.
    """
    found = _of_postgresql(connection) if connection.vendor == "postgresql" else _of_sqlite(connection)
    return sorted(
        {line for table, line in found if everything or not table or table.startswith(OWN) or table in TOUCHED}
    )


def _of_postgresql(connection: Any) -> Iterator[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        (schema,) = cursor.fetchone()
        for query in _POSTGRESQL:
            cursor.execute(query)
            for table, line in cursor.fetchall():
                yield table, _one_line(line).replace(f"{schema}.", "").replace(f"search_path={schema},", "search_path=")


def _of_sqlite(connection: Any) -> Iterator[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(_SQLITE)
        for kind, name, table, sql in cursor.fetchall():
            text = _one_line(sql).replace('"', "")
            if kind != "table":
                yield table, f"{table} {kind} {text}"
                continue
            head, _, body = text.partition("(")
            inside, _, options = body.rpartition(")")
            yield table, " ".join(f"{name} is a table {head.partition(name)[2]} {options}".split())
            for definition in _split(inside):
                first, *clauses = definition
                yield table, " ".join([f"{name} has", first, *sorted(each for each in clauses if each != "NULL")])


def _split(inside: str) -> Iterator[list[str]]:
    """Yield the definitions of a CREATE TABLE, each as its head and its clauses."""
    kept: list[str] = []  # what stands in parentheses or quotes, so that nothing there divides anything

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\0{len(kept) - 1}\0"

    def give_back(text: str) -> str:
        while "\0" in text:
            text = re.sub(r"\0(\d+)\0", lambda match: kept[int(match[1])], text)
        return text

    inside = re.sub(r"'(?:[^']|'')*'", keep, inside)
    while "(" in inside:
        inside = re.sub(r"\([^()]*\)", keep, inside)
    for definition in inside.split(","):
        yield [give_back(part) for part in _CLAUSES.split(definition.strip())]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _print(vendor: str, *, everything: bool) -> None:
    from tests.chaos.alone import stack  # noqa: PLC0415 -- it chooses the database for this process

    with stack(sqlite=vendor == "sqlite"):
        from django.db import connection  # noqa: PLC0415 -- the database is chosen by now

        assert connection.vendor == vendor
        print("\n".join(listing(connection, everything=everything)))


def write() -> None:
    """Write the listings of both databases, each made fresh by `migrate`."""
    FOLDER.mkdir(exist_ok=True)
    for vendor in VENDORS:
        command = [sys.executable, "-m", "tests.schema", vendor]
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        (FOLDER / f"{vendor}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    match [argument for argument in sys.argv[1:] if argument != "--all"]:
        case []:
            write()
        case [vendor]:
            _print(vendor, everything="--all" in sys.argv)
        case _:
            sys.exit(__doc__)
