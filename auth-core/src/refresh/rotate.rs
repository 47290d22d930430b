//! The rule of rotation against a store: one conditional step on the happy path, the rule on every other.

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
    self, EndReason, Ended, Family, FamilyStore, GraceStart, LiveLogin, Logged, LoginStore, Realm, Rotation,
    StoreError, Timed,
};

/// How often a lost race is tried again. Each try that loses means that another request moved the family on, so the
/// next one finds it within the grace; more than a few are a store that does not keep its contract.
const TRIES: usize = 8;

/// A token that was accepted, and what replaces it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Rotated {
    /// The login after it, and the state of its subject at the same instant: the access token is signed under that epoch.
    pub login: LiveLogin,
    /// The token to hand out.
    pub token: ParsedToken,
    /// What the presentation was.
    pub verdict: Verdict,
    /// The store's time of it: `iat` and `exp` count from it.
    pub now: Timestamp,
}

impl Rotated {
    /// How long before the presentation the grace of the token began.
    pub fn age(&self) -> Duration {
        self.login.row.family.as_ref().map_or(Duration::ZERO, |family| self.now.since(family.rotated_at))
    }
}

/// Why a refresh token was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RotateError {
    /// Newer than the store: a commit was lost, by a restore or a failover.
    #[error("the refresh token is ahead of the store")]
    AheadOfStore {
        /// The login.
        login: LoginId,
    },
    /// The login is not there: signed out, revoked, expired.
    #[error("the login has ended")]
    Ended {
        /// The login.
        login: LoginId,
    },
    /// The login has no position after this one.
    #[error("the login cannot be refreshed any more")]
    Exhausted {
        /// The login.
        login: LoginId,
    },
    /// The answer took so long that its token is not the current one any more. The client tries again with what it has.
    #[error("the login was refreshed by another request in the meantime")]
    MovedOn {
        /// The login.
        login: LoginId,
    },
    /// The system gave no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// Somebody else has the token too. The login is revoked.
    #[error("the refresh token is in two hands; the login is revoked")]
    Stolen {
        /// The login, revoked now.
        login: LoginId,
        /// Whose it was.
        subject: Subject,
        /// How many generations behind the presented token was.
        generations: u32,
        /// How long ago the login was last rotated, or began.
        age: Duration,
        /// What shows the theft.
        evidence: Evidence,
        /// The entry in the log.
        logged: Logged,
    },
    /// The store did not answer, or it is not known whether it committed. The client keeps its token and tries again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The successor was made with a pepper that is not known here. Another node may know it: the client tries again.
    #[error("the successor of the refresh token was made with a pepper that is not known here")]
    UnknownPepper {
        /// The login.
        login: LoginId,
    },
    /// A genuine tag on a secret that is not the login's.
    #[error("the refresh token is unknown")]
    UnknownSecret {
        /// The login.
        login: LoginId,
    },
    /// The access token that came along cannot be checked: its key is not known any more.
    #[error("the access token that came with the refresh token cannot be checked")]
    UnverifiablePair {
        /// The login.
        login: LoginId,
    },
}

/// What refreshing needs besides the token.
#[derive(Debug)]
pub struct Refresh<'a, S: ?Sized> {
    /// Where the login is.
    pub store: &'a S,
    /// Its realm.
    pub realm: &'a Realm,
    /// What tokens are made with.
    pub peppers: &'a Peppers,
    /// How they are rotated.
    pub policy: &'a RotationPolicy,
}

impl<S: FamilyStore + LoginStore + ?Sized> Refresh<'_, S> {
    /// Presents a token.
    ///
    /// # Cancel safety
    ///
    /// Dropped half way, the rotation has happened or not; presenting the same token again gives the same answer.
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
                // A store that measures the grace otherwise; asked again, it agrees.
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

    /// Looks again at an answer that is about to be handed out, `elapsed` after [`rotate`](Self::rotate) was called, by a
    /// clock that only goes forward. Asks the store only when that was long.
    ///
    /// The token that comes back is the one to hand out. The login's state, its epoch and the time stay those of the
    /// rotation.
    ///
    /// # Cancel safety
    ///
    /// Dropped half way, the grace was renewed or not.
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

    /// The happy path, where nothing speaks against it: the presented token is the current one, out of the grace.
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

    /// The family as it is, where the row must know that this node's access tokens live longer.
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

    /// Ends the login of a token that is in two hands.
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
            Ended::NotThere => RotateError::Ended { login: row.id },
            Ended::Ended(logged) => RotateError::Stolen {
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

/// What the store says to the happy path.
enum Found {
    Rotated(Rotated),
    Unchanged(LiveLogin),
    NotLive,
}

fn moved_on_at_every_try() -> RotateError {
    StoreError::new("the family moved on at every try").into()
}
