-- Counts the changes of who may read a room in chat_room.revision, whoever makes the change; keeps guests and ended
-- accounts out of closed rooms; keeps sealed words in closed rooms. `chat/db/triggers.py` has the same for SQLite.
--
-- A change of membership locks its rooms in order of id, as chat_post does, so that the two never deadlock. A message
-- that commits after the change is stored under the new revision.
-- {schema} stands for the schema of the tables. A temporary table hides the real one of its name, unless the temporary
-- schema is named last.

-- A revision never goes back: a model that was read earlier and is saved now carries an old one.
CREATE OR REPLACE FUNCTION chat_room_changes() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
  NEW.revision := greatest(OLD.revision, NEW.revision);
  IF (OLD.kind, OLD.feature, OLD.slug, OLD.ended_at) IS DISTINCT FROM (NEW.kind, NEW.feature, NEW.slug, NEW.ended_at)
  THEN NEW.revision := NEW.revision + 1; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER room_changes BEFORE UPDATE OF kind, feature, slug, ended_at, revision ON chat_room
FOR EACH ROW EXECUTE FUNCTION chat_room_changes();

-- A participant who comes in counts for nothing: nobody loses anything by it.
CREATE OR REPLACE FUNCTION chat_participant_changes() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
  UPDATE chat_room SET revision = revision + 1 WHERE id IN (OLD.room_id, NEW.room_id);
  RETURN NULL;
END $$;
CREATE TRIGGER participant_changes AFTER UPDATE OF room_id, user_id, left_at ON chat_participant FOR EACH ROW
WHEN ((OLD.room_id, OLD.user_id, OLD.left_at) IS DISTINCT FROM (NEW.room_id, NEW.user_id, NEW.left_at))
EXECUTE FUNCTION chat_participant_changes();

CREATE OR REPLACE FUNCTION chat_participants_go() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
  PERFORM FROM chat_room WHERE id IN (SELECT room_id FROM gone) ORDER BY id FOR NO KEY UPDATE;
  UPDATE chat_room SET revision = revision + 1 WHERE id IN (SELECT room_id FROM gone);
  RETURN NULL;
END $$;
CREATE TRIGGER participants_go AFTER DELETE ON chat_participant REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION chat_participants_go();

CREATE OR REPLACE FUNCTION chat_all_participants_go() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN UPDATE chat_room SET revision = revision + 1 WHERE kind = 'closed'; RETURN NULL; END $$;
CREATE TRIGGER all_participants_go AFTER TRUNCATE ON chat_participant
FOR EACH STATEMENT EXECUTE FUNCTION chat_all_participants_go();

CREATE OR REPLACE FUNCTION chat_account_leaves() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
  PERFORM FROM chat_room WHERE id IN (SELECT room_id FROM chat_participant WHERE user_id = NEW.id AND left_at IS NULL)
    ORDER BY id FOR NO KEY UPDATE;
  UPDATE chat_participant SET left_at = clock_timestamp() WHERE user_id = NEW.id AND left_at IS NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER account_leaves AFTER UPDATE OF is_active, is_guest ON chat_user FOR EACH ROW
WHEN (NEW.is_active < OLD.is_active OR NEW.is_guest > OLD.is_guest) EXECUTE FUNCTION chat_account_leaves();

CREATE OR REPLACE FUNCTION chat_participants_are_members() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM (
    SELECT u.is_active AND NOT u.is_guest AS fits FROM chat_user u
    WHERE u.id IN (SELECT user_id FROM come WHERE left_at IS NULL) ORDER BY u.id FOR SHARE
  ) found WHERE NOT fits) THEN
    RAISE EXCEPTION 'only members with a live account are inside a closed room' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER participants_are_members AFTER INSERT ON chat_participant REFERENCING NEW TABLE AS come
FOR EACH STATEMENT EXECUTE FUNCTION chat_participants_are_members();
CREATE TRIGGER participants_stay_members AFTER UPDATE ON chat_participant REFERENCING NEW TABLE AS come
FOR EACH STATEMENT EXECUTE FUNCTION chat_participants_are_members();

CREATE OR REPLACE FUNCTION chat_words_suit_their_room() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE found text;
BEGIN
  SELECT kind INTO found FROM chat_room WHERE id = NEW.room_id FOR SHARE;
  IF NEW.sealed IS NOT NULL AND found = 'open' THEN
    RAISE EXCEPTION 'sealed words stand in closed rooms only' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.body IS NOT NULL AND found = 'closed' AND (TG_OP = 'INSERT'
    OR (OLD.body, OLD.room_id) IS DISTINCT FROM (NEW.body, NEW.room_id)) THEN
    RAISE EXCEPTION 'new words of a closed room are sealed' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER words_suit_their_room BEFORE INSERT OR UPDATE OF room_id, body, sealed ON chat_message
FOR EACH ROW WHEN ((NEW.body IS NOT NULL OR NEW.sealed IS NOT NULL)
  AND current_setting('todoke.words', TRUE) IS DISTINCT FROM 'checked') -- by chat_post, which everybody waits for
EXECUTE FUNCTION chat_words_suit_their_room();
