-- Purging in small steps. Locked rows are passed over: the next purge finds them.

CREATE FUNCTION {s}.auth_purge_logins(p_shift bigint, p_most bigint, OUT now bigint, OUT seen bigint, OUT deleted bigint)
LANGUAGE plpgsql AS $$
DECLARE
    dead bytea[];
    used bytea[];
BEGIN
    now := {s}.auth_now(p_shift);
    SELECT count(*), array_agg(due.id) FILTER (WHERE due.over_at <= now),
        array_agg(due.id) FILTER (WHERE due.over_at > now) INTO seen, dead, used
        FROM (
            SELECT id, least(expires_at, idle_expires_at) AS over_at FROM {s}.auth_login WHERE look_at <= now
            ORDER BY look_at LIMIT p_most FOR UPDATE SKIP LOCKED
        ) AS due;
    DELETE FROM {s}.auth_session WHERE login = ANY (dead);
    DELETE FROM {s}.auth_login WHERE id = ANY (dead);
    -- They were used in the meantime.
    UPDATE {s}.auth_login SET look_at = least(expires_at, idle_expires_at) WHERE id = ANY (used);
    deleted := coalesce(cardinality(dead), 0);
END $$;

CREATE FUNCTION {s}.auth_purge_below_floor(
    p_shift bigint, p_most bigint, OUT now bigint, OUT seen bigint, OUT deleted bigint
) LANGUAGE plpgsql AS $$
DECLARE
    dead bytea[];
BEGIN
    now := {s}.auth_now(p_shift);
    -- The order leads to the index: without it PostgreSQL expects to find dead logins soon wherever it looks.
    SELECT array_agg(due.id) INTO dead FROM {s}.auth_realm AS realm CROSS JOIN LATERAL (
        SELECT login.id FROM {s}.auth_login AS login WHERE login.realm = realm.id AND login.begun_under < realm.floor
        ORDER BY login.begun_under LIMIT p_most FOR UPDATE SKIP LOCKED
    ) AS due;
    DELETE FROM {s}.auth_session WHERE login = ANY (dead);
    DELETE FROM {s}.auth_login WHERE id = ANY (dead);
    deleted := coalesce(cardinality(dead), 0);
    seen := deleted;
END $$;

-- Logins of the next subject whose logins were all ended; no subject if there is no more.
CREATE FUNCTION {s}.auth_purge_ended(
    p_shift bigint, p_most bigint, p_after_realm integer, p_after_subject text,
    OUT now bigint, OUT whose_realm integer, OUT whose text, OUT deleted bigint
) LANGUAGE plpgsql AS $$
DECLARE
    dead bytea[];
    below bigint;
    kept bytea;
BEGIN
    now := {s}.auth_now(p_shift);
    deleted := 0;
    SELECT realm, subject, ended_below, spared INTO whose_realm, whose, below, kept FROM {s}.auth_subject
        WHERE untidy AND (realm, subject) > (p_after_realm, p_after_subject)
        ORDER BY realm, subject LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT array_agg(due.id) INTO dead FROM (
        SELECT id FROM {s}.auth_login WHERE realm = whose_realm AND subject = whose AND begun_under < below
            AND id IS DISTINCT FROM kept LIMIT p_most FOR UPDATE SKIP LOCKED
    ) AS due;
    DELETE FROM {s}.auth_session WHERE login = ANY (dead);
    DELETE FROM {s}.auth_login WHERE id = ANY (dead);
    deleted := coalesce(cardinality(dead), 0);
    UPDATE {s}.auth_subject SET untidy = false WHERE realm = whose_realm AND subject = whose
        AND NOT EXISTS (SELECT FROM {s}.auth_login AS login WHERE login.realm = whose_realm
            AND login.subject = whose AND login.begun_under < below AND login.id IS DISTINCT FROM kept);
END $$;

CREATE FUNCTION {s}.auth_purge_sessions(
    p_shift bigint, p_most bigint, OUT now bigint, OUT seen bigint, OUT deleted bigint
) LANGUAGE plpgsql AS $$
DECLARE
    found_realms integer[];
    found_hashes bytea[];
BEGIN
    now := {s}.auth_now(p_shift);
    SELECT array_agg(due.realm), array_agg(due.hash) INTO found_realms, found_hashes FROM (
        SELECT realm, hash FROM {s}.auth_session WHERE look_at <= now
        ORDER BY look_at LIMIT p_most FOR UPDATE SKIP LOCKED
    ) AS due;
    DELETE FROM {s}.auth_session AS session USING unnest(found_realms, found_hashes) AS due (realm, hash)
        WHERE session.realm = due.realm AND session.hash = due.hash AND session.expires_at <= now;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    UPDATE {s}.auth_session AS session SET look_at = session.expires_at
        FROM unnest(found_realms, found_hashes) AS due (realm, hash)
        WHERE session.realm = due.realm AND session.hash = due.hash AND session.expires_at > now;
    seen := coalesce(cardinality(found_hashes), 0);
END $$;

-- The newest entry of a realm stays, because cursors refer to it.
CREATE FUNCTION {s}.auth_purge_log(
    p_shift bigint, p_most bigint, p_margin bigint, OUT now bigint, OUT seen bigint, OUT deleted bigint
) LANGUAGE plpgsql AS $$
BEGIN
    now := {s}.auth_now(p_shift);
    DELETE FROM {s}.auth_log AS entry USING (
        SELECT old.realm, old.txid, old.id FROM {s}.auth_log AS old
        WHERE old.entry_ends <= now - p_margin AND EXISTS (
            SELECT FROM {s}.auth_log AS newer
            WHERE newer.realm = old.realm AND (newer.txid, newer.id) > (old.txid, old.id))
        LIMIT p_most FOR UPDATE SKIP LOCKED
    ) AS old
    WHERE entry.realm = old.realm AND entry.txid = old.txid AND entry.id = old.id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    seen := deleted;
END $$;
