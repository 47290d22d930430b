//! What a browser had before it signed in: the new login takes its place.

use http::HeaderMap;

use super::Parts;
use super::sign_in::LoginError;
use crate::claims::Claims;
use crate::id::{LoginId, Subject};
use crate::refresh::ParsedToken;
use crate::store::{EndReason, LiveLogin, SessionKey, StoreError};
use crate::web::{refresh_token, session_id};

/// What a browser had before it signed in.
#[derive(Default)]
pub(super) struct Earlier {
    /// Data to move along, where the new login has a session. The data of somebody else's login stays with it.
    pub(super) data: Option<Vec<u8>>,
    /// A login of the same subject: it ends in the step in which the new one is made.
    pub(super) own: Option<LoginId>,
    /// Logins to end afterwards: they are elsewhere in the store, or a second one of the subject.
    others: Vec<(LoginId, Subject)>,
    /// A session without a login.
    pub(super) anonymous: Option<SessionKey>,
}

impl Earlier {
    fn add(&mut self, login: LoginId, owner: Subject, subject: &Subject) {
        match self.own {
            None if owner == *subject => self.own = Some(login),
            _ => self.others.push((login, owner)),
        }
    }
}

impl<C: Claims> Parts<C> {
    /// What the cookies of a browser stand for that signs in as the subject. A cookie that is none of ours is ignored here.
    pub(super) async fn earlier(
        &self,
        cookies: &HeaderMap,
        subject: &Subject,
    ) -> Result<Earlier, LoginError> {
        let mut earlier = Earlier::default();
        if let Ok(Some(id)) = session_id(cookies, self.site.cookie.name()) {
            self.add_session(&mut earlier, id.key(), subject).await?;
        }
        if let Some(token) = self.refresh_token_of(cookies) {
            self.add_tokens(&mut earlier, &token, subject).await?;
        }
        Ok(earlier)
    }

    async fn add_session(
        &self,
        earlier: &mut Earlier,
        key: SessionKey,
        subject: &Subject,
    ) -> Result<(), StoreError> {
        let Some((row, login)) = self.store.ask(|store, realm| store.session(realm, &key)).await?.value
        else {
            return Ok(());
        };
        let is_foreign = login.as_ref().is_some_and(|login| login.row.subject != *subject);
        earlier.data = (!is_foreign).then_some(row.data);
        match login {
            None => earlier.anonymous = Some(key),
            Some(LiveLogin { row, .. }) => earlier.add(row.id, row.subject, subject),
        }
        Ok(())
    }

    fn refresh_token_of(&self, cookies: &HeaderMap) -> Option<ParsedToken> {
        let cookie = self.site.refresh_cookie.as_ref()?;
        let token = refresh_token(cookies, cookie.name()).ok().flatten()?;
        ParsedToken::parse(token, self.issuer.peppers()).ok()
    }

    /// A token that is neither the current one nor the one before proves nothing: it ends no login.
    async fn add_tokens(
        &self,
        earlier: &mut Earlier,
        token: &ParsedToken,
        subject: &Subject,
    ) -> Result<(), StoreError> {
        let login = token.login_id();
        let found = self.store.ask(|store, realm| store.login(realm, login)).await?.value;
        if let Some(LiveLogin { row, .. }) = found
            && row.family.as_ref().is_some_and(|family| token.is_recent_in(family))
        {
            earlier.add(row.id, row.subject, subject);
        }
        Ok(())
    }

    /// Ends what was not replaced in the step that made the new login. That one is there already: what fails here is logged,
    /// and ends by itself.
    pub(super) async fn end_earlier(&self, earlier: &Earlier) {
        for (login, owner) in &earlier.others {
            if let Err(error) = self.revoker.end(owner, *login, EndReason::Replaced).await {
                tracing::warn!(
                    ?error,
                    "a login that a browser had before it signed in stays until it expires"
                );
            }
        }
    }
}
