-- Refresh token families. A change that raises the record's retention locks the record first; any other needs only the
-- row.

-- Usually one statement does it, which locks the row while it runs: its time is read before. If it got the lock late, the
-- row was as it is now, but the subject may have changed, and time has passed: then both are looked at again. Everything
-- else is left to `auth_rotate_locked`.
CREATE FUNCTION {s}.auth_rotate(
    p_realm text, p_shift bigint, p_id bytea, p_generation bigint, p_branch integer, p_secret bytea,
    p_successor bytea, p_nonce bytea, p_grace bigint, p_idle bigint, p_retention bigint
) RETURNS {s}.auth_answer LANGUAGE plpgsql AS $$
DECLARE
    asked_at timestamptz := clock_timestamp();
    answer {s}.auth_answer;
    was_over_at bigint;
BEGIN
    answer.now := {s}.auth_now(p_shift);
    UPDATE {s}.auth_login AS login SET
        generation = login.generation + 1, branch = 0, previous_branch = login.branch,
        current_hash = p_successor, previous_hash = login.current_hash, nonce = p_nonce,
        rotated_at = answer.now, confirmed = false, counted = false,
        shared = CASE WHEN login.counted THEN login.shared ELSE 0 END,
        last_seen_at = answer.now, idle_expires_at = least(answer.now + p_idle, login.expires_at),
        retention = greatest(login.retention, p_retention)
        FROM {s}.auth_live AS live
        WHERE login.id = p_id AND live.id = p_id AND live.realm_name = p_realm AND live.over_at > answer.now
            AND login.generation = p_generation AND login.branch = p_branch AND login.current_hash = p_secret
            AND login.rotated_at <= answer.now - p_grace AND login.generation < 4294967295
            AND live.record_retention >= p_retention
        RETURNING true, live.subject_epoch, live.subject_outdated_below, live.over_at, login
        INTO answer.is_done, answer.subject_epoch, answer.subject_outdated_below, was_over_at, answer.login;
    IF NOT FOUND THEN
        RETURN {s}.auth_rotate_locked(p_realm, p_shift, p_id, p_generation, p_branch, p_secret, p_successor, p_nonce,
            p_grace, p_idle, p_retention);
    END IF;
    IF clock_timestamp() - asked_at > interval '100 ms' THEN
        answer.now := {s}.auth_now(p_shift);
        UPDATE {s}.auth_login AS login SET rotated_at = answer.now, last_seen_at = answer.now,
            idle_expires_at = least(answer.now + p_idle, login.expires_at)
            FROM {s}.auth_live AS live
            WHERE login.id = p_id AND live.id = p_id AND live.realm_name = p_realm AND was_over_at > answer.now
            RETURNING live.subject_epoch, live.subject_outdated_below, login
            INTO answer.subject_epoch, answer.subject_outdated_below, answer.login;
        IF NOT FOUND THEN
            -- It ended while this step waited. The next try finds that.
            RAISE EXCEPTION 'the login ended in the meantime' USING ERRCODE = 'serialization_failure';
        END IF;
    END IF;
    RETURN answer;
END $$;

CREATE FUNCTION {s}.auth_rotate_locked(
    p_realm text, p_shift bigint, p_id bytea, p_generation bigint, p_branch integer, p_secret bytea,
    p_successor bytea, p_nonce bytea, p_grace bigint, p_idle bigint, p_retention bigint
) RETURNS {s}.auth_answer LANGUAGE plpgsql AS $$
DECLARE
    here integer;
    whose text;
    is_short boolean;
    answer {s}.auth_answer;
BEGIN
    SELECT realm.id, record.subject, record.retention < p_retention INTO here, whose, is_short
        FROM {s}.auth_realm AS realm
        LEFT JOIN {s}.auth_login AS login ON login.id = p_id AND login.realm = realm.id
        LEFT JOIN {s}.auth_subject AS record ON record.realm = realm.id AND record.subject = login.subject
        WHERE realm.name = p_realm;
    IF NOT FOUND THEN
        RETURN answer;
    END IF;
    IF is_short THEN
        PERFORM {s}.auth_lock_record(here, whose);
    END IF;
    PERFORM 1 FROM {s}.auth_login WHERE id = p_id AND realm = here FOR NO KEY UPDATE;
    answer.now := {s}.auth_now(p_shift);
    UPDATE {s}.auth_login AS login SET
        generation = login.generation + 1, branch = 0, previous_branch = login.branch,
        current_hash = p_successor, previous_hash = login.current_hash, nonce = p_nonce,
        rotated_at = answer.now, confirmed = false, counted = false,
        shared = CASE WHEN login.counted THEN login.shared ELSE 0 END,
        last_seen_at = answer.now, idle_expires_at = least(answer.now + p_idle, login.expires_at),
        retention = greatest(login.retention, p_retention)
        FROM {s}.auth_live AS live
        WHERE login.id = p_id AND live.id = p_id AND live.realm = here AND live.over_at > answer.now
            AND login.generation = p_generation AND login.branch = p_branch AND login.current_hash = p_secret
            AND login.rotated_at <= answer.now - p_grace AND login.generation < 4294967295
        RETURNING true, live.subject_epoch, live.subject_outdated_below, login
        INTO answer.is_done, answer.subject_epoch, answer.subject_outdated_below, answer.login;
    IF NOT FOUND THEN
        RETURN {s}.auth_unchanged(here, p_id, answer.now);
    END IF;
    IF is_short THEN
        UPDATE {s}.auth_subject SET retention = p_retention
            WHERE realm = here AND subject = whose AND retention < p_retention;
    END IF;
    RETURN answer;
END $$;

CREATE FUNCTION {s}.auth_replace_family(
    p_realm text, p_shift bigint, p_id bytea, p_starts_now boolean, p_retention bigint,
    p_generation bigint, p_branch integer, p_previous_branch integer, p_current bytea, p_previous bytea,
    p_nonce bytea, p_rotated_at bigint, p_confirmed boolean, p_shared bigint, p_counted boolean,
    p_was_generation bigint, p_was_branch integer, p_was_previous_branch integer, p_was_current bytea,
    p_was_previous bytea, p_was_nonce bytea, p_was_rotated_at bigint, p_was_confirmed boolean, p_was_shared bigint,
    p_was_counted boolean
) RETURNS {s}.auth_answer LANGUAGE plpgsql AS $$
DECLARE
    here integer;
    whose text;
    is_short boolean;
    answer {s}.auth_answer;
BEGIN
    SELECT realm.id, record.subject, record.retention < p_retention INTO here, whose, is_short
        FROM {s}.auth_realm AS realm
        LEFT JOIN {s}.auth_login AS login ON login.id = p_id AND login.realm = realm.id
        LEFT JOIN {s}.auth_subject AS record ON record.realm = realm.id AND record.subject = login.subject
        WHERE realm.name = p_realm;
    IF NOT FOUND THEN
        RETURN answer;
    END IF;
    IF is_short THEN
        PERFORM {s}.auth_lock_record(here, whose);
    END IF;
    PERFORM 1 FROM {s}.auth_login WHERE id = p_id AND realm = here FOR NO KEY UPDATE;
    answer.now := {s}.auth_now(p_shift);
    UPDATE {s}.auth_login AS login SET
        generation = p_generation, branch = p_branch, previous_branch = p_previous_branch, current_hash = p_current,
        previous_hash = p_previous, nonce = p_nonce, confirmed = p_confirmed, shared = p_shared, counted = p_counted,
        rotated_at = CASE WHEN p_starts_now THEN answer.now ELSE login.rotated_at END,
        retention = greatest(login.retention, p_retention)
        FROM {s}.auth_live AS live
        WHERE login.id = p_id AND live.id = p_id AND live.realm = here AND live.over_at > answer.now
            AND login.generation = p_was_generation AND login.branch = p_was_branch
            AND login.previous_branch IS NOT DISTINCT FROM p_was_previous_branch
            AND login.current_hash = p_was_current AND login.previous_hash IS NOT DISTINCT FROM p_was_previous
            AND login.nonce = p_was_nonce AND login.rotated_at = p_was_rotated_at
            AND login.confirmed = p_was_confirmed AND login.shared = p_was_shared AND login.counted = p_was_counted
        RETURNING true, live.subject_epoch, live.subject_outdated_below, login
        INTO answer.is_done, answer.subject_epoch, answer.subject_outdated_below, answer.login;
    IF FOUND AND is_short THEN
        UPDATE {s}.auth_subject SET retention = p_retention
            WHERE realm = here AND subject = whose AND retention < p_retention;
    END IF;
    RETURN answer;
END $$;

-- Waits for rows that are locked: a confirmation that is lost makes a theft look like a lost response.
CREATE FUNCTION {s}.auth_confirm(
    p_realm text, p_shift bigint, p_ids bytea[], p_generations bigint[], p_branches integer[],
    OUT now bigint
) LANGUAGE plpgsql AS $$
DECLARE
    here integer;
BEGIN
    SELECT id INTO here FROM {s}.auth_realm WHERE name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM 1 FROM {s}.auth_login AS login
        WHERE login.id = ANY (p_ids) AND login.realm = here AND NOT login.confirmed
        ORDER BY login.id FOR NO KEY UPDATE;
    now := {s}.auth_now(p_shift);
    UPDATE {s}.auth_login AS login SET confirmed = true
        FROM unnest(p_ids, p_generations, p_branches) AS used (id, generation, branch), {s}.auth_live AS live
        WHERE login.id = used.id AND login.generation = used.generation AND login.branch = used.branch
            AND NOT login.confirmed AND live.id = used.id AND live.realm = here AND live.over_at > now;
END $$;
