-- Functions that write lock first, always the subject's record before a login's row, then read the time, and then read
-- in a new statement, which under READ COMMITTED sees what was committed before the lock was theirs.

CREATE TABLE realms (
    name text PRIMARY KEY,
    floor bigint NOT NULL
);

CREATE TABLE subjects (
    realm text NOT NULL,
    subject text NOT NULL,
    epoch bigint NOT NULL DEFAULT 0,
    outdated_below bigint NOT NULL DEFAULT 0,
    ended_below bigint NOT NULL DEFAULT 0,
    spared bytea,
    retention bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (realm, subject)
);

CREATE TABLE logins (
    id bytea PRIMARY KEY,
    realm text NOT NULL,
    subject text NOT NULL,
    kind text NOT NULL,
    created_at bigint NOT NULL,
    last_seen_at bigint NOT NULL,
    authenticated_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    idle_expires_at bigint NOT NULL,
    user_agent text,
    address text,
    claims bytea NOT NULL,
    begun_under bigint NOT NULL,
    epoch bigint NOT NULL,
    claims_loaded_at bigint NOT NULL,
    retention bigint NOT NULL,
    extra bytea NOT NULL,
    -- The family; none of a session.
    generation bigint,
    branch integer,
    previous_branch integer,
    current_secret bytea,
    previous_secret bytea,
    nonce bytea,
    rotated_at bigint,
    confirmed boolean,
    shared bigint,
    counted boolean
) WITH (fillfactor = 80);

CREATE INDEX logins_of_subject ON logins (realm, subject, created_at, id);

CREATE TABLE sessions (
    realm text NOT NULL,
    hash bytea NOT NULL,
    login bytea,
    data bytea NOT NULL,
    version bigint NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (realm, hash)
);

CREATE INDEX sessions_of_login ON sessions (login);

CREATE TABLE log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    realm text NOT NULL,
    mark bytea NOT NULL,
    expires_at bigint NOT NULL,
    kind text NOT NULL,
    login bytea,
    reason text,
    subject text,
    below bigint,
    -- A session, a token, or the bytes of a key's name.
    item bytea,
    UNIQUE (realm, mark)
);

CREATE INDEX log_by_transaction ON log (realm, txid, id);
CREATE INDEX log_by_item ON log (realm, kind, item) WHERE item IS NOT NULL;

-- Empty after a crash, and on a standby that was promoted; not to be read on one that was not.
CREATE UNLOGGED TABLE incarnations (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    name uuid NOT NULL DEFAULT gen_random_uuid()
);

CREATE FUNCTION store_now(shift bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint + shift
$$;

-- A start of the server begins a new incarnation too: a copy of the files that was made while it was stopped has the
-- row of the unlogged table.
CREATE FUNCTION incarnation() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat_ws('/', name, (SELECT system_identifier FROM pg_control_system()),
        extract(epoch FROM pg_postmaster_start_time()))
    FROM incarnations
$$;

CREATE FUNCTION begin_realm(p_realm text, shift bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO realms VALUES (p_realm, greatest(store_now(shift), 1)) ON CONFLICT DO NOTHING;
    INSERT INTO incarnations DEFAULT VALUES ON CONFLICT DO NOTHING;
END $$;

-- What holds of a subject; no row where the realm is unknown.
CREATE FUNCTION record_of(p_realm text, p_subject text) RETURNS subjects LANGUAGE sql STABLE AS $$
    SELECT r.name, p_subject, greatest(s.epoch, r.floor), greatest(s.outdated_below, r.floor),
        greatest(s.ended_below, r.floor), s.spared, coalesce(s.retention, 0)
    FROM realms r LEFT JOIN subjects s ON s.realm = r.name AND s.subject = p_subject
    WHERE r.name = p_realm
$$;

CREATE FUNCTION lock_record(p_realm text, p_subject text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO subjects (realm, subject) VALUES (p_realm, p_subject) ON CONFLICT DO NOTHING;
    PERFORM 1 FROM subjects WHERE realm = p_realm AND subject = p_subject FOR NO KEY UPDATE;
END $$;

CREATE FUNCTION is_live(l logins, s subjects, now bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT now < l.expires_at AND now < l.idle_expires_at
        AND (l.begun_under >= s.ended_below OR coalesce(s.spared = l.id, false))
$$;

CREATE FUNCTION live_of(p_realm text, p_subject text, now bigint) RETURNS SETOF logins LANGUAGE sql STABLE AS $$
    SELECT l.*
    FROM record_of(p_realm, p_subject) s, realms r, logins l
    WHERE r.name = p_realm AND l.realm = p_realm AND l.subject = p_subject AND l.begun_under >= r.floor
        AND is_live(l, s, now)
    ORDER BY l.created_at, l.id
$$;

CREATE TYPE answer AS (
    outcome text,
    now bigint,
    subject_epoch bigint,
    subject_outdated_below bigint,
    login logins
);

-- The login, if it is live, and its subject's state, of one snapshot.
CREATE FUNCTION live_login(p_realm text, p_id bytea, now bigint) RETURNS answer LANGUAGE sql STABLE AS $$
    SELECT 'live'::text, now, s.epoch, s.outdated_below, l
    FROM logins l, realms r, record_of(p_realm, l.subject) s
    WHERE l.id = p_id AND l.realm = p_realm AND r.name = p_realm AND l.begun_under >= r.floor
        AND is_live(l, s, now)
$$;

CREATE FUNCTION ticket(p_realm text, p_subject text, shift bigint, OUT now bigint, OUT epoch bigint)
LANGUAGE sql STABLE AS $$
    SELECT store_now(shift), s.epoch FROM record_of(p_realm, p_subject) s WHERE s.realm IS NOT NULL
$$;

CREATE FUNCTION login(p_realm text, p_id bytea, shift bigint) RETURNS answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    found_login answer;
BEGIN
    found_login := live_login(p_realm, p_id, store_now(shift));
    IF found_login.outcome IS NULL AND EXISTS (SELECT FROM realms WHERE name = p_realm) THEN
        found_login := ('none', store_now(shift), NULL, NULL, NULL);
    END IF;
    RETURN found_login;
END $$;

CREATE TYPE creation AS (
    outcome text,
    now bigint,
    -- What was replaced, if something was, and then what was evicted.
    is_replaced boolean,
    ended bytea[],
    marks bytea[],
    expiries bigint[],
    login logins
);

-- `seed`: what the marks of what ends are derived from. The times in `l` are durations.
CREATE FUNCTION create_login(
    shift bigint, l logins, ticket_epoch bigint, issued_at bigint, good_for bigint, seed bytea,
    session sessions, most bigint, evicts boolean, replaces bytea
) RETURNS creation LANGUAGE plpgsql AS $$
DECLARE
    now bigint;
    record subjects;
    surplus bigint;
    done creation;
    old logins;
BEGIN
    IF NOT EXISTS (SELECT FROM realms WHERE name = l.realm) THEN
        RETURN NULL;
    END IF;
    PERFORM lock_record(l.realm, l.subject);
    now := store_now(shift);
    record := record_of(l.realm, l.subject);
    done.now := now;
    done.outcome := 'outdated';
    IF record.epoch <> ticket_epoch OR now - issued_at > good_for THEN
        RETURN done;
    END IF;
    done.outcome := 'id_taken';
    IF EXISTS (SELECT FROM logins WHERE id = l.id)
        OR EXISTS (SELECT FROM sessions s WHERE s.realm = l.realm AND s.hash = session.hash) THEN
        RETURN done;
    END IF;
    IF most IS NOT NULL THEN
        -- A use of one of these that read the time before this step did may not be committed yet: it goes first.
        PERFORM 1 FROM logins o
            WHERE o.realm = l.realm AND o.subject = l.subject AND o.idle_expires_at <= now AND o.expires_at > now
            ORDER BY o.id FOR NO KEY UPDATE;
        SELECT count(*) + 1 - most INTO surplus FROM live_of(l.realm, l.subject, now) o
            WHERE o.id IS DISTINCT FROM replaces;
        IF surplus > 0 AND NOT evicts THEN
            done.outcome := 'limit_reached';
            RETURN done;
        END IF;
    END IF;

    l.created_at := now;
    l.last_seen_at := now;
    l.authenticated_at := now;
    l.claims_loaded_at := now;
    l.expires_at := now + l.expires_at;
    l.idle_expires_at := least(now + l.idle_expires_at, l.expires_at);
    l.begun_under := ticket_epoch;
    l.epoch := ticket_epoch;
    -- Another subject may be taking the id or the hash at this moment.
    INSERT INTO logins SELECT l.* ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN done;
    END IF;
    IF session.hash IS NOT NULL THEN
        INSERT INTO sessions VALUES
            (l.realm, session.hash, l.id, session.data, 1, now + session.expires_at)
            ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            DELETE FROM logins WHERE id = l.id;
            RETURN done;
        END IF;
    END IF;
    UPDATE subjects SET retention = l.retention
        WHERE realm = l.realm AND subject = l.subject AND retention < l.retention;

    done.is_replaced := false;
    FOR old IN
        (SELECT o.* FROM live_of(l.realm, l.subject, now) o WHERE o.id = replaces)
        UNION ALL
        (SELECT o.* FROM live_of(l.realm, l.subject, now) o WHERE o.id <> l.id AND o.id IS DISTINCT FROM replaces
        ORDER BY o.created_at, o.id LIMIT greatest(surplus, 0))
    LOOP
        DELETE FROM logins WHERE id = old.id;
        -- Somebody else ended it meanwhile.
        CONTINUE WHEN NOT FOUND;
        DELETE FROM sessions WHERE login = old.id;
        done.is_replaced := done.is_replaced OR old.id IS NOT DISTINCT FROM replaces;
        done.ended := array_append(done.ended, old.id);
        done.marks := array_append(done.marks, substring(sha256(seed || old.id) FOR 16));
        done.expiries := array_append(done.expiries, now + greatest(old.retention, l.retention));
    END LOOP;
    INSERT INTO log (realm, kind, reason, login, mark, expires_at)
        SELECT l.realm, 'login', CASE WHEN one.id = replaces THEN 'replaced' ELSE 'evicted' END, one.*
        FROM unnest(done.ended, done.marks, done.expiries) one (id, mark, expires_at);
    done.outcome := 'made';
    done.login := l;
    RETURN done;
END $$;

CREATE FUNCTION end_all(
    p_realm text, p_subject text, p_except bytea, p_retention bigint, p_mark bytea, shift bigint,
    OUT now bigint, OUT epoch bigint, OUT ended bigint, OUT spared bytea, OUT expires_at bigint
) LANGUAGE plpgsql AS $$
DECLARE
    record subjects;
BEGIN
    IF NOT EXISTS (SELECT FROM realms WHERE name = p_realm) THEN
        RETURN;
    END IF;
    PERFORM lock_record(p_realm, p_subject);
    now := store_now(shift);
    record := record_of(p_realm, p_subject);
    SELECT l.id INTO spared FROM live_of(p_realm, p_subject, now) l WHERE l.id = p_except;
    SELECT count(*) INTO ended FROM live_of(p_realm, p_subject, now) l WHERE l.id IS DISTINCT FROM p_except;
    epoch := greatest(record.epoch + 1, now);
    expires_at := now + greatest(record.retention, p_retention);
    UPDATE subjects s SET epoch = end_all.epoch, ended_below = end_all.epoch, spared = end_all.spared
        WHERE s.realm = p_realm AND s.subject = p_subject;
    INSERT INTO log (realm, kind, subject, below, login, mark, expires_at)
        VALUES (p_realm, 'all_ended', p_subject, epoch, spared, p_mark, end_all.expires_at);
END $$;

CREATE FUNCTION claims_changed(
    p_realm text, p_subject text, p_retention bigint, p_mark bytea, shift bigint,
    OUT now bigint, OUT epoch bigint, OUT expires_at bigint
) LANGUAGE plpgsql AS $$
DECLARE
    record subjects;
BEGIN
    IF NOT EXISTS (SELECT FROM realms WHERE name = p_realm) THEN
        RETURN;
    END IF;
    PERFORM lock_record(p_realm, p_subject);
    now := store_now(shift);
    record := record_of(p_realm, p_subject);
    epoch := greatest(record.epoch + 1, now);
    expires_at := now + greatest(record.retention, p_retention);
    UPDATE subjects s SET epoch = claims_changed.epoch, outdated_below = claims_changed.epoch
        WHERE s.realm = p_realm AND s.subject = p_subject;
    INSERT INTO log (realm, kind, subject, below, mark, expires_at)
        VALUES (p_realm, 'claims_changed', p_subject, epoch, p_mark, claims_changed.expires_at);
END $$;

CREATE FUNCTION rotate(
    p_realm text, p_id bytea, p_generation bigint, p_branch integer, p_secret bytea, p_successor bytea,
    p_nonce bytea, p_grace bigint, p_idle bigint, p_retention bigint, shift bigint
) RETURNS answer LANGUAGE plpgsql AS $$
DECLARE
    now bigint;
    whose text;
    done answer;
BEGIN
    IF NOT EXISTS (SELECT FROM realms WHERE name = p_realm) THEN
        RETURN NULL;
    END IF;
    SELECT s.subject INTO whose
        FROM logins l JOIN subjects s ON s.realm = l.realm AND s.subject = l.subject
        WHERE l.id = p_id AND l.realm = p_realm AND s.retention < p_retention;
    IF FOUND THEN
        PERFORM lock_record(p_realm, whose);
    END IF;
    PERFORM 1 FROM logins WHERE id = p_id AND realm = p_realm FOR NO KEY UPDATE;
    now := store_now(shift);

    UPDATE logins l SET
        generation = l.generation + 1, branch = 0, previous_branch = l.branch,
        current_secret = p_successor, previous_secret = l.current_secret, nonce = p_nonce,
        rotated_at = now, confirmed = false, counted = false,
        shared = CASE WHEN l.counted THEN l.shared ELSE 0 END,
        last_seen_at = now, idle_expires_at = least(now + p_idle, l.expires_at),
        retention = greatest(l.retention, p_retention)
        FROM realms r, subjects s
        WHERE l.id = p_id AND l.realm = p_realm AND r.name = p_realm
            AND s.realm = p_realm AND s.subject = l.subject
            AND now < l.expires_at AND now < l.idle_expires_at AND l.begun_under >= r.floor
            AND (l.begun_under >= s.ended_below OR coalesce(s.spared = l.id, false))
            AND (l.generation, l.branch, l.current_secret) = (p_generation, p_branch, p_secret)
            AND l.generation < 4294967295 AND l.rotated_at <= now - p_grace
        RETURNING 'rotated', now, greatest(s.epoch, r.floor), greatest(s.outdated_below, r.floor), l
        INTO done.outcome, done.now, done.subject_epoch, done.subject_outdated_below, done.login;
    IF FOUND THEN
        IF whose IS NOT NULL THEN
            UPDATE subjects SET retention = p_retention
                WHERE realm = p_realm AND subject = whose AND retention < p_retention;
        END IF;
        RETURN done;
    END IF;
    -- A new statement: the row as another rotation left it.
    done := live_login(p_realm, p_id, now);
    IF done.outcome IS NULL THEN
        done := ('none', now, NULL, NULL, NULL);
    END IF;
    RETURN done;
END $$;

-- A stable function sees one snapshot, that of the statement that calls it, whatever it does. Ordered as the index is, and
-- in two halves: by the id, or with `OR`, a reader that has seen all but the last entry would go through all of them.
CREATE FUNCTION page(
    p_realm text, p_incarnation text, p_from pg_snapshot, p_to pg_snapshot, p_last_txid xid8, p_last_id bigint,
    p_mark bytea, p_most bigint, p_margin bigint, shift bigint
) RETURNS TABLE (
    now bigint, floor bigint, incarnation text, reset text, upto text, is_latest boolean, entry log
) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    here pg_snapshot := pg_current_snapshot();
    start pg_snapshot := '3:3:';
    this text;
    why text;
    after_txid xid8;
    after_id bigint;
    instant bigint := store_now(shift);
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'the log is not read on a standby';
    END IF;
    this := incarnation();
    IF this IS NULL THEN
        RETURN;
    END IF;
    IF p_incarnation IS NULL THEN
        p_from := start;
        p_to := NULL;
    ELSIF p_incarnation <> this THEN
        why := 'incarnation';
    ELSIF NOT EXISTS (SELECT FROM log l WHERE l.realm = p_realm AND l.mark = p_mark) THEN
        why := 'unknown_mark';
    END IF;
    IF p_incarnation IS NULL OR why IS NOT NULL THEN
        p_from := start;
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
        SELECT instant, r.floor, this, why, coalesce(p_to, here)::text, p_to IS NULL, e.entry
        FROM realms r LEFT JOIN LATERAL (
            (SELECT l.entry, l.txid, l.id
            FROM pg_snapshot_xip(p_from) AS running (txid) CROSS JOIN LATERAL (
                SELECT l AS entry, l.txid, l.id, l.expires_at FROM log l
                WHERE l.realm = p_realm AND l.txid = running.txid OFFSET 0
            ) l
            WHERE pg_visible_in_snapshot(l.txid, coalesce(p_to, here))
                AND (l.txid, l.id) > (p_last_txid, p_last_id) AND l.expires_at > instant - p_margin)
            UNION ALL
            (SELECT l AS entry, l.txid, l.id FROM log l
            WHERE l.realm = p_realm AND (l.txid, l.id) > (after_txid, after_id)
                AND pg_visible_in_snapshot(l.txid, coalesce(p_to, here)) AND l.expires_at > instant - p_margin
            ORDER BY l.txid, l.id LIMIT p_most + 1)
            ORDER BY txid, id LIMIT p_most + 1
        ) e ON true
        WHERE r.name = p_realm
        ORDER BY e.txid, e.id;
END $$;

CREATE FUNCTION standing(
    p_realm text, p_login bytea, p_session bytea, p_subject text, p_epoch bigint, p_begun_under bigint,
    p_token bytea, p_key bytea, p_margin bigint, shift bigint,
    OUT now bigint, OUT standing text
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    record subjects;
    lowest bigint;
    carried bytea;
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'a standby does not know what is revoked';
    END IF;
    SELECT r.floor INTO lowest FROM realms r WHERE r.name = p_realm;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    now := store_now(shift);
    standing := 'gone';
    IF p_login IS NOT NULL AND (live_login(p_realm, p_login, now)).outcome IS NULL THEN
        RETURN;
    END IF;
    IF p_session IS NOT NULL THEN
        SELECT s.login INTO carried FROM sessions s
            WHERE s.realm = p_realm AND s.hash = p_session AND s.expires_at > standing.now;
        IF NOT FOUND OR (carried IS NOT NULL AND (live_login(p_realm, carried, now)).outcome IS NULL) THEN
            RETURN;
        END IF;
    END IF;
    IF EXISTS (SELECT FROM log l WHERE l.realm = p_realm AND l.kind = 'token' AND l.item = p_token
            AND l.expires_at > standing.now - p_margin)
        OR EXISTS (SELECT FROM log l WHERE l.realm = p_realm AND l.kind = 'key' AND l.item = p_key) THEN
        RETURN;
    END IF;
    IF p_subject IS NOT NULL THEN
        record := record_of(p_realm, p_subject);
        p_begun_under := coalesce(p_begun_under, p_epoch);
        IF least(p_begun_under, p_epoch) < lowest
            OR (p_begun_under < record.ended_below AND record.spared IS DISTINCT FROM p_login)
            OR (p_begun_under < record.ended_below AND p_login IS NULL) THEN
            RETURN;
        END IF;
        IF p_epoch < record.outdated_below THEN
            standing := 'outdated';
            RETURN;
        END IF;
    END IF;
    standing := 'good';
END $$;
