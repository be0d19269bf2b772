"""Guards: database triggers that refuse changes of records, declared once for PostgreSQL and SQLite.

This module is the mechanism. `compliance.records.guards` and `chat.models.guards` declare guards, `chat.db.triggers`
declares triggers that only SQLite needs here; PostgreSQL gets those from a migration. A guard holds for
every statement from any client: INSERT, UPDATE, DELETE, TRUNCATE, and SQLite's REPLACE, which deletes rows without
firing a delete trigger. Each `migrate` installs the guards anew, since a migration that rebuilds a table on SQLite
drops its triggers. `missing` returns those that somebody removed or changed: `ledger verify` and
`check --database default` report them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from django.apps import AppConfig, apps
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.models.signals import post_migrate, pre_migrate

PREFIX: Final = "guard_"
TRUNCATE: Final = "_truncate"
SCHEMA: Final = "{schema}"
"""Stands in statements for the schema in which PostgreSQL has the tables."""
_APPS: Final = frozenset({"chat", "compliance"})
_ON: Final = re.compile(r"\bON (\w+)")


@dataclass(frozen=True, slots=True)
class Dialect:
    """The SQL that the two databases write differently."""

    vendor: str

    @property
    def postgresql(self) -> bool:
        """Whether it is PostgreSQL; else SQLite."""
        return self.vendor == "postgresql"

    def differs(self, left: str, right: str) -> str:
        """Return the comparison that treats NULL as a value."""
        return f"{left} IS DISTINCT FROM {right}" if self.postgresql else f"{left} IS NOT {right}"

    def text(self, column: str, key: str) -> str:
        """Return a text under a key of a JSON column."""
        return f"{column} ->> '{key}'" if self.postgresql else f"json_extract({column}, '$.{key}')"

    def names(self, column: str, key: str, row: str) -> str:
        """Return whether a JSON column has a row's number under a key."""
        return f"{self.text(column, key)} = {row}::text" if self.postgresql else f"{self.text(column, key)} = {row}"

    def hex_only(self, value: str) -> str:
        """Return whether a text has nothing but hexadecimal digits."""
        return f"{value} !~ '[^0-9a-fA-F]'" if self.postgresql else f"{value} NOT GLOB '*[^0-9a-fA-F]*'"


Sql: TypeAlias = Callable[[Dialect], str]


def always(_dialect: Dialect) -> str:
    """Refuse whatever is asked."""
    return "TRUE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """One trigger for each row: refuses a statement, or notes that it happened.

    Attributes:
        name: unique; the trigger is called so, after `PREFIX`.
        model: `app.Model`.
        on: what it watches.
        says: the refusal, as the database words it.
        refuse: the condition, over OLD and NEW.
        columns: of an UPDATE, the columns that wake it; empty: each.
        does: instead of a refusal, what is written afterwards where `refuse` holds.
        replace_only: it answers SQLite's REPLACE, which PostgreSQL does not have.
    """

    name: str
    model: str
    on: Literal["INSERT", "UPDATE", "DELETE"]
    says: str = ""
    refuse: Sql = always
    columns: tuple[str, ...] = ()
    does: Sql | None = None
    replace_only: bool = False


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger as one database has it: its table, its kind, its program and the statements that make it.

    `columns` says how many columns of an UPDATE wake it; 0: each.
    """

    name: str
    table: str
    kind: int
    program: str
    statements: tuple[str, ...]
    columns: int = 0


_declared: dict[str, Guard] = {}
_sqlite_only: dict[str, Trigger] = {}


def declare(*guards: Guard) -> None:
    """Add guards to those that each `migrate` installs."""
    for guard in guards:
        assert guard.name not in _declared, guard.name
        _declared[guard.name] = guard


def declare_sqlite(texts: Mapping[str, str]) -> None:
    """Add triggers that are installed on SQLite only, as guards are; they have no prefix.

    Args:
        texts: by the trigger's name, what follows the name in `CREATE TRIGGER`.
    """
    for name, text in texts.items():
        on = _ON.search(text)
        assert on, name
        program = f"CREATE TRIGGER {name} {text}"
        _sqlite_only[name] = Trigger(name, on[1], 0, program, (program,))


def declared() -> Mapping[str, Guard]:
    """Return the guards by name."""
    return dict(_declared)


def tables() -> list[str]:
    """Return the guarded tables."""
    return sorted({_table(guard.model) for guard in _declared.values()})


# Conditions that recur ------------------------------------------------------------------------------------------------


def changed(model: str, *, but: Iterable[str] = ()) -> Sql:
    """Return the condition that any column changes, except those named in `but`. Columns added later count, too."""

    def sql(dialect: Dialect) -> str:
        left_out = set(but)
        names = [field.column for field in _meta(model).concrete_fields if field.column not in left_out]
        return "(" + " OR ".join(dialect.differs(f'NEW."{name}"', f'OLD."{name}"') for name in names) + ")"

    return sql


def exists(model: str, *columns: str) -> Sql:
    """Return the condition that a row exists with the new row's value in one of these columns.

    SQLite also numbers rows, and REPLACE can match by that number.
    """

    def sql(dialect: Dialect) -> str:
        table = _table(model)
        same = " OR ".join(f"{table}.{column} = NEW.{column}" for column in columns)
        if not dialect.postgresql:
            same += f" OR {table}.rowid = NEW.rowid"
        return f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 -- names of our own tables

    return sql


def kept(model: str, what: str) -> tuple[Guard, Guard]:
    """Return the guards of a table whose rows are never deleted nor replaced."""
    stem = model.replace(".", "_").lower()
    unique = tuple(field.column for field in _meta(model).concrete_fields if field.unique)
    return (
        Guard(name=f"{stem}_delete", model=model, on="DELETE", says=f"{what} is never deleted"),
        Guard(
            name=f"{stem}_replace",
            model=model,
            on="INSERT",
            says=f"{what} is never replaced",
            refuse=exists(model, *unique),
            replace_only=True,
        ),
    )


def _meta(model: str) -> Any:
    return apps.get_model(model)._meta  # noqa: SLF001 -- Django's own name


def _table(model: str) -> str:
    return str(_meta(model).db_table)


# Installed ------------------------------------------------------------------------------------------------------------

_ROW, _BEFORE, _BITS = 1, 2, {"INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}  # pg_trigger.tgtype


def triggers(vendor: str) -> dict[str, Trigger]:
    """Return every trigger by name, as this kind of database is to have it."""
    dialect = Dialect(vendor)
    make = _postgresql if dialect.postgresql else _sqlite
    found = [make(guard, dialect) for guard in _declared.values() if not (guard.replace_only and dialect.postgresql)]
    if dialect.postgresql:
        found += [_never_emptied(table) for table in tables()]
    else:
        found += _sqlite_only.values()
    return {trigger.name: trigger for trigger in found}


def _postgresql(guard: Guard, dialect: Dialect) -> Trigger:
    name, table, condition = f"{PREFIX}{guard.name}", _table(guard.model), guard.refuse(dialect)
    act = f"{guard.does(dialect)};" if guard.does else f"RAISE EXCEPTION '{guard.says}' USING ERRCODE = '23000';"
    returns = "OLD" if guard.on == "DELETE" else "NEW"
    program = f"BEGIN IF ({condition}) THEN {act} END IF; RETURN {returns}; END"
    event = f"UPDATE OF {', '.join(guard.columns)}" if guard.columns else guard.on
    moment = "AFTER" if guard.does else "BEFORE"
    kind = _ROW | _BITS[guard.on] | (0 if guard.does else _BEFORE)
    return Trigger(
        name,
        table,
        kind,
        program,
        (
            _function(name, program),
            f"CREATE TRIGGER {name} {moment} {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ),
        len(guard.columns) if guard.on == "UPDATE" else 0,
    )


def _function(name: str, program: str) -> str:
    # A temporary table hides the real one of its name, unless the temporary schema is named last.
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path = {SCHEMA}, pg_temp"
        f" AS $guard${program}$guard$"
    )


def _never_emptied(table: str) -> Trigger:
    name = f"{PREFIX}{table}{TRUNCATE}"
    program = f"BEGIN RAISE EXCEPTION '{table} is never emptied' USING ERRCODE = '23000'; END"
    return Trigger(
        name,
        table,
        _BEFORE | _BITS["TRUNCATE"],
        program,
        (
            _function(name, program),
            f"CREATE TRIGGER {name} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
        ),
    )


def _sqlite(guard: Guard, dialect: Dialect) -> Trigger:
    name, table = f"{PREFIX}{guard.name}", _table(guard.model)
    act = guard.does(dialect) if guard.does else f"SELECT RAISE(ABORT, '{guard.says}')"
    event = f"UPDATE OF {', '.join(guard.columns)}" if guard.columns else guard.on
    moment = "AFTER" if guard.does else "BEFORE"
    program = f"CREATE TRIGGER {name} {moment} {event} ON {table} WHEN {guard.refuse(dialect)} BEGIN {act}; END"
    return Trigger(name, table, 0, program, (program,))


def missing(using: str = "default") -> list[str]:
    """Return the names of guards that the database does not have as they are declared: gone, changed or disabled."""
    connection = connections[using]
    found = _found(connection)
    return sorted(
        name
        for name, wanted in triggers(connection.vendor).items()
        if found.get(name) != (wanted.table, wanted.kind, wanted.columns, wanted.program)
    )


def _found(connection: BaseDatabaseWrapper) -> dict[str, tuple[str, int, int, str]]:
    """Return the guards and the declared triggers that the database has: table, kind, columns and program by name."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT t.tgname, c.relname, CASE WHEN t.tgenabled = 'O' AND t.tgqual IS NULL AND p.proconfig ="
                " ARRAY['search_path=' || quote_ident(current_schema()) || ', pg_temp'] THEN t.tgtype ELSE -1 END,"
                " cardinality(t.tgattr::int2[]), p.prosrc"
                " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
                " WHERE NOT t.tgisinternal AND t.tgname LIKE %s AND c.relnamespace = current_schema()::regnamespace",
                [f"{PREFIX}%"],
            )
            rows = cursor.fetchall()
        else:
            cursor.execute("SELECT name, tbl_name, 0, 0, sql FROM sqlite_master WHERE type = 'trigger'")
            rows = [row for row in cursor.fetchall() if row[0].startswith(PREFIX) or row[0] in _sqlite_only]
    return {name: (table, kind, columns, program) for name, table, kind, columns, program in rows}


def install(using: str) -> None:
    """Install the declared guards where they differ, unless migrations are pending: the next `migrate` does it then."""
    connection = connections[using]
    if not missing(using) or _behind(connection):
        return
    with transaction.atomic(using=using), connection.cursor() as cursor:
        schema = ""
        if connection.vendor == "postgresql":
            cursor.execute("SELECT quote_ident(current_schema())")
            (schema,) = cursor.fetchone()
        for statement in [*_drops(connection), *_makes(connection.vendor)]:
            cursor.execute(statement.replace(SCHEMA, schema))


def remove(using: str) -> None:
    """Remove the guards before tables change: SQLite cannot rebuild a table that a trigger of another one reads."""
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for statement in _drops(connection):
            cursor.execute(statement)


def _makes(vendor: str) -> Iterator[str]:
    for trigger in triggers(vendor).values():
        yield from trigger.statements


def _drops(connection: BaseDatabaseWrapper) -> list[str]:
    of_a_table = connection.vendor == "postgresql"
    return [
        f"DROP TRIGGER {name} ON {table}" if of_a_table else f"DROP TRIGGER {name}"
        for name, (table, *_rest) in _found(connection).items()
    ]


def _behind(connection: BaseDatabaseWrapper) -> bool:
    executor = MigrationExecutor(connection)
    ahead = [node for node in executor.loader.graph.leaf_nodes() if node[0] in _APPS]
    return bool(executor.migration_plan(ahead))


def connect(app: AppConfig) -> None:
    """Have each `migrate` remove the guards first where it must, and install all that are declared at its end."""
    post_migrate.connect(_after, sender=app, dispatch_uid="guards")
    pre_migrate.connect(_before, sender=app, dispatch_uid="guards")


def _after(using: str, **_: Any) -> None:
    install(using)


def _before(using: str, plan: Any, **_: Any) -> None:
    if not plan:
        return
    if connections[using].vendor == "sqlite" or any(backwards for _migration, backwards in plan):
        remove(using)
