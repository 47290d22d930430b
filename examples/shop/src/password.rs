//! Password hashing. It is slow on purpose, so the number of hashings is limited, and they run outside of the async threads.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{self, Error as HashError};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// 19 MiB, two passes, one lane: OWASP's minimum for Argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The maximum number of passwords that are hashed at once. Each needs a core and [`MEMORY_KIB`].
const MOST_SLOTS: usize = 4;

/// The maximum number of requests that wait for a slot. Further ones are refused at once.
const LONGEST_QUEUE: usize = 64;

/// How long a request waits for a slot before it is refused.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Argon2id with a fixed number of hashings at once. Their memory is allocated once and used again: freed blocks of this
/// size stay with the allocator, one for each thread that has hashed.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    slots: Arc<Slots>,
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
    /// Hashes once, to have a hash to compare with when a user is unknown.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Failed`] when the system's random number generator fails.
    pub(crate) async fn new() -> Result<Self, PasswordError> {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(HashError::from)?;
        let mut passwords = Self {
            slots: Arc::new(Slots::new(cores.min(MOST_SLOTS), params.block_count())),
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
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
        let argon2 = self.argon2.clone();
        self.run(move |memory| {
            let salt = Salt::new(&password_hash::try_generate_salt()?)?;
            let hash = PasswordHash {
                algorithm: Algorithm::Argon2id.ident(),
                version: Some(Version::V0x13.into()),
                params: ParamsString::try_from(argon2.params())?,
                salt: Some(salt),
                hash: Some(output(&argon2, &password, &salt, memory)?),
            };
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `password` has this hash. Without a hash it takes the same time, and the result is `false`.
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
        self.run(move |memory| {
            let stored = PasswordHash::new(hash.as_deref().unwrap_or(&stand_in))?;
            let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else {
                return Err(HashError::EncodingInvalid);
            };
            let algorithm = Algorithm::new(stored.algorithm.as_str())?;
            let version = stored.version.map_or(Ok(Version::V0x13), Version::try_from)?;
            let argon2 = Argon2::new(algorithm, version, Params::try_from(&stored)?);
            // `Output` compares in constant time.
            let is_right = output(&argon2, &password, &salt, memory)? == expected;
            Ok(is_right && hash.is_some())
        })
        .await
    }

    /// The slot belongs to the work: a caller that is dropped does not free it early.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut [Block]) -> password_hash::Result<T> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let mut slot = Slots::take(&self.slots).await?;
        let done = spawn_blocking(move || work(&mut slot.memory));
        Ok(done.await.map_err(|_| PasswordError::Stopping)??)
    }
}

fn output(
    argon2: &Argon2<'_>,
    password: &SecretString,
    salt: &Salt,
    memory: &mut [Block],
) -> password_hash::Result<Output> {
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    argon2.hash_password_into_with_memory(password.expose_secret().as_bytes(), salt, &mut output, memory)?;
    Ok(Output::new(&output)?)
}

/// The memory of all hashings, and the queue for it.
struct Slots {
    free: Mutex<Vec<Box<[Block]>>>,
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Slots {
    fn new(slots: usize, blocks: usize) -> Self {
        Self {
            free: Mutex::new(vec![vec![Block::new(); blocks].into_boxed_slice(); slots]),
            turns: Arc::new(Semaphore::new(slots)),
            places: Arc::new(Semaphore::new(slots + LONGEST_QUEUE)),
        }
    }

    fn free(&self) -> MutexGuard<'_, Vec<Box<[Block]>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take(slots: &Arc<Self>) -> Result<Slot, PasswordError> {
        let place = slots.places.clone().try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let turn = timeout(LONGEST_WAIT, slots.turns.clone().acquire_owned())
            .await
            .map_err(|_| PasswordError::Busy)?
            .map_err(|_| PasswordError::Stopping)?;
        let memory = slots.free().pop().ok_or(PasswordError::Busy)?;
        Ok(Slot { memory, slots: slots.clone(), _permits: (turn, place) })
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slots").field("turns", &self.turns).finish_non_exhaustive()
    }
}

/// The memory of one hashing. It is released before the permit.
struct Slot {
    memory: Box<[Block]>,
    slots: Arc<Slots>,
    _permits: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.free().push(std::mem::take(&mut self.memory));
    }
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher, PasswordVerifier};
    use futures_util::future::join_all;

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
    async fn no_password_matches_the_hash_for_unknown_users() {
        let passwords = Passwords::new().await.unwrap();

        assert!(!passwords.verify("".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn hashes_are_those_of_the_argon2_crate_although_their_memory_was_used_before() {
        let passwords = Passwords::new().await.unwrap();
        let ours = passwords.hash("wonderland".into()).await.unwrap();
        let theirs: PasswordHash = passwords.argon2.hash_password(b"builder").unwrap();

        assert!(passwords.argon2.verify_password(b"wonderland", &*ours).is_ok());
        assert!(passwords.verify("builder".into(), Some(theirs.to_string())).await.unwrap());
    }

    #[tokio::test]
    async fn when_the_queue_is_full_further_requests_are_refused_at_once_and_the_others_are_served() {
        let passwords = Passwords::new().await.unwrap();
        let slots = passwords.slots.turns.available_permits();

        let outcomes =
            join_all((0..2 * LONGEST_QUEUE + slots).map(|_| passwords.verify("x".into(), None))).await;

        let busy = outcomes.iter().filter(|outcome| matches!(outcome, Err(PasswordError::Busy))).count();
        assert_eq!(busy, LONGEST_QUEUE);
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(false) | Err(PasswordError::Busy))));
        assert_eq!(passwords.slots.free().len(), slots, "all memory is back");
    }
}
