-- Times are milliseconds since 1970. Ids, hashes and nonces are raw bytes; no secret is here.

CREATE TABLE auth_login (
    id               BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
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
    epoch            INTEGER NOT NULL,
    claims_loaded_at INTEGER NOT NULL,

    -- The refresh family: all of it, or, for a session, none.
    generation       INTEGER,
    branch           INTEGER,
    previous_branch  INTEGER,
    current          BLOB,
    previous         BLOB,
    nonce            BLOB,
    rotated_at       INTEGER,
    confirmed        INTEGER,

    ends_at          INTEGER NOT NULL GENERATED ALWAYS AS (min(expires_at, idle_expires_at)) VIRTUAL
) STRICT;

CREATE INDEX auth_login_subject ON auth_login (subject, created_at, id);
CREATE INDEX auth_login_ends_at ON auth_login (ends_at);

CREATE TABLE auth_session (
    id         BLOB    NOT NULL UNIQUE CHECK (length(id) = 32),
    login      BLOB    REFERENCES auth_login (id) ON DELETE CASCADE,
    data       BLOB    NOT NULL,
    version    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX auth_session_login ON auth_session (login) WHERE login IS NOT NULL;
CREATE INDEX auth_session_expires_at ON auth_session (expires_at);

CREATE TABLE auth_epoch (
    subject TEXT    NOT NULL PRIMARY KEY,
    epoch   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: a number is never used twice, even after its entry was purged.
CREATE TABLE auth_log (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       INTEGER NOT NULL,                      -- 0 login, 1 subject, 2 token, 3 key
    thing      BLOB    NOT NULL,                      -- id, or UTF-8 text
    detail     INTEGER NOT NULL,                      -- the reason of a login's end, the epoch of a subject, else 0
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX auth_log_thing ON auth_log (kind, thing, detail);
CREATE INDEX auth_log_expires_at ON auth_log (expires_at);
