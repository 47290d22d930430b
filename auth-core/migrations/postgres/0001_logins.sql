-- Creating and ending logins.

-- `p_seed`: the marks of the logins that end are derived from it. `p_secret` is NULL for the login of a session.
CREATE FUNCTION {s}.auth_create(
    p_realm text, p_shift bigint, p_epoch bigint, p_issued_at bigint, p_valid_for bigint,
    p_id bytea, p_subject text, p_kind smallint, p_lifetime bigint, p_idle bigint, p_retention bigint,
    p_user_agent text, p_address text, p_claims bytea, p_secret bytea, p_extra bytea, p_replaces bytea,
    p_session bytea, p_data bytea, p_session_lifetime bigint, p_most bigint, p_evicts boolean, p_seed bytea,
    OUT now bigint, OUT outcome text, OUT is_replaced boolean,
    OUT ended bytea[], OUT marks bytea[], OUT expiries bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    here integer;
    current_epoch bigint;
    surplus bigint := 0;
    end_at bigint;
    old record;
BEGIN
    SELECT id INTO here FROM {s}.auth_realm WHERE name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM {s}.auth_lock_record(here, p_subject);
    now := {s}.auth_now(p_shift);
    SELECT greatest(record.epoch, realm.floor) INTO current_epoch
        FROM {s}.auth_subject AS record, {s}.auth_realm AS realm
        WHERE realm.id = here AND record.realm = here AND record.subject = p_subject;
    outcome := 'outdated';
    IF current_epoch <> p_epoch OR now - p_issued_at > p_valid_for THEN
        RETURN;
    END IF;
    outcome := 'id_taken';
    IF EXISTS (SELECT FROM {s}.auth_login WHERE id = p_id)
        OR EXISTS (SELECT FROM {s}.auth_session WHERE realm = here AND hash = p_session) THEN
        RETURN;
    END IF;
    IF p_most IS NOT NULL THEN
        PERFORM {s}.auth_settle(here, p_subject, now);
        SELECT count(*) + 1 - p_most INTO surplus FROM {s}.auth_live AS live
            WHERE live.realm = here AND live.subject = p_subject AND live.over_at > now
                AND live.id IS DISTINCT FROM p_replaces;
        IF surplus > 0 AND NOT p_evicts THEN
            outcome := 'limit_reached';
            RETURN;
        END IF;
    END IF;

    end_at := now + p_lifetime;
    -- Another subject may be taking the id or the hash at this moment.
    INSERT INTO {s}.auth_login (
        id, realm, subject, kind, created_at, last_seen_at, authenticated_at, expires_at, idle_expires_at, user_agent,
        address, claims, begun_under, epoch, claims_loaded_at, retention, extra, look_at, current_hash,
        generation, branch, nonce, rotated_at, confirmed, shared, counted
    )
        SELECT p_id, here, p_subject, p_kind, now, now, now, end_at, least(now + p_idle, end_at), p_user_agent,
            p_address, p_claims, p_epoch, p_epoch, now, p_retention, p_extra, least(now + p_idle, end_at), p_secret,
            family.*
        FROM (SELECT) AS one
        LEFT JOIN (VALUES (0, 0, decode(repeat('00', 16), 'hex'), 0, true, 0, false)) AS family
            ON p_secret IS NOT NULL
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF p_session IS NOT NULL THEN
        INSERT INTO {s}.auth_session (realm, hash, login, version, expires_at, look_at, data)
            VALUES (here, p_session, p_id, 1, now + p_session_lifetime, now + p_session_lifetime, p_data)
            ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            DELETE FROM {s}.auth_login WHERE id = p_id;
            RETURN;
        END IF;
    END IF;
    UPDATE {s}.auth_subject SET retention = p_retention
        WHERE realm = here AND subject = p_subject AND retention < p_retention;

    is_replaced := false;
    FOR old IN
        (SELECT live.id, live.retention FROM {s}.auth_live AS live
        WHERE live.id = p_replaces AND live.realm = here AND live.subject = p_subject AND live.over_at > now)
        UNION ALL
        (SELECT live.id, live.retention FROM {s}.auth_live AS live
        WHERE live.realm = here AND live.subject = p_subject AND live.over_at > now
            AND live.id <> p_id AND live.id IS DISTINCT FROM p_replaces AND surplus > 0
        ORDER BY live.created_at, live.id LIMIT greatest(surplus, 0))
    LOOP
        DELETE FROM {s}.auth_login WHERE id = old.id;
        -- Another step ended it in the meantime.
        CONTINUE WHEN NOT FOUND;
        DELETE FROM {s}.auth_session WHERE login = old.id;
        is_replaced := is_replaced OR old.id IS NOT DISTINCT FROM p_replaces;
        ended := array_append(ended, old.id);
        marks := array_append(marks, substring(sha256(p_seed || old.id) FOR 16));
        expiries := array_append(expiries, now + greatest(old.retention, p_retention));
    END LOOP;
    IF ended IS NOT NULL THEN
        INSERT INTO {s}.auth_log (realm, kind, value, thing, mark, entry_ends)
            SELECT here, 0, CASE WHEN one.id = p_replaces THEN 4 ELSE 3 END, one.*
            FROM unnest(ended, marks, expiries) AS one (id, mark, entry_ends);
    END IF;
    outcome := 'made';
END $$;

-- The record is locked so that an end of all logins counts this login, or this step finds it ended, but not both.
CREATE FUNCTION {s}.auth_end(
    p_realm text, p_shift bigint, p_subject text, p_id bytea, p_reason bigint, p_retention bigint, p_mark bytea,
    OUT now bigint, OUT ends bigint
) LANGUAGE plpgsql AS $$
DECLARE
    here integer;
    kept bigint;
BEGIN
    SELECT id INTO here FROM {s}.auth_realm WHERE name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM 1 FROM {s}.auth_subject WHERE realm = here AND subject = p_subject FOR SHARE;
    PERFORM 1 FROM {s}.auth_login WHERE id = p_id AND realm = here AND subject = p_subject FOR UPDATE;
    now := {s}.auth_now(p_shift);
    SELECT live.retention INTO kept FROM {s}.auth_live AS live
        WHERE live.id = p_id AND live.realm = here AND live.subject = p_subject AND live.over_at > now;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    DELETE FROM {s}.auth_login WHERE id = p_id;
    DELETE FROM {s}.auth_session WHERE login = p_id;
    ends := now + greatest(kept, p_retention);
    INSERT INTO {s}.auth_log (realm, kind, thing, value, mark, entry_ends)
        VALUES (here, 0, p_id, p_reason, p_mark, ends);
END $$;

CREATE FUNCTION {s}.auth_end_all(
    p_realm text, p_shift bigint, p_subject text, p_except bytea, p_retention bigint, p_mark bytea,
    OUT now bigint, OUT new_epoch bigint, OUT ended bigint, OUT kept bytea, OUT ends bigint
) LANGUAGE plpgsql AS $$
DECLARE
    here integer;
    longest bigint;
BEGIN
    SELECT id INTO here FROM {s}.auth_realm WHERE name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM {s}.auth_lock_record(here, p_subject);
    now := {s}.auth_now(p_shift);
    PERFORM {s}.auth_settle(here, p_subject, now);
    SELECT greatest(greatest(record.epoch, realm.floor) + 1, now), record.retention INTO new_epoch, longest
        FROM {s}.auth_subject AS record, {s}.auth_realm AS realm
        WHERE realm.id = here AND record.realm = here AND record.subject = p_subject;
    SELECT count(*) FILTER (WHERE live.id IS DISTINCT FROM p_except),
        CASE WHEN count(*) FILTER (WHERE live.id = p_except) > 0 THEN p_except END INTO ended, kept
        FROM {s}.auth_live AS live
        WHERE live.realm = here AND live.subject = p_subject AND live.over_at > now;
    UPDATE {s}.auth_subject SET epoch = new_epoch, ended_below = new_epoch, spared = kept,
        untidy = untidy OR EXISTS (SELECT FROM {s}.auth_login AS login
            WHERE login.realm = here AND login.subject = p_subject)
        WHERE realm = here AND subject = p_subject;
    ends := now + greatest(longest, p_retention);
    INSERT INTO {s}.auth_log (realm, kind, subject, value, thing, mark, entry_ends)
        VALUES (here, 1, p_subject, new_epoch, kept, p_mark, ends);
END $$;

CREATE FUNCTION {s}.auth_claims_changed(
    p_realm text, p_shift bigint, p_subject text, p_retention bigint, p_mark bytea,
    OUT now bigint, OUT new_epoch bigint, OUT ends bigint
) LANGUAGE plpgsql AS $$
DECLARE
    here integer;
    longest bigint;
BEGIN
    SELECT id INTO here FROM {s}.auth_realm WHERE name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM {s}.auth_lock_record(here, p_subject);
    now := {s}.auth_now(p_shift);
    SELECT greatest(greatest(record.epoch, realm.floor) + 1, now), record.retention INTO new_epoch, longest
        FROM {s}.auth_subject AS record, {s}.auth_realm AS realm
        WHERE realm.id = here AND record.realm = here AND record.subject = p_subject;
    UPDATE {s}.auth_subject SET epoch = new_epoch, outdated_below = new_epoch
        WHERE realm = here AND subject = p_subject;
    ends := now + greatest(longest, p_retention);
    INSERT INTO {s}.auth_log (realm, kind, subject, value, mark, entry_ends)
        VALUES (here, 2, p_subject, new_epoch, p_mark, ends);
END $$;

CREATE FUNCTION {s}.auth_save_claims(
    p_realm text, p_shift bigint, p_id bytea, p_claims bytea, p_epoch bigint,
    OUT now bigint, OUT is_done boolean
) LANGUAGE plpgsql AS $$
DECLARE
    here integer;
BEGIN
    SELECT id INTO here FROM {s}.auth_realm WHERE name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM 1 FROM {s}.auth_login WHERE id = p_id AND realm = here FOR NO KEY UPDATE;
    now := {s}.auth_now(p_shift);
    UPDATE {s}.auth_login AS login SET claims = p_claims, epoch = p_epoch, claims_loaded_at = now
        FROM {s}.auth_live AS live
        WHERE login.id = p_id AND login.epoch <= p_epoch
            AND live.id = p_id AND live.realm = here AND live.over_at > now;
    is_done := FOUND;
END $$;

-- Rows that another step has locked are passed over: that step is a use itself, or an end.
CREATE FUNCTION {s}.auth_touch(
    p_realm text, p_shift bigint, p_ids bytea[], p_agos bigint[], p_idles bigint[],
    OUT now bigint
) LANGUAGE plpgsql AS $$
DECLARE
    here integer;
    locked bytea[];
BEGIN
    SELECT id INTO here FROM {s}.auth_realm WHERE name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT array_agg(one.id) INTO locked FROM (
        SELECT login.id FROM {s}.auth_login AS login WHERE login.id = ANY (p_ids) AND login.realm = here
        ORDER BY login.id FOR NO KEY UPDATE SKIP LOCKED
    ) AS one;
    now := {s}.auth_now(p_shift);
    -- Grouped, because an UPDATE uses an arbitrary one of several source rows for the same row.
    UPDATE {s}.auth_login AS login SET
        last_seen_at = greatest(login.last_seen_at, used.seen_at),
        idle_expires_at = greatest(login.idle_expires_at, least(used.idle_ends, login.expires_at))
        FROM (
            SELECT one.id, max(now - one.ago) AS seen_at, max(now - one.ago + one.idle) AS idle_ends
            FROM unnest(p_ids, p_agos, p_idles) AS one (id, ago, idle)
            WHERE one.id = ANY (locked) GROUP BY one.id
        ) AS used, {s}.auth_live AS live
        WHERE login.id = used.id AND live.id = used.id AND live.realm = here AND live.over_at > now;
END $$;
