//! What can be wrong with logins.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::clock::Timestamp;
use auth_core::id::{LoginId, Subject};
use auth_core::store::{
    Confirmation, Created, EndReason, Family, Limit, LoginRow, LoginStore as _, OnLimit,
    RevocationStore as _, Rotation, SessionRow, SessionStore as _, StoreError, Touch,
};

use auth_tests::store::Logins;

use super::store::{Answer, Broken, Fault, LONG_AGO, a_moment_before, dawdle};

#[async_trait]
impl Logins for Broken {
    async fn create_login(
        &self,
        login: &LoginRow,
        session: Option<&SessionRow>,
        mut replaces: Option<LoginId>,
        mut limit: Option<Limit>,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Answer<Created> {
        let inner = &self.inner;
        if self.has(Fault::ExpiredIdsAreTaken) && inner.load_login(login.id, LONG_AGO).await?.is_some() {
            return Ok(Created::IdTaken);
        }
        if self.has(Fault::OverwritesLogins) && inner.load_login(login.id, now).await?.is_some() {
            end(self, login.id, EndReason::Replaced, log_until).await?;
        }
        let late = replaces.filter(|_| self.has(Fault::ReplacesAfter));
        if self.has(Fault::IgnoresReplaces) || late.is_some() {
            replaces = None;
        }
        if let Some(id) = replaces.filter(|_| self.has(Fault::ReplacesFirst)) {
            end(self, id, EndReason::Replaced, log_until).await?;
        }
        if let Some(session) = session.filter(|_| self.has(Fault::CreatesLoginFirst))
            && inner.load_session(&session.id, now).await?.is_some()
        {
            let _ = inner.create_login(login, None, replaces, limit, log_until, now).await?;
            return Ok(Created::IdTaken);
        }
        let mut surplus = Vec::new();
        if let Some(own) = limit.filter(|_| self.counts_itself()) {
            surplus = self.surplus(login, own, now).await?;
            if own.exceeded == OnLimit::RefuseNew && !surplus.is_empty() {
                return Ok(Created::LimitReached);
            }
            limit = None;
        }
        for one in &surplus {
            end(self, one.id, EndReason::Evicted, log_until).await?;
        }
        let done = inner.create_login(login, session, replaces, limit, log_until, now).await?;
        if let Some(id) = late {
            end(self, id, EndReason::Replaced, log_until).await?;
        }
        if let Some(session) = session {
            let carried = SessionRow { login: Some(login.id), ..session.clone() };
            self.sessions.lock().unwrap().insert(session.id, (carried, Some(login.clone())));
        }
        Ok(match done {
            Created::Created { evicted } if evicted.is_empty() => {
                Created::Created { evicted: surplus.iter().map(|one| one.id).collect() }
            }
            other => other,
        })
    }

    async fn load_login(&self, id: LoginId, now: Timestamp) -> Answer<Option<LoginRow>> {
        let now = if self.has(Fault::ExpiresLate) { a_moment_before(now) } else { now };
        Ok(self.inner.load_login(id, now).await?.map(|login| self.shown(login)))
    }

    async fn list_logins(&self, subject: &Subject, now: Timestamp) -> Answer<Vec<LoginRow>> {
        let mut logins = self.inner.list_logins(subject, now).await?;
        if self.has(Fault::ListsOldestFirst) {
            logins.reverse();
        }
        Ok(logins)
    }

    async fn end_login(
        &self,
        subject: &Subject,
        id: LoginId,
        reason: EndReason,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Answer<bool> {
        let live = self.inner.load_login(id, now).await?;
        self.dawdle(Fault::EndNotAtomic).await;
        let whose = live.as_ref().map(|login| &login.subject).filter(|_| self.has(Fault::EndsAnybodys));
        let now = if self.has(Fault::EndsExpired) { LONG_AGO } else { now };
        let ended = self.inner.end_login(whose.unwrap_or(subject), id, reason, log_until, now).await?;
        if self.has(Fault::LogsLate) {
            self.hide(self.inner.entries(0, 0, now).await?.last).await;
        }
        Ok(if self.has(Fault::EndNotAtomic) { live.is_some() } else { ended })
    }

    async fn end_logins(
        &self,
        subject: &Subject,
        keep: Option<LoginId>,
        reason: EndReason,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Answer<Vec<LoginId>> {
        let keep = keep.filter(|_| !self.has(Fault::EndsKeptToo));
        if !self.has(Fault::EndsOneByOne) {
            return self.inner.end_logins(subject, keep, reason, log_until, now).await;
        }
        let mut ids = Vec::new();
        for login in self.inner.list_logins(subject, now).await?.into_iter().rev() {
            if Some(login.id) != keep {
                self.inner.end_login(subject, login.id, reason, log_until, now).await?;
                ids.push(login.id);
                dawdle().await;
            }
        }
        Ok(ids)
    }

    async fn rotate(&self, rotation: &Rotation, now: Timestamp) -> Answer<Option<LoginRow>> {
        let mut rotation = rotation.clone();
        let mut now = now;
        let family = self.inner.load_login(rotation.login, now).await?.and_then(|login| login.family);
        let Some(family) = family else { return Ok(None) };
        if self.has(Fault::IgnoresBranch) {
            rotation.position.branch = family.position.branch;
        }
        if self.has(Fault::GraceIsShort) {
            rotation.grace = rotation.grace.saturating_sub(Duration::from_millis(1));
        }
        if self.has(Fault::ClockBackRotates) && now < family.rotated_at {
            now = family.rotated_at.after(rotation.grace);
        }
        self.dawdle(Fault::RotationNotAtomic).await;
        if self.has(Fault::RotationNotAtomic) && family.current == rotation.presented {
            let latest = self.inner.load_login(rotation.login, now).await?.and_then(|login| login.family);
            if let Some(latest) = latest {
                self.inner.swap_family(rotation.login, &latest, &family, now).await?;
            }
        }
        let done = self.inner.rotate(&rotation, now).await?;
        Ok(done.map(|mut login| {
            if self.has(Fault::IdleUncapped) {
                login.idle_expires_at = rotation.idle_expires_at;
            }
            if let Some(family) = login.family.as_mut().filter(|_| self.has(Fault::ForgetsPrevious)) {
                family.previous = None;
            }
            login
        }))
    }

    async fn swap_family(
        &self,
        id: LoginId,
        expected: &Family,
        new: &Family,
        now: Timestamp,
    ) -> Answer<bool> {
        if !self.has(Fault::SwapsBlindly) && !self.has(Fault::SwapNotAtomic) {
            return self.inner.swap_family(id, expected, new, now).await;
        }
        let compared = |family: &Family| (family.position, family.nonce, family.confirmed);
        let family = self.inner.load_login(id, now).await?.and_then(|login| login.family);
        let as_expected = family.is_some_and(|family| compared(&family) == compared(expected));
        if !as_expected && self.has(Fault::SwapNotAtomic) {
            return Ok(false);
        }
        self.dawdle(Fault::SwapNotAtomic).await;
        match self.inner.load_login(id, now).await?.and_then(|login| login.family) {
            Some(latest) => self.inner.swap_family(id, &latest, new, now).await,
            None => Ok(false),
        }
    }

    async fn confirm(&self, confirmations: &[Confirmation], now: Timestamp) -> Answer<()> {
        let mut confirmations = confirmations.to_vec();
        for used in confirmations.iter_mut().filter(|_| self.has(Fault::ConfirmsAnything)) {
            let login = self.inner.load_login(used.login, now).await?;
            if let Some(family) = login.and_then(|login| login.family) {
                used.position = family.position;
            }
        }
        self.inner.confirm(&confirmations, now).await
    }

    async fn touch(&self, touches: &[Touch], now: Timestamp) -> Answer<()> {
        if self.has(Fault::LastTouchWins) {
            self.touches.lock().unwrap().extend(touches.iter().map(|touch| (touch.login, *touch)));
        }
        self.inner.touch(touches, if self.has(Fault::RenewsExpired) { LONG_AGO } else { now }).await
    }

    async fn save_claims(
        &self,
        id: LoginId,
        claims: &[u8],
        epoch: u64,
        loaded_at: Timestamp,
        now: Timestamp,
    ) -> Answer<bool> {
        let stored = self.inner.load_login(id, now).await?.map(|login| login.epoch);
        let epoch = stored.filter(|_| self.has(Fault::SavesOldClaims)).unwrap_or(epoch).max(epoch);
        self.inner.save_claims(id, claims, epoch, loaded_at, now).await
    }

    async fn raise_epoch(&self, subject: &Subject, log_until: Timestamp, now: Timestamp) -> Answer<u64> {
        let epoch = self.inner.epoch(subject).await?;
        self.dawdle(Fault::EpochNotAtomic).await;
        let raised = self.inner.raise_epoch(subject, log_until, now).await?;
        Ok(if self.has(Fault::EpochNotAtomic) { epoch + 1 } else { raised })
    }

    async fn purge(&self, now: Timestamp) -> Answer<u64> {
        let now = if self.has(Fault::PurgesTooMuch) { now.after(Duration::from_secs(99_999)) } else { now };
        let purged = self.inner.purge(now).await?;
        let page = self.inner.entries(0, 1, now).await?;
        if self.has(Fault::ReusesNumbers) && page.entries.is_empty() {
            self.offset.store(page.last, Ordering::SeqCst);
        }
        Ok(if self.has(Fault::PurgesOneBatch) { purged.min(1000) } else { purged })
    }
}

impl Broken {
    fn counts_itself(&self) -> bool {
        [Fault::LimitNotAtomic, Fault::ExpiredCount, Fault::EvictsNewest].iter().any(|fault| self.has(*fault))
    }

    /// The logins that are too many for one more, counted and chosen wrongly.
    async fn surplus(&self, login: &LoginRow, limit: Limit, now: Timestamp) -> Answer<Vec<LoginRow>> {
        let counted = if self.has(Fault::ExpiredCount) { LONG_AGO } else { now };
        let mut live = self.inner.list_logins(&login.subject, counted).await?;
        self.dawdle(Fault::LimitNotAtomic).await;
        if !self.has(Fault::EvictsNewest) {
            live.reverse();
        }
        live.truncate((live.len() + 1).saturating_sub(limit.most.get() as usize));
        Ok(live)
    }
}

/// Ends a login whoever's it is.
async fn end(store: &Broken, id: LoginId, reason: EndReason, log_until: Timestamp) -> Result<(), StoreError> {
    if let Some(login) = store.inner.load_login(id, LONG_AGO).await? {
        store.inner.end_login(&login.subject, id, reason, log_until, LONG_AGO).await?;
    }
    Ok(())
}
