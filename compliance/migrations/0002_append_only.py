"""Triggers that keep the ledger append-only, also against a stray statement from a shell."""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

POSTGRESQL = """
CREATE FUNCTION compliance_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$;
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE ON compliance_ledgerentry
FOR EACH ROW EXECUTE FUNCTION compliance_append_only();
"""
SQLITE = (
    """CREATE TRIGGER ledger_is_append_only_update BEFORE UPDATE ON compliance_ledgerentry
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER ledger_is_append_only_delete BEFORE DELETE ON compliance_ledgerentry
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
)


def create(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in [POSTGRESQL] if editor.connection.vendor == "postgresql" else SQLITE:
        editor.execute(statement)


def drop(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP FUNCTION compliance_append_only() CASCADE")
    else:
        editor.execute("DROP TRIGGER ledger_is_append_only_update")
        editor.execute("DROP TRIGGER ledger_is_append_only_delete")


class Migration(migrations.Migration):
    dependencies = (("compliance", "0001_gate_and_ledger"),)
    operations = (migrations.RunPython(create, drop),)
