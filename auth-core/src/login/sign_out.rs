//! Signing out.

use http::HeaderValue;

use super::revoker::uncancelled;
use super::{Auth, Authenticator};
use crate::claims::Claims;
use crate::requirement::Scheme;
use crate::store::{EndReason, StoreError};
use crate::web::RefreshCookie;

/// A completed sign-out: the response parts that remove the cookies, if there are any.
#[derive(Debug)]
#[must_use = "the browser keeps the invalid cookie unless the response contains it"]
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
    /// Ends the login that authenticated the request. Idempotent. All credentials of the login are refused: on this node from
    /// now on, on other nodes as soon as they have read the log.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: the login may still be valid; the client should try again.
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
