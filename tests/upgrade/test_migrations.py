"""Migrations only add, so that the version before works on the schema of today; and they hold up nobody for long."""

from __future__ import annotations

from typing import Final

import pytest
from django.apps import apps
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.core.management import call_command
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations import operations as op
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.models import NOT_PROVIDED
from django.db.models.signals import pre_migrate

from chat.db.migrating import LOCK_SECONDS

OURS: Final = ("chat", "compliance")
RELEASED: Final = {
    ("chat", "0001_accounts"),
    ("chat", "0002_rooms_and_messages"),
    ("chat", "0003_functions"),
    ("compliance", "0001_records"),
    ("compliance", "0002_gate_unmoved"),
}
"""The migrations of the version before: it ran on what they made."""
_ADDS: Final = (
    op.CreateModel,
    op.AddIndex,
    op.AddConstraint,
    op.AlterModelOptions,
    op.AlterModelManagers,
    op.RunPython,
    op.RunSQL,
    AddConstraintNotValid,
    AddIndexConcurrently,
    ValidateConstraint,
)


def shrinks(operation: Operation) -> bool:
    """Whether an operation takes away what the version before uses, or asks for what it does not give."""
    if isinstance(operation, op.SeparateDatabaseAndState):
        return any(shrinks(each) for each in operation.database_operations)
    if isinstance(operation, op.AddField):
        field = operation.field
        return not (field.null or field.many_to_many or field.db_default is not NOT_PROVIDED)
    if isinstance(operation, op.AlterField):
        return not (operation.field.null or operation.field.choices)  # a wider vocabulary, or less that must be there
    return not isinstance(operation, _ADDS)


def is_made_up_for(operation: Operation, migration: Migration) -> bool:
    """Whether the same migration puts a constraint of that name in place again, or made the table itself."""
    if isinstance(operation, op.RemoveConstraint):
        added = [each for each in migration.operations if isinstance(each, op.AddConstraint)]
        return operation.name in {each.constraint.name for each in added}
    made = {each.name.lower() for each in migration.operations if isinstance(each, op.CreateModel)}
    return isinstance(operation, op.AddField) and operation.model_name.lower() in made


def test_new_migrations_only_add() -> None:
    found = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    new = {key: migration for key, migration in found.items() if key[0] in OURS and key not in RELEASED}
    assert found.keys() >= RELEASED
    taken = [
        (key, each)
        for key, migration in new.items()
        for each in migration.operations
        if shrinks(each) and not is_made_up_for(each, migration)
    ]
    assert taken == []


@pytest.mark.parametrize(
    "operation",
    [op.RemoveField("room", "name"), op.DeleteModel("room"), op.RenameField("room", "name", "title")],
    ids=lambda operation: type(operation).__name__,
)
def test_operation_that_takes_something_away_is_found(operation: Operation) -> None:
    assert shrinks(operation)
    assert shrinks(op.SeparateDatabaseAndState(database_operations=[operation]))
    assert not shrinks(op.SeparateDatabaseAndState(state_operations=[operation]))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_migrate_waits_for_a_lock_no_longer_than_said_and_leaves_the_connection_as_it_was() -> None:
    before = _lock_timeout()
    during: list[str] = []

    def look(**_: object) -> None:
        during.append(_lock_timeout())

    app = apps.get_app_config("compliance")  # its turn comes after that of `chat`
    pre_migrate.connect(look, sender=app)
    try:
        call_command("migrate", verbosity=0)
    finally:
        pre_migrate.disconnect(look, sender=app)
    assert during == [f"{LOCK_SECONDS}s"]
    assert _lock_timeout() == before


def _lock_timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return str(cursor.fetchone()[0])
