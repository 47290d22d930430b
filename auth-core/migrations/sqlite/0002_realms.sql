-- The second edition of the store.
--
-- Of the first edition only the revoked keys are carried over: its logins, sessions, epochs and log name no realm, and its
-- epochs are counts, not times. Everybody signs in again. Nothing of before is accepted meanwhile: a realm's floor is the time at
-- which it is first used, and every epoch of the first edition is far below that. No column that a statement of the
-- first edition needs has kept its name, so a process of it that still runs gets errors.
--
-- Times and durations are milliseconds. Ids, hashes, marks and nonces are raw bytes; no secret is here.

-- The keys that the first edition revoked. Whoever holds one chooses the epoch of what it signs: no floor helps.
CREATE TABLE auth_key_revoked_before (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

INSERT INTO auth_key_revoked_before SELECT DISTINCT CAST(thing AS TEXT) FROM auth_log WHERE kind = 3;

DROP TABLE auth_session;
DROP TABLE auth_login;
DROP TABLE auth_epoch;
DROP TABLE auth_log;

-- One row. `least_reader` is the lowest schema version that a program must know to read and write this file.
CREATE TABLE auth_store (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    incarnation    BLOB    NOT NULL CHECK (length(incarnation) = 16),
    schema_version INTEGER NOT NULL,
    least_reader   INTEGER NOT NULL
) STRICT;

INSERT INTO auth_store VALUES (1, randomblob(16), 2, 2);

CREATE TABLE auth_realm (
    id    INTEGER PRIMARY KEY,
    name  TEXT    NOT NULL UNIQUE,
    floor INTEGER NOT NULL
) STRICT;

-- Never deleted. What is below the realm's floor counts as the floor.
CREATE TABLE auth_subject (
    realm          INTEGER NOT NULL REFERENCES auth_realm (id),
    subject        TEXT    NOT NULL,
    epoch          INTEGER NOT NULL,
    outdated_below INTEGER NOT NULL,
    ended_below    INTEGER NOT NULL,
    spared         BLOB,
    retention      INTEGER NOT NULL,
    PRIMARY KEY (realm, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE auth_login (
    id               BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    realm            INTEGER NOT NULL,
    subject          TEXT    NOT NULL,
    kind             INTEGER NOT NULL,                -- 0 session, 1 token
    created_at       INTEGER NOT NULL,
    last_seen_at     INTEGER NOT NULL,
    authenticated_at INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    idle_expires_at  INTEGER NOT NULL,
    user_agent       TEXT,
    address          TEXT,
    claims           BLOB    NOT NULL,
    begun_under      INTEGER NOT NULL,
    epoch            INTEGER NOT NULL,
    claims_loaded_at INTEGER NOT NULL,
    retention        INTEGER NOT NULL,
    extra            BLOB    NOT NULL,

    -- The refresh family: all of it, or, for a session, none.
    generation       INTEGER,
    branch           INTEGER,
    previous_branch  INTEGER,
    current          BLOB,
    previous         BLOB,
    nonce            BLOB,
    rotated_at       INTEGER,
    confirmed        INTEGER,
    shared           INTEGER,
    counted          INTEGER,

    over_at          INTEGER NOT NULL GENERATED ALWAYS AS (min(expires_at, idle_expires_at)) VIRTUAL,
    FOREIGN KEY (realm, subject) REFERENCES auth_subject (realm, subject)
) STRICT;

-- `begun_under`, so that logins which were all ended are passed over without a look at their rows.
CREATE INDEX auth_login_subject ON auth_login (realm, subject, created_at, id, begun_under);
-- For purging after the floor rose.
CREATE INDEX auth_login_begun_under ON auth_login (realm, begun_under);
CREATE INDEX auth_login_over_at ON auth_login (over_at);

-- The logins that are live if their `over_at` is later than now. The other conditions are said here and nowhere else.
-- The `+` keeps these conditions from choosing an index: by id and by subject there are better ones.
CREATE VIEW auth_live AS
SELECT login.*,
       realm.name AS realm_name,
       max(record.epoch, realm.floor) AS subject_epoch,
       max(record.outdated_below, realm.floor) AS subject_outdated_below
FROM auth_realm AS realm
JOIN auth_subject AS record ON record.realm = realm.id
JOIN auth_login AS login ON login.realm = record.realm AND login.subject = record.subject
WHERE +login.begun_under >= realm.floor
  AND (+login.begun_under >= record.ended_below OR +login.id = record.spared);

-- Subjects some of whose logins may be dead although they have not expired: purging looks at them.
CREATE TABLE auth_untidy (
    realm   INTEGER NOT NULL,
    subject TEXT    NOT NULL,
    PRIMARY KEY (realm, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE auth_session (
    realm        INTEGER NOT NULL REFERENCES auth_realm (id),
    hash         BLOB    NOT NULL CHECK (length(hash) = 32),
    login        BLOB    REFERENCES auth_login (id) ON DELETE CASCADE,
    data         BLOB    NOT NULL,
    version      INTEGER NOT NULL,
    session_ends INTEGER NOT NULL,
    UNIQUE (realm, hash)
) STRICT;

CREATE INDEX auth_session_login ON auth_session (login) WHERE login IS NOT NULL;
CREATE INDEX auth_session_ends ON auth_session (session_ends);

-- AUTOINCREMENT: a number is never used twice, even after its entry was purged. There is one writer at a time, so the
-- numbers are in the order of the commits.
CREATE TABLE auth_log (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    realm      INTEGER NOT NULL REFERENCES auth_realm (id),
    mark       BLOB    NOT NULL CHECK (length(mark) = 16),
    kind       INTEGER NOT NULL, -- 0 login, 1 all ended, 2 claims changed, 3 session, 4 token, 5 key, 6 floor
    thing      BLOB,             -- id or hash; of "all ended" the login that goes on
    name       TEXT,             -- subject or key
    value      INTEGER,          -- epoch or floor; of a login the reason
    entry_ends INTEGER NOT NULL,
    UNIQUE (realm, mark)
) STRICT;

CREATE INDEX auth_log_realm ON auth_log (realm);
CREATE INDEX auth_log_thing ON auth_log (realm, kind, thing) WHERE kind = 4;
CREATE INDEX auth_log_name ON auth_log (realm, kind, name) WHERE kind = 5;
CREATE INDEX auth_log_ends ON auth_log (entry_ends);

-- They are revoked in each realm from its first use on.
CREATE TRIGGER auth_realm_begins AFTER INSERT ON auth_realm BEGIN
    INSERT INTO auth_log (realm, mark, kind, name, entry_ends)
    SELECT NEW.id, randomblob(16), 5, name, 9223372036854775807 FROM auth_key_revoked_before;
END;

CREATE TABLE auth_document (
    realm   INTEGER NOT NULL REFERENCES auth_realm (id),
    name    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    bytes   BLOB    NOT NULL,
    PRIMARY KEY (realm, name)
) STRICT;
