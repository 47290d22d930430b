//! Authenticating access tokens: from the cache, or by verifying them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::cache::{CachedToken, Seen, TokenCache};
use super::principal::Principal;
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::jwt::{KeyRing, Verified, Verifier, VerifyError, check_time};
use crate::requirement::Scheme;
use crate::revoke::LastCleared;

/// Verifies access tokens, and caches them.
pub(super) struct AccessTokens<C: Claims> {
    keys: KeyRing,
    verifier: Verifier<C>,
    cache: TokenCache<C>,
    leeway: Duration,
}

impl<C: Claims> AccessTokens<C> {
    pub(super) fn new(keys: KeyRing, verifier: Verifier<C>, leeway: Duration) -> Self {
        Self { keys, verifier, cache: TokenCache::new(), leeway }
    }

    /// The token, if it is valid: from the cache if it was verified with the current keys, otherwise verified. Revocation is
    /// not checked here.
    pub(super) fn recognise(&self, token: &[u8], now: Timestamp) -> Result<Arc<CachedToken<C>>, VerifyError> {
        let keys = self.keys.verifying();
        if let Some(cached) = self.cache.find(token)
            && Arc::ptr_eq(&cached.keys, &keys)
        {
            return match self.check_time(&cached, now) {
                Ok(()) => Ok(cached),
                Err(error) => {
                    self.cache.remove(token);
                    Err(error)
                }
            };
        }
        let verified = self.verifier.verify(&keys, token, now).inspect_err(|_| self.cache.remove(token))?;
        let cached = Arc::new(CachedToken {
            token: verified.token_id(),
            key: verified.key_id().cloned(),
            valid_from: verified.valid_from(),
            expires_at: verified.expires_at(),
            position: verified.position(),
            confirmed: AtomicBool::new(false),
            // What issued it wrote the login's use down.
            seen: Seen::new(verified.issued_at()),
            cleared: LastCleared::default(),
            principal: Arc::new(principal(verified)),
            keys,
        });
        self.cache.insert(token, cached.clone());
        Ok(cached)
    }

    /// Whether the token is valid at that time.
    pub(super) fn check_time(&self, token: &CachedToken<C>, now: Timestamp) -> Result<(), VerifyError> {
        check_time(token.valid_from, token.expires_at, now, self.leeway)
    }

    /// Verifies a token without checking its expiry, to pair it with its refresh token.
    pub(super) fn verify_untimed(&self, token: &[u8]) -> Result<Verified<C>, VerifyError> {
        self.verifier.verify_untimed(&self.keys.verifying(), token)
    }
}

fn principal<C: Claims>(verified: Verified<C>) -> Principal<C> {
    let (subject, login) = (verified.subject().clone(), verified.login_id());
    let (at, epoch) = (verified.authenticated_at(), verified.epoch());
    Principal::new(verified.into_claims(), subject, Scheme::Jwt, login, at, epoch)
}
