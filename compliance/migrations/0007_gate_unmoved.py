"""A function for PostgreSQL: hold the gate, and say whether it is where a writer last saw it."""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# Each statement of a function sees what was committed while the one before it waited: the gate is read under its lock.
POSTGRESQL = """
CREATE FUNCTION compliance_gate_unmoved(uuid, timestamptz, text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(x'746F646F6B67'::bigint);
  RETURN EXISTS (SELECT FROM compliance_gatestate WHERE id = 1 AND revision = $1)
    AND NOT EXISTS (SELECT FROM compliance_instance WHERE seen_at > $2 AND fingerprint <> $3);
END $$;
"""


def create(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(POSTGRESQL)


def drop(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP FUNCTION compliance_gate_unmoved(uuid, timestamptz, text)")


class Migration(migrations.Migration):
    dependencies = (("compliance", "0006_holds"),)
    operations = (migrations.RunPython(create, drop),)
