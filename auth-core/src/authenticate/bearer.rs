//! Access tokens on requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::cache::{CachedToken, Seen};
use super::{Auth, Shared};
use crate::audit::RefusedBecause;
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::extract::Refusal;
use crate::requirement::Scheme;
use crate::revoke::{GoodAt, Standing};
use crate::store::{Confirmation, Touch};
use crate::verify::{VerifyError, check_time};

impl<C: Claims> Shared<C> {
    pub(super) async fn bearer(&self, token: &[u8], bound: Duration) -> Result<Auth<C>, Refusal> {
        let now = self.clock.now();
        let verified = self.verified(token, now).map_err(|error| {
            self.tokens.remove(token);
            self.refuse(Scheme::Jwt, RefusedBecause::Token(error))
        })?;
        let standing = self
            .standing(
                &verified.auth,
                Some(verified.token),
                verified.key.as_ref(),
                &verified.good_at,
                bound,
                now,
            )
            .await?;
        match standing {
            Standing::Good => {}
            Standing::Revoked => return Err(self.refuse(Scheme::Jwt, RefusedBecause::Revoked)),
            Standing::Outdated => return Err(self.refuse(Scheme::Jwt, RefusedBecause::Outdated)),
        }
        self.note_use(&verified, now);
        Ok(verified.auth.clone())
    }

    /// From the cache while the same keys are in force, else verified.
    fn verified(&self, token: &[u8], now: Timestamp) -> Result<Arc<CachedToken<C>>, VerifyError> {
        let keys = self.keys.verifying();
        if let Some(cached) = self.tokens.find(token)
            && Arc::ptr_eq(&cached.keys, &keys)
        {
            check_time(cached.valid_from, cached.expires_at, now, self.config.leeway)?;
            return Ok(cached);
        }
        let verified = self.verifier.verify(&keys, token, now)?;
        let cached = Arc::new(CachedToken {
            token: verified.token_id(),
            key: verified.key_id().cloned(),
            valid_from: verified.valid_from(),
            expires_at: verified.expires_at(),
            rotation: verified.rotation(),
            confirmed: AtomicBool::new(false),
            // What issued it wrote the login's use down.
            seen: Seen::new(verified.issued_at()),
            good_at: GoodAt::default(),
            auth: {
                let (subject, login) = (verified.subject().clone(), verified.login_id());
                let (at, epoch) = (verified.authenticated_at(), verified.epoch());
                Auth::new(verified.into_claims(), subject, Scheme::Jwt, login, at, epoch)
            },
            keys,
        });
        self.tokens.insert(token, cached.clone());
        Ok(cached)
    }

    /// The first use of a token tells that the rotation which made it reached its owner.
    fn note_use(&self, token: &CachedToken<C>, now: Timestamp) {
        let Some(login) = token.auth.login_id() else { return };
        if let Some((generation, branch)) = token.rotation
            && !token.confirmed.swap(true, Ordering::Relaxed)
        {
            self.journal.confirm(Confirmation { login, generation, branch });
        }
        let idle = self.config.token_idle;
        if token.seen.note(now, Self::touch_interval(idle)) {
            self.journal.touch(Touch { login, seen_at: now, idle_expires_at: now.after(idle) });
        }
    }
}
