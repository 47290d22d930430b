-- Sessions and documents.

CREATE FUNCTION {s}.auth_create_session(
    p_realm text, p_shift bigint, p_hash bytea, p_data bytea, p_lifetime bigint,
    OUT now bigint, OUT is_done boolean
) LANGUAGE plpgsql AS $$
DECLARE
    here integer;
BEGIN
    SELECT id INTO here FROM {s}.auth_realm WHERE name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    now := {s}.auth_now(p_shift);
    INSERT INTO {s}.auth_session (realm, hash, version, expires_at, look_at, data)
        VALUES (here, p_hash, 1, now + p_lifetime, now + p_lifetime, p_data)
        ON CONFLICT DO NOTHING;
    is_done := FOUND;
END $$;

CREATE FUNCTION {s}.auth_save_session(
    p_realm text, p_shift bigint, p_hash bytea, p_data bytea, p_version bigint, p_lifetime bigint,
    OUT now bigint, OUT is_live boolean, OUT new_version bigint
) LANGUAGE plpgsql AS $$
DECLARE
    here integer;
BEGIN
    SELECT id INTO here FROM {s}.auth_realm WHERE name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM 1 FROM {s}.auth_session WHERE realm = here AND hash = p_hash FOR NO KEY UPDATE;
    now := {s}.auth_now(p_shift);
    is_live := EXISTS (SELECT FROM {s}.auth_live_session AS live
        WHERE live.realm = here AND live.hash = p_hash AND live.over_at > now);
    IF is_live THEN
        UPDATE {s}.auth_session SET data = p_data, version = version + 1, expires_at = now + p_lifetime
            WHERE realm = here AND hash = p_hash AND version = p_version
            RETURNING version INTO new_version;
    END IF;
END $$;

-- If another step takes the new hash at the same moment, this one fails with a unique violation and is tried again.
CREATE FUNCTION {s}.auth_rename_session(
    p_realm text, p_shift bigint, p_old bytea, p_new bytea, p_retention bigint, p_mark bytea,
    OUT now bigint, OUT is_done boolean, OUT ends bigint
) LANGUAGE plpgsql AS $$
DECLARE
    here integer;
    carried bytea;
    kept bigint;
BEGIN
    SELECT id INTO here FROM {s}.auth_realm WHERE name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM 1 FROM {s}.auth_session WHERE realm = here AND hash = p_old FOR UPDATE;
    now := {s}.auth_now(p_shift);
    is_done := false;
    SELECT live.login, live.login_retention INTO carried, kept FROM {s}.auth_live_session AS live
        WHERE live.realm = here AND live.hash = p_old AND live.over_at > now;
    IF NOT FOUND OR EXISTS (SELECT FROM {s}.auth_session WHERE realm = here AND hash = p_new) THEN
        RETURN;
    END IF;
    UPDATE {s}.auth_session SET hash = p_new, version = version + 1 WHERE realm = here AND hash = p_old;
    is_done := FOUND;
    IF is_done AND carried IS NOT NULL THEN
        ends := now + greatest(kept, p_retention);
        INSERT INTO {s}.auth_log (realm, kind, thing, mark, entry_ends) VALUES (here, 3, p_old, p_mark, ends);
    END IF;
END $$;

CREATE FUNCTION {s}.auth_delete_session(p_realm text, p_shift bigint, p_hash bytea, OUT now bigint)
LANGUAGE plpgsql AS $$
DECLARE
    here integer;
BEGIN
    SELECT id INTO here FROM {s}.auth_realm WHERE name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    DELETE FROM {s}.auth_session WHERE realm = here AND hash = p_hash AND login IS NULL;
    now := {s}.auth_now(p_shift);
END $$;

CREATE FUNCTION {s}.auth_save_document(
    p_realm text, p_shift bigint, p_name text, p_expected bigint, p_bytes bytea,
    OUT now bigint, OUT is_done boolean
) LANGUAGE plpgsql AS $$
DECLARE
    here integer;
BEGIN
    SELECT id INTO here FROM {s}.auth_realm WHERE name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF p_expected = 0 THEN
        INSERT INTO {s}.auth_document (realm, name, version, bytes) VALUES (here, p_name, 1, p_bytes)
            ON CONFLICT DO NOTHING;
    ELSE
        UPDATE {s}.auth_document SET version = version + 1, bytes = p_bytes
            WHERE realm = here AND name = p_name AND version = p_expected;
    END IF;
    is_done := FOUND;
    now := {s}.auth_now(p_shift);
END $$;
