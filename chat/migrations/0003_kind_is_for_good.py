"""Triggers: a room's kind never changes, except that an open room may be locked; and a closed one keeps its authorisation."""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

POSTGRESQL = """
CREATE FUNCTION chat_kind_is_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.kind = 'closed' AND NEW.kind <> 'closed' THEN
    RAISE EXCEPTION 'a closed room never becomes open';
  END IF;
  IF OLD.kind = 'closed' AND NEW.authorisation_id IS DISTINCT FROM OLD.authorisation_id THEN
    RAISE EXCEPTION 'a closed room keeps the authorisation it was made under';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER kind_is_for_good BEFORE UPDATE OF kind, authorisation_id ON chat_room
FOR EACH ROW EXECUTE FUNCTION chat_kind_is_for_good();
"""
SQLITE = (
    """CREATE TRIGGER kind_is_for_good BEFORE UPDATE OF kind ON chat_room
WHEN OLD.kind = 'closed' AND NEW.kind <> 'closed'
BEGIN SELECT RAISE(ABORT, 'a closed room never becomes open'); END""",
    """CREATE TRIGGER authorisation_is_for_good BEFORE UPDATE OF authorisation_id ON chat_room
WHEN OLD.kind = 'closed' AND NEW.authorisation_id IS NOT OLD.authorisation_id
BEGIN SELECT RAISE(ABORT, 'a closed room keeps the authorisation it was made under'); END""",
)


def create(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in [POSTGRESQL] if editor.connection.vendor == "postgresql" else SQLITE:
        editor.execute(statement)


def drop(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP FUNCTION chat_kind_is_for_good() CASCADE")
    else:
        editor.execute("DROP TRIGGER kind_is_for_good")
        editor.execute("DROP TRIGGER authorisation_is_for_good")


class Migration(migrations.Migration):
    dependencies = (("chat", "0002_rooms_and_log"),)
    operations = (migrations.RunPython(create, drop),)
