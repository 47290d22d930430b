//! The login or session that a browser had before it signed in, and that the new login replaces.

use http::HeaderMap;

use super::Parts;
use super::creation::Leftover;
use super::sign_in::LoginError;
use crate::claims::Claims;
use crate::id::{LoginId, Subject};
use crate::refresh::ParsedToken;
use crate::store::{LiveLogin, SessionKey, StoreError};
use crate::web::{refresh_token, session_id};

/// The logins and sessions that a browser had before it signed in.
#[derive(Default)]
pub(super) struct Earlier {
    /// Data to move to the new login, if it has a session. The data of a login of another subject is not moved.
    pub(super) data: Option<Vec<u8>>,
    /// A login of the same subject. It is ended in the step that creates the new one.
    pub(super) own: Option<LoginId>,
    /// What is ended in separate steps.
    pub(super) leftover: Leftover,
}

impl Earlier {
    fn add(&mut self, login: LoginId, owner: Subject, subject: &Subject) {
        match self.own {
            None if owner == *subject => self.own = Some(login),
            _ => self.leftover.others.push((login, owner)),
        }
    }
}

impl<C: Claims> Parts<C> {
    /// Finds the logins and sessions of the browser's cookies. Malformed cookies are ignored.
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
            None => earlier.leftover.anonymous = Some(key),
            Some(LiveLogin { row, .. }) => earlier.add(row.id, row.subject, subject),
        }
        Ok(())
    }

    fn refresh_token_of(&self, cookies: &HeaderMap) -> Option<ParsedToken> {
        let cookie = self.site.refresh_cookie.as_ref()?;
        let token = refresh_token(cookies, cookie.name()).ok().flatten()?;
        ParsedToken::parse(token, self.issuer.peppers()).ok()
    }

    /// A token that is neither the current nor the previous one of its login does not authenticate: it ends no login.
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
}
