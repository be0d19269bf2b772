-- Locks the gate (shared) and returns whether it is where a writer last saw it. For `compliance.gate`'s writers.
--
-- $1 the gate's revision; $2 the time since which other processes count; $3 the fingerprint of the writer's process.
-- Each statement of a function sees what was committed while the statement before it waited: the gate is read under
-- its lock. A process with a wrong clock must not hide another one: the time since which others count is never later
-- than the database's own clock has it. A process without a fingerprint contradicts nobody.
CREATE OR REPLACE FUNCTION compliance_gate_unmoved(uuid, timestamptz, text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(x'746F646F6B67'::bigint);
  RETURN EXISTS (SELECT FROM compliance_gatestate WHERE id = 1 AND revision = $1)
    AND NOT EXISTS (
      SELECT FROM compliance_instance
      WHERE seen_at > LEAST($2, statement_timestamp() - interval '15 seconds') AND fingerprint NOT IN ($3, ''));
END $$;
