"""A function for PostgreSQL: what every message passes through, planned once for each connection."""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# What it takes is said in chat.log.post. Each statement of a function sees what was committed while the one before it
# waited. The planner takes any JSON for a hundred rows: what keeps it from reading all rooms for one message is LATERAL
# with LIMIT, and ANY, which it can answer by no other way than the rooms' key. What a busy room's last_at does not
# change in a second changes no index either: the new version of the row stays on its page (HOT).
POSTGRESQL = """
CREATE FUNCTION chat_post(uuid[], json, timestamptz, uuid, timestamptz, text)
RETURNS TABLE (room_id uuid, head bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
IF $4 IS NOT NULL AND NOT compliance_gate_unmoved($4, $5, $6) THEN
    RETURN;
END IF;
PERFORM FROM chat_room WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE;
RETURN QUERY WITH entry AS MATERIALIZED (
    SELECT * FROM json_to_recordset($2) AS e (
        room uuid, seq bigint, id uuid, kind text, author bigint, author_name text, client_id uuid, body text,
        sealed text, reply_to bigint, target bigint, feature text)
), numbered AS MATERIALIZED (
    SELECT e.room, r.head + e.seq AS seq, e.id, e.kind, e.author, e.author_name, e.client_id, e.body, e.sealed,
        e.reply_to, e.target, e.feature
    FROM entry e CROSS JOIN LATERAL (
        SELECT head FROM chat_room WHERE id = e.room AND feature = e.feature AND ended_at IS NULL LIMIT 1
    ) r
), stored AS (
    INSERT INTO chat_message (room_id, seq, id, kind, author_id, author_name, client_id, body, sealed, reply_to,
        target, at)
    SELECT room, seq, id, kind, author, author_name, client_id, body, decode(sealed, 'base64'), reply_to, target, $3
    FROM numbered
    WHERE (SELECT count(*) FROM numbered) = (SELECT count(*) FROM entry)
        AND NOT EXISTS (SELECT FROM numbered WHERE reply_to NOT BETWEEN 1 AND seq - 1)
        AND NOT EXISTS (SELECT FROM entry e WHERE (
            SELECT TRUE FROM chat_message m
            WHERE m.room_id = e.room AND m.author_id = e.author AND m.client_id = e.client_id))
        AND NOT EXISTS (SELECT FROM entry e WHERE e.feature <> 'room.open' AND (
            SELECT p.left_at IS NULL FROM chat_participant p
            WHERE p.room_id = e.room AND p.user_id = e.author) IS NOT TRUE)
    RETURNING room_id, seq
), heads AS (
    SELECT room_id, max(seq) AS head FROM stored GROUP BY room_id
), advanced AS (
    UPDATE chat_room r SET head = h.head,
        last_at = CASE WHEN r.head > 0 AND r.last_at > $3 - interval '1 second' THEN r.last_at ELSE $3 END FROM heads h
    WHERE r.id = h.room_id AND r.id = ANY (ARRAY(SELECT room_id FROM heads))
)
SELECT room_id, head FROM heads;
END $$;
"""


def create(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(POSTGRESQL)


def drop(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP FUNCTION chat_post(uuid[], json, timestamptz, uuid, timestamptz, text)")


class Migration(migrations.Migration):
    dependencies = (("chat", "0004_found_by_an_index"), ("compliance", "0007_gate_unmoved"))
    operations = (migrations.RunPython(create, drop),)
