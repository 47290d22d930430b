//! Password hashing: slow on purpose, so it is bounded and kept away from the async threads.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// 19 MiB, two passes, one lane: what OWASP asks of Argon2id at least.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How long a request waits for its turn before it is told to come back.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Argon2id with as many hashings at once as there are cores: a flood of logins waits, it does not eat the memory.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    slots: Arc<Semaphore>,
    stand_in: Arc<str>,
}

/// Why a password was neither hashed nor checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum PasswordError {
    /// Too many others are waiting.
    #[error("too many passwords are being checked")]
    Busy,
    /// The hash function, the stored hash, or the thread it ran on failed.
    #[error("a password could not be hashed")]
    Failed(#[from] password_hash::Error),
    /// The program is stopping.
    #[error("the program is stopping")]
    Stopping,
}

impl Passwords {
    /// Hashes once, to have something to compare with when a user is unknown.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Failed`] when the system has no randomness or memory to give.
    pub(crate) async fn new() -> Result<Self, PasswordError> {
        let slots = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(password_hash::Error::from)?;
        let mut passwords = Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            slots: Arc::new(Semaphore::new(slots)),
            stand_in: Arc::from(""),
        };
        passwords.stand_in = passwords.hash(SecretString::default()).await?.into();
        Ok(passwords)
    }

    /// The hash of a password under a new salt, as a PHC string.
    ///
    /// # Errors
    ///
    /// See [`PasswordError`].
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, PasswordError> {
        self.run(move |argon2| {
            let hash: PasswordHash = argon2.hash_password(password.expose_secret().as_bytes())?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `password` is the one with that hash. Without a hash it takes as long, and the answer is no.
    ///
    /// # Errors
    ///
    /// See [`PasswordError`].
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<bool, PasswordError> {
        let stand_in = self.stand_in.clone();
        self.run(move |argon2| {
            let known = hash.is_some();
            let hash = PasswordHash::new(hash.as_deref().unwrap_or(&stand_in))?;
            match argon2.verify_password(password.expose_secret().as_bytes(), &hash) {
                Ok(()) => Ok(known),
                Err(password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// The slot goes with the work: a caller that hangs up does not free it early.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> password_hash::Result<T> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let slot = timeout(LONGEST_WAIT, self.slots.clone().acquire_owned())
            .await
            .map_err(|_| PasswordError::Busy)?
            .map_err(|_| PasswordError::Stopping)?;
        let argon2 = self.argon2.clone();
        let done = spawn_blocking(move || {
            let result = work(&argon2);
            drop(slot);
            result
        });
        Ok(done.await.map_err(|_| PasswordError::Stopping)??)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let passwords = Passwords::new().await.unwrap();
        let hash = passwords.hash("wonderland".into()).await.unwrap();

        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("wonderland".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("Wonderland".into(), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn the_stand_in_for_unknown_users_lets_nobody_in() {
        let passwords = Passwords::new().await.unwrap();

        assert!(!passwords.verify("".into(), None).await.unwrap());
    }
}
