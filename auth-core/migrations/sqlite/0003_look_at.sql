-- Rotations and uses move the time at which a login expires, and each write to an index is another page for the disk. So
-- purging goes by a time of its own, at which it looks at the login again: when the login could have expired, at first. A
-- program of schema 2 makes rows of which purging thinks earlier than it must.

DROP INDEX auth_login_over_at;
ALTER TABLE auth_login ADD COLUMN look_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX auth_login_look_at ON auth_login (look_at);

UPDATE auth_store SET schema_version = 3;
