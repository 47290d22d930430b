//! Signing out.

use http::HeaderValue;

use super::revoker::uncancelled;
use super::{Auth, Authenticator};
use crate::claims::Claims;
use crate::requirement::Scheme;
use crate::store::{EndReason, StoreError};
use crate::web::RefreshCookie;

/// Somebody signed out: response parts that remove the cookie, where there is one.
#[derive(Debug)]
#[must_use = "without it in the response, the browser keeps a dead cookie"]
pub struct SignedOut {
    cookies: Vec<HeaderValue>,
}

impl SignedOut {
    /// `Set-Cookie`, once for each.
    pub(crate) fn into_cookies(self) -> Vec<HeaderValue> {
        self.cookies
    }
}

impl<C: Claims> Authenticator<C> {
    /// Ends the login that the caller came with. Idempotent. Its other credentials are refused at once on this node, and
    /// on the others when they hear of it.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it may not have ended; the client should try again.
    pub async fn logout(&self, user: &Auth<C>) -> Result<SignedOut, StoreError> {
        if let Some(login) = user.login_id() {
            let (parts, subject) = (self.parts.clone(), user.subject().clone());
            uncancelled(async move {
                if !parts.revoker.end(&subject, login, EndReason::SignedOut).await? {
                    // Over in the store already, perhaps because a use of it was not written down yet.
                    parts.revoker.forget(login);
                }
                parts.uses.forget(login);
                Ok(())
            })
            .await?;
        }
        let site = &self.parts.site;
        let refresh = site.refresh_cookie.as_ref().and_then(RefreshCookie::unset);
        let session = (user.scheme() == Scheme::Session).then(|| site.forget_cookie.clone());
        Ok(SignedOut { cookies: session.into_iter().chain(refresh).collect() })
    }
}
