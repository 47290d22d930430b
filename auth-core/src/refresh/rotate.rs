//! Rotation with a store: one conditional step in the common case, and the rule in every other.

use std::time::Duration;

use super::family::{Decision, Delivery, Evidence, FamilyWrite, Verdict, decide, deliver, is_late, replaced};
use super::pepper::Peppers;
use super::policy::{Pair, RotationPolicy};
use super::token::ParsedToken;
use crate::clock::Timestamp;
use crate::id::Position;
use crate::id::{LoginId, Subject};
use crate::random::{RandomError, random_bytes};
use crate::store::{
    self, EndReason, Family, FamilyStore, GraceStart, LiveLogin, Logged, LoginStore, Realm, Rotation,
    StoreError, Timed,
};

/// How often a rotation is tried again after it lost a race. Losing means that another request changed the family, so
/// the next try finds it within the grace period. If that happens more than a few times, the store violates its
/// contract.
const TRIES: usize = 8;

/// The result of an accepted refresh token.
#[derive(Clone, Debug)]
#[must_use]
pub struct Rotated {
    /// The login afterwards, and the state of its subject at the same time: the access token is issued under that
    /// epoch.
    pub login: LiveLogin,
    /// The refresh token to return.
    pub token: ParsedToken,
    /// The verdict on the presented token.
    pub verdict: Verdict,
    /// The store's time of the rotation, which is `iat` of the access token.
    pub now: Timestamp,
}

impl Rotated {
    /// How long before the presentation the grace period of the token began.
    pub fn age(&self) -> Duration {
        self.login.row.family.as_ref().map_or(Duration::ZERO, |family| self.now.since(family.rotated_at))
    }
}

/// Why a refresh token was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RotateError {
    /// The token is newer than the store's state: a commit was lost in a restore or a failover.
    #[error("the refresh token is newer than the store's state")]
    AheadOfStore {
        /// The login.
        login: LoginId,
    },
    /// The login has ended: it was signed out or revoked, or has expired.
    #[error("the login has ended")]
    Ended {
        /// The login.
        login: LoginId,
    },
    /// There is no later position for a token of the login.
    #[error("the login has reached the maximum number of refreshes")]
    Exhausted {
        /// The login.
        login: LoginId,
    },
    /// The answer took so long that its token is no longer the current one. The client tries again with the token
    /// that it has.
    #[error("the login was refreshed by another request in the meantime")]
    MovedOn {
        /// The login.
        login: LoginId,
    },
    /// The system's random number generator failed.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// Another party has the token too. The login was revoked.
    #[error("the refresh token was stolen; the login is revoked")]
    Stolen {
        /// The login, which is now revoked.
        login: LoginId,
        /// The subject of the login.
        subject: Subject,
        /// How many generations older than the current token the presented one is.
        generations: u32,
        /// The time since the last rotation, or since the login began.
        age: Duration,
        /// The evidence.
        evidence: Evidence,
        /// The log entry.
        logged: Logged,
    },
    /// The store failed, or it is unknown whether it committed. The client keeps its token and tries again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The successor was derived with a pepper that this node does not know. Another node may know it: the client
    /// tries again.
    #[error("the successor of the refresh token was derived with an unknown pepper")]
    UnknownPepper {
        /// The login.
        login: LoginId,
    },
    /// The tag is valid, but the secret is not the login's.
    #[error("the refresh token is unknown")]
    UnknownSecret {
        /// The login.
        login: LoginId,
    },
    /// The access token cannot be checked: its key is no longer known.
    #[error("the access token that was presented with the refresh token cannot be checked")]
    UnverifiablePair {
        /// The login.
        login: LoginId,
    },
}

/// The parameters of a refresh, besides the token.
#[derive(Debug)]
pub struct Refresh<'a, S: ?Sized> {
    /// The store.
    pub store: &'a S,
    /// The realm of the login.
    pub realm: &'a Realm,
    /// The peppers with which tokens are derived and tagged.
    pub peppers: &'a Peppers,
    /// The policy of rotation.
    pub policy: &'a RotationPolicy,
}

impl<S: FamilyStore + LoginStore + ?Sized> Refresh<'_, S> {
    /// Presents a token and rotates it if it is due.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the rotation has taken effect or not. Presenting the same token again gives the same
    /// answer.
    ///
    /// # Errors
    ///
    /// [`RotateError`].
    pub async fn rotate(&self, token: &ParsedToken, pair: Pair) -> Result<Rotated, RotateError> {
        let login = token.login_id();
        let nonce = random_bytes()?;
        for _ in 0..TRIES {
            let Timed { value: found, now } = self.advance(token, pair, &nonce).await?;
            let found = match found {
                Found::Rotated(rotated) => return Ok(rotated),
                Found::Unchanged(login) => login,
                Found::NotLive => return Err(RotateError::Ended { login }),
            };
            let Some(family) = &found.row.family else { return Err(RotateError::Ended { login }) };
            let Decision { verdict, write } = decide(family, &token.presentation(pair), self.policy, now);
            let (answer, write) = match verdict {
                Verdict::Repeat => (token.clone(), write),
                Verdict::RepeatSuccessor | Verdict::Shared { .. } => (self.current(token, family)?, write),
                Verdict::ReplaceSuccessor { next } => {
                    let answer = token.successor(self.peppers.current(), next, &nonce);
                    let write = replaced(family, next, answer.hash(), nonce);
                    (answer, Some(write))
                }
                // The store computes the end of the grace period differently, for example rounded. The next try
                // rotates.
                Verdict::Rotate { .. } => continue,
                Verdict::Theft { generations, evidence } => {
                    return Err(self.end(found, generations, evidence, now).await?);
                }
                Verdict::AheadOfStore => return Err(RotateError::AheadOfStore { login }),
                Verdict::Exhausted => return Err(RotateError::Exhausted { login }),
                Verdict::UnknownSecret => return Err(RotateError::UnknownSecret { login }),
                Verdict::UnverifiablePair => return Err(RotateError::UnverifiablePair { login }),
            };
            let write = write.or_else(|| self.keep(&found, family));
            let Some(write) = write else { return Ok(Rotated { login: found, token: answer, verdict, now }) };
            let Timed { value, now } = self.write(login, family, &write).await?;
            if let Some(login) = value {
                return Ok(Rotated { login, token: answer, verdict, now });
            }
        }
        Err(moved_on_at_every_try())
    }

    /// Checks an answer just before it is returned, `elapsed` after [`rotate`](Self::rotate) was called, by a
    /// monotonic clock. It asks the store only if that was long ago.
    ///
    /// The result contains the token to return. The login, its epoch and the time stay those of the rotation.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the grace period was started again or not.
    ///
    /// # Errors
    ///
    /// [`RotateError`].
    pub async fn deliver(
        &self,
        presented: &ParsedToken,
        rotated: Rotated,
        elapsed: Duration,
    ) -> Result<Rotated, RotateError> {
        let (login, answer, grace) = (presented.login_id(), rotated.token.position(), self.policy.grace);
        let is_late = rotated
            .login
            .row
            .family
            .as_ref()
            .is_none_or(|family| is_late(family, grace, rotated.now, elapsed));
        if !is_late {
            return Ok(rotated);
        }
        for _ in 0..TRIES {
            let Timed { value, now } = self.store.login(self.realm, login).await?;
            let found = value.and_then(|found| found.row.family);
            let Some(family) = found else { return Err(RotateError::Ended { login }) };
            let (token, grace) = match deliver(&family, presented.position(), answer, grace, now) {
                Delivery::StillCurrent { grace } => (rotated.token.clone(), grace),
                Delivery::Replaced { grace } => (self.current(presented, &family)?, grace),
                Delivery::MovedOn => return Err(RotateError::MovedOn { login }),
            };
            let write = FamilyWrite { family: family.clone(), grace };
            if grace == GraceStart::Keep || self.write(login, &family, &write).await?.value.is_some() {
                return Ok(Rotated { token, ..rotated });
            }
        }
        Err(moved_on_at_every_try())
    }

    /// Tries the common case: the presented token is the current one, after the grace period.
    async fn advance(
        &self,
        token: &ParsedToken,
        pair: Pair,
        nonce: &[u8; 16],
    ) -> Result<Timed<Found>, StoreError> {
        let generation = token.position().generation.checked_add(1);
        let Some(generation) = generation.filter(|_| self.policy.accepts(pair)) else {
            let login = self.store.login(self.realm, token.login_id()).await?;
            return Ok(login.map(|login| login.map_or(Found::NotLive, Found::Unchanged)));
        };
        let next = Position { generation, branch: 0 };
        let successor = token.successor(self.peppers.current(), next, nonce);
        let rotation = Rotation {
            login: token.login_id(),
            presented: token.position(),
            secret: token.hash(),
            successor: successor.hash(),
            nonce: *nonce,
            grace: self.policy.grace,
            idle: self.policy.idle,
            retention: self.policy.retention,
        };
        let Timed { value, now } = self.store.rotate(self.realm, &rotation).await?;
        let found = match value {
            store::Rotated::Rotated(login) => {
                let verdict = Verdict::Rotate { next };
                Found::Rotated(Rotated { login, token: successor, verdict, now })
            }
            store::Rotated::Unchanged(login) => Found::Unchanged(login),
            store::Rotated::NotLive => Found::NotLive,
        };
        Ok(Timed::new(found, now))
    }

    /// The current token, byte for byte, from its predecessor. Peppers may have changed since it was made: the stored
    /// hash tells which it was.
    fn current(&self, presented: &ParsedToken, family: &Family) -> Result<ParsedToken, RotateError> {
        let made_with = |pepper| presented.successor(pepper, family.position, &family.nonce);
        self.peppers
            .all()
            .map(made_with)
            .find(|token| token.hash() == family.current)
            .ok_or(RotateError::UnknownPepper { login: presented.login_id() })
    }

    /// A write that leaves the family unchanged and raises the retention, if this node's access tokens live longer
    /// than the row says.
    fn keep(&self, login: &LiveLogin, family: &Family) -> Option<FamilyWrite> {
        let is_longer = self.policy.retention > login.row.retention;
        is_longer.then(|| FamilyWrite { family: family.clone(), grace: GraceStart::Keep })
    }

    async fn write(
        &self,
        login: LoginId,
        expected: &Family,
        write: &FamilyWrite,
    ) -> Result<Timed<Option<LiveLogin>>, StoreError> {
        let (family, retention) = (&write.family, self.policy.retention);
        self.store.replace_family(self.realm, login, expected, family, write.grace, retention).await
    }

    /// Ends the login of a stolen token.
    async fn end(
        &self,
        found: LiveLogin,
        generations: u32,
        evidence: Evidence,
        now: Timestamp,
    ) -> Result<RotateError, StoreError> {
        let row = found.row;
        let ended = self
            .store
            .end(self.realm, &row.subject, row.id, EndReason::Stolen, self.policy.retention)
            .await?;
        let began = row.family.map_or(row.created_at, |family| family.rotated_at.max(row.created_at));
        Ok(match ended.value {
            None => RotateError::Ended { login: row.id },
            Some(logged) => RotateError::Stolen {
                login: row.id,
                subject: row.subject,
                generations,
                age: now.since(began),
                evidence,
                logged,
            },
        })
    }
}

/// The store's answer in the common case.
enum Found {
    Rotated(Rotated),
    Unchanged(LiveLogin),
    NotLive,
}

fn moved_on_at_every_try() -> RotateError {
    StoreError::new("the family moved on at every try").into()
}
