"""The function of PostgreSQL with which a writer confirms, in its transaction, what it decided from memory."""

from pathlib import Path
from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SQL = Path(__file__).parent / "sql" / "gate_unmoved.sql"


def create(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(SQL.read_text(encoding="utf-8"), None)


def drop(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP FUNCTION compliance_gate_unmoved(uuid, timestamptz, text)", None)


class Migration(migrations.Migration):
    dependencies = [("compliance", "0001_records")]

    operations = [migrations.RunPython(create, drop)]
