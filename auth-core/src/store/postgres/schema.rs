//! The schema: its name, its migrations, and whether this version can use it.

use sqlx::{AssertSqlSafe, PgPool, Row as _};

use crate::store::StoreError;

/// The schema version after the last migration.
const VERSION: i32 = 1;

/// The statements of each migration, in order. They must never change.
const MIGRATIONS: [(i32, &[&str]); 1] = [(
    1,
    &[
        include_str!("../../../migrations/postgres/0001_tables.sql"),
        include_str!("../../../migrations/postgres/0001_basics.sql"),
        include_str!("../../../migrations/postgres/0001_logins.sql"),
        include_str!("../../../migrations/postgres/0001_families.sql"),
        include_str!("../../../migrations/postgres/0001_sessions.sql"),
        include_str!("../../../migrations/postgres/0001_log.sql"),
        include_str!("../../../migrations/postgres/0001_purge.sql"),
    ],
)];

/// The error for a schema that only later versions may use.
pub(super) const UNREADABLE: &str =
    "the schema was migrated by a later version of auth-core; this version is too old to use it";

/// Whether this version may use a schema with this `least_reader`.
pub(super) const fn is_readable(least_reader: i32) -> bool {
    least_reader <= VERSION
}

/// The name of the schema. Every statement contains it, because the search path is a setting of the session, and with
/// PgBouncer sessions are shared.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    name: String,
    /// The name in quotes.
    quoted: String,
}

impl Schema {
    /// The name is part of statements, and with a prefix the name of a channel, which has at most 63 bytes.
    pub(super) fn new(name: &str) -> Result<Self, StoreError> {
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let begins = name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
        if !is_word || !begins || name.len() > 48 {
            return Err(StoreError::new(
                "the name of a schema has 1 to 48 letters, digits and underscores, and does not begin with a digit",
            ));
        }
        Ok(Self { name: name.to_owned(), quoted: format!("\"{name}\"") })
    }

    /// The statement with the name of the schema in place of `{s}`.
    pub(super) fn sql(&self, text: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(text.replace("{s}", &self.quoted))
    }

    /// The channel of wake-ups.
    pub(super) fn channel(&self) -> String {
        format!("auth_log_{}", self.name)
    }

    /// The migrations as a script that can be run at any time.
    pub(super) fn printed(&self) -> String {
        format!("BEGIN;\n{}COMMIT;\n", self.script())
    }

    /// Runs the missing migrations inside of a transaction. The lock is held until it ends.
    fn script(&self) -> String {
        let Self { name, quoted } = self;
        let mut script = format!(
            "SELECT pg_advisory_xact_lock(hashtextextended('auth-core {name}', 0));\n\
             DO $migration$ BEGIN IF to_regnamespace('{quoted}') IS NULL THEN CREATE SCHEMA {quoted}; \
             END IF; END $migration$;\n"
        );
        for (version, parts) in MIGRATIONS {
            // A schema of version 0 has no table that says so.
            let is_missing = match version {
                1 => format!("to_regclass('{quoted}.auth_store') IS NULL"),
                _ => format!("(SELECT schema_version FROM {quoted}.auth_store) < {version}"),
            };
            let statements = parts.concat().replace("{s}", quoted);
            script += &format!(
                "DO $migration$ BEGIN IF {is_missing} THEN EXECUTE $statements$\n{statements}$statements$; \
                 END IF; END $migration$;\n"
            );
        }
        script
    }

    /// Whether all migrations were run. It is an error if this version cannot use the schema.
    pub(super) async fn is_current(&self, pool: &PgPool) -> Result<bool, StoreError> {
        let exists = sqlx::query("SELECT to_regclass($1) IS NOT NULL");
        let exists = exists.bind(format!("{}.auth_store", self.quoted)).fetch_one(pool).await;
        if !exists.and_then(|row| row.try_get(0)).map_err(StoreError::new)? {
            return Ok(false);
        }
        let versions = self.sql("SELECT schema_version, least_reader FROM {s}.auth_store");
        let versions = sqlx::query(versions).fetch_one(pool).await.map_err(StoreError::new)?;
        let least_reader = versions.try_get(1).map_err(StoreError::new)?;
        if !is_readable(least_reader) {
            return Err(StoreError::new(UNREADABLE));
        }
        Ok(versions.try_get::<i32, _>(0).map_err(StoreError::new)? >= VERSION)
    }

    /// Runs the missing migrations in one transaction. Others that do the same wait, and then find nothing to do.
    pub(super) async fn migrate(&self, pool: &PgPool) -> Result<(), StoreError> {
        let mut transaction =
            pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await.map_err(StoreError::new)?;
        let script = sqlx::raw_sql(AssertSqlSafe(self.script()));
        script.execute(&mut *transaction).await.map_err(StoreError::new)?;
        transaction.commit().await.map_err(StoreError::new)
    }
}

#[cfg(test)]
mod tests {
    use super::Schema;

    #[test]
    fn a_name_that_could_end_the_statement_is_refused() {
        for name in ["", "1st", "a b", "a\"", "a'", "a$b", "a;b", "ä", &"a".repeat(49)] {
            assert!(Schema::new(name).is_err(), "{name}");
        }
        for name in ["auth", "Auth_2", "_a", &"a".repeat(48)] {
            let schema = Schema::new(name).unwrap();
            assert_eq!(schema.sql("{s}.x {s}").0, format!("\"{name}\".x \"{name}\""));
            assert!(schema.channel().len() < 64);
        }
    }
}
