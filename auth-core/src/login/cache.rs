//! The principal cache: recently verified or loaded credentials.
//!
//! A cache hit is not a decision. Time, revocation, and the current keys are checked for each request; the cache saves only
//! the signature check and the read from the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use quick_cache::sync::Cache;

use super::principal::Principal;
use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Position, TokenId};
use crate::jwt::KeySet;
use crate::revoke::LastCleared;
use crate::store::SessionKey;

/// The maximum number of cached sessions.
const SESSIONS: usize = 100_000;
/// The maximum number of cached access tokens.
const TOKENS: usize = 20_000;
/// Longer tokens are not cached, so that the memory of the cache is bounded.
const MAX_CACHED_TOKEN: usize = 2048;

/// A session with its login, as it was loaded.
pub(super) struct CachedSession<C> {
    pub(super) principal: Arc<Principal<C>>,
    pub(super) login: LoginId,
    /// The epoch under which the login began.
    pub(super) begun_under: u64,
    /// The session's own expiry or the login's, whichever is earlier.
    pub(super) expires_at: Timestamp,
    pub(super) loaded_at: Timestamp,
    pub(super) claims_loaded_at: Timestamp,
    pub(super) seen: Seen,
    pub(super) cleared: LastCleared,
}

/// An access token, as it was verified.
pub(super) struct CachedToken<C> {
    pub(super) principal: Arc<Principal<C>>,
    pub(super) token: TokenId,
    pub(super) key: Option<KeyId>,
    /// The keys that verified it: with others, it is verified again.
    pub(super) keys: Arc<KeySet>,
    pub(super) valid_from: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) position: Option<Position>,
    pub(super) confirmed: AtomicBool,
    pub(super) seen: Seen,
    pub(super) cleared: LastCleared,
}

/// When the use of a credential was last recorded.
#[derive(Debug)]
pub(super) struct Seen(AtomicI64);

impl Seen {
    pub(super) const fn new(written: Timestamp) -> Self {
        Self(AtomicI64::new(written.millis()))
    }

    /// The last recorded use: in the store, or queued for it.
    pub(super) fn written(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    /// Records a use. Returns `true` to one caller if the last recorded use is `interval` old.
    pub(super) fn note(&self, now: Timestamp, interval: std::time::Duration) -> bool {
        let written = self.0.load(Ordering::Relaxed);
        now.since(Timestamp::from_millis(written)) >= interval
            && self.0.compare_exchange(written, now.millis(), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

pub(super) struct SessionCache<C>(Cache<SessionKey, Arc<CachedSession<C>>>);

impl<C> SessionCache<C> {
    pub(super) fn new() -> Self {
        Self(Cache::new(SESSIONS))
    }

    pub(super) fn find(&self, id: &SessionKey) -> Option<Arc<CachedSession<C>>> {
        self.0.get(id)
    }

    pub(super) fn insert(&self, id: SessionKey, session: Arc<CachedSession<C>>) {
        self.0.insert(id, session);
    }

    pub(super) fn remove(&self, id: &SessionKey) {
        self.0.remove(id);
    }
}

pub(super) struct TokenCache<C>(Cache<Box<[u8]>, Arc<CachedToken<C>>>);

impl<C> TokenCache<C> {
    pub(super) fn new() -> Self {
        Self(Cache::new(TOKENS))
    }

    /// The whole token is compared, byte for byte.
    pub(super) fn find(&self, token: &[u8]) -> Option<Arc<CachedToken<C>>> {
        self.0.get(token)
    }

    pub(super) fn insert(&self, token: &[u8], verified: Arc<CachedToken<C>>) {
        if token.len() <= MAX_CACHED_TOKEN {
            self.0.insert(token.into(), verified);
        }
    }

    pub(super) fn remove(&self, token: &[u8]) {
        self.0.remove(token);
    }
}
