//! Implements [`FamilyStore`].

use std::time::Duration;

use async_trait::async_trait;

use super::MemoryStore;
use crate::clock::Timestamp;
use crate::id::LoginId;
use crate::id::Position;
use crate::store::{Family, FamilyStore, GraceStart, LiveLogin, Realm, Rotated, Rotation, StoreError, Timed};

#[async_trait]
impl FamilyStore for MemoryStore {
    async fn rotate(&self, realm: &Realm, rotation: &Rotation) -> Result<Timed<Rotated>, StoreError> {
        self.in_realm(realm, |state, now| {
            let Some(login) = state.live_mut(rotation.login, now) else { return Ok(Rotated::NotLive) };
            let successor = login.family.as_ref().and_then(|family| rotated(family, rotation, now));
            let is_rotated = successor.is_some();
            if let Some(family) = successor {
                login.family = Some(family);
                login.last_seen_at = now;
                login.idle_expires_at = now.after(rotation.idle).min(login.expires_at);
                login.retention = login.retention.max(rotation.retention);
                let subject = login.subject.clone();
                state.raise_retention(&subject, rotation.retention);
            }
            // Not `live_login`: with an idle lifetime of zero the login has expired by now.
            let login = state.logins.get(rotation.login).map(|login| state.with_subject(login));
            Ok(match login {
                Some(login) if is_rotated => Rotated::Rotated(login),
                Some(login) => Rotated::Unchanged(login),
                None => Rotated::NotLive,
            })
        })
    }

    async fn replace_family(
        &self,
        realm: &Realm,
        id: LoginId,
        expected: &Family,
        new: &Family,
        grace: GraceStart,
        retention: Duration,
    ) -> Result<Timed<Option<LiveLogin>>, StoreError> {
        self.in_realm(realm, |state, now| {
            let login = state.live_mut(id, now).filter(|login| login.family.as_ref() == Some(expected));
            let Some(login) = login else { return Ok(None) };
            let rotated_at = match grace {
                GraceStart::Keep => expected.rotated_at,
                GraceStart::Now => now,
            };
            login.family = Some(Family { rotated_at, ..new.clone() });
            login.retention = login.retention.max(retention);
            let subject = login.subject.clone();
            state.raise_retention(&subject, retention);
            Ok(state.live_login(id, now))
        })
    }

    async fn confirm(&self, realm: &Realm, used: &[(LoginId, Position)]) -> Result<Timed<()>, StoreError> {
        self.in_realm(realm, |state, now| {
            for (login, position) in used {
                let family = state.live_mut(*login, now).and_then(|login| login.family.as_mut());
                if let Some(family) = family.filter(|family| family.position == *position) {
                    family.confirmed = true;
                }
            }
            Ok(())
        })
    }
}

/// The family after the rotation; `None` if the condition is not met.
fn rotated(family: &Family, rotation: &Rotation, now: Timestamp) -> Option<Family> {
    let is_current = (family.position, family.current) == (rotation.presented, rotation.secret);
    let is_in_grace = family.rotated_at > now.before(rotation.grace);
    let generation = family.position.generation.checked_add(1)?;
    (is_current && !is_in_grace).then_some(Family {
        position: Position { generation, branch: 0 },
        previous_branch: Some(family.position.branch),
        current: rotation.successor,
        previous: Some(family.current),
        nonce: rotation.nonce,
        rotated_at: now,
        confirmed: false,
        shared: if family.counted { family.shared } else { 0 },
        counted: false,
    })
}
