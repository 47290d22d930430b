-- Times, durations and epochs are milliseconds. Ids, hashes, marks and nonces are raw bytes; no secret is here.
--
-- Text has the collation "C": it is only compared for equality, and an index does not depend on the version of a
-- locale. There are no foreign keys: the functions delete what belongs together, which costs less than a trigger for
-- each row.
--
-- Older and newer programs use one schema at the same time. A migration adds, and a later release removes: a function
-- keeps its parameters and the columns of its result, and one that needs others gets a new name.

-- One row. `least_reader` is the lowest schema version that a program must know to use this schema. `system` is the
-- database cluster whose transaction ids are in the log.
CREATE TABLE {s}.auth_store (
    one            boolean PRIMARY KEY DEFAULT true CHECK (one),
    schema_version integer NOT NULL,
    least_reader   integer NOT NULL,
    system         bigint  NOT NULL
);

INSERT INTO {s}.auth_store (schema_version, least_reader, system)
SELECT 1, 1, system_identifier FROM pg_control_system();

-- One row, which is gone after a crash and on a standby that was promoted: then transaction ids that were never
-- durable are used again. A row of another start of the server counts for nothing, because the files may be a copy.
CREATE UNLOGGED TABLE {s}.auth_incarnation (
    one     boolean     PRIMARY KEY DEFAULT true CHECK (one),
    name    uuid        NOT NULL,
    started timestamptz NOT NULL
);

CREATE TABLE {s}.auth_realm (
    id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name  text COLLATE "C" NOT NULL UNIQUE,
    floor bigint NOT NULL
);

-- Never deleted. What is below the realm's floor counts as the floor. `untidy`: some logins may be dead although they
-- have not expired, so purging looks at them.
CREATE TABLE {s}.auth_subject (
    realm          integer          NOT NULL,
    subject        text COLLATE "C" NOT NULL,
    epoch          bigint           NOT NULL DEFAULT 0,
    outdated_below bigint           NOT NULL DEFAULT 0,
    ended_below    bigint           NOT NULL DEFAULT 0,
    spared         bytea,
    retention      bigint           NOT NULL DEFAULT 0,
    untidy         boolean          NOT NULL DEFAULT false,
    PRIMARY KEY (realm, subject)
) WITH (fillfactor = 90);

CREATE INDEX auth_subject_untidy ON {s}.auth_subject (realm, subject) WHERE untidy;

-- Rotations and uses change no column of an index, and find room on their page: they are HOT updates. So purging goes
-- by a time of its own, `look_at`, at which it looks at the login again.
CREATE TABLE {s}.auth_login (
    id               bytea            NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    realm            integer          NOT NULL,
    kind             smallint         NOT NULL, -- 0 session, 1 token
    confirmed        boolean,
    counted          boolean,
    created_at       bigint           NOT NULL,
    last_seen_at     bigint           NOT NULL,
    authenticated_at bigint           NOT NULL,
    expires_at       bigint           NOT NULL,
    idle_expires_at  bigint           NOT NULL,
    begun_under      bigint           NOT NULL,
    epoch            bigint           NOT NULL,
    claims_loaded_at bigint           NOT NULL,
    retention        bigint           NOT NULL,
    look_at          bigint           NOT NULL,
    -- The refresh family, with `confirmed` and `counted`: all of it, or, for a session, none.
    generation       bigint,
    rotated_at       bigint,
    shared           bigint,
    branch           integer,
    previous_branch  integer,
    current_hash     bytea,
    previous_hash    bytea,
    nonce            bytea,
    subject          text COLLATE "C" NOT NULL,
    user_agent       text,
    address          text,
    claims           bytea            NOT NULL,
    extra            bytea            NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX auth_login_subject ON {s}.auth_login (realm, subject, created_at, id);
-- For purging after the floor rose.
CREATE INDEX auth_login_begun_under ON {s}.auth_login (realm, begun_under);
CREATE INDEX auth_login_look_at ON {s}.auth_login (look_at);

CREATE TABLE {s}.auth_session (
    realm      integer NOT NULL,
    hash       bytea   NOT NULL CHECK (length(hash) = 32),
    login      bytea,
    version    bigint  NOT NULL,
    expires_at bigint  NOT NULL,
    look_at    bigint  NOT NULL,
    data       bytea   NOT NULL,
    PRIMARY KEY (realm, hash)
) WITH (fillfactor = 70);

CREATE INDEX auth_session_login ON {s}.auth_session (login) WHERE login IS NOT NULL;
CREATE INDEX auth_session_look_at ON {s}.auth_session (look_at);

-- Transactions commit in another order than they draw ids, so readers compare `txid` with snapshots. `id` orders the
-- entries of one transaction.
CREATE TABLE {s}.auth_log (
    realm      integer  NOT NULL,
    txid       xid8     NOT NULL DEFAULT pg_current_xact_id(),
    id         bigint   NOT NULL GENERATED ALWAYS AS IDENTITY,
    mark       bytea    NOT NULL CHECK (length(mark) = 16),
    kind       smallint NOT NULL, -- 0 login, 1 all ended, 2 claims changed, 3 session, 4 token, 5 key, 6 floor
    thing      bytea,             -- id, hash or key; of "all ended" the login that goes on
    subject    text COLLATE "C",
    value      bigint,            -- epoch or floor; of a login the reason
    entry_ends bigint   NOT NULL,
    PRIMARY KEY (realm, txid, id),
    UNIQUE (realm, mark)
);

CREATE INDEX auth_log_thing ON {s}.auth_log (realm, kind, thing) WHERE kind IN (4, 5);
CREATE INDEX auth_log_ends ON {s}.auth_log (entry_ends);

CREATE TABLE {s}.auth_document (
    realm   integer          NOT NULL,
    name    text COLLATE "C" NOT NULL,
    version bigint           NOT NULL,
    bytes   bytea            NOT NULL,
    PRIMARY KEY (realm, name)
);

-- The logins that are live if their `over_at` is later than now. The other conditions are here and nowhere else.
CREATE VIEW {s}.auth_live AS
SELECT login.*,
       realm.name AS realm_name,
       record.retention AS record_retention,
       least(login.expires_at, login.idle_expires_at) AS over_at,
       greatest(record.epoch, realm.floor) AS subject_epoch,
       greatest(record.outdated_below, realm.floor) AS subject_outdated_below
FROM {s}.auth_realm AS realm
JOIN {s}.auth_subject AS record ON record.realm = realm.id
JOIN {s}.auth_login AS login ON login.realm = record.realm AND login.subject = record.subject
WHERE login.begun_under >= realm.floor
  AND (login.begun_under >= record.ended_below OR login.id = record.spared);

-- The sessions that are live if their `over_at` is later than now. LEAST passes over NULL.
CREATE VIEW {s}.auth_live_session AS
SELECT session.*,
       least(session.expires_at, login.over_at) AS over_at,
       login.retention AS login_retention
FROM {s}.auth_session AS session
LEFT JOIN {s}.auth_live AS login ON login.id = session.login
WHERE session.login IS NULL OR login.id IS NOT NULL;
