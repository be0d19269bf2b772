-- Refuses a message or an edit of somebody who may not write in its room: whose mute holds, or whom its keepers shut out.
--
-- `chat.messages.policy` decides, and says why. This is the last word for whoever asks no policy: a process of an earlier
-- version while a deployment rolls, a statement by hand. chat_post stores only what nothing speaks against, and everybody
-- waits for it: there this is not asked again.
-- {schema} stands for the schema of the tables; see room_access.sql.
CREATE OR REPLACE FUNCTION chat_may_write() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM chat_sanction s WHERE s.user_id = NEW.author_id AND s.kind = 'mute' AND s.lifted_at IS NULL
      AND (s.until IS NULL OR s.until > NEW.at) AND (s.room_id IS NULL OR s.room_id = NEW.room_id))
    OR EXISTS (SELECT FROM chat_room r JOIN chat_user u ON u.id = NEW.author_id
      WHERE r.id = NEW.room_id AND r.kind = 'open' AND (r.archived_at IS NOT NULL OR (
        (r.announce_only OR (r.members_only AND u.is_guest)) AND NOT (u.is_staff OR u.is_superuser)
        AND r.created_by_id IS DISTINCT FROM u.id
        AND NOT EXISTS (SELECT FROM chat_keeper k WHERE k.room_id = r.id AND k.user_id = u.id))))
  THEN RAISE EXCEPTION 'this person may not write in this room now' USING ERRCODE = 'check_violation'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER people_may_write BEFORE INSERT ON chat_message
FOR EACH ROW WHEN (NEW.kind IN ('message', 'edit') AND NEW.by = '' AND NEW.author_id IS NOT NULL
  AND current_setting('todoke.words', TRUE) IS DISTINCT FROM 'checked')
EXECUTE FUNCTION chat_may_write();
