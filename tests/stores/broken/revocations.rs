//! What can be wrong with the log.

use async_trait::async_trait;
use auth_core::clock::Timestamp;
use auth_core::store::{EndReason, LogPage, RevocationStore as _, Revoked};

use auth_tests::store::Log;

use super::store::{Answer, Broken, Fault, LONG_AGO, a_moment_before};

#[async_trait]
impl Log for Broken {
    async fn append(&self, revoked: &Revoked, expires_at: Timestamp, now: Timestamp) -> Answer<u64> {
        let sequence = self.inner.append(revoked, expires_at, now).await?;
        if self.has(Fault::AppearsLate) && sequence % 2 == 1 {
            self.hide(sequence).await;
        }
        Ok(sequence - self.offset())
    }

    async fn entries(&self, after: u64, most: u32, now: Timestamp) -> Answer<LogPage> {
        let now = if self.has(Fault::EntriesExpireLate) { a_moment_before(now) } else { now };
        let offset = self.offset();
        let mut page = self.inner.entries(after.saturating_add(offset), most, now).await?;
        page.entries.retain(|entry| !self.hidden().contains(&entry.sequence));
        for entry in &mut page.entries {
            entry.sequence -= offset;
            if let Revoked::Login(_, reason) = &mut entry.revoked
                && self.has(Fault::ForgetsReasons)
            {
                *reason = EndReason::SignedOut;
            }
        }
        page.last -= offset;
        if self.has(Fault::LastIsOfPage) {
            page.last = page.entries.last().map_or(after, |entry| entry.sequence);
        }
        Ok(page)
    }

    async fn is_revoked(&self, revoked: &[Revoked], now: Timestamp) -> Answer<bool> {
        if self.has(Fault::ReasonMatters) {
            let page = self.inner.entries(0, u32::MAX, now).await?;
            return Ok(page.entries.iter().any(|entry| revoked.contains(&entry.revoked)));
        }
        let mut revoked = revoked.to_vec();
        for one in revoked.iter_mut().filter(|_| self.has(Fault::EpochIsInclusive)) {
            if let Revoked::SubjectBelow(_, epoch) = one {
                *epoch = epoch.saturating_sub(1);
            }
        }
        self.inner
            .is_revoked(&revoked, if self.has(Fault::ExpiredStillRevoke) { LONG_AGO } else { now })
            .await
    }

    async fn changed(&self, after: u64) {
        self.pause().await;
        if self.has(Fault::NeverWakes) {
            std::future::pending::<()>().await;
        }
        if self.has(Fault::WakesOnlyTheWaiting) {
            let last = self.inner.entries(0, 0, LONG_AGO).await.unwrap().last;
            return self.inner.changed(last).await;
        }
        self.inner.changed(after).await;
        self.pause().await;
    }
}
