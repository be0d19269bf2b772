-- Writes into chat_loginend what ends sessions or changes who somebody is to others, whoever makes the change.
--
-- A session that had expired already ended before: the daily clean-up of thousands of them writes nothing.
CREATE OR REPLACE FUNCTION chat_session_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO chat_loginend (session, at) VALUES (OLD.session_key, clock_timestamp()); RETURN NULL; END $$;
CREATE OR REPLACE FUNCTION chat_account_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO chat_loginend (session, person, at) VALUES ('', OLD.id, clock_timestamp()); RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER session_went AFTER DELETE ON django_session
FOR EACH ROW WHEN (OLD.expire_date > now()) EXECUTE FUNCTION chat_session_ended();
CREATE OR REPLACE TRIGGER session_ends_sooner AFTER UPDATE OF expire_date ON django_session
FOR EACH ROW WHEN (NEW.expire_date < OLD.expire_date) EXECUTE FUNCTION chat_session_ended();
CREATE OR REPLACE TRIGGER account_changed
AFTER UPDATE OF password, is_active, name, is_guest, is_staff, is_superuser ON chat_user
FOR EACH ROW WHEN (NEW.password <> OLD.password OR NEW.is_active < OLD.is_active
  OR (NEW.name, NEW.is_guest, NEW.is_staff, NEW.is_superuser)
    IS DISTINCT FROM (OLD.name, OLD.is_guest, OLD.is_staff, OLD.is_superuser))
EXECUTE FUNCTION chat_account_ended();
CREATE OR REPLACE TRIGGER account_went AFTER DELETE ON chat_user FOR EACH ROW EXECUTE FUNCTION chat_account_ended();
