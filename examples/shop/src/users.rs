//! The users: names, roles and password hashes.

use async_trait::async_trait;
use auth_core::id::Subject;
use auth_core::login::ClaimsSource;
use axum::BoxError;
use secrecy::SecretString;
use sqlx::SqlitePool;

use crate::password::{PasswordError, Passwords};
use crate::user::{Role, ShopUser};

/// The users of the shop. Passwords are stored as Argon2id hashes only.
#[derive(Clone, Debug)]
pub(crate) struct Users {
    pool: SqlitePool,
    passwords: Passwords,
}

/// The result of a password change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum PasswordChange {
    /// The new password is valid.
    Changed,
    /// The old password was wrong. Nothing was changed.
    WrongPassword,
}

/// The result of a change of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Change {
    /// The user was changed.
    Done,
    /// The user is the last admin. Nothing was changed.
    LastAdmin,
    /// There is no such user.
    UnknownUser,
}

/// Why the users could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum UserError {
    /// The database did not answer.
    #[error("the users could not be read or written")]
    Database(#[from] sqlx::Error),
    /// A password was neither hashed nor checked.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

#[derive(sqlx::FromRow)]
struct Row {
    name: String,
    email: String,
    role: String,
    password_hash: String,
    disabled: bool,
}

impl Row {
    fn into_claims(self) -> Result<ShopUser, sqlx::Error> {
        let role = Role::parse(&self.role).ok_or_else(|| sqlx::Error::Decode("no such role".into()))?;
        Ok(ShopUser::new(self.name, self.email, role))
    }
}

impl Users {
    /// The users in this database. At the first start, four users are created.
    ///
    /// # Errors
    ///
    /// See [`UserError`].
    pub(crate) async fn open(pool: SqlitePool, passwords: Passwords) -> Result<Self, UserError> {
        let users = Self { pool, passwords };
        if users.count().await? == 0 {
            users.seed().await?;
        }
        Ok(users)
    }

    /// The user with this name and password. An unknown or disabled user and a wrong password have the same result, after
    /// the same work.
    ///
    /// # Errors
    ///
    /// See [`UserError`].
    pub(crate) async fn verify(
        &self,
        name: &str,
        password: SecretString,
    ) -> Result<Option<ShopUser>, UserError> {
        let row = self.row(name).await?;
        let hash = row.as_ref().map(|row| row.password_hash.clone());
        let is_right = self.passwords.verify(password, hash).await?;
        let Some(row) = row.filter(|row| is_right && !row.disabled) else { return Ok(None) };
        Ok(Some(row.into_claims()?))
    }

    /// Replaces the password. If there are two changes at once, the old password of one of them is wrong.
    ///
    /// # Errors
    ///
    /// See [`UserError`].
    pub(crate) async fn change_password(
        &self,
        name: &str,
        old: SecretString,
        new: SecretString,
    ) -> Result<PasswordChange, UserError> {
        let old_hash = self.row(name).await?.map(|row| row.password_hash);
        if !self.passwords.verify(old, old_hash.clone()).await? {
            return Ok(PasswordChange::WrongPassword);
        }
        let new_hash = self.passwords.hash(new).await?;
        let done = sqlx::query("update users set password_hash = ? where name = ? and password_hash = ?")
            .bind(new_hash)
            .bind(name)
            .bind(old_hash)
            .execute(&self.pool)
            .await?;
        Ok(match done.rows_affected() {
            0 => PasswordChange::WrongPassword,
            _ => PasswordChange::Changed,
        })
    }

    /// Disables a user, but not the last admin. The caller must end their logins afterwards.
    ///
    /// # Errors
    ///
    /// When the database does not answer.
    pub(crate) async fn disable(&self, name: &str) -> Result<Change, sqlx::Error> {
        let done = sqlx::query(
            "update users set disabled = 1 where name = ? and not (role = 'admin' and disabled = 0
                and (select count(*) from users where role = 'admin' and disabled = 0) = 1)",
        )
        .bind(name)
        .execute(&self.pool)
        .await?;
        self.change(name, done.rows_affected()).await
    }

    /// Gives a user another role, but not the last admin. The caller must tell the authenticator afterwards.
    ///
    /// # Errors
    ///
    /// When the database does not answer.
    pub(crate) async fn set_role(&self, name: &str, role: Role) -> Result<Change, sqlx::Error> {
        let done = sqlx::query(
            "update users set role = ?1 where name = ?2 and not (?1 <> 'admin' and role = 'admin' and disabled = 0
                and (select count(*) from users where role = 'admin' and disabled = 0) = 1)",
        )
        .bind(auth_core::role::Role::name(role))
        .bind(name)
        .execute(&self.pool)
        .await?;
        self.change(name, done.rows_affected()).await
    }

    /// The result of a change by the number of changed rows. The condition is part of the statement, so that if two admins
    /// disable each other at once, one of them stays.
    async fn change(&self, name: &str, rows: u64) -> Result<Change, sqlx::Error> {
        Ok(match rows {
            0 if self.row(name).await?.is_some() => Change::LastAdmin,
            0 => Change::UnknownUser,
            _ => Change::Done,
        })
    }

    async fn row(&self, name: &str) -> Result<Option<Row>, sqlx::Error> {
        sqlx::query_as("select name, email, role, password_hash, disabled from users where name = ?")
            .bind(name)
            .fetch_optional(&self.pool)
            .await
    }

    async fn count(&self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("select count(*) from users").fetch_one(&self.pool).await
    }

    /// One transaction: if the first start is interrupted, the next one does not find only some of the users.
    async fn seed(&self) -> Result<(), UserError> {
        let hash = |password: &str| self.passwords.hash(password.into());
        let (alice, bob, carol, root) =
            tokio::try_join!(hash("wonderland"), hash("builder"), hash("christmas"), hash("toor-toor"))?;
        let mut transaction = self.pool.begin().await?;
        for (name, role, password_hash) in [
            ("alice", Role::Customer, alice),
            ("bob", Role::Customer, bob),
            ("carol", Role::Clerk, carol),
            ("root", Role::Admin, root),
        ] {
            sqlx::query(
                "insert into users (name, email, role, password_hash) values (?, ?, ?, ?) on conflict do nothing",
            )
            .bind(name)
            .bind(format!("{name}@shop.example"))
            .bind(auth_core::role::Role::name(role))
            .bind(password_hash)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// `None` for a user who is disabled or does not exist: their logins end when the claims are reloaded.
#[async_trait]
impl ClaimsSource<ShopUser> for Users {
    async fn load(&self, subject: &Subject) -> Result<Option<ShopUser>, BoxError> {
        let row = self.row(subject.as_str()).await?.filter(|row| !row.disabled);
        Ok(row.map(Row::into_claims).transpose()?)
    }
}

#[cfg(test)]
mod tests;
