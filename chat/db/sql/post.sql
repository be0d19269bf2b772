-- Stores a batch of messages: every message passes through this one call. PostgreSQL plans it once per connection.
--
-- $1 the rooms; $2 the messages, as `chat.messages.log.arguments` writes them; $3 the time; $4 to $6 the gate's
-- revision, the time since which other processes count, and this process's fingerprint: null unless a closed room is
-- among them. Returns the head and the revision of each room, and whether its messages were stored; no row at all, and
-- nothing stored, if a precondition fails: the caller then takes the slow path, which alone refuses.
--
-- Why it has this form:
-- - Each statement of a function sees what was committed while the statement before it waited for a lock.
-- - The planner assumes a hundred rows for any JSON. LATERAL with LIMIT, and = ANY, which only the primary key answers,
--   keep it from reading all rooms for one message.
-- - last_at stands in an index. It changes once a second at most, so that in a busy room the new version of the row
--   stays on its page (HOT).
-- - Sealed words are sealed for the numbers that follow the head that the writer knew, and perhaps for some later ones.
--   If the head has moved on further, nothing of that room is stored, and its new head is returned.
-- - Whoever writes stands there under the name and the role that they have at that moment; a process may remember others.
-- - What a keeper or an act restricts is for the slow path to judge: here only a message is stored against which nothing
--   speaks. Guests carry a digest of their network (`origin`).
-- - It waits for a lock of somebody else's no longer than lock_timeout says here, under any pooler: all posts wait for it.
--   Foreign keys are checked before it ends, so that this holds for them, too.
-- - The function itself checks that words suit their room (plain or sealed), so that the trigger need not.
CREATE OR REPLACE FUNCTION chat_post(uuid[], json, timestamptz, uuid, timestamptz, text)
RETURNS TABLE (room_id uuid, head bigint, revision bigint, stored boolean) LANGUAGE plpgsql SET lock_timeout = '300ms' AS $$
#variable_conflict use_column
BEGIN
IF $4 IS NOT NULL AND NOT compliance_gate_unmoved($4, $5, $6) THEN
    RETURN;
END IF;
PERFORM FROM chat_room WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE;
PERFORM set_config('todoke.words', 'checked', TRUE);
RETURN QUERY WITH entry AS MATERIALIZED (
    SELECT * FROM json_to_recordset($2) AS e (
        room uuid, seq bigint, id uuid, kind text, author bigint, author_name text, author_role text, client_id uuid,
        body text, seals json, reply_to bigint, target bigint, feature text, head bigint, origin text)
), numbered AS MATERIALIZED (
    SELECT e.room, r.head + e.seq AS seq, e.id, e.kind, e.author, e.author_name, e.author_role, e.client_id, e.body,
        CASE WHEN r.head >= e.head THEN e.seals ->> (r.head - e.head)::int END AS sealed, e.reply_to, e.target,
        e.seals IS NOT NULL AS closed, r.head, r.revision, r.created_by_id AS owner
    FROM entry e CROSS JOIN LATERAL (
        SELECT head, revision, created_by_id FROM chat_room
        WHERE id = e.room AND feature = e.feature AND ended_at IS NULL AND archived_at IS NULL
            AND slow_seconds = 0 AND NOT members_only AND NOT announce_only
            AND (e.seals IS NULL) = (e.feature = 'room.open') AND (e.body IS NULL) = (e.seals IS NOT NULL) LIMIT 1
    ) r
), stored AS (
    INSERT INTO chat_message (room_id, seq, id, kind, author_id, author_name, author_role, client_id, body, sealed,
        reply_to, target, at)
    SELECT room, seq, id, kind, author, author_name, coalesce(author_role, ''), client_id, body,
        decode(sealed, 'base64'), reply_to, target, $3
    FROM numbered
    WHERE (SELECT count(*) FROM numbered) = (SELECT count(*) FROM entry)
        AND (sealed IS NOT NULL OR NOT closed)
        AND NOT EXISTS (SELECT FROM numbered WHERE reply_to NOT BETWEEN 1 AND seq - 1)
        AND NOT EXISTS (SELECT FROM entry e WHERE (
            SELECT TRUE FROM chat_message m
            WHERE m.room_id = e.room AND m.author_id = e.author AND m.client_id = e.client_id))
        AND NOT EXISTS (SELECT FROM numbered e WHERE (
            SELECT u.is_active AND u.name = e.author_name AND (u.muted_until <= $3) IS NOT FALSE
                AND coalesce(e.author_role, '') = CASE WHEN u.is_guest THEN 'guest'
                    WHEN u.is_staff OR u.is_superuser THEN 'staff' WHEN e.closed THEN ''
                    WHEN e.owner = u.id OR EXISTS (SELECT FROM chat_keeper k
                        WHERE k.room_id = e.room AND k.user_id = u.id) THEN 'keeper' ELSE '' END
            FROM chat_user u WHERE u.id = e.author) IS NOT TRUE)
        AND NOT EXISTS (SELECT FROM entry e WHERE e.origin IS NOT NULL AND EXISTS (
            SELECT FROM chat_addressmute a WHERE a.digest = e.origin AND a.until > $3))
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
SELECT n.room, coalesce(max(h.head), max(n.head)), max(n.revision), max(h.head) IS NOT NULL
FROM numbered n LEFT JOIN heads h ON h.room_id = n.room
WHERE EXISTS (SELECT FROM heads) OR EXISTS (SELECT FROM numbered WHERE closed AND sealed IS NULL)
GROUP BY n.room;
PERFORM set_config('todoke.words', '', TRUE);
SET CONSTRAINTS ALL IMMEDIATE;
END $$;
