-- The revocation log.

CREATE FUNCTION {s}.auth_revoke_token(
    p_realm text, p_shift bigint, p_subject text, p_token bytea, p_retention bigint, p_mark bytea,
    OUT now bigint, OUT ends bigint
) LANGUAGE plpgsql AS $$
DECLARE
    here integer;
    longest bigint;
BEGIN
    SELECT id INTO here FROM {s}.auth_realm WHERE name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    now := {s}.auth_now(p_shift);
    SELECT retention INTO longest FROM {s}.auth_subject WHERE realm = here AND subject = p_subject;
    ends := now + greatest(longest, p_retention);
    INSERT INTO {s}.auth_log (realm, kind, thing, mark, entry_ends) VALUES (here, 4, p_token, p_mark, ends);
END $$;

CREATE FUNCTION {s}.auth_revoke_key(
    p_realm text, p_shift bigint, p_key bytea, p_never bigint, p_mark bytea,
    OUT now bigint
) LANGUAGE plpgsql AS $$
DECLARE
    here integer;
BEGIN
    SELECT id INTO here FROM {s}.auth_realm WHERE name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    now := {s}.auth_now(p_shift);
    INSERT INTO {s}.auth_log (realm, kind, thing, mark, entry_ends) VALUES (here, 5, p_key, p_mark, p_never);
END $$;

-- No login has a higher epoch than the record of its subject, or the floor when it began.
CREATE FUNCTION {s}.auth_declare_restored(
    p_realm text, p_shift bigint, p_instant bigint, p_never bigint, p_mark bytea,
    OUT now bigint, OUT new_floor bigint
) LANGUAGE plpgsql AS $$
DECLARE
    here integer;
    highest bigint;
BEGIN
    SELECT id INTO here FROM {s}.auth_realm WHERE name = p_realm FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    now := {s}.auth_now(p_shift);
    SELECT max(epoch) INTO highest FROM {s}.auth_subject WHERE realm = here;
    UPDATE {s}.auth_realm SET floor = greatest(floor + 1, now, p_instant, highest + 1) WHERE id = here
        RETURNING floor INTO new_floor;
    INSERT INTO {s}.auth_log (realm, kind, value, mark, entry_ends) VALUES (here, 6, new_floor, p_mark, p_never);
END $$;

-- A stable function sees one snapshot, that of the statement that calls it. So all that the query returns is visible in
-- `here`, and only a page that is bounded by an older snapshot compares. The order is that of the index, in two halves:
-- with one condition for both, a reader that has seen all but the last entry would go through all of them. It returns
-- at least one row; none if there is no incarnation or no realm.
CREATE FUNCTION {s}.auth_page(
    p_realm text, p_shift bigint, p_incarnation text, p_from pg_snapshot, p_to pg_snapshot,
    p_last_txid xid8, p_last_id bigint, p_mark bytea, p_most bigint, p_margin bigint
) RETURNS TABLE (
    now bigint, floor bigint, least_reader integer, incarnation text, reset text, upto text, is_latest boolean,
    txid xid8, id bigint, mark bytea, kind smallint, thing bytea, subject text, value bigint, entry_ends bigint
) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    here pg_snapshot := pg_current_snapshot();
    realm_id integer;
    lowest bigint;
    reader integer;
    this text;
    why text;
    after_txid xid8;
    after_id bigint;
    instant bigint := {s}.auth_now(p_shift);
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'the log is not read on a standby';
    END IF;
    SELECT realm.id, realm.floor, store.least_reader, one.name::text INTO realm_id, lowest, reader, this
        FROM {s}.auth_incarnation AS one, {s}.auth_store AS store, {s}.auth_realm AS realm
        WHERE one.started = pg_postmaster_start_time() AND realm.name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF p_incarnation <> this THEN
        why := 'incarnation';
    ELSIF p_incarnation IS NOT NULL
        AND NOT EXISTS (SELECT FROM {s}.auth_log AS entry WHERE entry.realm = realm_id AND entry.mark = p_mark) THEN
        why := 'unknown_mark';
    END IF;
    IF p_incarnation IS NULL OR why IS NOT NULL THEN
        p_from := '3:3:';
        p_to := NULL;
        p_last_txid := '0';
        p_last_id := 0;
    END IF;
    -- One bound: of two, the scan might begin at the lower one. No id is below one.
    IF p_last_txid >= pg_snapshot_xmax(p_from) THEN
        after_txid := p_last_txid;
        after_id := p_last_id;
    ELSE
        after_txid := pg_snapshot_xmax(p_from);
        after_id := 0;
    END IF;
    RETURN QUERY
        SELECT instant, lowest, reader, this, why, coalesce(p_to, here)::text, p_to IS NULL,
            entry.txid, entry.id, entry.mark, entry.kind, entry.thing, entry.subject, entry.value, entry.entry_ends
        FROM (SELECT) AS one LEFT JOIN (
            (SELECT entry.* FROM pg_snapshot_xip(p_from) AS running (txid) CROSS JOIN LATERAL (
                SELECT entry.* FROM {s}.auth_log AS entry
                WHERE entry.realm = realm_id AND entry.txid = running.txid OFFSET 0
            ) AS entry
            WHERE (p_to IS NULL OR pg_visible_in_snapshot(entry.txid, p_to))
                AND (entry.txid, entry.id) > (p_last_txid, p_last_id) AND entry.entry_ends > instant - p_margin)
            UNION ALL
            (SELECT entry.* FROM {s}.auth_log AS entry
            WHERE entry.realm = realm_id AND (entry.txid, entry.id) > (after_txid, after_id)
                AND (p_to IS NULL OR pg_visible_in_snapshot(entry.txid, p_to))
                AND entry.entry_ends > instant - p_margin
            ORDER BY entry.txid, entry.id LIMIT p_most + 1)
            ORDER BY txid, id LIMIT p_most + 1
        ) AS entry ON true
        ORDER BY entry.txid, entry.id;
END $$;

-- Entries are appended and applied one after the other. The locks are taken before, in one order for all callers: the
-- realm, records, rows.
CREATE FUNCTION {s}.auth_write_back(
    p_realm text, p_shift bigint, p_marks bytea[], p_kinds smallint[], p_things bytea[], p_subjects text[],
    p_values bigint[], p_ends bigint[],
    OUT now bigint, OUT appended bigint
) LANGUAGE plpgsql AS $$
DECLARE
    here integer;
    whose text;
    one record;
BEGIN
    SELECT id INTO here FROM {s}.auth_realm WHERE name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF 6 = ANY (p_kinds) THEN
        PERFORM 1 FROM {s}.auth_realm WHERE id = here FOR NO KEY UPDATE;
    END IF;
    FOR whose IN SELECT DISTINCT name FROM unnest(p_subjects) AS name WHERE name IS NOT NULL ORDER BY name LOOP
        PERFORM {s}.auth_lock_record(here, whose);
    END LOOP;
    PERFORM 1 FROM {s}.auth_login WHERE id = ANY (p_things) AND realm = here ORDER BY id FOR UPDATE;
    now := {s}.auth_now(p_shift);
    appended := 0;
    FOR one IN
        SELECT * FROM unnest(p_marks, p_kinds, p_things, p_subjects, p_values, p_ends)
            AS given (mark, kind, thing, subject, value, ends)
    LOOP
        INSERT INTO {s}.auth_log (realm, mark, kind, thing, subject, value, entry_ends)
            VALUES (here, one.mark, one.kind, one.thing, one.subject, one.value, one.ends)
            ON CONFLICT DO NOTHING;
        CONTINUE WHEN NOT FOUND;
        appended := appended + 1;
        IF one.kind = 0 THEN
            DELETE FROM {s}.auth_login WHERE id = one.thing AND realm = here;
            DELETE FROM {s}.auth_session WHERE login = one.thing AND realm = here;
        ELSIF one.kind = 1 THEN
            PERFORM {s}.auth_all_ended(here, one.subject, one.value, one.thing, now);
        ELSIF one.kind = 2 THEN
            UPDATE {s}.auth_subject SET epoch = greatest(epoch, one.value),
                outdated_below = greatest(outdated_below, one.value)
                WHERE realm = here AND subject = one.subject;
        ELSIF one.kind = 3 THEN
            DELETE FROM {s}.auth_session WHERE hash = one.thing AND realm = here;
        ELSIF one.kind = 6 THEN
            UPDATE {s}.auth_realm SET floor = greatest(floor, one.value) WHERE id = here;
        END IF;
    END LOOP;
END $$;

-- The record after all logins below this epoch ended, except at most one. A login stays spared only if it is live now
-- and neither this end nor the last one ended it.
CREATE FUNCTION {s}.auth_all_ended(
    p_realm integer, p_subject text, p_below bigint, p_spared bytea, p_now bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    candidate bytea;
    kept bytea;
BEGIN
    SELECT CASE WHEN p_below > record.ended_below AND p_below > realm.floor THEN p_spared ELSE record.spared END
        INTO candidate
        FROM {s}.auth_subject AS record, {s}.auth_realm AS realm
        WHERE realm.id = p_realm AND record.realm = p_realm AND record.subject = p_subject;
    SELECT live.id INTO kept FROM {s}.auth_live AS live
        WHERE live.id = candidate AND live.realm = p_realm AND live.subject = p_subject AND live.over_at > p_now
            AND (live.begun_under >= p_below OR live.id = p_spared);
    UPDATE {s}.auth_subject SET epoch = greatest(epoch, p_below), ended_below = greatest(ended_below, p_below),
        spared = kept, untidy = true
        WHERE realm = p_realm AND subject = p_subject;
END $$;
