-- What all steps use. A function that writes locks first, always the subject's record before the row of a login, then
-- reads the time once, and then reads rows in a new statement, which under READ COMMITTED sees all that was committed
-- before it had the lock. A function whose result has no time found no realm: the program begins it and asks again.

-- The store's time. Only after the last lock that a step waits for: an index cannot be searched for the clock itself.
CREATE FUNCTION {s}.auth_now(p_shift bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint + p_shift
$$;

-- Makes what a page or a step did not find: the realm, and the incarnation. If the data came from another database
-- cluster, its transaction ids mean nothing here: the entries count as written now.
CREATE FUNCTION {s}.auth_begin(p_realm text, p_shift bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    here bigint;
BEGIN
    SELECT system_identifier INTO here FROM pg_control_system();
    IF EXISTS (SELECT FROM {s}.auth_store WHERE system <> here) THEN
        PERFORM 1 FROM {s}.auth_store WHERE system <> here FOR NO KEY UPDATE;
        IF FOUND THEN
            UPDATE {s}.auth_log SET txid = pg_current_xact_id();
            UPDATE {s}.auth_store SET system = here;
        END IF;
    END IF;
    INSERT INTO {s}.auth_incarnation (name, started) VALUES (gen_random_uuid(), pg_postmaster_start_time())
        ON CONFLICT (one) DO UPDATE SET name = excluded.name, started = excluded.started
        WHERE auth_incarnation.started <> excluded.started;
    INSERT INTO {s}.auth_realm (name, floor) VALUES (p_realm, greatest({s}.auth_now(p_shift), 1))
        ON CONFLICT DO NOTHING;
END $$;

-- Locks the subject's record, which is made if there is none.
CREATE FUNCTION {s}.auth_lock_record(p_realm integer, p_subject text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the store needs transactions of the level READ COMMITTED';
    END IF;
    PERFORM 1 FROM {s}.auth_subject WHERE realm = p_realm AND subject = p_subject FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        INSERT INTO {s}.auth_subject (realm, subject) VALUES (p_realm, p_subject) ON CONFLICT DO NOTHING;
        PERFORM 1 FROM {s}.auth_subject WHERE realm = p_realm AND subject = p_subject FOR NO KEY UPDATE;
    END IF;
END $$;

-- Waits for uses of logins that seem to be idle for too long: one that found its login live and is not committed yet
-- takes effect before a count.
CREATE FUNCTION {s}.auth_settle(p_realm integer, p_subject text, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM {s}.auth_login
        WHERE realm = p_realm AND subject = p_subject AND idle_expires_at <= p_now AND expires_at > p_now
        ORDER BY id FOR NO KEY UPDATE;
END $$;

-- The outcome of a step about one login, and the login, if it is live, with the state of its subject.
CREATE TYPE {s}.auth_answer AS (
    now                    bigint,
    is_done                boolean,
    subject_epoch          bigint,
    subject_outdated_below bigint,
    login                  {s}.auth_login
);

-- The login, if it is live, as it is.
CREATE FUNCTION {s}.auth_unchanged(p_realm integer, p_id bytea, p_now bigint) RETURNS {s}.auth_answer
LANGUAGE plpgsql AS $$
DECLARE
    answer {s}.auth_answer;
BEGIN
    SELECT p_now, false, live.subject_epoch, live.subject_outdated_below, login
        FROM {s}.auth_live AS live JOIN {s}.auth_login AS login ON login.id = live.id
        WHERE live.id = p_id AND live.realm = p_realm AND live.over_at > p_now
        INTO answer.now, answer.is_done, answer.subject_epoch, answer.subject_outdated_below, answer.login;
    answer.now := p_now;
    RETURN answer;
END $$;
